//! What is remembered of calls that are over: late signals about them ring nowhere, and the caller's word corrects
//! their records.
//!
//! A decline and a withdrawal may cross on the wire, and so may two devices' answers. What the caller has written down
//! is what everyone keeps, so the callee's record follows every word of the caller that comes after it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::record::{reason_of, unanswered_status};
use crate::{
    CallId, CallRecord, CancelReason, DeviceAddress, DeviceId, Direction, EndReason, Output, Phone, RecordStatus,
};

/// How many calls that are over are remembered.
const FINISHED_LIMIT: usize = 512;
/// How many of them may have left no record here.
const HEARSAY_LIMIT: usize = 128;

/// Who says how a call ended. A later one counts for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Word {
    /// This device, on its own.
    Mine,
    /// Another device of mine that declined it: the caller may have withdrawn just then.
    SharedDecline,
    /// Another device of mine that says busy: its own word, or what the caller made of a decline of its own.
    SharedBusy,
    /// Another device of mine.
    Shared,
    /// The caller; or I was in it myself.
    Callers,
}

/// A record that has been left, and what may still change it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    pub record: CallRecord,
    pub generation: u32,
    /// Who invited me to it.
    pub inviter: Option<DeviceAddress>,
    pub word: Word,
    /// My other devices have been told.
    pub shared: bool,
    /// This device had answered.
    pub accepted: bool,
}

/// A call that is over here, or known to be before its invite has come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Finished {
    pub call: CallId,
    /// My generation in it: a later invitation rings again.
    pub generation: u32,
    /// The end of that generation overtook its invite, which then rings nowhere and leaves a record with this reason.
    pub unseen: Option<EndReason>,
    /// None: it gave way to another call.
    pub line: Option<Line>,
}

impl Phone {
    /// What is remembered of this call.
    pub(crate) fn finished(&self, id: CallId) -> Option<&Finished> {
        self.finished.iter().rev().find(|it| it.call == id)
    }

    /// The record that this call has left.
    pub(crate) fn line(&self, id: CallId) -> Option<&Line> {
        self.finished(id).and_then(|it| it.line.as_ref())
    }

    /// Late signals about this call find it over.
    pub(crate) fn finish(&mut self, mut finished: Finished) {
        if let Some(known) = self.finished(finished.call) {
            if known.unseen.is_some() && known.generation > finished.generation {
                // The end of a later invitation is known already, and that invitation is still to come.
                (finished.generation, finished.unseen) = (known.generation, known.unseen);
            }
            self.finished.retain(|it| it.call != finished.call);
        }
        self.finished.push_back(finished);
        // What strangers say of calls that never were does not push out what has been.
        let hearsay = |it: &Finished| it.line.is_none();
        if self.finished.iter().filter(|it| hearsay(it)).count() > HEARSAY_LIMIT
            && let Some(oldest) = self.finished.iter().position(hearsay)
        {
            self.finished.remove(oldest);
        }
        if self.finished.len() > FINISHED_LIMIT {
            self.finished.pop_front();
        }
    }

    /// A call that gave way to another, and leaves nothing.
    pub(crate) fn finish_dropped(&mut self, call: CallId, generation: u32) {
        self.finish(Finished { call, generation, unseen: None, line: None });
    }

    /// An end overtakes its invite.
    pub(crate) fn finish_unseen(&mut self, call: CallId, generation: u32, reason: EndReason) {
        match self.finished(call).map(|it| (it.generation < generation, it.line.clone())) {
            Some((false, _)) => {}
            Some((true, line)) => self.finish(Finished { call, generation, unseen: Some(reason), line }),
            None => self.finish(Finished { call, generation, unseen: Some(reason), line: None }),
        }
    }

    /// The caller withdrew from a call that I thought to have ended otherwise, or have not heard of yet.
    pub(crate) fn withdrawn_late(&mut self, from: &DeviceAddress, id: CallId, generation: u32, cancel: &CancelReason) {
        let reason = cancel_reason(cancel);
        if self.is_inviters(from, id, generation) {
            self.correct(id, unanswered_status(reason), reason, Word::Callers, None);
        } else {
            self.finish_unseen(id, generation, reason);
        }
    }

    /// The caller chose a device in a call that I thought to have ended otherwise, or have not heard of yet.
    pub(crate) fn selected_late(&mut self, from: &DeviceAddress, id: CallId, generation: u32, device: &DeviceId) {
        if !self.is_inviters(from, id, generation) {
            return self.finish_unseen(id, generation, EndReason::AnsweredElsewhere);
        }
        let answered = *device == self.me.device && self.line(id).is_some_and(|line| line.accepted);
        let reason = if answered { EndReason::Hangup } else { EndReason::AnsweredElsewhere };
        self.correct(id, RecordStatus::Completed, reason, Word::Callers, None);
    }

    /// The caller tells how a call ended that this device may never have heard of (kit E29).
    pub(crate) fn record_received(&mut self, from: &DeviceAddress, generation: u32, mut record: CallRecord) {
        let call = record.call;
        let finished = self.finished(call);
        let known = finished.map(|it| (it.unseen.is_some(), it.generation));
        match finished.and_then(|it| it.line.as_ref()) {
            Some(line) if line.generation >= generation => {
                if self.is_inviters(from, call, generation) {
                    self.correct(call, record.status, record.reason, Word::Callers, None);
                }
                return;
            }
            Some(line) => {
                // I was in it before, by their own word; a stranger to it has no say.
                if !line.record.members.iter().any(|(user, _)| *user == from.user) {
                    return;
                }
                let mut corrected = line.record.clone();
                if corrected.status != RecordStatus::Completed {
                    corrected.status = record.status;
                    corrected.reason = record.reason;
                }
                record = corrected;
            }
            None if known.is_some_and(|(unseen, known)| !unseen && known >= generation) => return,
            None => {}
        }
        let line = Line {
            record: record.clone(),
            generation,
            inviter: Some(from.clone()),
            word: Word::Callers,
            shared: false,
            accepted: false,
        };
        self.finish(Finished { call, generation, unseen: None, line: Some(line) });
        self.outputs.push_back(Output::Record(record));
    }

    /// Another device of mine tells how a call ended there.
    pub(crate) fn shared_received(&mut self, from: &DeviceAddress, mut record: CallRecord) {
        if from.user != self.me.user || *from == self.me {
            return;
        }
        let call = record.call;
        let incoming = record.direction == Direction::Incoming;
        // A device that learns better from the caller says so again, and its two lines may overtake each other.
        let word = match (record.status, record.reason) {
            (RecordStatus::Rejected, EndReason::RejectedElsewhere) => Word::Shared,
            (RecordStatus::Rejected, _) if incoming => Word::SharedDecline,
            (RecordStatus::Busy, _) if incoming => Word::SharedBusy,
            (
                RecordStatus::Completed
                | RecordStatus::Cancelled
                | RecordStatus::Rejected
                | RecordStatus::Missed
                | RecordStatus::Busy,
                _,
            ) => Word::Shared,
        };
        let elsewhere = matches!(record.status, RecordStatus::Completed | RecordStatus::Rejected | RecordStatus::Busy);
        if incoming && elsewhere {
            record.reason = reason_of(record.status);
        }
        if self.line(call).is_some() {
            return self.correct(call, record.status, record.reason, word, Some(&record));
        }
        let finished = self.finished(call);
        let (generation, unseen) = finished.map_or((0, None), |it| (it.generation, it.unseen));
        let line = Line { record: record.clone(), generation, inviter: None, word, shared: false, accepted: false };
        self.finish(Finished { call, generation, unseen, line: Some(line) });
        self.outputs.push_back(Output::Record(record));
    }

    /// This device had invited me to that call, which has left a record here.
    fn is_inviters(&self, from: &DeviceAddress, id: CallId, generation: u32) -> bool {
        let Some(line) = self.line(id).filter(|line| line.generation == generation) else {
            return false;
        };
        let took_part = || line.record.members.iter().any(|(user, _)| *user == from.user);
        match &line.inviter {
            Some(inviter) => inviter == from,
            // Another device of mine told of it before its invite came here.
            None => line.record.direction == Direction::Incoming && took_part(),
        }
    }

    /// Makes a record say what somebody who knows better says. `fuller` brings what only they know.
    fn correct(
        &mut self,
        id: CallId,
        status: RecordStatus,
        reason: EndReason,
        word: Word,
        fuller: Option<&CallRecord>,
    ) {
        let finished = self.finished.iter_mut().rev().find(|it| it.call == id);
        let Some(line) = finished.and_then(|it| it.line.as_mut()) else {
            return;
        };
        let mut corrected = line.record.clone();
        let completes = status == RecordStatus::Completed;
        if completes || (word >= line.word && line.record.status != RecordStatus::Completed) {
            line.word = word.max(line.word);
            if line.record.status != status {
                corrected.status = status;
                corrected.reason = reason;
                for (_, went) in &mut corrected.members {
                    *went = status;
                }
            }
        }
        if let Some(fuller) = fuller.filter(|fuller| fuller.status == corrected.status) {
            // Who was in it knows how long, and with whom.
            if corrected.duration == Duration::ZERO && fuller.duration > Duration::ZERO {
                corrected.duration = fuller.duration;
                corrected.members.clone_from(&fuller.members);
            }
        }
        if corrected != line.record {
            // What I had told them, the caller knows better; what they told me they know.
            let tell = line.shared && fuller.is_none() && corrected.status != line.record.status;
            line.record.clone_from(&corrected);
            if tell {
                self.outputs.push_back(Output::ShareRecord(corrected.clone()));
            }
            self.outputs.push_back(Output::Record(corrected));
        }
    }
}

/// How a withdrawn invite ends here.
pub(crate) const fn cancel_reason(cancel: &CancelReason) -> EndReason {
    match cancel {
        CancelReason::Cancelled => EndReason::Cancelled,
        CancelReason::TimedOut => EndReason::NoResponse,
        CancelReason::RejectedElsewhere(_) => EndReason::RejectedElsewhere,
        CancelReason::BusyElsewhere(_) => EndReason::Busy,
    }
}

/// A memory of nothing.
pub(crate) const fn empty() -> VecDeque<Finished> {
    VecDeque::new()
}
