//! One device in the town: its phone, its history, its line to the broker, its peer connections.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use peal_call::{CallRecord, CallSnapshot, DeviceAddress, Link, Notice, Phone, PhoneConfig, Refusal, Signal};

use super::net::Queued;
use super::peers::Peer;

pub struct Device {
    pub me: DeviceAddress,
    pub phone: Phone,
    pub notices: Vec<Notice>,
    /// The history: one line a call, the newest one told.
    pub records: Vec<CallRecord>,
    pub shared: Vec<CallRecord>,
    pub refusals: Vec<Refusal>,
    pub alive: bool,
    /// Connected to the broker.
    pub online: bool,
    /// Peer connections that are open here.
    pub open: Vec<(Link, Peer)>,
    /// What waits for it at the broker.
    pub(super) queue: Vec<Queued>,
    /// What it has to send once it is connected.
    pub(super) outgoing: Vec<(usize, Signal, Instant)>,
    /// Counts its connections to the broker.
    pub(super) epoch: u32,
    pub(super) wake: Option<Instant>,
    /// What it shows, until something happens to it.
    shown: RefCell<Option<Rc<Vec<CallSnapshot>>>>,
}

impl Device {
    pub(super) fn new(me: DeviceAddress) -> Self {
        Self {
            phone: Phone::new(PhoneConfig { me: me.clone() }),
            me,
            notices: Vec::new(),
            records: Vec::new(),
            shared: Vec::new(),
            refusals: Vec::new(),
            alive: true,
            online: true,
            open: Vec::new(),
            queue: Vec::new(),
            outgoing: Vec::new(),
            epoch: 0,
            wake: None,
            shown: RefCell::new(None),
        }
    }

    /// Its screen.
    pub fn shown(&self) -> Rc<Vec<CallSnapshot>> {
        let mut shown = self.shown.borrow_mut();
        Rc::clone(shown.get_or_insert_with(|| Rc::new(self.phone.snapshot())))
    }

    /// Something has happened to it.
    pub(super) fn changed(&mut self) {
        *self.shown.get_mut() = None;
        self.wake = self.phone.poll_timeout();
    }
}
