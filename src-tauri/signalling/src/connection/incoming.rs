//! What the broker sends, and what it means.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, PubAck, PubAckReason, Publish, SubAck, SubscribeReasonCode};
use uuid::Uuid;

use super::{
    ASK_AGAIN_AFTER, CAUGHT_UP_LIMIT, Connection, Farewell, Item, MARKER_EXPIRY, OWN_PRESENCE_LIMIT, Phase, Shown, Step,
};
use crate::flood::Waiting;
use crate::session::Session;
use crate::topics::{self, Topic};
use crate::wire::Envelope;
use crate::{Denied, DropReason, Notice, Problem};

impl Connection {
    pub(super) fn subscribe(&mut self, session: &Session) -> Step {
        self.phase = Phase::Accepted;
        let (app, user) = (&session.config.app, &session.config.address.user);
        // Subscribed on every connection, not only without a stored session: it brings the retained presence again.
        // Presence is QoS 0, so that nothing of it is queued for a device that is away.
        let filters = [
            Filter::new(topics::inbox_filter(app, user), QoS::AtLeastOnce),
            Filter::new(topics::presence_filter(app), QoS::AtMostOnce),
        ];
        match self.client.try_subscribe_many(filters) {
            Ok(()) => Step::Go,
            Err(error) => Step::Lost(Problem::Lost(error.to_string())),
        }
    }

    /// Asks once more who is there, when that is due.
    pub(super) fn ask_again(&mut self, session: &Session, now: Instant) {
        if self.asks_again_at.is_none_or(|at| at > now) {
            return;
        }
        self.asks_again_at = None;
        if self.yielded || self.is_leaving() {
            return;
        }
        // What is retained now may have come after this program.
        self.first = false;
        let filter = topics::presence_filter(&session.config.app);
        if let Err(error) = self.client.try_subscribe(filter, QoS::AtMostOnce) {
            tracing::debug!(%error, "no room to ask who is there");
        }
    }

    pub(super) fn subscribed(&mut self, session: &mut Session, ack: &SubAck) -> Step {
        if self.phase == Phase::Up {
            return Step::Go;
        }
        for (code, what) in ack.return_codes.iter().zip([Denied::Inbox, Denied::Presence]) {
            match code {
                SubscribeReasonCode::Success(_) => {}
                SubscribeReasonCode::NotAuthorized => return Step::Lost(Problem::NotAuthorized(what)),
                // It may be another reason, such as a cluster that has just lost a node: that is no last word.
                other => return Step::Lost(Problem::Refused(format!("it doesn't let this account {what}: {other:?}"))),
            }
        }
        let now = Instant::now();
        self.phase = Phase::Up;
        session.logged_in();
        // Another program may have taken this device over while this one was away: look before showing.
        self.shown = if session.connections == 1 { Shown::Due(now) } else { Shown::Waiting(now + OWN_PRESENCE_LIMIT) };
        self.judges_at = (!self.first).then_some(now + OWN_PRESENCE_LIMIT);
        self.caught_up_by = Some(now + CAUGHT_UP_LIMIT);
        self.asks_again_at = Some(now + ASK_AGAIN_AFTER.mul_f64(rand::random_range(1.0..=2.0)));
        let me = &session.config.address;
        let id = Uuid::new_v4();
        self.marker = Some(id);
        if let Ok(marker) = Envelope::marker(me, id) {
            let topic = topics::signal(&session.config.app, &me.user, me);
            self.publish(topic, Bytes::from(marker), Some(MARKER_EXPIRY), false, Item::Marker);
        }
        Step::Go
    }

    pub(super) fn received(&mut self, session: &mut Session, publish: &Publish) -> Step {
        if self.yielded || matches!(self.farewell, Farewell::Gone(_)) {
            // Not acknowledged, so it comes again: at the next login, or to the program that took over.
            return Step::Go;
        }
        if publish.qos != QoS::AtMostOnce {
            self.unacknowledged.push_back(publish.clone());
        }
        let topic = std::str::from_utf8(&publish.topic).ok();
        match topic.and_then(|topic| topics::parse(&session.config.app, topic)) {
            None => {
                let notices = session.shared.lock().inbox.drop_one(DropReason::Malformed, None);
                session.pending.extend(notices);
                Step::Go
            }
            Some(Topic::Presence(of)) if of == session.config.address => self.own_presence(session, publish),
            Some(Topic::Presence(of)) => {
                let (payload, retained) = (publish.payload.clone(), publish.retain);
                let ready = session.shared.lock().presences.admit(of, payload, retained, Instant::now());
                if let Some(ready) = ready {
                    self.others_presence(session, ready);
                }
                Step::Go
            }
            Some(Topic::Signal { to, from }) => {
                if from == session.config.address
                    && let Ok(envelope) = Envelope::read(&publish.payload)
                    && envelope.is_marker()
                {
                    self.marker_is_back |= self.marker == Some(envelope.id);
                    return Step::Go;
                }
                let now = Instant::now();
                let life = publish.properties.as_ref().and_then(|p| p.message_expiry_interval);
                let end = life.map(|seconds| now + Duration::from_secs(seconds.into()));
                let message = Waiting { to, from, payload: publish.payload.clone(), end };
                let mut guard = session.shared.lock();
                let state = &mut *guard;
                let notices = state.inbox.take(&mut state.directory, message, now);
                session.pending.extend(notices);
                Step::Go
            }
        }
    }

    pub(super) fn acknowledged(&mut self, session: &mut Session, ack: &PubAck) -> Step {
        let accepted = matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
        match self.in_flight.remove(&ack.pkid) {
            Some(Item::Parcel(id)) => {
                self.parcels = self.parcels.saturating_sub(1);
                let parcel = session.shared.lock().outbox.settle(id);
                if let Some(parcel) = parcel
                    && !accepted
                {
                    tracing::debug!(reason = ?ack.reason, "the server refused a signal");
                    session.pending.push_back(Notice::Refused { to: parcel.to, id });
                }
                Step::Go
            }
            Some(Item::Presence { farewell: true }) => {
                self.say_goodbye(Instant::now());
                Step::Go
            }
            Some(Item::Presence { farewell: false }) if !accepted => {
                Step::Lost(Problem::NotAuthorized(Denied::OwnPresence))
            }
            Some(Item::Presence { .. } | Item::Marker) | None => Step::Go,
        }
    }
}
