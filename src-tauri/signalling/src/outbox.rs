//! Signals until the server has taken them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peal_call::DeviceAddress;
use uuid::Uuid;

/// Most signals that wait.
const CAPACITY: usize = 1024;

/// One sealed signal.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) id: Uuid,
    pub(crate) to: DeviceAddress,
    pub(crate) payload: Bytes,
    /// Nobody needs it after this.
    pub(crate) deadline: Instant,
}

impl Parcel {
    /// What is left of its life, in whole seconds upwards: the broker's message expiry.
    pub(crate) fn expiry(&self, now: Instant) -> u32 {
        let left = self.deadline.saturating_duration_since(now);
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
    }
}

/// In order of sending; a parcel leaves when the server has acknowledged it or its time is over.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    parcels: VecDeque<Parcel>,
    /// How many, from the front, are handed to the present connection.
    handed: usize,
}

impl Outbox {
    /// Puts a parcel at the end; `false` when too many wait.
    pub(crate) fn push(&mut self, parcel: Parcel) -> bool {
        if self.parcels.len() >= CAPACITY {
            return false;
        }
        self.parcels.push_back(parcel);
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// A new connection: everything has to be handed over again, in order.
    pub(crate) fn begin_connection(&mut self) {
        self.handed = 0;
    }

    /// The next parcel for this connection.
    pub(crate) fn next(&mut self) -> Option<Parcel> {
        let parcel = self.parcels.get(self.handed)?.clone();
        self.handed += 1;
        Some(parcel)
    }

    /// The connection didn't take what [`Self::next`] gave.
    pub(crate) fn put_back(&mut self) {
        self.handed = self.handed.saturating_sub(1);
    }

    /// The server has answered for this parcel.
    pub(crate) fn settle(&mut self, id: Uuid) -> Option<Parcel> {
        let at = self.parcels.iter().position(|parcel| parcel.id == id)?;
        if at < self.handed {
            self.handed -= 1;
        }
        self.parcels.remove(at)
    }

    /// Takes out what nobody needs any more and isn't on its way.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Parcel> {
        let mut gone = Vec::new();
        let mut at = self.handed;
        while at < self.parcels.len() {
            if self.parcels[at].deadline <= now {
                gone.extend(self.parcels.remove(at));
            } else {
                at += 1;
            }
        }
        gone
    }
}

/// The shortest life of a signal: brokers count expiry in whole seconds.
pub(crate) const SHORTEST_LIFE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::address;

    fn parcel(life: u64, now: Instant) -> Parcel {
        Parcel {
            id: Uuid::now_v7(),
            to: address("bob", "phone").expect("names"),
            payload: Bytes::new(),
            deadline: now + Duration::from_millis(life),
        }
    }

    #[test]
    fn what_was_not_acknowledged_is_handed_over_again_in_order() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        let parcels: Vec<Parcel> = (0..3).map(|_| parcel(60_000, now)).collect();
        assert!(parcels.iter().all(|p| outbox.push(p.clone())));
        assert_eq!(outbox.next().map(|p| p.id), Some(parcels[0].id));
        assert_eq!(outbox.next().map(|p| p.id), Some(parcels[1].id));
        assert_eq!(outbox.settle(parcels[0].id).map(|p| p.id), Some(parcels[0].id));
        outbox.begin_connection();
        assert_eq!(outbox.next().map(|p| p.id), Some(parcels[1].id));
        assert_eq!(outbox.next().map(|p| p.id), Some(parcels[2].id));
        assert!(outbox.next().is_none());
        outbox.put_back();
        assert_eq!(outbox.next().map(|p| p.id), Some(parcels[2].id));
    }

    #[test]
    fn what_is_too_late_is_not_sent() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        let (short, long) = (parcel(100, now), parcel(60_500, now));
        assert!(outbox.push(short.clone()) && outbox.push(long.clone()));
        assert_eq!(long.expiry(now), 61);
        assert_eq!(short.expiry(now + Duration::from_secs(9)), 1);
        let gone = outbox.expire(now + Duration::from_secs(1));
        assert_eq!(gone.iter().map(|p| p.id).collect::<Vec<_>>(), [short.id]);
        assert_eq!(outbox.next().map(|p| p.id), Some(long.id));
        assert!(outbox.expire(now + Duration::from_secs(100)).is_empty(), "what is on its way stays");
    }

    #[test]
    fn it_is_bounded() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        assert!((0..CAPACITY).all(|_| outbox.push(parcel(1000, now))));
        assert!(!outbox.push(parcel(1000, now)));
    }
}
