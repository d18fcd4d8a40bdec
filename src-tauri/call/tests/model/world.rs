//! The four phones, the signals under way between them, and what may happen next.

use std::rc::Rc;
use std::time::{Duration, Instant};

use peal_call::{
    CallId, CallRecord, CallSnapshot, Callee, DeviceAddress, DeviceId, Dial, Input, Link, Meanwhile, MediaKind, Output,
    Phone, PhoneConfig, RecordStatus, Signal, UserId,
};
use uuid::Uuid;

use super::Scope;
use super::parts::{Action, Flight, NAMES, Seat, Story, address, hashed, place_of};

/// What may still go wrong, or be pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Signals lost.
    pub losses: u8,
    /// Signals that come twice.
    pub repeats: u8,
    /// Programs that die.
    pub crashes: u8,
    /// Times that signals may stay under way while a phone's clock runs out.
    pub ticks: u8,
    /// Calls put down after they were answered, or withdrawn.
    pub hangups: u8,
}

/// One state of the world.
#[derive(Debug, Clone)]
pub struct World {
    start: Instant,
    now: Instant,
    pub(super) phones: Vec<Seat>,
    pub(super) alive: Vec<bool>,
    /// Who has not called yet.
    callers: Vec<usize>,
    pub(super) flights: Vec<Rc<Flight>>,
    /// Ends whose answers are in: their media may connect.
    connecting: Vec<(usize, Link)>,
    /// Programs that are gone and not yet missed.
    unmissed: Vec<usize>,
    /// By device: the lines of its history.
    pub(super) records: Vec<Vec<(CallId, RecordStatus)>>,
    budget: Budget,
    pub(super) lost: bool,
    pub(super) crashed: bool,
    ordered: bool,
    story: Option<Rc<Story>>,
}

impl World {
    pub fn new(start: Instant, scope: Scope) -> Self {
        let Scope { glare, ordered, budget, .. } = scope;
        Self {
            start,
            now: start,
            phones: (0..NAMES.len()).map(|place| Seat::new(Phone::new(PhoneConfig { me: address(place) }))).collect(),
            alive: vec![true; NAMES.len()],
            callers: if glare { vec![0, 2] } else { vec![0] },
            flights: Vec::new(),
            connecting: Vec::new(),
            unmissed: Vec::new(),
            records: vec![Vec::new(); NAMES.len()],
            budget,
            lost: false,
            crashed: false,
            ordered,
            story: None,
        }
    }

    /// Two worlds with the same one go on alike.
    pub fn fingerprint(&self) -> u128 {
        // Between two devices the order counts, if it is kept; otherwise it does not.
        let nth = |at: usize, flight: &Flight| {
            let before = &self.flights[..at];
            let same = |it: &&Rc<Flight>| !it.stray && it.from == flight.from && it.to == flight.to;
            if self.ordered && !flight.stray { before.iter().filter(same).count() } else { 0 }
        };
        let flights = self.flights.iter().enumerate();
        let mut flights: Vec<u64> = flights.map(|(at, flight)| hashed(0, &(nth(at, flight), flight.hash))).collect();
        flights.sort_unstable();
        let mut connecting: Vec<u64> = self.connecting.iter().map(|it| hashed(0, it)).collect();
        connecting.sort_unstable();
        let rest = (
            self.phones.iter().map(|seat| seat.hash).collect::<Vec<_>>(),
            self.now,
            &self.alive,
            &self.callers,
            flights,
            connecting,
            (&self.unmissed, &self.records, self.budget, self.lost, self.crashed),
        );
        (u128::from(hashed(1, &rest)) << 64) | u128::from(hashed(2, &rest))
    }

    /// Everything that may happen next.
    pub fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        actions.extend(self.callers.iter().filter(|place| self.alive[**place]).map(|place| Action::Call(*place)));
        for place in 0..self.phones.len() {
            if !self.alive[place] {
                continue;
            }
            for call in self.phones[place].phone.snapshot() {
                if call.alert.is_some() {
                    actions.extend([Action::Accept(place), Action::Reject(place)]);
                } else if self.budget.hangups > 0 {
                    actions.push(Action::Hangup(place));
                }
            }
            if self.budget.crashes > 0 && self.callers.is_empty() {
                actions.push(Action::Crash(place));
            }
        }
        actions.extend(self.unmissed.iter().map(|place| Action::Missed(*place)));
        actions.extend((0..self.connecting.len()).map(Action::Connect));
        for flight in 0..self.flights.len() {
            // Of several that are alike, one; of several between two devices, the first.
            let Flight { from, to, .. } = *self.flights[flight];
            let before = &self.flights[..flight];
            let waits = self.ordered
                && !self.flights[flight].stray
                && before.iter().any(|it| !it.stray && it.from == from && it.to == to);
            if waits || before.contains(&self.flights[flight]) {
                continue;
            }
            actions.push(Action::Deliver(flight));
            if self.budget.losses > 0 {
                actions.push(Action::Lose(flight));
            }
            if self.budget.repeats > 0 && !self.flights[flight].stray {
                actions.push(Action::Repeat(flight));
            }
        }
        // Time passes freely when nothing else is under way; else as often as the budget says.
        let quiet = self.flights.is_empty() && self.connecting.is_empty() && self.unmissed.is_empty();
        let timer = self.next_timer().is_some();
        if timer && !self.callers.iter().any(|place| self.alive[*place]) && (quiet || self.budget.ticks > 0) {
            actions.push(Action::Tick);
        }
        actions
    }

    fn next_timer(&self) -> Option<Instant> {
        let alive = self.phones.iter().zip(&self.alive).filter(|(_, alive)| **alive);
        alive.filter_map(|(seat, _)| seat.phone.poll_timeout()).min()
    }

    /// The world in which this has happened.
    pub fn after(&self, action: Action) -> Self {
        let mut next = self.clone();
        let flight = match action {
            Action::Deliver(at) | Action::Lose(at) | Action::Repeat(at) => self.flights.get(at).cloned(),
            Action::Call(_)
            | Action::Accept(_)
            | Action::Reject(_)
            | Action::Hangup(_)
            | Action::Crash(_)
            | Action::Missed(_)
            | Action::Connect(_)
            | Action::Tick => None,
        };
        next.perform(action);
        let at = next.now - next.start;
        next.story = Some(Rc::new(Story { action, flight, at, before: self.story.clone() }));
        next
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Call(place) => {
                self.callers.retain(|it| *it != place);
                self.feed(place, Input::Call(dial(place)));
            }
            Action::Accept(place) => {
                let call = self.only_call(place);
                self.feed(place, Input::Accept { call, media: None, meanwhile: Meanwhile::Hold });
            }
            Action::Reject(place) => {
                let call = self.only_call(place);
                self.feed(place, Input::Reject { call, busy: false, message: None });
            }
            Action::Hangup(place) => {
                self.budget.hangups -= 1;
                let call = self.only_call(place);
                self.feed(place, Input::Hangup { call });
            }
            Action::Crash(place) => {
                self.budget.crashes -= 1;
                self.crashed = true;
                self.alive[place] = false;
                self.unmissed.push(place);
                self.flights.retain(|flight| flight.to != place);
                self.connecting.retain(|(it, link)| *it != place && link.peer != address(place));
            }
            Action::Missed(gone) => {
                self.unmissed.retain(|it| *it != gone);
                for place in (0..self.phones.len()).filter(|place| *place != gone) {
                    for call in self.phones[place].phone.snapshot() {
                        let link = Link { call: call.id, peer: address(gone) };
                        self.feed(place, Input::MediaDisconnected { link });
                    }
                    self.feed(place, Input::DeviceDisappeared { device: address(gone) });
                }
            }
            Action::Deliver(flight) => {
                let flight = self.flights.remove(flight);
                self.deliver(&flight);
            }
            Action::Lose(flight) => {
                self.budget.losses -= 1;
                self.lost = true;
                self.flights.remove(flight);
            }
            Action::Repeat(flight) => {
                self.budget.repeats -= 1;
                // It comes now, and once more at any time.
                let flight = self.flights.remove(flight);
                let again = Flight::new(flight.from, flight.to, flight.signal.clone(), true);
                self.deliver(&flight);
                self.flights.push(again);
            }
            Action::Connect(end) => {
                let (place, link) = self.connecting.swap_remove(end);
                let back = Link { call: link.call, peer: address(place) };
                let there = place_of(&link.peer);
                self.feed(place, Input::MediaConnected { link });
                if let Some(there) = there {
                    self.feed(there, Input::MediaConnected { link: back });
                }
            }
            Action::Tick => {
                let quiet = self.flights.is_empty() && self.connecting.is_empty() && self.unmissed.is_empty();
                if !quiet {
                    self.budget.ticks -= 1;
                }
                let at = self.next_timer().unwrap_or(self.now).max(self.now);
                self.now = at;
                for place in 0..self.phones.len() {
                    if self.alive[place] && self.phones[place].phone.poll_timeout().is_some_and(|it| it <= at) {
                        Rc::make_mut(&mut self.phones[place].phone).handle_timeout(at);
                        self.collect(place);
                    }
                }
            }
        }
    }

    fn deliver(&mut self, flight: &Flight) {
        let Flight { from, to, ref signal, .. } = *flight;
        let signal = signal.clone();
        self.feed(to, Input::SignalReceived { from: address(from), signal, at: 1 });
    }

    /// The call that this device shows; there is never more than one that can be pressed.
    fn only_call(&self, place: usize) -> CallId {
        self.phones[place].phone.snapshot().first().map_or_else(|| call_id(9), |call| call.id)
    }

    fn feed(&mut self, place: usize, input: Input) {
        if self.alive[place] {
            let now = self.now;
            self.phone(place).handle_input(now, input);
            self.collect(place);
        }
    }

    fn phone(&mut self, place: usize) -> &mut Phone {
        Rc::make_mut(&mut self.phones[place].phone)
    }

    fn collect(&mut self, place: usize) {
        let now = self.now;
        while let Some(output) = self.phone(place).poll_output() {
            match output {
                Output::Send { to, signal, .. } => self.send(place, &to, signal),
                Output::ShareRecord(record) => self.share(place, &record),
                Output::Record(record) => {
                    let lines = &mut self.records[place];
                    lines.retain(|(call, _)| *call != record.call);
                    lines.push((record.call, record.status));
                    lines.sort_unstable();
                }
                Output::OpenOfferer(link) | Output::RestartIce(link) => {
                    let sdp = "o".to_owned();
                    self.phone(place).handle_input(now, Input::OfferReady { link, sdp });
                }
                Output::OpenAnswerer { link, .. } | Output::AnswerOffer { link, .. } => {
                    let sdp = "a".to_owned();
                    self.phone(place).handle_input(now, Input::AnswerReady { link, sdp });
                }
                Output::AcceptAnswer { link, .. } => {
                    let there = place_of(&link.peer).is_some_and(|it| self.alive[it]);
                    if there {
                        self.connecting.push((place, link));
                    }
                }
                Output::ClosePeer(link) => {
                    let back = (place_of(&link.peer), Link { call: link.call, peer: address(place) });
                    self.connecting.retain(|it| *it != (place, link.clone()) && (Some(it.0), it.1.clone()) != back);
                }
                Output::AddCandidates { .. } | Output::Notify(_) | Output::Refuse { .. } => {}
            }
        }
        // What is over leaves the screen at once: its time on it is nobody's concern here.
        let over: Vec<_> = self.phones[place].phone.snapshot().into_iter().filter(CallSnapshot::is_over).collect();
        for call in over {
            self.phone(place).handle_input(now, Input::Dismiss { call: call.id });
        }
        self.phones[place].rehash();
    }

    fn send(&mut self, from: usize, to: &DeviceAddress, signal: Signal) {
        if let Some(to) = place_of(to).filter(|to| self.alive[*to]) {
            self.flights.push(Flight::new(from, to, signal, false));
        }
    }

    fn share(&mut self, from: usize, record: &CallRecord) {
        for (to, (user, _)) in NAMES.iter().enumerate() {
            if to != from && *user == NAMES[from].0 {
                self.send(from, &address(to), Signal::Shared(record.clone()));
            }
        }
    }

    /// How it came to this.
    pub fn story(&self) -> String {
        let mut lines = Vec::new();
        let mut at = self.story.as_ref();
        while let Some(story) = at {
            lines.push(story.to_string());
            at = story.before.as_ref();
        }
        lines.reverse();
        lines.join("\n")
    }
}

pub(super) const fn call_id(number: u128) -> CallId {
    CallId::from_uuid(Uuid::from_u128(number))
}

/// Ann calls Bob from her desk, or he her.
fn dial(place: usize) -> Dial {
    let user = if NAMES[place].0 == "ann" { "bob" } else { "ann" };
    let devices = NAMES.iter().filter(|(it, _)| *it == user).map(|(_, device)| DeviceId::new(*device).unwrap());
    Dial {
        call: call_id(place as u128),
        to: vec![Callee { user: UserId::new(user).unwrap(), devices: devices.collect() }],
        only: false,
        media: MediaKind::Audio,
        group: None,
        message: None,
        lifetime: Duration::from_secs(30),
        early_media: false,
        started_at: 1,
    }
}
