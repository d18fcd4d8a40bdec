//! The four phones, the signals under way between them, and what may happen next.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::{Duration, Instant};

use peal_call::{
    CallId, CallRecord, CallState, Callee, DeviceAddress, DeviceId, Dial, Input, Link, Meanwhile, MediaKind, Output,
    Phone, PhoneConfig, RecordStatus, Signal, UserId,
};
use uuid::Uuid;

const NAMES: [(&str, &str); 4] = [("ann", "desk"), ("ann", "lap"), ("bob", "desk"), ("bob", "lap")];

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

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Flight {
    from: usize,
    to: usize,
    signal: Signal,
}

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Call(usize),
    Accept(usize),
    Reject(usize),
    Hangup(usize),
    Crash(usize),
    /// The others notice that a program is gone.
    Missed(usize),
    Deliver(usize),
    Lose(usize),
    Repeat(usize),
    /// Media connects, seen from both ends.
    Connect(usize),
    Tick,
}

#[derive(Debug)]
struct Story {
    what: String,
    before: Option<Rc<Story>>,
}

/// One state of the world.
#[derive(Debug, Clone)]
pub struct World {
    start: Instant,
    now: Instant,
    phones: Vec<Phone>,
    alive: Vec<bool>,
    /// Who has not called yet.
    callers: Vec<usize>,
    flights: Vec<Flight>,
    /// Ends whose answers are in: their media may connect.
    connecting: Vec<(usize, Link)>,
    /// Programs that are gone and not yet missed.
    unmissed: Vec<usize>,
    /// By device: the lines of its history.
    records: Vec<Vec<(CallId, RecordStatus)>>,
    budget: Budget,
    lost: bool,
    crashed: bool,
    glare: bool,
    story: Option<Rc<Story>>,
}

fn address(place: usize) -> DeviceAddress {
    let (user, device) = NAMES[place];
    DeviceAddress { user: UserId::new(user).unwrap(), device: DeviceId::new(device).unwrap() }
}

fn place_of(address: &DeviceAddress) -> Option<usize> {
    NAMES.iter().position(|(user, device)| address.user.as_str() == *user && address.device.as_str() == *device)
}

impl World {
    pub fn new(start: Instant, glare: bool, budget: Budget) -> Self {
        Self {
            start,
            now: start,
            phones: (0..NAMES.len()).map(|place| Phone::new(PhoneConfig { me: address(place) })).collect(),
            alive: vec![true; NAMES.len()],
            callers: if glare { vec![0, 2] } else { vec![0] },
            flights: Vec::new(),
            connecting: Vec::new(),
            unmissed: Vec::new(),
            records: vec![Vec::new(); NAMES.len()],
            budget,
            lost: false,
            crashed: false,
            glare,
            story: None,
        }
    }

    /// Two worlds with the same one go on alike.
    pub fn fingerprint(&self) -> u128 {
        let mut flights: Vec<u64> = self.flights.iter().map(|flight| hashed(0, flight)).collect();
        flights.sort_unstable();
        let mut connecting: Vec<u64> = self.connecting.iter().map(|it| hashed(0, it)).collect();
        connecting.sort_unstable();
        let rest = (
            &self.phones,
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
            for call in self.phones[place].snapshot() {
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
            // Of several that are alike, one.
            if self.flights[..flight].contains(&self.flights[flight]) {
                continue;
            }
            actions.push(Action::Deliver(flight));
            if self.budget.losses > 0 {
                actions.push(Action::Lose(flight));
            }
            if self.budget.repeats > 0 {
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
        alive.filter_map(|(phone, _)| phone.poll_timeout()).min()
    }

    /// The world in which this has happened.
    pub fn after(&self, action: Action) -> Self {
        let mut next = self.clone();
        let what = next.perform(action);
        next.story = Some(Rc::new(Story { what, before: self.story.clone() }));
        next
    }

    fn perform(&mut self, action: Action) -> String {
        match action {
            Action::Call(place) => {
                self.callers.retain(|it| *it != place);
                self.feed(place, Input::Call(dial(place)));
                format!("{} calls", address(place))
            }
            Action::Accept(place) => {
                let call = self.only_call(place);
                self.feed(place, Input::Accept { call, media: None, meanwhile: Meanwhile::Hold });
                format!("{} answers", address(place))
            }
            Action::Reject(place) => {
                let call = self.only_call(place);
                self.feed(place, Input::Reject { call, busy: false, message: None });
                format!("{} declines", address(place))
            }
            Action::Hangup(place) => {
                self.budget.hangups -= 1;
                let call = self.only_call(place);
                self.feed(place, Input::Hangup { call });
                format!("{} hangs up", address(place))
            }
            Action::Crash(place) => {
                self.budget.crashes -= 1;
                self.crashed = true;
                self.alive[place] = false;
                self.unmissed.push(place);
                self.flights.retain(|flight| flight.to != place);
                self.connecting.retain(|(it, link)| *it != place && link.peer != address(place));
                format!("{} dies", address(place))
            }
            Action::Missed(gone) => {
                self.unmissed.retain(|it| *it != gone);
                for place in (0..self.phones.len()).filter(|place| *place != gone) {
                    for call in self.phones[place].snapshot() {
                        let link = Link { call: call.id, peer: address(gone) };
                        self.feed(place, Input::MediaDisconnected { link });
                    }
                    self.feed(place, Input::DeviceDisappeared { device: address(gone) });
                }
                format!("{} is missed", address(gone))
            }
            Action::Deliver(flight) => {
                let flight = self.flights.swap_remove(flight);
                self.deliver(flight)
            }
            Action::Lose(flight) => {
                self.budget.losses -= 1;
                self.lost = true;
                let flight = self.flights.swap_remove(flight);
                format!("lost: {} to {}: {:?}", address(flight.from), address(flight.to), flight.signal)
            }
            Action::Repeat(flight) => {
                self.budget.repeats -= 1;
                let flight = self.flights[flight].clone();
                format!("twice: {}", self.deliver(flight))
            }
            Action::Connect(end) => {
                let (place, link) = self.connecting.swap_remove(end);
                let back = Link { call: link.call, peer: address(place) };
                let there = place_of(&link.peer);
                self.feed(place, Input::MediaConnected { link });
                if let Some(there) = there {
                    self.feed(there, Input::MediaConnected { link: back });
                }
                format!("media connects at {}", address(place))
            }
            Action::Tick => {
                let quiet = self.flights.is_empty() && self.connecting.is_empty() && self.unmissed.is_empty();
                if !quiet {
                    self.budget.ticks -= 1;
                }
                let at = self.next_timer().unwrap_or(self.now).max(self.now);
                self.now = at;
                for place in 0..self.phones.len() {
                    if self.alive[place] && self.phones[place].poll_timeout().is_some_and(|it| it <= at) {
                        self.phones[place].handle_timeout(at);
                        self.collect(place);
                    }
                }
                format!("it is {:?}", at - self.start)
            }
        }
    }

    fn deliver(&mut self, flight: Flight) -> String {
        let Flight { from, to, signal } = flight;
        let what = format!("{} hears from {}: {signal:?}", address(to), address(from));
        self.feed(to, Input::SignalReceived { from: address(from), signal, at: 1 });
        what
    }

    /// The call that this device shows; there is never more than one that can be pressed.
    fn only_call(&self, place: usize) -> CallId {
        self.phones[place].snapshot().first().map_or_else(|| call_id(9), |call| call.id)
    }

    fn feed(&mut self, place: usize, input: Input) {
        if self.alive[place] {
            self.phones[place].handle_input(self.now, input);
            self.collect(place);
        }
    }

    fn collect(&mut self, place: usize) {
        while let Some(output) = self.phones[place].poll_output() {
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
                    self.phones[place].handle_input(self.now, Input::OfferReady { link, sdp });
                }
                Output::OpenAnswerer { link, .. } | Output::AnswerOffer { link, .. } => {
                    let sdp = "a".to_owned();
                    self.phones[place].handle_input(self.now, Input::AnswerReady { link, sdp });
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
        let over: Vec<_> = self.phones[place].snapshot().into_iter().filter(|call| call.is_over()).collect();
        for call in over {
            self.phones[place].handle_input(self.now, Input::Dismiss { call: call.id });
        }
    }

    fn send(&mut self, from: usize, to: &DeviceAddress, signal: Signal) {
        if let Some(to) = place_of(to).filter(|to| self.alive[*to]) {
            self.flights.push(Flight { from, to, signal });
        }
    }

    fn share(&mut self, from: usize, record: &CallRecord) {
        for to in 0..self.phones.len() {
            if to != from && NAMES[to].0 == NAMES[from].0 {
                self.send(from, &address(to), Signal::Shared(record.clone()));
            }
        }
    }

    /// What holds in every state.
    pub fn check(&self) -> Result<(), String> {
        for call in [call_id(0), call_id(2)] {
            let mut talking = Vec::new();
            for (place, phone) in self.phones.iter().enumerate().filter(|(place, _)| self.alive[*place]) {
                let shown = phone.snapshot();
                if shown.len() > 1 {
                    return Err(format!("{} shows {} calls", address(place), shown.len()));
                }
                talking
                    .extend(shown.iter().filter(|it| it.id == call && it.state == CallState::Connected).map(|_| place));
                if shown.iter().any(|it| it.state != CallState::Connected) && phone.poll_timeout().is_none() {
                    return Err(format!("nothing ends the wait of {}", address(place)));
                }
            }
            let winners = |user: &str| talking.iter().filter(|place| NAMES[**place].0 == user).count();
            if winners("ann") > 1 || winners("bob") > 1 {
                return Err(format!("two devices of one person are in one call: {talking:?}"));
            }
        }
        self.check_rings()
    }

    /// Where nothing was lost and nobody died: who rings is waited for, or is being told.
    fn check_rings(&self) -> Result<(), String> {
        if self.lost || self.crashed {
            return Ok(());
        }
        for (place, phone) in self.phones.iter().enumerate() {
            for call in phone.snapshot().iter().filter(|call| call.alert.is_some()) {
                let waited_for = self.phones.iter().any(|other| {
                    other.snapshot().iter().any(|it| {
                        it.id == call.id
                            && it.inviter.is_none()
                            && matches!(it.state, CallState::Calling | CallState::Ringing)
                    })
                });
                let told = self.flights.iter().any(|flight| flight.to == place && flight.signal.call() == call.id);
                if !waited_for && !told {
                    return Err(format!("{} rings for a call that is over", address(place)));
                }
            }
        }
        Ok(())
    }

    /// What holds where nothing more can happen.
    pub fn check_end(&self) -> Result<(), String> {
        for (place, phone) in self.phones.iter().enumerate().filter(|(place, _)| self.alive[*place]) {
            if let Some(stuck) = phone.snapshot().iter().find(|call| call.state != CallState::Connected) {
                return Err(format!("{} is stuck: {:?}", address(place), stuck.state));
            }
        }
        if self.lost || self.crashed {
            return Ok(());
        }
        for call in [call_id(0), call_id(2)] {
            let lines: Vec<_> = (0..self.phones.len())
                .filter_map(|place| {
                    let line = self.records[place].iter().find(|(it, _)| *it == call);
                    line.map(|(_, status)| (address(place).to_string(), *status))
                })
                .collect();
            if lines.windows(2).any(|pair| pair[0].1 != pair[1].1) {
                return Err(format!("the histories of {call} disagree: {lines:?}"));
            }
        }
        Ok(())
    }

    /// How it came to this.
    pub fn story(&self) -> String {
        let mut lines = Vec::new();
        let mut at = self.story.as_ref();
        while let Some(story) = at {
            lines.push(story.what.clone());
            at = story.before.as_ref();
        }
        lines.reverse();
        lines.join("\n")
    }
}

fn hashed(salt: u64, value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    salt.hash(&mut hasher);
    value.hash(&mut hasher);
    hasher.finish()
}

const fn call_id(number: u128) -> CallId {
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
