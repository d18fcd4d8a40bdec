//! What is remembered of calls that are over: late signals about them ring nowhere, and the caller's word corrects
//! their records.
//!
//! A decline and a withdrawal may cross on the wire, and so may two devices' answers. What the caller has written down
//! is what everyone keeps, so the callee's record follows every word of the caller that comes after it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::record::reason_of;
use crate::{
    CallId, CallRecord, CancelReason, DeviceAddress, DeviceId, Direction, EndReason, Output, Phone, RecordStatus,
};

/// How many calls that are over are remembered.
const FINISHED_LIMIT: usize = 512;

/// Who says how a call ended. A later one counts for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Word {
    /// This device, on its own.
    Mine,
    /// Another device of mine that declined it: the caller may have withdrawn just then.
    SharedDecline,
    /// Another device of mine.
    Shared,
    /// The caller; or I was in it myself.
    Callers,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum How {
    /// Its end overtook its invite, which then rings nowhere and leaves a record with this reason.
    Unseen(EndReason),
    /// It gave way to another call, without a record.
    Dropped,
    /// It has left this record.
    Recorded {
        record: CallRecord,
        /// Who invited me to it.
        inviter: Option<DeviceAddress>,
        word: Word,
        /// My other devices have been told.
        shared: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Finished {
    pub call: CallId,
    /// My generation in it: a later invitation rings again.
    pub generation: u32,
    pub how: How,
}

impl Phone {
    /// What is remembered of this call.
    pub(crate) fn finished(&self, id: CallId) -> Option<&Finished> {
        self.finished.iter().rev().find(|it| it.call == id)
    }

    /// Late signals about this call find it over.
    pub(crate) fn finish(&mut self, id: CallId, generation: u32, how: How) {
        if self.finished(id).is_some() {
            self.finished.retain(|it| it.call != id);
        }
        self.finished.push_back(Finished { call: id, generation, how });
        if self.finished.len() > FINISHED_LIMIT {
            self.finished.pop_front();
        }
    }

    /// An end overtakes its invite.
    pub(crate) fn finish_unseen(&mut self, id: CallId, generation: u32, reason: EndReason) {
        if self.finished(id).is_none_or(|it| it.generation < generation && !self.has_call(id)) {
            self.finish(id, generation, How::Unseen(reason));
        }
    }

    fn has_call(&self, id: CallId) -> bool {
        self.calls.iter().any(|call| call.id == id && !call.is_over())
    }

    /// The caller withdrew from a call that I thought to have ended otherwise.
    pub(crate) fn withdrawn_late(&mut self, from: &DeviceAddress, id: CallId, generation: u32, cancel: &CancelReason) {
        let reason = cancel_reason(cancel);
        if self.is_inviters(from, id, generation) {
            self.correct(id, status_of_cancel(cancel), reason, Word::Callers, None);
        } else {
            self.finish_unseen(id, generation, reason);
        }
    }

    /// The caller chose a device in a call that I thought to have ended otherwise.
    pub(crate) fn selected_late(&mut self, from: &DeviceAddress, id: CallId, generation: u32, device: &DeviceId) {
        if self.is_inviters(from, id, generation) {
            let here = *device == self.me.device;
            let reason = if here { EndReason::Hangup } else { EndReason::AnsweredElsewhere };
            self.correct(id, RecordStatus::Completed, reason, Word::Callers, None);
        } else {
            self.finish_unseen(id, generation, EndReason::AnsweredElsewhere);
        }
    }

    /// The caller tells how a call ended that this device may never have heard of (kit E29).
    pub(crate) fn record_received(&mut self, from: &DeviceAddress, generation: u32, record: CallRecord) {
        let id = record.call;
        match self.finished(id).map(|it| (&it.how, it.generation)) {
            Some((How::Recorded { record: mine, .. }, _)) => {
                if mine.direction == Direction::Incoming && self.is_inviters(from, id, generation) {
                    self.correct(id, record.status, record.reason, Word::Callers, None);
                }
            }
            Some((How::Dropped, known)) if known >= generation => {}
            Some((How::Dropped | How::Unseen(_), _)) | None => {
                let how = How::Recorded {
                    record: record.clone(),
                    inviter: Some(from.clone()),
                    word: Word::Callers,
                    shared: false,
                };
                self.finish(id, generation, how);
                self.outputs.push_back(Output::Record(record));
            }
        }
    }

    /// Another device of mine tells how a call ended there.
    pub(crate) fn shared_received(&mut self, from: &DeviceAddress, mut record: CallRecord) {
        if from.user != self.me.user || *from == self.me {
            return;
        }
        let id = record.call;
        if record.direction == Direction::Incoming {
            record.reason = match record.status {
                RecordStatus::Completed | RecordStatus::Rejected => reason_of(record.status),
                RecordStatus::Cancelled | RecordStatus::Missed | RecordStatus::Busy => record.reason,
            };
        }
        let word = if record.status == RecordStatus::Rejected { Word::SharedDecline } else { Word::Shared };
        match self.finished(id).map(|it| &it.how) {
            Some(How::Recorded { .. }) => {
                self.correct(id, record.status, record.reason, word, Some(&record));
            }
            Some(How::Dropped | How::Unseen(_)) | None => {
                self.finish(id, 0, How::Recorded { record: record.clone(), inviter: None, word, shared: false });
                self.outputs.push_back(Output::Record(record));
            }
        }
    }

    /// This device had invited me to that call, which has left a record here.
    fn is_inviters(&self, from: &DeviceAddress, id: CallId, generation: u32) -> bool {
        self.finished(id).is_some_and(|it| match &it.how {
            How::Recorded { inviter, .. } => inviter.as_ref() == Some(from) && it.generation == generation,
            How::Unseen(_) | How::Dropped => false,
        })
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
        let Some(finished) = self.finished.iter_mut().rev().find(|it| it.call == id) else {
            return;
        };
        let How::Recorded { record, word: known, shared, .. } = &mut finished.how else {
            return;
        };
        let mut corrected = record.clone();
        let completes = status == RecordStatus::Completed;
        if completes || (word >= *known && record.status != RecordStatus::Completed) {
            *known = word.max(*known);
            if record.status != status {
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
        if corrected != *record {
            let tell = *shared && corrected.status != record.status;
            record.clone_from(&corrected);
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

const fn status_of_cancel(cancel: &CancelReason) -> RecordStatus {
    crate::record::unanswered_status(cancel_reason(cancel))
}

/// A memory of nothing.
pub(crate) const fn empty() -> VecDeque<Finished> {
    VecDeque::new()
}
