//! The link and the broker: signals are lost, repeated, delayed; those for a device that is away wait for it.

use std::time::{Duration, Instant};

use peal_call::{CallRecord, DeviceAddress, Input, Phone, PhoneConfig, Signal};
use rand::Rng;

use super::{Due, Town, address};

/// How the link treats signals.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    pub loss: f64,
    pub repeat: f64,
    pub delay_ms: (u64, u64),
    /// How many of a thousand signals take minutes.
    pub stuck: u32,
    /// Signals about a running call also go through the peer connection, while it is up.
    pub control: bool,
}

pub const CALM: Weather = Weather { loss: 0.0, repeat: 0.0, delay_ms: (1, 1), stuck: 0, control: false };

/// How long a program takes over its backlog.
const BACKLOG: Duration = Duration::from_millis(50);
/// How long presence takes to go round.
const PRESENCE: Duration = Duration::from_millis(1);

/// A signal that waits at the broker.
pub struct Queued {
    from: usize,
    signal: Signal,
    until: Instant,
}

impl Town {
    pub(super) fn post(&mut self, from: usize, to: &DeviceAddress, signal: Signal, lifetime: Duration) {
        let sender = &self.devices[from].me;
        if self.keeps_log {
            self.sent.push((sender.clone(), to.clone(), signal.clone()));
        }
        let Some(place) = self.place(to) else { return };
        if matches!(signal, Signal::Invite(_) | Signal::Cancel { .. } | Signal::Select { .. }) {
            self.told_at.insert((place, signal.call()), self.now);
        }
        if let Signal::Invite(invite) = &signal {
            self.inviters.entry((invite.call, to.user.clone())).or_default().insert(from);
            if invite.generation > 0 {
                self.called_back.insert((invite.call, to.user.clone()));
            }
        }
        if self.censor.is_some_and(|drops| drops(sender, to, &signal)) {
            return;
        }
        if self.weather.control && rides_along(&signal) && self.is_up(from, place, signal.call()) {
            let (from, at) = (sender.clone(), self.wall_ms() + 15);
            let input = Input::SignalReceived { from, signal: signal.clone(), at };
            self.schedule(Duration::from_millis(15), Due::Fact { to: place, input });
        }
        if !self.devices[from].online {
            // Its own outbox keeps it until it is back, or makes no sense any more.
            let until = self.now + lifetime;
            self.devices[from].outgoing.push((place, signal, until));
            return;
        }
        self.forward(from, place, signal, lifetime);
    }

    fn forward(&mut self, from: usize, to: usize, signal: Signal, lifetime: Duration) {
        let weather = self.weather;
        if weather.loss > 0.0 && self.random.random_bool(weather.loss) {
            return;
        }
        if weather.repeat > 0.0 && self.random.random_bool(weather.repeat) {
            self.dispatch(from, to, signal.clone(), lifetime);
        }
        self.dispatch(from, to, signal, lifetime);
    }

    fn dispatch(&mut self, from: usize, to: usize, signal: Signal, lifetime: Duration) {
        let (low, high) = self.weather.delay_ms;
        let mut delay = if low == high { low } else { self.random.random_range(low..=high) };
        if self.weather.stuck > 0 && self.random.random_ratio(self.weather.stuck, 1000) {
            delay += self.random.random_range(1_000..180_000);
        }
        let delay = Duration::from_millis(delay);
        if delay <= lifetime {
            self.schedule(delay, Due::Deliver { to, from, signal });
        }
    }

    pub(super) fn deliver(&mut self, to: usize, from: usize, signal: Signal) {
        let device = &mut self.devices[to];
        if !device.alive || !device.online {
            let until = self.now + lifetime_of(&signal);
            device.queue.push(Queued { from, signal, until });
            return;
        }
        let from = self.devices[from].me.clone();
        let at = self.wall_ms();
        self.feed(to, Input::SignalReceived { from, signal, at });
    }

    pub(super) fn share(&mut self, place: usize, record: &CallRecord) {
        let me = self.devices[place].me.clone();
        if self.keeps_log {
            self.devices[place].shared.push(record.clone());
        }
        let others: Vec<_> =
            self.devices.iter().map(|it| it.me.clone()).filter(|it| it.user == me.user && *it != me).collect();
        for other in others {
            self.post(place, &other, Signal::Shared(record.clone()), Duration::from_secs(7 * 86_400));
        }
    }

    /// Kills a program: its peers' media stops, it hears nothing more.
    pub fn kill(&mut self, name: &str) {
        self.kill_at(self.place_of(name));
    }

    pub fn kill_at(&mut self, place: usize) {
        let device = &mut self.devices[place];
        device.alive = false;
        device.wake = None;
        self.drop_all_media(place);
        self.tell_presence(place, false);
    }

    /// Starts a killed program anew, with no memory of its calls.
    pub fn revive(&mut self, name: &str) {
        self.revive_at(self.place_of(name));
    }

    pub fn revive_at(&mut self, place: usize) {
        let device = &mut self.devices[place];
        device.alive = true;
        device.phone = Phone::new(PhoneConfig { me: device.me.clone() });
        self.connect(place);
    }

    /// The line to the broker breaks; a last will tells the others.
    pub fn disconnect(&mut self, place: usize) {
        if self.devices[place].alive && self.devices[place].online {
            self.devices[place].online = false;
            self.tell_presence(place, false);
        }
    }

    /// The line to the broker is back: first the backlog, then what follows.
    pub fn connect(&mut self, place: usize) {
        let now = self.now;
        let device = &mut self.devices[place];
        device.online = true;
        device.epoch += 1;
        let epoch = device.epoch;
        let queue = std::mem::take(&mut device.queue);
        self.feed(place, Input::CatchUpStarted);
        for Queued { from, signal, .. } in queue.into_iter().filter(|it| it.until > now) {
            let from = self.devices[from].me.clone();
            let at = self.wall_ms();
            self.feed(place, Input::SignalReceived { from, signal, at });
        }
        self.flush_outbox(place);
        self.tell_presence(place, true);
        // What is retained tells who is there.
        for other in 0..self.devices.len() {
            if other != place {
                let there = self.devices[other].alive && self.devices[other].online;
                let device = self.devices[other].me.clone();
                let input = if there { Input::DeviceAppeared { device } } else { Input::DeviceDisappeared { device } };
                self.feed(place, input);
            }
        }
        self.schedule(BACKLOG, Due::CaughtUp { to: place, epoch });
    }

    fn flush_outbox(&mut self, place: usize) {
        let now = self.now;
        for (to, signal, until) in std::mem::take(&mut self.devices[place].outgoing) {
            if until > now {
                self.forward(place, to, signal, until - now);
            }
        }
    }

    fn tell_presence(&mut self, place: usize, there: bool) {
        let device = self.devices[place].me.clone();
        for to in 0..self.devices.len() {
            if to != place && self.devices[to].online {
                let device = device.clone();
                let input = if there { Input::DeviceAppeared { device } } else { Input::DeviceDisappeared { device } };
                self.schedule(PRESENCE, Due::Fact { to, input });
            }
        }
    }

    pub fn here(&self, name: &str) -> bool {
        self.places.contains_key(&address(name))
    }
}

/// Signals that also travel on the control channel of a peer connection.
const fn rides_along(signal: &Signal) -> bool {
    matches!(
        signal,
        Signal::Hangup { .. }
            | Signal::MediaState { .. }
            | Signal::MediaRequest { .. }
            | Signal::MediaReply { .. }
            | Signal::Roster { .. }
    )
}

/// How long a signal waits at the broker.
const fn lifetime_of(signal: &Signal) -> Duration {
    match signal {
        Signal::Record { .. } | Signal::Shared(_) => Duration::from_secs(7 * 86_400),
        Signal::Invite(invite) => invite.lifetime,
        _ => Duration::from_secs(60),
    }
}
