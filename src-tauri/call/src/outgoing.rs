//! The caller's side, until somebody answers.

use std::time::{Duration, Instant};

use crate::call::{Call, Leg, LegState, Path, State};
use crate::phone::{CONNECT_LIMIT, RECORD_LIFETIME};
use crate::{
    CallId, Callee, CancelReason, DeviceAddress, Dial, Direction, EndReason, HangupReason, Invite, Link, MAX_RING,
    MediaKind, Notice, Output, Phone, Refusal, RejectReason, Signal, UserId,
};

impl Phone {
    pub(crate) fn place(&mut self, now: Instant, dial: Dial) {
        let Dial { call: id, to, only, media, message, lifetime, started_at, .. } = dial;
        let Some(Callee { user: to, devices }) = to.into_iter().next() else {
            return self.refuse(id, Refusal::UnknownUser);
        };
        if self.is_busy() {
            return self.refuse(id, Refusal::Busy);
        }
        if devices.is_empty() {
            return self.refuse(id, Refusal::UnknownUser);
        }
        // A call's screen makes room for the next call.
        self.calls.retain(|call| !call.is_over());
        let lifetime = lifetime.min(MAX_RING);
        let legs = devices.into_iter().map(|device| Leg { device, state: LegState::Invited }).collect::<Vec<_>>();
        let mut call = Call::new(
            id,
            Direction::Outgoing,
            to.clone(),
            media,
            State::Calling { legs: legs.clone(), only, deadline: now + lifetime },
        );
        call.invited = vec![to];
        call.message = message;
        call.started_at = started_at;
        for leg in &legs {
            let invite = invite(&self.me.user, &call, lifetime);
            let to = DeviceAddress { user: call.peer.clone(), device: leg.device.clone() };
            self.outputs.push_back(Output::Send { to, signal: invite, lifetime });
        }
        self.calls.push(call);
        self.notify(Notice::Outgoing(id));
    }

    pub(crate) fn device_appeared(&mut self, now: Instant, device: &DeviceAddress) {
        let mut sends = Vec::new();
        for call in self.calls.iter_mut().filter(|call| call.peer == device.user) {
            let resend = match &mut call.state {
                State::Calling { legs, only, deadline } => {
                    let known = legs.iter().find(|leg| leg.device == device.device).map(|leg| leg.state);
                    if known.is_none() && !*only {
                        legs.push(Leg { device: device.device.clone(), state: LegState::Invited });
                    }
                    // A program that has just started may have lost its queue: the invite is harmless twice.
                    let wanted = known.map_or(!*only, |state| state == LegState::Invited);
                    wanted.then(|| deadline.saturating_duration_since(now))
                }
                State::Ringing { from, gone_at, .. } => {
                    if from == device {
                        *gone_at = None;
                    }
                    None
                }
                State::Waiting { .. } | State::Accepting { .. } | State::Talking { .. } | State::Ended { .. } => None,
            };
            if let Some(left) = resend {
                sends.push((invite(&self.me.user, call, left), left));
            }
        }
        for (signal, lifetime) in sends {
            self.outputs.push_back(Output::Send { to: device.clone(), signal, lifetime });
        }
    }

    pub(crate) fn rings_there(&mut self, id: CallId, from: &DeviceAddress) {
        let Some(call) = self.call_mut(id).filter(|call| call.peer == from.user) else {
            return;
        };
        let State::Calling { legs, .. } = &mut call.state else {
            return;
        };
        let first = legs.iter().all(|leg| leg.state != LegState::Ringing);
        let Some(leg) = legs.iter_mut().find(|leg| leg.device == from.device) else {
            return;
        };
        leg.state = LegState::Ringing;
        if first {
            let peer = call.peer.clone();
            self.notify(Notice::Ringing(id, peer));
        }
    }

    pub(crate) fn accepted_there(
        &mut self,
        now: Instant,
        id: CallId,
        from: DeviceAddress,
        media: MediaKind,
        offer: String,
    ) {
        let Some(call) = self.call_mut(id).filter(|call| call.peer == from.user) else {
            return self
                .send(from, Signal::Hangup { call: id, generation: 0, everyone: false, reason: HangupReason::Gone });
        };
        match &call.state {
            State::Calling { legs, .. } => {
                if !legs.iter().any(|leg| leg.device == from.device) {
                    return;
                }
                let others: Vec<_> =
                    legs.iter().map(|leg| leg.device.clone()).filter(|it| *it != from.device).collect();
                let peer = call.peer.clone();
                // A voice caller is not made to show a picture.
                if media == MediaKind::Audio {
                    call.media = MediaKind::Audio;
                }
                call.answered = true;
                let early = call.take_remote(&from);
                call.state = State::Talking {
                    peer: from.clone(),
                    path: Path::New { deadline: now + CONNECT_LIMIT },
                    offered: false,
                    settled: false,
                };
                let link = Link { call: id, peer: from.clone() };
                self.outputs.push_back(Output::OpenAnswerer { link: link.clone(), offer });
                if !early.candidates.is_empty() || early.complete {
                    self.outputs.push_back(Output::AddCandidates {
                        link,
                        candidates: early.candidates,
                        complete: early.complete,
                    });
                }
                for device in others {
                    let to = DeviceAddress { user: peer.clone(), device };
                    self.send(
                        to,
                        Signal::Select {
                            call: id,
                            generation: 0,
                            roster: Vec::new(),
                            device: from.device.clone(),
                            answer: None,
                        },
                    );
                }
                self.notify(Notice::UserAccepted(id, peer));
                self.notify(Notice::Connecting(id));
            }
            State::Talking { peer: winner, .. } => {
                if *winner != from {
                    let device = winner.device.clone();
                    self.send(
                        from,
                        Signal::Select { call: id, generation: 0, device, answer: None, roster: Vec::new() },
                    );
                }
            }
            // The caller never accepts its own call.
            State::Waiting { .. } | State::Ringing { .. } | State::Accepting { .. } | State::Ended { .. } => {}
        }
    }

    pub(crate) fn rejected_there(
        &mut self,
        now: Instant,
        id: CallId,
        from: &DeviceAddress,
        reason: RejectReason,
        message: Option<String>,
    ) {
        let Some(call) = self.call_mut(id).filter(|call| call.peer == from.user) else {
            return;
        };
        let State::Calling { legs, .. } = &mut call.state else {
            return;
        };
        if !legs.iter().any(|leg| leg.device == from.device) {
            return;
        }
        let peer = call.peer.clone();
        let (cancel, end, notice) = match reason {
            RejectReason::Declined => {
                call.message.clone_from(&message);
                (
                    CancelReason::RejectedElsewhere(from.device.clone()),
                    EndReason::Rejected,
                    Notice::UserRejected(id, peer, message),
                )
            }
            RejectReason::Busy => {
                (CancelReason::BusyElsewhere(from.device.clone()), EndReason::Busy, Notice::UserBusy(id, peer))
            }
            // One device that can't does not speak for the others.
            RejectReason::Incompatible => {
                legs.retain(|leg| leg.device != from.device);
                if legs.is_empty() {
                    self.end(now, id, EndReason::Incompatible);
                }
                return;
            }
        };
        legs.retain(|leg| leg.device != from.device);
        self.notify(notice);
        self.withdraw(now, id, &cancel, end);
    }

    /// Tells every device that still rings to stop, leaves a record for those that were never heard of, and ends it.
    pub(crate) fn withdraw(&mut self, now: Instant, id: CallId, cancel: &CancelReason, reason: EndReason) {
        let Some(call) = self.call_mut(id) else { return };
        let State::Calling { legs, .. } = &call.state else {
            return;
        };
        let legs = legs.clone();
        let record = Signal::Record {
            call: id,
            generation: 0,
            media: call.media,
            status: call.status(reason),
            started_at: call.started_at,
            // After a decline, the message is the callee's own.
            message: if reason == EndReason::Rejected { None } else { call.message.clone() },
        };
        let peer = call.peer.clone();
        for leg in legs {
            let to = DeviceAddress { user: peer.clone(), device: leg.device };
            self.send(to.clone(), Signal::Cancel { call: id, generation: 0, reason: cancel.clone() });
            if leg.state == LegState::Invited {
                self.outputs.push_back(Output::Send { to, signal: record.clone(), lifetime: RECORD_LIFETIME });
            }
        }
        self.end(now, id, reason);
    }
}

fn invite(me: &UserId, call: &Call, lifetime: Duration) -> Signal {
    Signal::Invite(Invite {
        call: call.id,
        media: call.media,
        invited: call.invited.clone(),
        group: call.group.clone(),
        message: call.message.clone(),
        lifetime,
        host: me.clone(),
        generation: 0,
        roster: Vec::new(),
        transfer: false,
        replaces: None,
        early_media: false,
    })
}
