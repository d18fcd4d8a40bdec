//! Inputs drawn from a small world: few people, few calls, so that what is drawn meets what is there.

use std::time::Duration;

use peal_call::{
    CallId, CallRecord, Callee, CancelReason, Candidate, DeviceAddress, DeviceId, Dial, Direction, EndReason,
    HangupReason, Input, Invite, Link, Meanwhile, MediaKind, Notice, Output, Phone, Policy, RecordStatus, RejectReason,
    RosterEntry, Signal, Standing, Stream, Unknown, UserId,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

const USERS: [&str; 5] = ["ann", "bob", "cat", "dan", "eve"];
const DEVICES: [&str; 3] = ["desk", "lap", "tab"];

pub struct Inputs {
    random: StdRng,
    /// Strangers come now and then.
    strangers: u32,
    calls: u128,
    /// What the world would do about what the phone has done, if it were kind.
    kind: Vec<Input>,
}

impl Inputs {
    pub fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), strangers: 0, calls: 4, kind: Vec::new() }
    }

    pub fn chance(&mut self, of: u32) -> bool {
        self.random.random_ratio(1, of)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.random.random_range(0..end)
    }

    fn of<T: Copy>(&mut self, any: &[T]) -> T {
        *any.choose(&mut self.random).unwrap()
    }

    fn flag(&mut self) -> bool {
        self.random.random()
    }

    fn user(&mut self) -> UserId {
        if self.chance(40) {
            self.strangers += 1;
            return UserId::new(format!("stranger{}", self.strangers)).unwrap();
        }
        UserId::new(self.of(&USERS)).unwrap()
    }

    fn device(&mut self) -> DeviceId {
        DeviceId::new(self.of(&DEVICES)).unwrap()
    }

    fn address(&mut self) -> DeviceAddress {
        DeviceAddress { user: self.user(), device: self.device() }
    }

    /// Mostly a call that is there.
    fn call(&mut self, phone: &Phone) -> CallId {
        let shown = phone.snapshot();
        if let Some(call) = shown.choose(&mut self.random).filter(|_| self.random.random_bool(0.8)) {
            return call.id;
        }
        if self.random.random_bool(0.2) {
            self.calls += 1;
        }
        CallId::from_uuid(Uuid::from_u128(self.random.random_range(1..=self.calls)))
    }

    /// Mostly somebody who has to do with this call.
    fn party(&mut self, phone: &Phone, call: CallId) -> DeviceAddress {
        let shown = phone.snapshot().into_iter().find(|it| it.id == call);
        let members = shown.map(|it| it.members).unwrap_or_default();
        match members.choose(&mut self.random) {
            Some(member) if self.random.random_bool(0.85) => {
                let device = member.device.clone().filter(|_| self.random.random_bool(0.9));
                let device = device.unwrap_or_else(|| self.device());
                DeviceAddress { user: member.user.clone(), device }
            }
            _ => self.address(),
        }
    }

    fn callees(&mut self) -> Vec<Callee> {
        let number = self.random.random_range(0..4);
        (0..number)
            .map(|_| {
                let devices = (0..self.random.random_range(0..3)).map(|_| self.device()).collect();
                Callee { user: self.user(), devices }
            })
            .collect()
    }

    fn lifetime(&mut self) -> Duration {
        Duration::from_millis(self.of(&[0, 1, 5_000, 30_000, u64::MAX / 2]))
    }

    fn media(&mut self) -> MediaKind {
        self.of(&[MediaKind::Audio, MediaKind::Video])
    }

    fn number(&mut self) -> u32 {
        self.of(&[0, 0, 0, 0, 1, 1, 2, 3, u32::MAX - 1, u32::MAX])
    }

    fn stream(&mut self) -> Option<Stream> {
        self.flag().then(|| Stream { url: self.text(), token: self.flag().then(|| self.text()) })
    }

    fn text(&mut self) -> String {
        let number = self.random.random_range(0..6);
        format!("text{number}")
    }

    fn reason(&mut self) -> EndReason {
        self.of(&[EndReason::Hangup, EndReason::Cancelled, EndReason::Rejected, EndReason::IceLost, EndReason::Error])
    }

    fn candidates(&mut self) -> Vec<Candidate> {
        (0..self.random.random_range(0..40))
            .map(|_| Candidate { candidate: self.text(), mid: None, line: Some(0) })
            .collect()
    }

    fn roster(&mut self) -> Vec<RosterEntry> {
        let number = if self.chance(20) { 80 } else { self.random.random_range(0..6) };
        (0..number)
            .map(|_| {
                let standing = match self.random.random_range(0..3) {
                    0 => Standing::Inviting { by: self.user(), transfer: self.flag() },
                    1 => Standing::Joined { device: self.device() },
                    _ => Standing::Left { reason: self.reason() },
                };
                RosterEntry { user: self.user(), generation: self.number(), standing }
            })
            .collect()
    }

    fn record(&mut self, call: CallId) -> CallRecord {
        CallRecord {
            call,
            peer: self.user(),
            direction: self.of(&[Direction::Incoming, Direction::Outgoing]),
            media: self.media(),
            status: self.status(),
            reason: self.reason(),
            started_at: 1,
            duration: Duration::from_secs(1),
            message: None,
            members: vec![(self.user(), RecordStatus::Completed)],
            group: None,
        }
    }

    fn status(&mut self) -> RecordStatus {
        self.of(&[
            RecordStatus::Completed,
            RecordStatus::Cancelled,
            RecordStatus::Rejected,
            RecordStatus::Missed,
            RecordStatus::Busy,
        ])
    }

    fn signal(&mut self, call: CallId) -> Signal {
        let generation = self.number();
        match self.random.random_range(0..19) {
            0..3 => Signal::Invite(Invite {
                call,
                media: self.media(),
                host: self.user(),
                generation: self.of(&[0, 0, 0, 1, 2]),
                invited: vec![self.user(), self.user()],
                roster: self.roster(),
                group: self.flag().then(|| self.text()),
                message: self.flag().then(|| self.text()),
                lifetime: self.lifetime(),
                transfer: self.flag(),
                replaces: self.chance(4).then(|| CallId::from_uuid(Uuid::from_u128(1))),
                early_media: self.flag(),
            }),
            3 => Signal::Ringing { call, generation },
            4 => Signal::Preview { call, generation, offer: self.text() },
            5 => Signal::Accept { call, generation, media: self.media(), offer: self.flag().then(|| self.text()) },
            6 => Signal::Select {
                call,
                generation,
                device: self.device(),
                answer: self.flag().then(|| self.text()),
                roster: self.roster(),
            },
            7 => {
                let reason = self.of(&[RejectReason::Declined, RejectReason::Busy, RejectReason::Incompatible]);
                Signal::Reject { call, generation, reason, message: self.flag().then(|| self.text()) }
            }
            8 => {
                let reason = match self.random.random_range(0..4) {
                    0 => CancelReason::Cancelled,
                    1 => CancelReason::TimedOut,
                    2 => CancelReason::RejectedElsewhere(self.device()),
                    _ => CancelReason::BusyElsewhere(self.device()),
                };
                Signal::Cancel { call, generation, reason }
            }
            9 => {
                let reason = self.of(&[HangupReason::Hangup, HangupReason::Gone, HangupReason::Transferred]);
                Signal::Hangup { call, generation, reason, everyone: self.flag() }
            }
            10 => Signal::Candidates {
                call,
                attempt: self.number(),
                candidates: self.candidates(),
                complete: self.flag(),
            },
            11 => Signal::Offer { call, attempt: self.number(), sdp: self.text() },
            12 => Signal::Answer { call, attempt: self.number(), sdp: self.text() },
            13 => Signal::MediaState {
                call,
                revision: self.number(),
                muted: self.flag(),
                on_hold: self.flag(),
                video: self.flag(),
                stream: self.stream(),
            },
            14 => Signal::MediaRequest { call, revision: self.number(), media: self.media(), decided: self.flag() },
            15 => Signal::MediaReply { call, revision: self.number(), accept: self.flag() },
            16 => Signal::Roster { call, entries: self.roster(), reply: self.flag() },
            17 => Signal::Record {
                call,
                generation,
                media: self.media(),
                status: self.status(),
                started_at: 1,
                message: None,
            },
            _ => Signal::Shared(self.record(call)),
        }
    }

    fn policy(&mut self) -> Policy {
        Policy {
            call_waiting: self.flag(),
            do_not_disturb: self.chance(5),
            ring_here: !self.chance(5),
            silenced: [self.user()].into(),
            blocked: if self.chance(5) { [self.user()].into() } else { [].into() },
            unknown: self.of(&[Unknown::Ring, Unknown::Ring, Unknown::Silence, Unknown::Block]),
            known: [self.user(), self.user()].into(),
            previewable: [self.user(), self.user()].into(),
        }
    }

    /// What a kind world would do about this output may come, once, twice or never.
    pub fn hear(&mut self, me: &DeviceAddress, output: Output) {
        let sdp = self.text();
        let input = match output {
            Output::OpenOfferer(link) | Output::RestartIce(link) => Input::OfferReady { link, sdp },
            Output::OpenAnswerer { link, .. } | Output::AnswerOffer { link, .. } => {
                self.kind.push(Input::MediaConnected { link: link.clone() });
                Input::AnswerReady { link, sdp }
            }
            Output::AcceptAnswer { link, .. } => Input::MediaConnected { link },
            Output::Notify(Notice::Invited(call)) => Input::Accept { call, media: None, meanwhile: Meanwhile::Hold },
            Output::Send { to, signal, .. } => {
                let Some(signal) = self.reply(me, &to, signal) else { return };
                Input::SignalReceived { from: to, signal, at: 3 }
            }
            _ => return,
        };
        if self.kind.len() > 64 {
            self.kind.clear();
        }
        self.kind.push(input);
    }

    fn reply(&mut self, me: &DeviceAddress, to: &DeviceAddress, signal: Signal) -> Option<Signal> {
        let (offer, answer) = (Some(self.text()), Some(self.text()));
        Some(match signal {
            Signal::Invite(Invite { call, generation, media, .. }) => Signal::Accept { call, generation, media, offer },
            Signal::Accept { call, generation, .. } => {
                let joined = |address: &DeviceAddress, generation| RosterEntry {
                    user: address.user.clone(),
                    generation,
                    standing: Standing::Joined { device: address.device.clone() },
                };
                let third = self.address();
                let roster = vec![joined(me, generation), joined(to, 0), joined(&third, 0)];
                Signal::Select { call, generation, device: me.device.clone(), answer, roster }
            }
            Signal::Offer { call, attempt, .. } => Signal::Answer { call, attempt, sdp: self.text() },
            Signal::Roster { call, entries, reply: true } => Signal::Roster { call, entries, reply: false },
            Signal::MediaRequest { call, revision, .. } => Signal::MediaReply { call, revision, accept: self.flag() },
            _ => return None,
        })
    }

    /// The next input for this phone.
    pub fn next(&mut self, phone: &Phone) -> Input {
        if !self.kind.is_empty() && self.random.random_bool(0.6) {
            let at = self.random.random_range(0..self.kind.len());
            let again = self.chance(10);
            return if again { self.kind[at].clone() } else { self.kind.swap_remove(at) };
        }
        let call = self.call(phone);
        let peer = self.party(phone, call);
        let link = Link { call, peer: peer.clone() };
        let other = self.call(phone);
        match self.random.random_range(0..60) {
            0..3 => Input::Call(Dial {
                call,
                to: self.callees(),
                only: self.chance(5),
                media: self.media(),
                group: None,
                message: None,
                lifetime: self.lifetime(),
                early_media: self.flag(),
                started_at: 1,
            }),
            3 => Input::Invite { call, callees: self.callees(), message: None, lifetime: self.lifetime() },
            4..7 => {
                let media = self.chance(3).then(|| self.media());
                Input::Accept { call, media, meanwhile: self.of(&[Meanwhile::Hold, Meanwhile::End]) }
            }
            7 => Input::Reject { call, busy: self.flag(), message: None },
            8 => Input::Cancel { call, record: self.flag() },
            9 => Input::Leave { call },
            10 => Input::Hangup { call },
            11 => Input::Hold { call },
            12 => Input::Resume { call },
            13 => Input::SwitchMedia { call, media: self.media() },
            14 => Input::AnswerSwitch { call, accept: self.flag() },
            15 => {
                let callee = Callee { user: self.user(), devices: vec![self.device()] };
                Input::Transfer { call, callee, lifetime: self.lifetime() }
            }
            16 => Input::TransferTo { call, target: other },
            17 => Input::Merge { call, into: other },
            18 => Input::SetMuted { muted: self.flag() },
            19 if self.flag() => Input::SetStream { stream: self.stream() },
            19 => Input::SetVideo { on: self.flag() },
            20 => Input::PolicyChanged(self.policy()),
            21 => Input::Dismiss { call },
            22 if self.chance(10) => Input::LogOut { reason: self.reason() },
            22 | 23 => Input::CaughtUp,
            24 if self.chance(5) => Input::CatchUpStarted,
            24 | 25 => Input::DeviceAppeared { device: peer },
            26 => Input::DeviceDisappeared { device: peer },
            27..30 => Input::OfferReady { link, sdp: self.text() },
            30..32 => Input::AnswerReady { link, sdp: self.text() },
            32 => Input::CandidatesGathered { link, candidates: self.candidates(), complete: self.flag() },
            33..35 => Input::MediaConnected { link },
            35 => Input::MediaDisconnected { link },
            36 => Input::MediaFailed { link },
            37 => Input::MediaClosed { link },
            38 => Input::SoundFailed { call },
            _ => Input::SignalReceived { from: peer, signal: self.signal(call), at: 7 },
        }
    }
}
