//! The machine's doors.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::call::{Call, LegState, Path, State};
use crate::{
    CallId, CallRecord, CallSnapshot, CancelReason, DeviceAddress, EndReason, HangupReason, Input, Link, Notice,
    Output, Refusal, Signal, UserId,
};

/// Most calls at once, those on hold included.
pub const CALL_LIMIT: usize = 4;
/// How long setting up media may take after an answer.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// Media gone this long: ICE restarts.
pub(crate) const RESTART_AFTER: Duration = Duration::from_secs(2);
/// ICE restarts again this long after a restart that brought nothing.
pub(crate) const RESTART_AGAIN: Duration = Duration::from_secs(6);
/// Media gone this long: the call is lost.
pub(crate) const LOST_AFTER: Duration = Duration::from_secs(30);
/// The backlog is taken as through after this, marker or not.
pub(crate) const CATCH_UP_LIMIT: Duration = Duration::from_secs(5);
/// It rings on this long after the caller's program has gone missing.
pub(crate) const MISSING_CALLER: Duration = Duration::from_secs(8);
/// A repeated invite of the device one talks with is taken as its restart only after this.
pub(crate) const FRESH_CALL: Duration = Duration::from_secs(3);
/// An ended call stays on the screen this long.
const SHOWN_AFTER_HANGUP: Duration = Duration::from_secs(2);
/// The same where the person wants to read why.
const SHOWN_AFTER_FAILURE: Duration = Duration::from_secs(8);
/// A signal about a running call makes sense this long.
pub(crate) const SIGNAL_LIFETIME: Duration = Duration::from_mins(1);
/// A record waits this long for a device that is away.
pub(crate) const RECORD_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// How many calls that are over are remembered, so that late signals about them ring nowhere.
const FINISHED_LIMIT: usize = 512;

/// What a phone is told once.
#[derive(Debug, Clone)]
pub struct PhoneConfig {
    /// This device.
    pub me: DeviceAddress,
}

/// The rules of a phone for one device.
///
/// Feed it with [`Phone::handle_input`] and [`Phone::handle_timeout`], then take all of [`Phone::poll_output`].
#[derive(Debug, Clone)]
pub struct Phone {
    pub(crate) me: DeviceAddress,
    pub(crate) calls: Vec<Call>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) muted: bool,
    pub(crate) mute_revision: u32,
    /// Until when nothing rings because the backlog is still arriving.
    pub(crate) catching_up: Option<Instant>,
    /// Calls that are over, or that are known to be before their invite has come.
    finished: VecDeque<(CallId, Finished)>,
}

/// What is remembered of a call that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finished {
    /// It was seen here, and has left its record.
    Recorded,
    /// Its end overtook its invite, which then rings nowhere and leaves a record with this reason.
    Unseen(EndReason),
}

impl Phone {
    /// A phone with no calls.
    pub fn new(config: PhoneConfig) -> Self {
        Self {
            me: config.me,
            calls: Vec::new(),
            outputs: VecDeque::new(),
            muted: false,
            mute_revision: 0,
            catching_up: None,
            finished: VecDeque::new(),
        }
    }

    /// A wish or a fact at the time `now`.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Call(dial) => self.place(now, dial),
            Input::Accept { call, .. } => self.accept(now, call),
            Input::Reject { call, message, .. } => self.reject(now, call, message),
            Input::Hangup { call } | Input::Cancel { call, .. } | Input::Leave { call } => self.hang_up(now, call),
            Input::Invite { call, .. }
            | Input::Hold { call }
            | Input::Resume { call }
            | Input::SwitchMedia { call, .. }
            | Input::AnswerSwitch { call, .. }
            | Input::Transfer { call, .. }
            | Input::TransferTo { call, .. }
            | Input::Merge { call, .. } => self.refuse(call, Refusal::WrongState),
            Input::SetVideo { .. } | Input::PolicyChanged(_) => {}
            Input::Dismiss { call } => self.calls.retain(|it| it.id != call || !it.is_over()),
            Input::SetMuted { muted } => self.set_muted(muted),
            Input::LogOut { reason } => self.log_out(now, reason),
            Input::SignalReceived { from, signal, at } => self.signal_received(now, from, signal, at),
            Input::CatchUpStarted => self.catching_up = Some(now + CATCH_UP_LIMIT),
            Input::CaughtUp => self.caught_up(now),
            Input::DeviceAppeared { device } => self.device_appeared(now, &device),
            Input::DeviceDisappeared { device } => self.device_disappeared(now, &device),
            Input::OfferReady { link, sdp } => self.offer_ready(&link, sdp),
            Input::AnswerReady { link, sdp } => self.answer_ready(&link, sdp),
            Input::CandidatesGathered { link, candidates, complete } => {
                self.candidates_gathered(&link, candidates, complete);
            }
            Input::MediaConnected { link } => self.media_connected(now, &link),
            Input::MediaDisconnected { link } => self.media_disconnected(now, &link),
            Input::MediaFailed { link } => self.media_failed(now, &link),
            Input::MediaClosed { link } => self.media_closed(now, &link),
            Input::SoundFailed { call } => self.sound_failed(now, call),
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.catching_up.is_some_and(|at| at <= now) {
            self.caught_up(now);
        }
        for call in self.calls.iter().map(|call| call.id).collect::<Vec<_>>() {
            self.call_timeout(now, call);
        }
        self.calls.retain(|call| !matches!(call.state, State::Ended { until, .. } if until <= now));
    }

    /// The next thing to do, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Phone::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.calls.iter().filter_map(Call::timeout).chain(self.catching_up).min()
    }

    /// Every call that is shown.
    pub fn snapshot(&self) -> Vec<CallSnapshot> {
        self.calls.iter().filter_map(Call::snapshot).collect()
    }

    /// My microphone is off.
    pub const fn is_muted(&self) -> bool {
        self.muted
    }

    /// How many invites were dropped because their sender sent too many.
    pub const fn flooded(&self) -> u64 {
        0
    }

    /// A call is being made, rings or runs.
    pub fn is_busy(&self) -> bool {
        self.calls.iter().any(|call| !call.is_over() && !matches!(call.state, State::Waiting { .. }))
    }

    pub(crate) fn call_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id && !call.is_over())
    }

    pub(crate) fn link_mut(&mut self, link: &Link) -> Option<&mut Call> {
        self.call_mut(link.call).filter(|call| call.device() == Some(&link.peer))
    }

    pub(crate) fn send(&mut self, to: DeviceAddress, signal: Signal) {
        self.outputs.push_back(Output::Send { to, signal, lifetime: SIGNAL_LIFETIME });
    }

    pub(crate) fn notify(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notify(notice));
    }

    pub(crate) fn refuse(&mut self, call: CallId, refusal: Refusal) {
        self.outputs.push_back(Output::Refuse { call, refusal });
    }

    /// Whether this call is over.
    pub(crate) fn finished(&self, id: CallId) -> Option<Finished> {
        self.finished.iter().find(|(call, _)| *call == id).map(|(_, finished)| *finished)
    }

    /// Late signals about this call find it over.
    pub(crate) fn finish(&mut self, id: CallId, finished: Finished) {
        self.finished.retain(|(call, _)| *call != id);
        self.finished.push_back((id, finished));
        if self.finished.len() > FINISHED_LIMIT {
            self.finished.pop_front();
        }
    }

    /// The one way in which a call ends: closes its peer connection, leaves its record, says so.
    pub(crate) fn end(&mut self, now: Instant, id: CallId, reason: EndReason) {
        let Some(call) = self.calls.iter_mut().find(|call| call.id == id && !call.is_over()) else {
            return;
        };
        let duration = call.connected_at.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let record = CallRecord {
            call: id,
            peer: call.peer.clone(),
            direction: call.direction,
            media: call.media,
            status: call.status(reason),
            reason,
            started_at: call.started_at,
            duration,
            message: call.message.clone(),
            members: Vec::new(),
            group: call.group.clone(),
        };
        let link = call.device().map(|peer| Link { call: id, peer: peer.clone() });
        let peer = call.peer.clone();
        let connected = call.connected_at.is_some();
        let calm = matches!(
            reason,
            EndReason::Hangup | EndReason::Cancelled | EndReason::AnsweredElsewhere | EndReason::RejectedElsewhere
        );
        let shown = if calm { SHOWN_AFTER_HANGUP } else { SHOWN_AFTER_FAILURE };
        call.state = State::Ended { reason, duration, until: now + shown };
        call.early_remote.clear();
        self.finish(id, Finished::Recorded);
        if let Some(link) = link {
            self.outputs.push_back(Output::ClosePeer(link));
        }
        if connected {
            self.notify(Notice::UserLeft(id, peer, reason));
        }
        self.outputs.push_back(Output::Record(record));
        self.notify(Notice::Ended(id, reason, duration));
        if !self.is_busy() {
            self.muted = false;
            self.mute_revision = 0;
        }
    }

    fn hang_up(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.call_mut(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        match &call.state {
            State::Calling { .. } => self.withdraw(now, id, &CancelReason::Cancelled, EndReason::Cancelled),
            State::Waiting { .. } | State::Ringing { .. } => self.reject(now, id, None),
            State::Accepting { from, .. } => {
                let from = from.clone();
                self.send(
                    from,
                    Signal::Hangup { call: id, generation: 0, everyone: false, reason: HangupReason::Hangup },
                );
                self.end(now, id, EndReason::Hangup);
            }
            State::Talking { peer, .. } => {
                let peer = peer.clone();
                self.send(
                    peer,
                    Signal::Hangup { call: id, generation: 0, everyone: false, reason: HangupReason::Hangup },
                );
                self.end(now, id, EndReason::Hangup);
            }
            State::Ended { .. } => {}
        }
    }

    fn log_out(&mut self, now: Instant, reason: EndReason) {
        for id in self.calls.iter().filter(|call| !call.is_over()).map(|call| call.id).collect::<Vec<_>>() {
            let Some(call) = self.call_mut(id) else { continue };
            match &call.state {
                State::Calling { .. } => self.withdraw(now, id, &CancelReason::Cancelled, reason),
                // The person's other devices go on ringing.
                State::Waiting { .. } | State::Ringing { .. } | State::Ended { .. } => self.end(now, id, reason),
                State::Accepting { from: peer, .. } | State::Talking { peer, .. } => {
                    let peer = peer.clone();
                    self.send(
                        peer,
                        Signal::Hangup { call: id, generation: 0, everyone: false, reason: HangupReason::Hangup },
                    );
                    self.end(now, id, reason);
                }
            }
        }
    }

    fn signal_received(&mut self, now: Instant, from: DeviceAddress, signal: Signal, at: u64) {
        match signal {
            Signal::Invite(invite) => self.invited(now, from, invite, at),
            Signal::Ringing { call, .. } => self.rings_there(call, &from),
            Signal::Accept { call, media, offer, .. } => {
                self.accepted_there(now, call, from, media, offer.unwrap_or_default());
            }
            Signal::Select { call, device, answer, .. } => self.selected(now, call, &from, device, answer),
            Signal::Reject { call, reason, message, .. } => self.rejected_there(now, call, &from, reason, message),
            Signal::Cancel { call, reason, .. } => self.cancelled_there(now, call, &from, reason),
            Signal::Hangup { call, reason, .. } => self.hung_up_there(now, call, &from, reason),
            Signal::Candidates { call, candidates, complete, .. } => {
                self.candidates_received(call, from, candidates, complete);
            }
            Signal::Offer { call, sdp, .. } => self.offer_received(call, from, sdp),
            Signal::Answer { call, sdp, .. } => self.answer_received(call, from, sdp),
            Signal::MediaState { call, revision, muted, .. } => self.media_state_received(call, &from, revision, muted),
            Signal::Preview { .. }
            | Signal::MediaRequest { .. }
            | Signal::MediaReply { .. }
            | Signal::Roster { .. }
            | Signal::Shared(_) => {}
            Signal::Record { call, media, status, started_at, message, .. } => {
                self.record_received(
                    now,
                    from.user,
                    CallRecord {
                        call,
                        peer: self.me.user.clone(),
                        direction: crate::Direction::Incoming,
                        media,
                        status,
                        reason: EndReason::NoResponse,
                        started_at,
                        duration: Duration::ZERO,
                        message,
                        members: Vec::new(),
                        group: None,
                    },
                );
            }
        }
    }

    fn hung_up_there(&mut self, now: Instant, id: CallId, from: &DeviceAddress, reason: HangupReason) {
        let Some(call) = self.call_mut(id) else {
            // Nothing is known of it yet: an invite that comes late must not ring.
            if self.finished(id).is_none() {
                self.finish(id, Finished::Unseen(EndReason::Cancelled));
            }
            return;
        };
        let peer: UserId = call.peer.clone();
        match &mut call.state {
            State::Calling { legs, .. } => {
                if peer != from.user {
                    return;
                }
                legs.retain(|leg| leg.device != from.device);
                if legs.is_empty() {
                    self.end(now, id, end_reason(reason, EndReason::Unreachable));
                }
            }
            State::Waiting { from: caller, .. }
            | State::Ringing { from: caller, .. }
            | State::Accepting { from: caller, .. } => {
                if caller == from {
                    self.notify(Notice::UserCancelled(id, peer));
                    self.end(now, id, end_reason(reason, EndReason::Cancelled));
                }
            }
            State::Talking { peer: talking, .. } => {
                if talking == from {
                    self.end(now, id, end_reason(reason, EndReason::Hangup));
                }
            }
            State::Ended { .. } => {}
        }
    }

    fn call_timeout(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.call_mut(id) else { return };
        if call.timeout().is_none_or(|at| at > now) {
            return;
        }
        let peer = call.peer.clone();
        match &mut call.state {
            State::Calling { legs, .. } => {
                let rang = legs.iter().any(|leg| leg.state == LegState::Ringing);
                let reason = if rang { EndReason::NoResponse } else { EndReason::Unreachable };
                self.notify(Notice::UserNoResponse(id, peer));
                self.withdraw(now, id, &CancelReason::TimedOut, reason);
            }
            State::Waiting { .. } => self.end(now, id, EndReason::NoResponse),
            State::Ringing { deadline, .. } => {
                let missing = now < *deadline;
                if missing {
                    self.notify(Notice::UserCancelled(id, peer));
                    self.end(now, id, EndReason::Cancelled);
                } else {
                    self.notify(Notice::CallTimedOut(id, peer));
                    self.end(now, id, EndReason::NoResponse);
                }
            }
            State::Accepting { from: device, .. } | State::Talking { peer: device, path: Path::New { .. }, .. } => {
                let device = device.clone();
                self.send(
                    device,
                    Signal::Hangup { call: id, generation: 0, everyone: false, reason: HangupReason::IceFailed },
                );
                self.end(now, id, EndReason::IceFailed);
            }
            State::Talking { peer: device, path: Path::Down { restart_at, deadline }, .. } => {
                if *deadline <= now {
                    let device = device.clone();
                    self.send(
                        device,
                        Signal::Hangup { call: id, generation: 0, everyone: false, reason: HangupReason::IceLost },
                    );
                    self.end(now, id, EndReason::IceLost);
                } else {
                    *restart_at = Some(now + RESTART_AGAIN);
                    let link = Link { call: id, peer: device.clone() };
                    self.outputs.push_back(Output::RestartIce(link));
                }
            }
            State::Talking { path: Path::Up, .. } | State::Ended { .. } => {}
        }
    }
}

/// How a hang-up from the other side is shown here.
const fn end_reason(reason: HangupReason, plain: EndReason) -> EndReason {
    match reason {
        HangupReason::Hangup | HangupReason::Gone => plain,
        HangupReason::Transferred => EndReason::Transferred,
        HangupReason::IceFailed => EndReason::IceFailed,
        HangupReason::IceLost => EndReason::IceLost,
        HangupReason::DeviceFailed => EndReason::DeviceFailed,
    }
}
