use peal_call::CallId;

use super::held::HELD_OF_ONE;
use super::*;
use crate::Presence;
use crate::names::address;
use crate::presence::tests::sample;

/// Ann sends, Bob's inbox receives.
struct World {
    ann: (DeviceAddress, DeviceKeys),
    boot: Uuid,
    seq: u64,
    bob: Inbox,
    directory: Directory,
    now: Instant,
}

impl World {
    fn new() -> Self {
        let bob = address("bob", "phone").expect("names");
        Self {
            ann: (address("ann", "desk").expect("names"), DeviceKeys::generate()),
            boot: Uuid::now_v7(),
            seq: 0,
            bob: Inbox::new(AppKey::default(), bob, DeviceKeys::generate(), ReplayGuard::default()),
            directory: Directory::default(),
            now: Instant::now(),
        }
    }

    fn seal(&mut self, n: u128) -> Vec<u8> {
        self.seal_signal(ringing(n))
    }

    fn seal_signal(&mut self, signal: Signal) -> Vec<u8> {
        self.seq += 1;
        let body = Body { boot: self.boot, seq: self.seq, signal };
        let to = (&self.bob.me, &self.bob.keys.public());
        Envelope::seal(&AppKey::default(), &self.ann.1, &self.ann.0, to, 0, &body).expect("sealed").1
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<Notice> {
        self.take_until(bytes, None)
    }

    fn take_until(&mut self, bytes: &[u8], end: Option<Instant>) -> Vec<Notice> {
        let to = self.bob.me.user.clone();
        let message = Waiting { to, from: self.ann.0.clone(), payload: bytes.to_vec().into(), end };
        self.bob.take(&mut self.directory, message, self.now)
    }

    fn show(&mut self, key: DevicePublicKey) -> Vec<Notice> {
        self.directory.take(Presence { address: self.ann.0.clone(), key, ..sample() });
        self.bob.release(&mut self.directory, &self.ann.0, self.now)
    }

    fn later(&mut self, wait: Duration) -> Vec<Notice> {
        self.now += wait;
        self.bob.expire(&mut self.directory, self.now)
    }
}

fn ringing(n: u128) -> Signal {
    Signal::Ringing { call: CallId::from_uuid(Uuid::from_u128(n)), generation: 0 }
}

fn signals(notices: &[Notice]) -> Vec<Signal> {
    let signal = |notice: &Notice| match notice {
        Notice::Signal { signal, .. } => Some(signal.clone()),
        _ => None,
    };
    notices.iter().filter_map(signal).collect()
}

fn dropped(notices: &[Notice]) -> Vec<DropReason> {
    let why = |notice: &Notice| match notice {
        Notice::Dropped { why, .. } => Some(*why),
        _ => None,
    };
    notices.iter().filter_map(why).collect()
}

#[test]
fn what_comes_before_its_senders_presence_is_held_in_order() {
    let mut world = World::new();
    for n in 1..=3 {
        let bytes = world.seal(n);
        assert!(world.take(&bytes).is_empty());
    }
    let notices = world.show(world.ann.1.public());
    assert_eq!(signals(&notices), [ringing(1), ringing(2), ringing(3)]);
    assert!(matches!(notices[0], Notice::Pinned { .. }), "pinned at first contact");
    let firsts: Vec<bool> = notices
        .iter()
        .filter_map(|n| if let Notice::Signal { first_contact, .. } = n { Some(*first_contact) } else { None })
        .collect();
    assert_eq!(firsts, [true, false, false]);
}

#[test]
fn without_presence_it_is_given_up_after_a_while() {
    let mut world = World::new();
    let bytes = world.seal(1);
    assert!(world.take(&bytes).is_empty());
    assert!(world.later(Duration::from_secs(4)).is_empty());
    assert_eq!(dropped(&world.later(Duration::from_secs(2))), [DropReason::UnknownSender]);
    assert!(world.bob.next_deadline().is_none());
    assert!(signals(&world.show(world.ann.1.public())).is_empty());
}

#[test]
fn what_is_held_beyond_its_own_life_is_stale() {
    let mut world = World::new();
    let bytes = world.seal(1);
    let end = Some(world.now + Duration::from_secs(2));
    assert!(world.take_until(&bytes, end).is_empty());
    assert_eq!(dropped(&world.later(Duration::from_secs(3))), [DropReason::Stale]);
}

#[test]
fn holding_is_bounded() {
    let mut world = World::new();
    let mut drops = 0;
    for n in 0..(HELD_OF_ONE as u128 + 5) {
        let bytes = world.seal(n);
        drops += dropped(&world.take(&bytes)).len();
    }
    assert_eq!(drops, 5);
}

#[test]
fn a_replay_is_dropped_also_while_the_first_is_held() {
    let mut world = World::new();
    let bytes = world.seal(1);
    assert!(world.take(&bytes).is_empty());
    assert_eq!(dropped(&world.take(&bytes)), [DropReason::Replayed]);
    assert_eq!(signals(&world.show(world.ann.1.public())), [ringing(1)]);
    assert_eq!(dropped(&world.take(&bytes)), [DropReason::Replayed]);
    assert_eq!(world.bob.drops().get(&DropReason::Replayed), Some(&2));
}

#[test]
fn what_is_not_for_this_device_is_told_apart() {
    let mut world = World::new();
    world.show(world.ann.1.public());
    let good: serde_json::Value = serde_json::from_slice(&world.seal(1)).expect("json");
    let mut with = |field: &str, value: &str| {
        let mut changed = good.clone();
        changed[field] = value.into();
        world.take(changed.to_string().as_bytes())
    };
    assert!(with("to", "bob/tablet").is_empty(), "a sibling's: silence");
    assert_eq!(dropped(&with("to", "carol/phone")), [DropReason::Misaddressed]);
    assert_eq!(dropped(&with("from", "carol/desk")), [DropReason::Forged]);
    assert_eq!(dropped(&with("id", &Uuid::now_v7().to_string())), [DropReason::Forged]);
    assert_eq!(dropped(&with("sealed", "AAAA")), [DropReason::Forged]);
    assert_eq!(signals(&with("sent_at_", "later versions may add fields")), [ringing(1)]);
    assert_eq!(dropped(&world.take(b"nonsense")), [DropReason::Malformed]);
    assert_eq!(dropped(&world.take(&vec![b'x'; crate::ENVELOPE_LIMIT + 1])), [DropReason::Oversized]);
}

#[test]
fn a_changed_key_holds_signals_until_it_is_trusted() {
    let mut world = World::new();
    world.show(world.ann.1.public());
    let bytes = world.seal(1);
    assert_eq!(signals(&world.take(&bytes)), [ringing(1)]);
    // Ann installs anew.
    world.ann.1 = DeviceKeys::generate();
    world.boot = Uuid::now_v7();
    world.seq = 0;
    // First the signal, on a connection that hasn't shown her presence yet; then the presence.
    world.directory.begin_connection();
    let bytes = world.seal(2);
    assert!(world.take(&bytes).is_empty());
    let new = world.ann.1.public();
    assert!(world.show(new).is_empty());
    assert!(world.later(Duration::from_secs(30)).is_empty());
    world.directory.pin(&world.ann.0.clone(), new);
    let from = world.ann.0.clone();
    assert_eq!(signals(&world.bob.release(&mut world.directory, &from, world.now)), [ringing(2)]);

    let (old, new) = (world.ann.1.public(), DeviceKeys::generate().public());
    world.show(new);
    for n in [3, 4] {
        let bytes = world.seal(n);
        let told = Notice::KeyChanged { address: world.ann.0.clone(), old, new };
        assert_eq!(world.take(&bytes), [told], "again with each signal");
    }
    assert_eq!(dropped(&world.later(WAIT_FOR_TRUST)), [DropReason::UntrustedKey; 2]);
}

#[test]
fn what_is_trusted_too_late_or_sealed_with_another_key_fails_cleanly() {
    let mut world = World::new();
    world.show(world.ann.1.public());
    let bytes = world.seal(1);
    world.take(&bytes);
    let old = world.ann.1.clone();
    world.ann.1 = DeviceKeys::generate();
    world.boot = Uuid::now_v7();
    let new = world.ann.1.public();
    world.show(new);
    let (stale, good) = (world.seal(2), world.seal(3));
    let foreign = {
        let mine = std::mem::replace(&mut world.ann.1, old);
        let sealed = world.seal(4);
        world.ann.1 = mine;
        sealed
    };
    world.take_until(&stale, Some(world.now + Duration::from_secs(5)));
    world.take(&good);
    world.take(&foreign);
    world.now += Duration::from_secs(6);
    let from = world.ann.0.clone();
    world.directory.pin(&from, new);
    let notices = world.bob.release(&mut world.directory, &from, world.now);
    assert_eq!(dropped(&notices), [DropReason::Stale, DropReason::Forged]);
    assert_eq!(signals(&notices), [ringing(3)]);
    assert!(world.bob.next_deadline().is_none(), "nothing is left");
}

#[test]
fn what_is_held_of_one_person_is_bounded_whatever_its_device_is_called() {
    let mut world = World::new();
    let mut drops = 0;
    for n in 0..(HELD_OF_ONE as u128 + 9) {
        world.ann.0 = address("ann", &format!("d{n}")).expect("names");
        let bytes = world.seal(n);
        drops += dropped(&world.take(&bytes)).len();
    }
    assert_eq!(drops, 9);
    // Another person's is held all the same.
    world.ann.0 = address("carol", "desk").expect("names");
    let bytes = world.seal(1);
    assert!(world.take(&bytes).is_empty());
    assert_eq!(signals(&world.show(world.ann.1.public())), [ringing(1)]);
}

#[test]
fn a_line_of_the_history_is_believed_from_own_devices_alone() {
    let mut world = World::new();
    world.show(world.ann.1.public());
    let shared = serde_json::json!({
        "kind": "shared", "call": Uuid::nil(), "peer": "carol", "direction": "incoming", "media": "audio",
        "status": "missed", "reason": "no_response", "started_at": 1, "duration_ms": 0,
    });
    let shared = crate::decode_signal(shared.to_string().as_bytes()).expect("a signal");
    let bytes = world.seal_signal(shared.clone());
    assert_eq!(dropped(&world.take(&bytes)), [DropReason::Forged]);
    world.ann.0 = address("bob", "tablet").expect("names");
    world.show(world.ann.1.public());
    let bytes = world.seal_signal(shared.clone());
    assert_eq!(signals(&world.take(&bytes)), [shared]);
}

#[test]
fn a_flood_is_told_once_counted_and_read_in_its_order_later() {
    let mut world = World::new();
    world.show(world.ann.1.public());
    let (mut heard, mut told) = (Vec::new(), 0);
    let sealed: Vec<Vec<u8>> = (0..2000).map(|n| world.seal(n)).collect();
    for bytes in &sealed {
        let notices = world.take(bytes);
        heard.extend(signals(&notices));
        told += dropped(&notices).iter().filter(|why| **why == DropReason::Flooded).count();
    }
    assert_eq!(told, 1);
    let dropped = world.bob.drops()[&DropReason::Flooded] as usize;
    assert!(dropped > 0 && heard.len() > 100);
    while let Some(due) = world.bob.next_turn() {
        world.now = world.now.max(due);
        while let Some(notices) = world.bob.next(&mut world.directory, world.now) {
            heard.extend(signals(&notices));
        }
    }
    assert_eq!(heard.len() + dropped, 2000);
    assert_eq!(heard, (0..heard.len() as u128).map(ringing).collect::<Vec<_>>(), "the first ones, in order");
}

#[test]
fn what_waits_when_the_line_breaks_is_not_lost() {
    let mut world = World::new();
    world.show(world.ann.1.public());
    let sealed: Vec<Vec<u8>> = (0..600).map(|n| world.seal(n)).collect();
    let mut heard = Vec::new();
    for bytes in &sealed {
        heard.extend(signals(&world.take(bytes)));
    }
    assert!(heard.len() < 600);
    heard.extend(signals(&world.bob.end_connection(&mut world.directory, world.now)));
    assert_eq!(heard, (0..600).map(ringing).collect::<Vec<_>>());
    assert!(world.bob.next_turn().is_none());
}

#[test]
fn the_backlog_comes_in_the_order_of_sending() {
    let mut world = World::new();
    world.show(world.ann.1.public());
    world.bob.begin_backlog();
    let mut sealed: Vec<Vec<u8>> = (0..9).map(|n| world.seal(n)).collect();
    sealed.swap(0, 3);
    sealed.swap(5, 8);
    for bytes in &sealed {
        assert!(signals(&world.take(bytes)).is_empty(), "not before everything is there");
    }
    assert_eq!(signals(&world.bob.end_backlog()), (0..9).map(ringing).collect::<Vec<_>>());
    let bytes = world.seal(10);
    assert_eq!(signals(&world.take(&bytes)), [ringing(10)], "at once, from then on");
}
