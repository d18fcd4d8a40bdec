//! What a world is made of: phones, signals under way, and what has happened.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use peal_call::{DeviceAddress, DeviceId, Phone, Signal, UserId};

pub(super) const NAMES: [(&str, &str); 4] = [("ann", "desk"), ("ann", "lap"), ("bob", "desk"), ("bob", "lap")];

/// A signal under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flight {
    pub from: usize,
    pub to: usize,
    pub signal: Signal,
    /// A second copy, which comes in no order.
    pub stray: bool,
    /// Of all the above.
    pub hash: u64,
}

impl Flight {
    pub fn new(from: usize, to: usize, signal: Signal, stray: bool) -> Rc<Self> {
        let hash = hashed(0, &(from, to, &signal, stray));
        Rc::new(Self { from, to, signal, stray, hash })
    }
}

/// A phone, shared by all the worlds in which it is the same.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    pub phone: Rc<Phone>,
    pub hash: (u64, u64),
}

impl Seat {
    pub fn new(phone: Phone) -> Self {
        let mut seat = Self { phone: Rc::new(phone), hash: (0, 0) };
        seat.rehash();
        seat
    }

    pub fn rehash(&mut self) {
        self.hash = (hashed(1, &self.phone), hashed(2, &self.phone));
    }
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

/// What has happened, and before it.
#[derive(Debug)]
pub(super) struct Story {
    pub action: Action,
    /// The signal that it is about.
    pub flight: Option<Rc<Flight>>,
    pub at: Duration,
    pub before: Option<Rc<Story>>,
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ", self.at)?;
        match self.action {
            Action::Call(place) => write!(f, "{} calls", address(place)),
            Action::Accept(place) => write!(f, "{} answers", address(place)),
            Action::Reject(place) => write!(f, "{} declines", address(place)),
            Action::Hangup(place) => write!(f, "{} hangs up", address(place)),
            Action::Crash(place) => write!(f, "{} dies", address(place)),
            Action::Missed(place) => write!(f, "{} is missed", address(place)),
            Action::Deliver(_) => f.write_str("heard"),
            Action::Lose(_) => f.write_str("lost"),
            Action::Repeat(_) => f.write_str("heard, and once more"),
            Action::Connect(_) => f.write_str("media connects"),
            Action::Tick => f.write_str("is the time"),
        }?;
        match &self.flight {
            Some(flight) => write!(f, ": {} to {}: {:?}", address(flight.from), address(flight.to), flight.signal),
            None => Ok(()),
        }
    }
}

pub(super) fn address(place: usize) -> DeviceAddress {
    let (user, device) = NAMES[place];
    DeviceAddress { user: UserId::new(user).unwrap(), device: DeviceId::new(device).unwrap() }
}

pub(super) fn place_of(address: &DeviceAddress) -> Option<usize> {
    NAMES.iter().position(|(user, device)| address.user.as_str() == *user && address.device.as_str() == *device)
}

pub(super) fn hashed(salt: u64, value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    salt.hash(&mut hasher);
    value.hash(&mut hasher);
    hasher.finish()
}
