//! A town of phones on a virtual clock, joined by a link that may lose, repeat, delay and reorder, by a broker that
//! keeps signals for those who are away, and by media paths that connect, break and heal.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "shared by several test programs")]

mod device;
mod net;
mod peers;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::time::{Duration, Instant};

use peal_call::{
    CallId, CallSnapshot, CallState, Callee, DeviceAddress, DeviceId, Dial, Input, Meanwhile, MediaKind, Notice,
    Output, Signal, UserId,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use uuid::Uuid;

pub use device::Device;
pub use net::{CALM, Weather};

pub fn address(text: &str) -> DeviceAddress {
    let (user, device) = text.split_once('/').unwrap();
    DeviceAddress { user: UserId::new(user).unwrap(), device: DeviceId::new(device).unwrap() }
}

pub fn user(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

/// What the plainest answer says.
pub fn accept(call: CallId) -> Input {
    Input::Accept { call, media: None, meanwhile: Meanwhile::Hold }
}

pub fn reject(call: CallId) -> Input {
    Input::Reject { call, busy: false, message: None }
}

/// What will happen to a device, by its place in the town.
#[derive(Debug, Clone)]
pub enum Due {
    Deliver {
        to: usize,
        from: usize,
        signal: Signal,
    },
    Fact {
        to: usize,
        input: Input,
    },
    /// A fact about one peer connection, void if that has been closed meanwhile.
    Peer {
        to: usize,
        peer: u32,
        input: Input,
    },
    /// The media of a network that broke heals by itself, if it can.
    Heal {
        a: usize,
        b: usize,
    },
    CaughtUp {
        to: usize,
        epoch: u32,
    },
}

struct Scheduled {
    at: Instant,
    sequence: u64,
    /// Boxed: the heap moves its entries about.
    due: Box<Due>,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.sequence == other.sequence
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

pub struct Town {
    pub now: Instant,
    pub start: Instant,
    pub devices: Vec<Device>,
    places: HashMap<DeviceAddress, usize>,
    pub weather: Weather,
    /// Signals dropped by a test: return true to drop.
    pub censor: Option<fn(&DeviceAddress, &DeviceAddress, &Signal) -> bool>,
    /// Whether `sent` and the notices are kept.
    pub keeps_log: bool,
    pub sent: Vec<(DeviceAddress, DeviceAddress, Signal)>,
    due: BinaryHeap<Reverse<Scheduled>>,
    sequence: u64,
    pub random: StdRng,
    ids: u128,
    peers: u32,
    /// Media paths work between devices.
    pub media_works: bool,
    /// Pairs of places between which no media gets through.
    pub walls: Vec<(usize, usize)>,
    /// By how much the end that made the offer sees later that its media is there.
    pub offerer_lags: Duration,
    /// Steps of the clock and signals delivered so far.
    pub steps: u64,
    /// Who has sent an invite to whom: by call and person.
    pub inviters: HashMap<(CallId, UserId), HashSet<usize>>,
    /// When a device was last told to ring for a call, or to stop.
    pub told_at: HashMap<(usize, CallId), Instant>,
    /// Who has been invited again after they had left.
    pub called_back: HashSet<(CallId, UserId)>,
    /// All that happened, for the one who looks into a failing seed.
    pub story: Option<Vec<String>>,
    /// Things that a run must not do, found by the rig itself.
    pub faults: Vec<String>,
}

impl Town {
    pub fn new(names: &[&str], seed: u64) -> Self {
        Self::of(names.iter().map(|name| address(name)).collect(), seed)
    }

    pub fn of(names: Vec<DeviceAddress>, seed: u64) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the origin of the virtual clock")]
        let now = Instant::now();
        let places = names.iter().cloned().enumerate().map(|(place, me)| (me, place)).collect();
        Self {
            now,
            start: now,
            devices: names.into_iter().map(Device::new).collect(),
            places,
            weather: CALM,
            censor: None,
            keeps_log: true,
            sent: Vec::new(),
            due: BinaryHeap::new(),
            sequence: 0,
            random: StdRng::seed_from_u64(seed),
            ids: 0,
            peers: 0,
            media_works: true,
            walls: Vec::new(),
            offerer_lags: Duration::ZERO,
            steps: 0,
            inviters: HashMap::new(),
            told_at: HashMap::new(),
            called_back: HashSet::new(),
            story: None,
            faults: Vec::new(),
        }
    }

    /// Adds a line to the story, if one is kept.
    pub fn tell(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.story.is_some() {
            let line = format!("{:>9.3} {}", self.elapsed().as_secs_f64(), line(self));
            self.story.iter_mut().for_each(|story| story.push(line.clone()));
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub fn fresh_id(&mut self) -> CallId {
        self.ids += 1;
        CallId::from_uuid(Uuid::from_u128(self.ids))
    }

    pub fn place(&self, me: &DeviceAddress) -> Option<usize> {
        self.places.get(me).copied()
    }

    pub fn place_of(&self, name: &str) -> usize {
        self.places[&address(name)]
    }

    pub fn device(&self, name: &str) -> &Device {
        &self.devices[self.place_of(name)]
    }

    /// A wish of the person at `name`.
    pub fn wish(&mut self, name: &str, input: Input) {
        self.feed(self.place_of(name), input);
    }

    pub fn callee(&self, name: &str) -> Callee {
        let user = user(name);
        let devices = self.devices.iter().filter(|it| it.me.user == user).map(|it| it.me.device.clone()).collect();
        Callee { user, devices }
    }

    pub fn dial(&mut self, call: CallId, to: &[&str]) -> Dial {
        Dial {
            call,
            to: to.iter().map(|name| self.callee(name)).collect(),
            only: false,
            media: MediaKind::Audio,
            group: None,
            message: None,
            lifetime: Duration::from_secs(30),
            early_media: false,
            started_at: self.wall_ms(),
        }
    }

    /// Ms since 1970 on everybody's clock.
    pub fn wall_ms(&self) -> u64 {
        1_000 + self.elapsed().as_millis() as u64
    }

    pub fn call(&mut self, from: &str, to: &str) -> CallId {
        let call = self.fresh_id();
        self.call_as(call, from, to);
        call
    }

    pub fn call_as(&mut self, call: CallId, from: &str, to: &str) {
        let dial = self.dial(call, &[to]);
        self.wish(from, Input::Call(dial));
    }

    pub fn call_all(&mut self, from: &str, to: &[&str]) -> CallId {
        let call = self.fresh_id();
        let dial = self.dial(call, to);
        self.wish(from, Input::Call(dial));
        call
    }

    pub fn invite(&mut self, from: &str, call: CallId, to: &[&str]) {
        let callees = to.iter().map(|name| self.callee(name)).collect();
        self.wish(from, Input::Invite { call, callees, message: None, lifetime: Duration::from_secs(30) });
    }

    pub fn snapshot(&self, name: &str, call: CallId) -> Option<CallSnapshot> {
        self.device(name).phone.snapshot().into_iter().find(|it| it.id == call)
    }

    pub fn state(&self, name: &str, call: CallId) -> Option<CallState> {
        self.snapshot(name, call).map(|it| it.state)
    }

    pub fn rings(&self, name: &str) -> bool {
        let loud = |it: &CallSnapshot| it.alert.is_some_and(|alert| alert != peal_call::Alert::Silent);
        self.device(name).phone.snapshot().iter().any(loud)
    }

    pub fn heard(&self, name: &str, notice: &Notice) -> bool {
        self.device(name).notices.contains(notice)
    }

    /// Lets the virtual time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next_due = self.due.peek().map(|Reverse(it)| it.at);
            let next_timer = (self.devices.iter().enumerate())
                .filter_map(|(place, device)| device.wake.filter(|_| device.alive).map(|at| (at, place)))
                .min();
            let timer_first = match (next_due, next_timer) {
                (Some(due), Some((timer, _))) => timer < due,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if timer_first {
                let (at, place) = next_timer.unwrap();
                let at = at.max(self.now);
                if at > end {
                    break;
                }
                self.now = at;
                self.tick(place);
            } else {
                if next_due.is_none_or(|at| at > end) {
                    break;
                }
                let Some(Reverse(Scheduled { at, due, .. })) = self.due.pop() else {
                    break;
                };
                self.now = at.max(self.now);
                self.perform(*due);
            }
            self.steps += 1;
        }
        self.now = end;
    }

    fn tick(&mut self, place: usize) {
        let now = self.now;
        let phone = &mut self.devices[place].phone;
        phone.handle_timeout(now);
        self.tell(|town| format!("{} is called by its clock", town.devices[place].me));
        self.collect(place);
        let phone = &self.devices[place].phone;
        if phone.poll_timeout().is_some_and(|at| at <= now) {
            self.faults.push(format!("{} has a timeout that nothing comes of", self.devices[place].me));
            self.devices[place].wake = None;
        }
    }

    fn perform(&mut self, due: Due) {
        match due {
            Due::Deliver { to, from, signal } => self.deliver(to, from, signal),
            Due::Fact { to, input } => self.feed(to, input),
            Due::Peer { to, peer, input } => self.peer_fact(to, peer, input),
            Due::Heal { a, b } => self.heal(a, b),
            Due::CaughtUp { to, epoch } => {
                if self.devices[to].epoch == epoch {
                    self.feed(to, Input::CaughtUp);
                }
            }
        }
    }

    /// Feeds a phone, if its program runs.
    pub fn feed(&mut self, place: usize, input: Input) {
        let now = self.now;
        let device = &mut self.devices[place];
        if !device.alive {
            return;
        }
        if self.story.is_some() {
            let (me, input) = (device.me.clone(), input.clone());
            self.tell(|_| format!("{me} <- {input:?}"));
        }
        self.devices[place].phone.handle_input(now, input);
        self.collect(place);
    }

    fn schedule(&mut self, delay: Duration, due: Due) {
        self.sequence += 1;
        self.due.push(Reverse(Scheduled { at: self.now + delay, sequence: self.sequence, due: Box::new(due) }));
    }

    fn collect(&mut self, place: usize) {
        while let Some(output) = self.devices[place].phone.poll_output() {
            self.tell(|town| format!("    {} -> {output:?}", town.devices[place].me));
            match output {
                Output::Send { to, signal, lifetime } => self.post(place, &to, signal, lifetime),
                Output::Notify(notice) => {
                    if self.keeps_log {
                        self.devices[place].notices.push(notice);
                    }
                }
                Output::Record(record) => {
                    let records = &mut self.devices[place].records;
                    if let Some(line) = records.iter_mut().find(|it| it.call == record.call) {
                        *line = record;
                    } else {
                        records.push(record);
                    }
                }
                Output::ShareRecord(record) => self.share(place, &record),
                Output::Refuse { refusal, .. } => {
                    if self.keeps_log {
                        self.devices[place].refusals.push(refusal);
                    }
                }
                Output::OpenOfferer(link) => self.open_offerer(place, link),
                Output::OpenAnswerer { link, offer } => self.open_answerer(place, link, &offer),
                Output::AcceptAnswer { link, answer } => self.accept_answer(place, &link, &answer),
                Output::AnswerOffer { link, offer } => self.answer_offer(place, &link, &offer),
                Output::RestartIce(link) => self.restart_ice(place, &link),
                Output::AddCandidates { .. } => {}
                Output::ClosePeer(link) => self.close_peer(place, &link),
            }
        }
        self.devices[place].changed();
    }
}
