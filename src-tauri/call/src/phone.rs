//! The machine's doors.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::chosen::Chosen;
use crate::finished::{self, Finished};
use crate::screening::{Flood, Verdict};
use crate::sending::Sent;
use crate::{
    CallId, CallRecord, CallSnapshot, DeviceAddress, Direction, Input, Link, Notice, Output, Policy, Refusal, Signal,
    Stream,
};

/// Most calls at once, those on hold included.
pub const CALL_LIMIT: usize = 4;
/// Most invites that ring silently at once, and that wait for the backlog; beyond it the oldest is written down as
/// missed.
pub(crate) const SILENT_LIMIT: usize = 4;
pub(crate) const WAITING_LIMIT: usize = 16;
/// How long setting up media may take after an answer.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// Media gone this long: ICE restarts.
pub(crate) const RESTART_AFTER: Duration = Duration::from_secs(2);
/// ICE restarts again this long after a restart that brought nothing.
pub(crate) const RESTART_AGAIN: Duration = Duration::from_secs(6);
/// Media gone this long: the call is lost, or in a group the one whose program is gone, too.
pub(crate) const LOST_AFTER: Duration = Duration::from_secs(30);
/// An accept or a first offer that nothing comes of is said again after this.
pub(crate) const SAID_AGAIN: Duration = Duration::from_secs(5);
/// Two members without a link wait this long for the later joiner's offer.
pub(crate) const OFFER_AFTER: Duration = Duration::from_secs(3);
/// Of two who may offer, the larger address leaves the smaller one this much time.
pub(crate) const OFFER_YIELD: Duration = Duration::from_secs(4);
/// In a group, media gone this long: a fresh link takes the old one's place.
pub(crate) const FRESH_LINK: Duration = Duration::from_secs(20);
/// Somebody who has not told me all I know is asked again after this, so many times.
pub(crate) const ASK_AGAIN: Duration = Duration::from_secs(3);
pub(crate) const ASKS: u8 = 20;
/// Somebody else's invitation is over this long after nothing more can come of it.
pub(crate) const STALE_INVITE: Duration = Duration::from_secs(10);
/// Somebody whose media has come is told twice what I send, this far apart.
pub(crate) const TOLD_AGAIN: Duration = Duration::from_secs(3);
/// In a group, nothing heard of somebody by any road for so long: they are gone, whatever presence says.
pub(crate) const UNHEARD_LIMIT: Duration = Duration::from_secs(60);
/// The one who passes a call on goes this long after the other has come, connected or not.
pub(crate) const TRANSFER_LEAVE: Duration = Duration::from_secs(3);
/// A question that nobody answers is a no after this.
pub(crate) const SWITCH_LIMIT: Duration = Duration::from_secs(30);
/// The backlog is taken as through after this, marker or not.
pub(crate) const CATCH_UP_LIMIT: Duration = Duration::from_secs(5);
/// It rings on this long after the caller's program has gone missing.
pub(crate) const MISSING_CALLER: Duration = Duration::from_secs(8);
/// A repeated invite of the device one talks with is taken as its restart only after this.
pub(crate) const FRESH_CALL: Duration = Duration::from_secs(3);
/// An ended call stays on the screen this long.
pub(crate) const SHOWN_AFTER_HANGUP: Duration = Duration::from_secs(2);
/// The same where the person wants to read why.
pub(crate) const SHOWN_AFTER_FAILURE: Duration = Duration::from_secs(8);
/// A signal about a running call makes sense this long.
pub(crate) const SIGNAL_LIFETIME: Duration = Duration::from_mins(1);
/// A record waits this long for a device that is away.
pub(crate) const RECORD_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// What a phone is told once.
#[derive(Debug, Clone)]
pub struct PhoneConfig {
    /// This device.
    pub me: DeviceAddress,
}

/// The rules of a phone for one device.
///
/// Feed it with [`Phone::handle_input`] and [`Phone::handle_timeout`], then take all of [`Phone::poll_output`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phone {
    pub(crate) me: DeviceAddress,
    pub(crate) calls: Vec<Call>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) policy: Policy,
    pub(crate) flood: Flood,
    /// The same for records.
    pub(crate) record_flood: Flood,
    pub(crate) muted: bool,
    pub(crate) video: bool,
    /// Where what I send can be played from, too.
    pub(crate) stream: Option<Stream>,
    /// Grows with every change of what this side sends.
    pub(crate) media_revision: u32,
    /// Until when nothing rings because the backlog is still arriving.
    pub(crate) catching_up: Option<Instant>,
    /// Calls that are over, or that are known to be before their invite has come.
    pub(crate) finished: VecDeque<Finished>,
}

impl Phone {
    /// A phone with no calls, where everybody may ring.
    pub fn new(config: PhoneConfig) -> Self {
        Self {
            me: config.me,
            calls: Vec::new(),
            outputs: VecDeque::new(),
            policy: Policy::default(),
            flood: Flood::default(),
            record_flood: Flood::default(),
            muted: false,
            video: false,
            stream: None,
            media_revision: 0,
            catching_up: None,
            finished: finished::empty(),
        }
    }

    /// A wish or a fact at the time `now`.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Call(dial) => self.place(now, dial),
            Input::Invite { call, callees, message, lifetime } => self.invite(now, call, callees, message, lifetime),
            Input::Accept { call, media, meanwhile } => self.accept(now, call, media, meanwhile),
            Input::Reject { call, busy, message } => self.reject(now, call, busy, message),
            Input::Cancel { call, record } => self.cancel(now, call, record),
            Input::Leave { call } => self.leave(now, call),
            Input::Hangup { call } => self.hang_up(now, call),
            Input::Hold { call } => self.hold(call),
            Input::Resume { call } => self.resume(call),
            Input::SwitchMedia { call, media } => self.switch_media(now, call, media),
            Input::AnswerSwitch { call, accept } => self.answer_switch(call, accept),
            Input::Transfer { call, callee, lifetime } => self.transfer(now, call, callee, lifetime),
            Input::TransferTo { call, target } => self.transfer_to(now, call, target),
            Input::Merge { call, into } => self.merge_calls(now, call, into),
            Input::Dismiss { call } => self.calls.retain(|it| it.id != call || !it.is_over()),
            Input::SetMuted { muted } => self.set_muted(muted),
            Input::SetVideo { on } => self.set_video(on),
            Input::SetStream { stream } => self.set_stream(stream),
            Input::PolicyChanged(policy) => self.policy_changed(now, policy),
            Input::LogOut { reason } => self.log_out(now, reason),
            Input::SignalReceived { from, signal, at } => self.signal_received(now, from, signal, at),
            Input::CatchUpStarted => self.catching_up = Some(now + CATCH_UP_LIMIT),
            Input::CaughtUp => self.caught_up(now),
            Input::DeviceAppeared { device } => self.device_appeared(now, &device),
            Input::DeviceDisappeared { device } => self.device_disappeared(now, &device),
            Input::OfferReady { link, sdp } => self.offer_ready(now, &link, sdp),
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
        self.settle(now);
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.catching_up.is_some_and(|at| at <= now) {
            self.caught_up(now);
        }
        for id in self.calls.iter().map(|call| call.id).collect::<Vec<_>>() {
            self.call_timeout(now, id);
        }
        self.settle(now);
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
        self.calls.iter().filter(|call| !call.is_waiting()).map(Call::snapshot).collect()
    }

    /// My camera is on: a picture leaves by the video calls.
    pub const fn is_video_on(&self) -> bool {
        self.video
    }

    /// Where what I send can be played from, too.
    pub const fn stream(&self) -> Option<&Stream> {
        self.stream.as_ref()
    }

    /// My microphone is off.
    pub const fn is_muted(&self) -> bool {
        self.muted
    }

    /// How many invites and records were dropped because their sender sent too many.
    pub const fn flooded(&self) -> u64 {
        self.flood.dropped + self.record_flood.dropped
    }

    /// A call is being made, rings or runs. What rings silently does not make the phone busy.
    pub fn is_busy(&self) -> bool {
        self.calls.iter().any(Call::is_open)
    }

    /// How much is kept in mind, for those who watch its memory: calls, lists inside calls, senders, finished calls.
    pub fn kept(&self) -> usize {
        let lists =
            |call: &Call| call.members.len() + call.paths.len() + call.kept_offers.len() + call.early_remote.len();
        self.calls.len()
            + self.calls.iter().map(lists).sum::<usize>()
            + self.flood.senders()
            + self.record_flood.senders()
            + self.finished.len()
            + self.outputs.len()
    }

    pub(crate) fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.iter().find(|call| call.id == id && !call.is_over())
    }

    pub(crate) fn call_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id && !call.is_over())
    }

    /// The ids of the calls that `wanted` picks.
    pub(crate) fn calls_that(&self, wanted: impl Fn(&Call) -> bool) -> Vec<CallId> {
        self.calls.iter().filter(|call| !call.is_over() && wanted(call)).map(|call| call.id).collect()
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

    /// Closes the peer connection to this device, if there is one.
    pub(crate) fn close_path(&mut self, id: CallId, peer: &DeviceAddress) {
        let Some(call) = self.call_mut(id) else { return };
        let open = call.paths.len();
        call.paths.retain(|path| path.peer != *peer);
        if call.paths.len() < open {
            self.outputs.push_back(Output::ClosePeer(Link { call: id, peer: peer.clone() }));
        }
    }

    fn signal_received(&mut self, now: Instant, from: DeviceAddress, signal: Signal, at: u64) {
        if from == self.me {
            return;
        }
        let there = self.call_mut(signal.call()).and_then(|call| call.joined_mut(&from));
        if let Some(member) = there {
            member.heard_at = now;
        }
        match signal {
            Signal::Invite(invite) => self.invited(now, from, invite, at),
            Signal::Ringing { call, generation } => self.rings_there(call, &from, generation),
            Signal::Preview { call, generation, offer } => self.previewed_there(now, call, from, generation, offer),
            Signal::Accept { call, generation, media, offer } => {
                self.accepted_there(now, call, from, generation, media, offer);
            }
            Signal::Select { call, generation, device, answer, roster } => {
                self.selected(now, call, &from, generation, Chosen { device, answer, roster });
            }
            Signal::Reject { call, generation, reason, message } => {
                self.rejected_there(now, call, &from, generation, reason, message);
            }
            Signal::Cancel { call, generation, reason } => self.cancelled_there(now, call, &from, generation, reason),
            Signal::Hangup { call, generation, reason, everyone } => {
                self.hung_up_there(now, call, &from, generation, reason, everyone);
            }
            Signal::Candidates { call, attempt, candidates, complete } => {
                self.candidates_received(call, from, attempt, candidates, complete);
            }
            Signal::Offer { call, attempt, sdp } => self.offer_received(now, call, from, attempt, sdp),
            Signal::Answer { call, attempt, sdp } => self.answer_received(call, &from, attempt, sdp),
            Signal::MediaState { call, revision, muted, on_hold, video, stream } => {
                self.media_state_received(call, &from, revision, Sent { muted, on_hold, video, stream });
            }
            Signal::MediaRequest { call, revision, media, decided } => {
                self.media_requested(now, call, &from, revision, media, decided);
            }
            Signal::MediaReply { call, revision, accept } => self.media_replied(call, &from, revision, accept),
            Signal::Roster { call, entries, reply } => self.roster_received(now, call, &from, &entries, reply),
            Signal::Record { call, generation, media, status, started_at, message } => {
                // For the blocked there is nobody here, and so no history either.
                if from.user != self.me.user && self.policy.verdict(&from.user) == Verdict::Block {
                    return;
                }
                let record = CallRecord {
                    call,
                    peer: from.user.clone(),
                    direction: Direction::Incoming,
                    media,
                    status,
                    reason: crate::record::reason_of(status),
                    started_at,
                    duration: Duration::ZERO,
                    message,
                    members: vec![(from.user.clone(), status)],
                    group: None,
                };
                self.recorded_there(now, &from, generation, record);
            }
            Signal::Shared(record) => self.recorded_elsewhere(now, &from, record),
        }
    }
}
