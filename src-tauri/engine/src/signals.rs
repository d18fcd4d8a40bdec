//! What devices tell each other, on its way in and out.

use std::time::Duration;

use peal_call::{CallRecord, DeviceAddress, EndReason, Input, Link, Output, RejectReason, Signal};
use peal_signalling::{DeviceKind, Notice, SendError, encode_signal};

use crate::api::{ConnectionState, ErrorCode, Event, PealError};
use crate::link::Order;
use crate::phone::Softphone;
use crate::translate::wall_ms;

/// How long the polite answer to a signal of a later version makes sense.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// A line of the history waits this long for a device of mine that is away.
const SHARED_WITHIN: Duration = Duration::from_hours(7 * 24);

/// Where the replay guard of a login is kept.
pub(crate) fn replay_key(server: &str, me: &DeviceAddress) -> String {
    format!("replay_guard {server} {me}")
}

/// Signals that also take the media path: they are soon there, and outlive the broker.
pub(crate) const fn takes_both_roads(signal: &Signal) -> bool {
    matches!(
        signal,
        Signal::Hangup { .. }
            | Signal::MediaState { .. }
            | Signal::MediaRequest { .. }
            | Signal::MediaReply { .. }
            | Signal::Roster { .. }
    )
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
            Notice::Presence(presence) => self.present(presence).await,
            Notice::Signal { from, signal, .. } => {
                self.input(Input::SignalReceived { from, signal, at: wall_ms() });
            }
            Notice::Pinned { address, key } => {
                let Some(server) = self.session.as_ref().map(|it| it.account.server.clone()) else { return };
                if let Err(error) = self.directory.keys.pin(&self.store, &server, &address, key) {
                    self.complain(error.into());
                }
            }
            Notice::KeyChanged { address, .. } => {
                let (user_id, device_id) = (address.user.to_string(), address.device.to_string());
                self.tell(Event::KeyChanged { user_id, device_id });
            }
            Notice::KickedOut { by } => {
                let here = self.session.as_ref().is_some_and(|it| it.me == by);
                let words = if here {
                    "this device was logged in by another program"
                } else {
                    "this account is used on another device now, and on one at a time"
                };
                self.leave(EndReason::KickedOut).await;
                let error = PealError::new(ErrorCode::KickedOut, words);
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
                let signal = Signal::Reject { call, generation: 0, reason: RejectReason::Incompatible, message: None };
                self.carry_out(Output::Send { to: from, signal, lifetime: ANSWERED_WITHIN }).await;
            }
            Notice::UnknownKind { call: None, .. } => {}
            Notice::Dropped { why, .. } => tracing::debug!(?why, "a received message was dropped"),
            Notice::Expired { .. } => tracing::debug!("a signal expired before the server took it"),
        }
    }

    pub async fn send(&mut self, to: DeviceAddress, signal: Signal, lifetime: Duration) {
        if takes_both_roads(&signal) {
            let link = Link { call: signal.call(), peer: to.clone() };
            self.order(&link, Order::Control(encode_signal(&signal)));
        }
        let Some(client) = self.session.as_ref().map(|it| it.client.clone()) else { return };
        match client.send(&to, &signal, lifetime).await {
            Ok(_) => {}
            Err(SendError::UnknownDevice | SendError::NotLoggedIn) => tracing::debug!("a signal had no receiver"),
            Err(error) => self.complain(error.into()),
        }
    }

    /// Tells a line of the history to my other devices, those that are away included.
    pub async fn share(&mut self, record: CallRecord) {
        let Some(session) = &self.session else { return };
        let mine = session.client.devices_of(&session.me.user);
        let others: Vec<DeviceAddress> = mine
            .into_iter()
            .filter(|it| it.address != session.me && it.kind != DeviceKind::Echo)
            .map(|it| it.address)
            .collect();
        for to in others {
            self.send(to, Signal::Shared(record.clone()), SHARED_WITHIN).await;
        }
    }
}
