//! One connection to the broker, from CONNACK to farewell.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use peal_call::DeviceAddress;
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Filter, Packet, PubAck, PubAckReason, Publish, PublishProperties, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, Event};
use uuid::Uuid;

use crate::client::Shared;
use crate::directory::Change;
use crate::link::WINDOW;
use crate::session::Session;
use crate::topics::{self, Topic};
use crate::wire::Envelope;
use crate::{Denied, DropReason, Notice, Presence, PresenceState, Problem};

/// If the marker hasn't come back by then, the backlog counts as delivered.
const CAUGHT_UP_LIMIT: Duration = Duration::from_secs(5);
/// How long a returning device waits for its own retained presence before it shows itself again.
const OWN_PRESENCE_LIMIT: Duration = Duration::from_secs(1);
/// Two programs that both believe to be the younger must not flood the broker.
const SHOW_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Farewell: emptying the outbox and going offline, then the DISCONNECT itself.
const LEAVE_LIMIT: Duration = Duration::from_secs(2);
const GONE_LIMIT: Duration = Duration::from_secs(1);
/// The marker is worthless soon; siblings that are away needn't queue it.
const MARKER_EXPIRY: u32 = 30;

/// What to do next.
pub(crate) enum Step {
    Go,
    Lost(Problem),
    /// The farewell is complete.
    Gone,
}

/// Something that was published and isn't acknowledged.
#[derive(Debug, Clone, Copy)]
enum Item {
    Parcel(Uuid),
    Presence { farewell: bool },
    Marker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    /// Accepted, not subscribed yet.
    Accepted,
    Up,
}

/// Whether this device has shown itself on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    No,
    /// Waiting until then to see what stands in its place.
    Waiting(Instant),
    /// Due then.
    Due(Instant),
    Yes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Farewell {
    No,
    /// Emptying the outbox.
    Leaving(Instant),
    /// The offline presence is on its way.
    Hiding(Instant),
    /// The DISCONNECT is on its way.
    Gone(Instant),
}

pub(crate) struct Connection {
    client: AsyncClient,
    phase: Phase,
    /// Published, in order, until rumqttc names the packet id.
    submitted: VecDeque<Item>,
    /// By packet id, until the PUBACK.
    in_flight: HashMap<u16, Item>,
    parcels: usize,
    marker: Option<Uuid>,
    caught_up_by: Option<Instant>,
    shown: Shown,
    farewell: Farewell,
}

impl Connection {
    pub(crate) fn new(client: AsyncClient) -> Self {
        Self {
            client,
            phase: Phase::Connecting,
            submitted: VecDeque::new(),
            in_flight: HashMap::new(),
            parcels: 0,
            marker: None,
            caught_up_by: None,
            shown: Shown::No,
            farewell: Farewell::No,
        }
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.phase != Phase::Connecting
    }

    pub(crate) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.farewell != Farewell::No
    }

    /// Begins the farewell; a second wish changes nothing.
    pub(crate) fn leave(&mut self) {
        if self.farewell == Farewell::No {
            self.farewell = Farewell::Leaving(Instant::now() + LEAVE_LIMIT);
        }
    }

    /// When [`Self::pump`] has something to do by itself.
    pub(crate) fn next_deadline(&self, shared: &Shared) -> Option<Instant> {
        let shown = match self.shown {
            Shown::Waiting(at) | Shown::Due(at) => Some(at),
            Shown::No | Shown::Yes => None,
        };
        let farewell = match self.farewell {
            Farewell::Leaving(at) | Farewell::Hiding(at) | Farewell::Gone(at) => Some(at),
            Farewell::No => None,
        };
        let held = shared.lock().inbox.next_deadline();
        [self.caught_up_by, shown, farewell, held].into_iter().flatten().min()
    }

    /// Takes one event of rumqttc.
    pub(crate) fn take(&mut self, session: &mut Session, event: Event) -> Step {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => self.subscribe(session),
            Event::Incoming(Packet::SubAck(ack)) => self.subscribed(session, &ack),
            Event::Incoming(Packet::Publish(publish)) => self.received(session, &publish),
            Event::Incoming(Packet::PubAck(ack)) => self.acknowledged(session, &ack),
            Event::Outgoing(Outgoing::Publish(packet_id)) => {
                if let Some(item) = self.submitted.pop_front() {
                    self.in_flight.insert(packet_id, item);
                }
                Step::Go
            }
            Event::Outgoing(Outgoing::Disconnect) => Step::Gone,
            Event::Incoming(_) | Event::Outgoing(_) => Step::Go,
        }
    }

    /// Does what is due: deadlines, presence, outbox, farewell.
    pub(crate) fn pump(&mut self, session: &mut Session) -> Step {
        let now = Instant::now();
        self.meet_deadlines(session, now);
        if self.phase == Phase::Up && matches!(self.farewell, Farewell::No | Farewell::Leaving(_)) {
            self.show(session, now);
            self.hand_over(session, now);
        }
        match self.farewell {
            Farewell::No => {}
            Farewell::Leaving(until) => {
                if now >= until || session.shared.lock().outbox.is_empty() {
                    let me = Presence { state: PresenceState::Offline, ..session.shared.lock().me.clone() };
                    self.publish_presence(session, &me, true);
                    self.farewell = Farewell::Hiding(now + LEAVE_LIMIT);
                }
            }
            Farewell::Hiding(until) => {
                if now >= until {
                    self.say_goodbye(now);
                }
            }
            Farewell::Gone(until) => {
                if now >= until {
                    return Step::Gone;
                }
            }
        }
        Step::Go
    }

    fn subscribe(&mut self, session: &Session) -> Step {
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

    fn subscribed(&mut self, session: &mut Session, ack: &SubAck) -> Step {
        if self.phase == Phase::Up {
            return Step::Go;
        }
        for (code, what) in ack.return_codes.iter().zip([Denied::Inbox, Denied::Presence]) {
            if !matches!(code, SubscribeReasonCode::Success(_)) {
                return Step::Lost(Problem::NotAuthorized(what));
            }
        }
        let now = Instant::now();
        self.phase = Phase::Up;
        session.logged_in();
        // Another program may have taken this device over while this one was away: look before showing.
        self.shown = if session.connections == 1 { Shown::Due(now) } else { Shown::Waiting(now + OWN_PRESENCE_LIMIT) };
        self.caught_up_by = Some(now + CAUGHT_UP_LIMIT);
        let me = &session.config.address;
        let id = Uuid::new_v4();
        self.marker = Some(id);
        if let Ok(marker) = Envelope::marker(me, id) {
            let topic = topics::signal(&session.config.app, &me.user, me);
            self.publish(topic, Bytes::from(marker), Some(MARKER_EXPIRY), false, Item::Marker);
        }
        Step::Go
    }

    fn received(&mut self, session: &mut Session, publish: &Publish) -> Step {
        let topic = std::str::from_utf8(&publish.topic).ok();
        match topic.and_then(|topic| topics::parse(&session.config.app, topic)) {
            None => {
                let notices = session.shared.lock().inbox.drop_one(DropReason::Malformed, None);
                session.pending.extend(notices);
                Step::Go
            }
            Some(Topic::Presence(address)) if address == session.config.address => {
                self.own_presence(session, publish)
            }
            Some(Topic::Presence(address)) => {
                others_presence(session, address, &publish.payload);
                Step::Go
            }
            Some(Topic::Signal { to, from }) => {
                if from == session.config.address
                    && let Ok(envelope) = Envelope::read(&publish.payload)
                    && envelope.is_marker()
                {
                    if self.marker == Some(envelope.id) {
                        self.caught_up(session);
                    }
                    return Step::Go;
                }
                let life = publish.properties.as_ref().and_then(|p| p.message_expiry_interval);
                let life = life.map(|seconds| Duration::from_secs(seconds.into()));
                let mut guard = session.shared.lock();
                let state = &mut *guard;
                let notices =
                    state.inbox.take(&mut state.directory, (&to, from), &publish.payload, life, Instant::now());
                session.pending.extend(notices);
                Step::Go
            }
        }
    }

    /// Something stands, or was just put, in this device's own place.
    fn own_presence(&mut self, session: &mut Session, publish: &Publish) -> Step {
        let now = Instant::now();
        let mine = session.config.boot_id;
        let shown = Presence::from_wire(session.config.address.clone(), &publish.payload);
        match shown {
            Some(shown) if shown.boot_id != mine => {
                // What the program's earlier run left behind, or its last will, is no rival.
                let old_news = session.connections <= 1 && (publish.retain || shown.state == PresenceState::Offline);
                if shown.boot_id > mine && !old_news {
                    session.pending.push_back(Notice::KickedOut);
                    session.shared.lock().wish.end.get_or_insert(crate::client::End::Leave);
                    // Its place belongs to the other program now: no offline presence, and no last will.
                    self.say_goodbye(now);
                    return Step::Go;
                }
                self.show_again(now);
            }
            // The last will of an earlier connection of this very run.
            Some(shown) if shown.state == PresenceState::Offline && !self.is_leaving() => {
                if session.shared.lock().me.state != PresenceState::Offline {
                    self.show_again(now);
                }
            }
            Some(_) => {
                if matches!(self.shown, Shown::Waiting(_)) {
                    self.shown = Shown::Due(now);
                }
            }
            None => self.show_again(now),
        }
        Step::Go
    }

    fn show_again(&mut self, now: Instant) {
        self.shown = match self.shown {
            Shown::Waiting(_) => Shown::Due(now),
            Shown::Due(at) => Shown::Due(at),
            Shown::No => Shown::No,
            Shown::Yes => Shown::Due(now + SHOW_AGAIN_AFTER),
        };
    }

    fn acknowledged(&mut self, session: &mut Session, ack: &PubAck) -> Step {
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

    fn meet_deadlines(&mut self, session: &mut Session, now: Instant) {
        let mut guard = session.shared.lock();
        let state = &mut *guard;
        let mut notices = state.inbox.expire(&mut state.directory, now);
        for parcel in state.outbox.expire(now) {
            notices.push(Notice::Expired { to: parcel.to, id: parcel.id });
        }
        drop(guard);
        session.pending.extend(notices);
        if self.caught_up_by.is_some_and(|by| by <= now) {
            tracing::debug!("the marker hasn't come back; the backlog counts as delivered");
            self.caught_up(session);
        }
        if let Shown::Waiting(until) = self.shown
            && until <= now
        {
            self.shown = Shown::Due(now);
        }
    }

    fn caught_up(&mut self, session: &mut Session) {
        self.marker = None;
        if self.caught_up_by.take().is_some() {
            let backlog = session.shared.lock().inbox.end_backlog();
            session.pending.extend(backlog);
            session.pending.push_back(Notice::CaughtUp);
        }
    }

    /// Shows this device's presence, when it is due or has changed.
    fn show(&mut self, session: &Session, now: Instant) {
        let due = match self.shown {
            Shown::Due(at) => at <= now,
            Shown::Yes => session.shared.lock().wish.show,
            Shown::No | Shown::Waiting(_) => false,
        };
        if due {
            let me = {
                let mut state = session.shared.lock();
                state.wish.show = false;
                state.me.clone()
            };
            if self.publish_presence(session, &me, false) {
                self.shown = Shown::Yes;
            }
        }
    }

    fn hand_over(&mut self, session: &Session, now: Instant) {
        while self.parcels < WINDOW {
            let Some(parcel) = session.shared.lock().outbox.next() else { break };
            let topic = topics::signal(&session.config.app, &parcel.to.user, &session.config.address);
            let expiry = Some(parcel.expiry(now));
            if !self.publish(topic, parcel.payload, expiry, false, Item::Parcel(parcel.id)) {
                session.shared.lock().outbox.put_back();
                break;
            }
            self.parcels += 1;
        }
    }

    fn publish_presence(&mut self, session: &Session, me: &Presence, farewell: bool) -> bool {
        let topic = topics::presence(&session.config.app, &session.config.address);
        self.publish(topic, Bytes::from(me.to_wire()), None, true, Item::Presence { farewell })
    }

    fn publish(&mut self, topic: String, payload: Bytes, expiry: Option<u32>, retain: bool, item: Item) -> bool {
        let properties = PublishProperties { message_expiry_interval: expiry, ..PublishProperties::default() };
        match self.client.try_publish_with_properties(topic, QoS::AtLeastOnce, retain, payload, properties) {
            Ok(()) => {
                self.submitted.push_back(item);
                true
            }
            Err(error) => {
                tracing::debug!(%error, "a message has to wait");
                false
            }
        }
    }

    fn say_goodbye(&mut self, now: Instant) {
        if !matches!(self.farewell, Farewell::Gone(_)) {
            // If there is no room, the deadline cuts the line.
            let _ = self.client.try_disconnect();
            self.farewell = Farewell::Gone(now + GONE_LIMIT);
        }
    }
}

fn others_presence(session: &mut Session, address: DeviceAddress, payload: &Bytes) {
    let mut guard = session.shared.lock();
    let state = &mut *guard;
    let mut notices = Vec::new();
    if payload.is_empty() {
        notices.extend(state.directory.remove(&address).map(Notice::Presence));
    } else if let Some(presence) = Presence::from_wire(address.clone(), payload) {
        match state.directory.take(presence.clone()) {
            Change::None => {}
            Change::Shown => notices.push(Notice::Presence(presence)),
            Change::Key { old, new } => {
                notices.push(Notice::Presence(presence));
                notices.push(Notice::KeyChanged { address: address.clone(), old, new });
            }
        }
        notices.extend(state.inbox.release(&mut state.directory, &address, Instant::now()));
    } else {
        notices.extend(state.inbox.drop_one(DropReason::Malformed, Some(address)));
    }
    drop(guard);
    session.pending.extend(notices);
}
