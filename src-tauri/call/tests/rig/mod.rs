//! A town of phones on a virtual clock, joined by a link that may lose, repeat and reorder.

#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "shared by several test programs")]

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use peal_call::{
    CallId, CallRecord, CallSnapshot, CallState, DeviceAddress, DeviceId, Dial, Input, Link, MediaKind, Notice, Output,
    Phone, PhoneConfig, Refusal, Signal, UserId,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

pub fn address(text: &str) -> DeviceAddress {
    let (user, device) = text.split_once('/').unwrap();
    DeviceAddress { user: UserId::new(user).unwrap(), device: DeviceId::new(device).unwrap() }
}

/// How the link treats signals.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    pub loss: f64,
    pub repeat: f64,
    pub delay_ms: (u64, u64),
}

pub const CALM: Weather = Weather { loss: 0.0, repeat: 0.0, delay_ms: (1, 1) };

#[derive(Debug, Clone)]
enum Due {
    Deliver { to: DeviceAddress, from: DeviceAddress, signal: Signal },
    Media { to: DeviceAddress, input: Input },
}

pub struct Device {
    pub phone: Phone,
    pub notices: Vec<Notice>,
    pub records: Vec<CallRecord>,
    pub refusals: Vec<Refusal>,
    pub alive: bool,
    /// Links whose peer connection is open here.
    pub open: HashSet<Link>,
}

pub struct Town {
    pub now: Instant,
    start: Instant,
    pub devices: BTreeMap<DeviceAddress, Device>,
    pub weather: Weather,
    /// Signals dropped by a test: return true to drop.
    pub censor: Option<fn(&DeviceAddress, &DeviceAddress, &Signal) -> bool>,
    pub sent: Vec<(DeviceAddress, DeviceAddress, Signal)>,
    due: Vec<(Instant, u64, Due)>,
    sequence: u64,
    pub random: StdRng,
    ids: u128,
    /// Media paths work between devices.
    pub media_works: bool,
}

impl Town {
    pub fn new(names: &[&str], seed: u64) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the origin of the virtual clock")]
        let now = Instant::now();
        let devices = names
            .iter()
            .map(|name| {
                let me = address(name);
                let device = Device {
                    phone: Phone::new(PhoneConfig { me: me.clone() }),
                    notices: Vec::new(),
                    records: Vec::new(),
                    refusals: Vec::new(),
                    alive: true,
                    open: HashSet::new(),
                };
                (me, device)
            })
            .collect();
        Self {
            now,
            start: now,
            devices,
            weather: CALM,
            censor: None,
            sent: Vec::new(),
            due: Vec::new(),
            sequence: 0,
            random: StdRng::seed_from_u64(seed),
            ids: 0,
            media_works: true,
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub fn fresh_id(&mut self) -> CallId {
        self.ids += 1;
        CallId::from_uuid(Uuid::from_u128(self.ids))
    }

    pub fn device(&self, name: &str) -> &Device {
        &self.devices[&address(name)]
    }

    /// A wish of the person at `name`.
    pub fn wish(&mut self, name: &str, input: Input) {
        let me = address(name);
        self.feed(&me, input);
    }

    pub fn call(&mut self, from: &str, to: &str) -> CallId {
        let call = self.fresh_id();
        self.call_as(call, from, to);
        call
    }

    pub fn call_as(&mut self, call: CallId, from: &str, to: &str) {
        let to = UserId::new(to).unwrap();
        let devices = self.devices.keys().filter(|it| it.user == to).map(|it| it.device.clone()).collect();
        let started_at = 1_000 + self.elapsed().as_millis() as u64;
        self.wish(
            from,
            Input::Call(Dial {
                call,
                to,
                devices,
                only: false,
                media: MediaKind::Audio,
                message: None,
                lifetime: Duration::from_secs(30),
                started_at,
            }),
        );
    }

    pub fn snapshot(&self, name: &str, call: CallId) -> Option<CallSnapshot> {
        self.device(name).phone.snapshot().into_iter().find(|it| it.id == call)
    }

    pub fn state(&self, name: &str, call: CallId) -> Option<CallState> {
        self.snapshot(name, call).map(|it| it.state)
    }

    pub fn rings(&self, name: &str) -> bool {
        self.device(name).phone.snapshot().iter().any(|it| it.rings_here)
    }

    /// Kills a program: its peers' media stops, it hears nothing more.
    pub fn kill(&mut self, name: &str) {
        let me = address(name);
        let device = self.devices.get_mut(&me).unwrap();
        device.alive = false;
        let open: Vec<_> = device.open.drain().collect();
        for link in open {
            self.drop_media(&me, &link, Duration::from_secs(2));
        }
        let others: Vec<_> = self.devices.keys().filter(|it| **it != me).cloned().collect();
        for other in others {
            self.schedule(1, Due::Media { to: other, input: Input::DeviceDisappeared { device: me.clone() } });
        }
    }

    /// Starts a killed program anew, with no memory of its calls.
    pub fn revive(&mut self, name: &str) {
        let me = address(name);
        let device = self.devices.get_mut(&me).unwrap();
        device.alive = true;
        device.phone = Phone::new(PhoneConfig { me: me.clone() });
        // The history on disk takes a call once; this list is what one run has written.
        device.records.clear();
        let others: Vec<_> = self.devices.keys().filter(|it| **it != me).cloned().collect();
        for other in others {
            self.schedule(1, Due::Media { to: other, input: Input::DeviceAppeared { device: me.clone() } });
        }
    }

    /// The media path between two devices breaks or heals.
    pub fn break_media(&mut self, call: CallId, a: &str, b: &str) {
        for (me, peer) in [(a, b), (b, a)] {
            let link = Link { call, peer: address(peer) };
            self.schedule(0, Due::Media { to: address(me), input: Input::MediaDisconnected { link } });
        }
        self.run(Duration::from_millis(1));
    }

    /// Lets the virtual time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next_due = self.due.iter().map(|(at, sequence, _)| (*at, *sequence)).min();
            let next_timer = self
                .devices
                .iter()
                .filter(|(_, device)| device.alive)
                .filter_map(|(me, device)| device.phone.poll_timeout().map(|at| (at.max(self.now), me.clone())))
                .min();
            let timer_first = match (&next_due, &next_timer) {
                (Some((due, _)), Some((timer, _))) => timer < due,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if timer_first {
                let (at, me) = next_timer.unwrap();
                if at > end {
                    break;
                }
                self.now = at;
                self.devices.get_mut(&me).unwrap().phone.handle_timeout(at);
                self.collect(&me);
            } else {
                let Some((at, sequence)) = next_due.filter(|(at, _)| *at <= end) else {
                    break;
                };
                let position = self.due.iter().position(|(_, it, _)| *it == sequence).unwrap();
                let (_, _, due) = self.due.swap_remove(position);
                self.now = at.max(self.now);
                self.perform(due);
            }
        }
        self.now = end;
    }

    fn perform(&mut self, due: Due) {
        match due {
            Due::Deliver { to, from, signal } => {
                let at = 1_000 + self.elapsed().as_millis() as u64;
                self.feed(&to, Input::SignalReceived { from, signal, at });
            }
            Due::Media { to, input } => self.feed(&to, input),
        }
    }

    fn feed(&mut self, me: &DeviceAddress, input: Input) {
        let now = self.now;
        let Some(device) = self.devices.get_mut(me).filter(|device| device.alive) else {
            return;
        };
        device.phone.handle_input(now, input);
        self.collect(me);
    }

    fn schedule(&mut self, delay_ms: u64, due: Due) {
        self.sequence += 1;
        self.due.push((self.now + Duration::from_millis(delay_ms), self.sequence, due));
    }

    fn collect(&mut self, me: &DeviceAddress) {
        while let Some(output) = self.devices.get_mut(me).unwrap().phone.poll_output() {
            match output {
                Output::Send { to, signal, .. } => self.post(me, &to, &signal),
                Output::Notify(notice) => self.devices.get_mut(me).unwrap().notices.push(notice),
                Output::Record(record) => self.devices.get_mut(me).unwrap().records.push(record),
                Output::Refuse { refusal, .. } => self.devices.get_mut(me).unwrap().refusals.push(refusal),
                Output::OpenOfferer(link) => {
                    self.devices.get_mut(me).unwrap().open.insert(link.clone());
                    let input = Input::OfferReady { link, sdp: "offer".to_owned() };
                    self.schedule(1, Due::Media { to: me.clone(), input });
                }
                Output::OpenAnswerer { link, .. } => {
                    self.devices.get_mut(me).unwrap().open.insert(link.clone());
                    let input = Input::AnswerReady { link, sdp: "answer".to_owned() };
                    self.schedule(1, Due::Media { to: me.clone(), input });
                }
                Output::AnswerOffer { link, .. } => {
                    let input = Input::AnswerReady { link, sdp: "answer".to_owned() };
                    self.schedule(1, Due::Media { to: me.clone(), input });
                }
                Output::RestartIce(link) => {
                    let input = Input::OfferReady { link, sdp: "restart".to_owned() };
                    self.schedule(1, Due::Media { to: me.clone(), input });
                }
                Output::AcceptAnswer { link, .. } => self.join_media(me, &link),
                Output::AddCandidates { .. } => {}
                Output::ClosePeer(link) => {
                    self.devices.get_mut(me).unwrap().open.remove(&link);
                    self.drop_media(me, &link, Duration::from_secs(2));
                }
            }
        }
    }

    fn join_media(&mut self, me: &DeviceAddress, link: &Link) {
        let back = Link { call: link.call, peer: me.clone() };
        let there = self.devices.get(&link.peer).is_some_and(|device| device.alive && device.open.contains(&back));
        if self.media_works && there {
            let peer = link.peer.clone();
            self.schedule(20, Due::Media { to: me.clone(), input: Input::MediaConnected { link: link.clone() } });
            self.schedule(20, Due::Media { to: peer, input: Input::MediaConnected { link: back } });
        }
    }

    fn drop_media(&mut self, me: &DeviceAddress, link: &Link, after: Duration) {
        let back = Link { call: link.call, peer: me.clone() };
        let input = Input::MediaDisconnected { link: back };
        self.schedule(after.as_millis() as u64, Due::Media { to: link.peer.clone(), input });
    }

    fn post(&mut self, from: &DeviceAddress, to: &DeviceAddress, signal: &Signal) {
        self.sent.push((from.clone(), to.clone(), signal.clone()));
        if self.censor.is_some_and(|drops| drops(from, to, signal)) || self.random.random_bool(self.weather.loss) {
            return;
        }
        let copies = if self.random.random_bool(self.weather.repeat) { 2 } else { 1 };
        for _ in 0..copies {
            let (low, high) = self.weather.delay_ms;
            let delay = self.random.random_range(low..=high);
            self.schedule(delay, Due::Deliver { to: to.clone(), from: from.clone(), signal: signal.clone() });
        }
    }
}
