//! One connection to the broker, from CONNACK to farewell.

mod incoming;
mod presences;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish, PublishProperties};
use rumqttc::v5::{AsyncClient, Event};
use uuid::Uuid;

use crate::link::WINDOW;
use crate::presence::Order;
use crate::session::Session;
use crate::topics;
use crate::{Notice, Presence, PresenceState, Problem};

/// If the marker hasn't come back by then, the backlog counts as delivered.
const CAUGHT_UP_LIMIT: Duration = Duration::from_secs(5);
/// How long a returning device waits for what is retained: its own presence, before it shows itself again, and that of
/// the account's other devices, before it yields to one of them.
const OWN_PRESENCE_LIMIT: Duration = Duration::from_secs(1);
/// How long after a login it asks once more who is there: the nodes of a cluster don't know at once that somebody is
/// listening at another one of them, and what was said meanwhile has not come. At most twice as long, by chance, so that a
/// thousand devices don't ask a restarted server as one.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(3);
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
    marker_is_back: bool,
    caught_up_by: Option<Instant>,
    shown: Shown,
    /// When another program, or an old last will, last made this device show itself again.
    shown_again: Option<Instant>,
    /// What this connection says of this device, in order.
    order: Order,
    farewell: Farewell,
    /// What is retained when this connection begins was there before this program.
    first: bool,
    /// Of a connection that isn't the first: until then presence that isn't retained may be old news from a queue.
    judges_at: Option<Instant>,
    /// When it asks once more who is there.
    asks_again_at: Option<Instant>,
    /// This device has yielded to another one: what still comes is left in the broker's queue.
    yielded: bool,
    /// Received, and not acknowledged yet.
    unacknowledged: VecDeque<Publish>,
}

impl Connection {
    /// `first`: no connection of this run has caught up yet.
    pub(crate) fn new(client: AsyncClient, order: Order, first: bool) -> Self {
        Self {
            client,
            phase: Phase::Connecting,
            submitted: VecDeque::new(),
            in_flight: HashMap::new(),
            parcels: 0,
            marker: None,
            marker_is_back: false,
            caught_up_by: None,
            shown: Shown::No,
            shown_again: None,
            order,
            farewell: Farewell::No,
            first,
            judges_at: None,
            asks_again_at: None,
            yielded: false,
            unacknowledged: VecDeque::new(),
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

    /// Whether no other program has taken this device over, as far as can be known: only then the queue is ours.
    fn may_have_the_queue(&self) -> bool {
        let mine = matches!(self.shown, Shown::Due(_) | Shown::Yes) && !matches!(self.farewell, Farewell::Gone(_));
        mine && !self.yielded
    }

    /// Begins the farewell; a second wish changes nothing.
    pub(crate) fn leave(&mut self) {
        if self.farewell == Farewell::No {
            self.farewell = Farewell::Leaving(Instant::now() + LEAVE_LIMIT);
        }
    }

    /// When [`Self::pump`] has something to do by itself.
    pub(crate) fn next_deadline(&self, session: &Session) -> Option<Instant> {
        let shown = match self.shown {
            Shown::Waiting(at) | Shown::Due(at) => Some(at),
            Shown::No | Shown::Yes => None,
        };
        let farewell = match self.farewell {
            Farewell::Leaving(at) | Farewell::Hiding(at) | Farewell::Gone(at) => Some(at),
            Farewell::No => None,
        };
        let state = session.shared.lock();
        let held = state.inbox.next_deadline();
        // Without room nothing waits for its time.
        let turn = if session.has_room() {
            [state.inbox.next_turn(), state.presences.next_deadline()].into_iter().flatten().min()
        } else {
            None
        };
        [self.caught_up_by, self.judges_at, self.asks_again_at, shown, farewell, held, turn].into_iter().flatten().min()
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
        self.take_turns(session, now);
        self.judge_siblings(session, now);
        self.ask_again(session, now);
        if self.may_have_the_queue() {
            if self.marker_is_back {
                self.caught_up(session);
            }
            while let Some(publish) = self.unacknowledged.front() {
                if self.client.try_ack(publish).is_err() {
                    break;
                }
                self.unacknowledged.pop_front();
            }
        }
        if self.phase == Phase::Up && matches!(self.farewell, Farewell::No | Farewell::Leaving(_)) {
            self.show(session, now);
            self.hand_over(session, now);
        }
        match self.farewell {
            Farewell::No => {}
            Farewell::Leaving(until) => {
                if now >= until || session.shared.lock().outbox.is_empty() {
                    let me = Presence { state: PresenceState::Offline, ..session.shared.lock().me.clone() };
                    self.publish_presence(session, me, true);
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

    /// Reads what has waited because its sender is too fast, while there is room for what comes of it.
    fn take_turns(&mut self, session: &mut Session, now: Instant) {
        while session.has_room() && !self.yielded {
            let mut guard = session.shared.lock();
            let state = &mut *guard;
            if let Some(notices) = state.inbox.next(&mut state.directory, now) {
                drop(guard);
                session.pending.extend(notices);
            } else if let Some(ready) = state.presences.next(now) {
                drop(guard);
                self.others_presence(session, ready);
            } else {
                break;
            }
        }
    }

    fn caught_up(&mut self, session: &mut Session) {
        self.marker = None;
        session.has_caught_up = true;
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
            if self.publish_presence(session, me, false) {
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

    fn publish_presence(&mut self, session: &Session, mut me: Presence, farewell: bool) -> bool {
        let topic = topics::presence(&session.config.app, &session.config.address);
        me.order = self.order.advance();
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
