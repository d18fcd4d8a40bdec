//! Between the rules and the world: what the signalling and the links report, and what the rules want done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use peal_call::{
    CallState, DeviceAddress, Direction, EndReason, Input, Link, Notice as Told, Output, RecordStatus, Signal, UserId,
};
use peal_media::audio::Sound;
use peal_signalling::{Notice, SendError, decode_signal, encode_signal};

use crate::api::{ConnectionState, ErrorCode, Event, Invitation, PealError, UserInCall};
use crate::directory::Change;
use crate::history;
use crate::link::{Fact, LinkHandle, Order};
use crate::phone::Softphone;
use crate::sound::Need;
use crate::translate::{ms, wall_ms};

/// The devices stay open this long after a call, for its last sound.
const LINGER: Duration = Duration::from_millis(900);

/// Where the replay guard of a login is kept.
pub(crate) fn replay_key(server: &str, me: &DeviceAddress) -> String {
    format!("replay_guard {server} {me}")
}

impl Softphone {
    pub async fn signalling(&mut self, notice: Notice) {
        match notice {
            Notice::Connected => {
                self.set_connection(ConnectionState::Online, None);
                self.input(Input::CatchUpStarted);
            }
            Notice::CaughtUp => self.input(Input::CaughtUp),
            Notice::Disconnected { problem, .. } => {
                self.set_connection(ConnectionState::Reconnecting, Some(problem.into()));
            }
            Notice::Presence(presence) => {
                let Some(me) = self.session.as_ref().map(|it| it.me.clone()) else { return };
                let device = presence.address.clone();
                match self.directory.observe(presence, &me.user, &self.store) {
                    Ok(_) if device == me => {}
                    Ok(Change::Appeared) => self.input(Input::DeviceAppeared { device }),
                    Ok(Change::Disappeared) => self.input(Input::DeviceDisappeared { device }),
                    Ok(Change::None) => {}
                    Err(error) => self.complain(error.into()),
                }
            }
            Notice::Signal { from, signal, .. } => {
                self.input(Input::SignalReceived { from, signal, at: wall_ms() });
            }
            Notice::Pinned { address, key } => {
                let Some(server) = self.session.as_ref().map(|it| it.account.server.clone()) else { return };
                let pinned = peal_store::PinnedKey {
                    user_id: address.user.to_string(),
                    device_id: address.device.to_string(),
                    public_key: key.to_bytes(),
                };
                if let Err(error) = self.store.pin_key(&server, &pinned) {
                    self.complain(error.into());
                }
            }
            Notice::KeyChanged { .. } => {
                let words = "a contact's device shows another key than before; its calls are held back";
                self.complain(PealError::new(ErrorCode::KeyChanged, words));
            }
            Notice::KickedOut { .. } => {
                self.leave(EndReason::KickedOut).await;
                let error = PealError::new(ErrorCode::KickedOut, "this device was logged in by another program");
                self.set_connection(ConnectionState::Offline, Some(error));
                self.tell(Event::KickedOut);
            }
            Notice::SessionEnded { problem } => {
                let error = PealError::from(problem);
                self.leave(EndReason::Error).await;
                self.set_connection(ConnectionState::Offline, Some(error.clone()));
                self.tell(Event::SessionEnded(error));
            }
            Notice::Refused { .. } => {
                let words = "the server refused to pass a signal on";
                self.complain(PealError::new(ErrorCode::NotAuthorized, words));
            }
            Notice::UnknownKind { from, call: Some(call), .. } => {
                // A newer version's call: politely, so that it need not wait for the timeout.
                let reason = peal_call::RejectReason::Incompatible;
                let output = Output::Send {
                    to: from,
                    signal: Signal::Reject { call, reason, message: None },
                    lifetime: Duration::from_secs(30),
                };
                self.carry_out(output).await;
            }
            Notice::UnknownKind { call: None, .. } => {}
            Notice::Dropped { why, .. } => tracing::debug!(?why, "a received message was dropped"),
            Notice::Expired { .. } => tracing::debug!("a signal expired before the server took it"),
        }
    }

    pub fn link_reported(&mut self, link: &Link, fact: Fact) {
        let link = link.clone();
        match fact {
            Fact::OfferReady(sdp) => self.input(Input::OfferReady { link, sdp }),
            Fact::AnswerReady(sdp) => self.input(Input::AnswerReady { link, sdp }),
            Fact::Candidates(candidates, complete) => {
                self.input(Input::CandidatesGathered { link, candidates, complete });
            }
            Fact::Connected => self.input(Input::MediaConnected { link }),
            Fact::Disconnected => self.input(Input::MediaDisconnected { link }),
            Fact::Failed => self.input(Input::MediaFailed { link }),
            Fact::Closed => self.input(Input::MediaClosed { link }),
            Fact::Control(message) => {
                // Only what concerns the running call takes this road.
                if let Some(signal @ (Signal::Hangup { .. } | Signal::MediaState { .. })) = decode_signal(&message)
                    && signal.call() == link.call
                {
                    self.input(Input::SignalReceived { from: link.peer, signal, at: wall_ms() });
                }
            }
            Fact::Judged(quality, loss) => {
                if self.links.contains_key(&link) {
                    self.quality.insert(link.call, quality);
                    if let Some(audio) = self.sound.audio() {
                        audio.set_expected_loss(loss);
                    }
                }
            }
        }
    }

    pub async fn carry_out(&mut self, output: Output) {
        match output {
            Output::Send { to, signal, lifetime } => self.send(to, signal, lifetime).await,
            Output::OpenOfferer(link) => self.open(&link, Order::Offer),
            Output::OpenAnswerer { link, offer } => self.open(&link, Order::Answer(offer)),
            Output::AcceptAnswer { link, answer } => self.order(&link, Order::AcceptAnswer(answer)),
            Output::AnswerOffer { link, offer } => self.order(&link, Order::AnswerOffer(offer)),
            Output::AddCandidates { link, candidates, complete } => {
                self.order(&link, Order::AddCandidates(candidates, complete));
            }
            Output::RestartIce(link) => self.order(&link, Order::Restart),
            Output::ClosePeer(link) => {
                self.links.remove(&link);
                self.voices.remove(&link);
                self.quality.remove(&link.call);
                self.show_meters();
            }
            Output::Notify(notice) => self.notify(notice),
            Output::Refuse { refusal, .. } => self.complain(refusal.into()),
            Output::Record(record) => {
                let user = self.surroundings().shown_user(&record.peer);
                let missed = record.direction == Direction::Incoming
                    && !matches!(record.reason, EndReason::Rejected | EndReason::RejectedElsewhere)
                    && record.status != RecordStatus::Completed;
                match history::keep(&self.store, &record, user, !missed) {
                    Ok(Some(row)) => self.recorded(row),
                    Ok(None) => {}
                    Err(error) => self.complain(error.into()),
                }
            }
        }
    }

    /// Gives every link its voice and its share of the microphone.
    pub fn attach_all(&mut self) {
        self.voices.clear();
        for link in self.links.keys().cloned().collect::<Vec<_>>() {
            self.attach(&link);
        }
        self.show_meters();
    }

    /// Opens and closes the sound devices, and rings, as the calls want it.
    pub fn settle_sound(&mut self) {
        let calls = self.session.as_ref().map(|it| it.phone.snapshot()).unwrap_or_default();
        let mut need = Need::Nothing;
        let mut sound = None;
        for call in &calls {
            match call.state {
                CallState::Calling => need = need_at_least(need, Need::Speaker),
                CallState::Ringing => {
                    need = need_at_least(need, Need::Speaker);
                    sound = Some(if call.rings_here { Sound::Ring } else { Sound::Ringback });
                }
                CallState::Connecting | CallState::Connected | CallState::Reconnecting => need = Need::Both,
                CallState::Ended(_) => {}
            }
        }
        if need == Need::Nothing && self.lingers.is_some() {
            need = Need::Speaker;
        }
        self.sound.need(need);
        if need != Need::Nothing && self.lingers.is_none() {
            self.sound.play(sound);
        }
        let muted = self.session.as_ref().is_some_and(|it| it.phone.is_muted());
        self.sound.set_muted(muted);
    }

    async fn send(&mut self, to: DeviceAddress, signal: Signal, lifetime: Duration) {
        if let Signal::Hangup { call, .. } | Signal::MediaState { call, .. } = &signal {
            // The media path is the faster road, and outlives the broker.
            let link = Link { call: *call, peer: to.clone() };
            self.order(&link, Order::Control(encode_signal(&signal)));
        }
        let Some(client) = self.session.as_ref().map(|it| it.client.clone()) else { return };
        match client.send(&to, &signal, lifetime).await {
            Ok(_) => {}
            Err(SendError::UnknownDevice | SendError::NotLoggedIn) => tracing::debug!("a signal had no receiver"),
            Err(error) => self.complain(error.into()),
        }
    }

    fn open(&mut self, link: &Link, order: Order) {
        let handle = LinkHandle::open(link.clone(), &self.settings.ice_servers, self.messages.clone());
        handle.order(order);
        self.links.insert(link.clone(), handle);
        self.attach(link);
        self.show_meters();
    }

    fn order(&self, link: &Link, order: Order) {
        if let Some(handle) = self.links.get(link) {
            handle.order(order);
        }
    }

    fn attach(&mut self, link: &Link) {
        let (Some(audio), Some(handle)) = (self.sound.audio(), self.links.get(link)) else { return };
        let voice = Arc::new(audio.add_voice(0));
        handle.order(Order::Attach(Arc::clone(&voice), audio.uplink()));
        self.voices.insert(link.clone(), voice);
    }

    fn show_meters(&self) {
        let surroundings = self.surroundings();
        let voices =
            self.voices.iter().map(|(link, voice)| (surroundings.shown_user(&link.peer.user), Arc::clone(voice)));
        self.meters.set(self.sound.audio().filter(|_| !self.links.is_empty()).cloned(), voices.collect());
    }

    fn notify(&mut self, notice: Told) {
        let surroundings = self.surroundings();
        let in_call = |call: peal_call::CallId, user: &UserId| UserInCall {
            call_id: call.to_string(),
            user_id: surroundings.shown_user(user),
        };
        let snapshot = |call: peal_call::CallId| {
            self.session.as_ref().and_then(|it| it.phone.snapshot().into_iter().find(|it| it.id == call))
        };
        let session = |call| snapshot(call).map(|it| surroundings.session(&it));
        let event = match notice {
            Told::Outgoing(call) => session(call).map(Event::Outgoing),
            Told::Ringing(call, user) => Some(Event::Ringing(in_call(call, &user))),
            Told::Invited(call) => snapshot(call).map(|it| {
                Event::Invited(Invitation {
                    call_id: call.to_string(),
                    inviter: surroundings.shown_user(&it.peer),
                    user_ids: it.invited.iter().map(ToString::to_string).collect(),
                    is_from_group: it.group.is_some() || it.invited.len() > 1,
                    group_id: it.group.clone(),
                    message: it.message.clone(),
                    media: it.media.into(),
                })
            }),
            Told::Connecting(call) => session(call).map(Event::Connecting),
            Told::Connected(call) => session(call).map(Event::Connected),
            Told::UserAccepted(call, user) => Some(Event::UserAccepted(in_call(call, &user))),
            Told::UserRejected(call, user, message) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Some(Event::UserRejected { call_id, user_id, message })
            }
            Told::UserBusy(call, user) => Some(Event::UserBusy(in_call(call, &user))),
            Told::UserNoResponse(call, user) => Some(Event::UserNoResponse(in_call(call, &user))),
            Told::UserCancelled(call, user) => Some(Event::UserCancelled(in_call(call, &user))),
            Told::CallTimedOut(call, user) => Some(Event::CallTimedOut(in_call(call, &user))),
            Told::UserEntered(call, user) => Some(Event::UserEntered(in_call(call, &user))),
            Told::UserLeft(call, user, reason) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Some(Event::UserLeft { call_id, user_id, reason: reason.into() })
            }
            Told::UserDisconnected(call, user) => Some(Event::UserDisconnected(in_call(call, &user))),
            Told::MediaDisconnected(call) => Some(Event::MediaDisconnected { call_id: call.to_string() }),
            Told::AudioMuted(call, user, muted) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Some(Event::AudioMuted { call_id, user_id, muted })
            }
            Told::AcceptedElsewhere(call, device) => {
                Some(Event::AcceptedElsewhere { call_id: call.to_string(), device: device.to_string() })
            }
            Told::RejectedElsewhere(call, device) => {
                Some(Event::RejectedElsewhere { call_id: call.to_string(), device: device.to_string() })
            }
            Told::Ended(call, reason, duration) => {
                Some(Event::CallEnded { call_id: call.to_string(), reason: reason.into(), duration_ms: ms(duration) })
            }
        };
        if let Some(event) = event {
            self.tell(event.clone());
            self.after(&event);
        }
    }

    /// What an event brings with it here.
    fn after(&mut self, event: &Event) {
        match event {
            Event::Invited(invitation) if self.config.auto_answer => {
                if let Ok(call) = invitation.call_id.parse() {
                    self.input(Input::Accept { call });
                }
            }
            Event::Connecting(session) => {
                if let Ok(call) = session.call_id.parse() {
                    self.answered_at.insert(call, Instant::now());
                }
            }
            Event::UserEntered(who) => {
                let UserInCall { call_id, user_id } = who.clone();
                self.tell(Event::AudioAvailable { call_id, user_id, available: true });
            }
            Event::AudioMuted { call_id, user_id, muted } => {
                let (call_id, user_id) = (call_id.clone(), user_id.clone());
                self.tell(Event::AudioAvailable { call_id, user_id, available: !muted });
            }
            Event::CallEnded { call_id, reason, .. } => {
                if let Ok(call) = call_id.parse() {
                    self.answered_at.remove(&call);
                }
                let busy = *reason == crate::api::EndReason::Busy;
                self.sound.play_once(if busy { Sound::Busy } else { Sound::Ended });
                self.lingers = Some(Instant::now() + if busy { LINGER * 4 } else { LINGER });
            }
            _ => {}
        }
    }
}

const fn need_at_least(have: Need, least: Need) -> Need {
    match have {
        Need::Both => Need::Both,
        Need::Speaker | Need::Nothing => least,
    }
}
