use super::super::packetise;
use super::*;

/// Pictures of three packets; every tenth is a key frame.
fn packets(pictures: u32) -> Vec<Arrived> {
    let at = Instant::now();
    let mut all = Vec::new();
    for number in 0..pictures {
        let kind = if number % 10 == 0 { 5 } else { 1 };
        let mut unit = vec![0x60 | kind];
        unit.resize(2500, number as u8 | 1);
        let payloads = packetise([Bytes::from(unit)], 1110);
        let last = payloads.len() - 1;
        for (index, payload) in payloads.into_iter().enumerate() {
            all.push(Arrived {
                sequence: (65_530_u16).wrapping_add(all.len() as u16),
                timestamp: number * 3000,
                marker: index == last,
                payload,
                at: at + Duration::from_millis(33) * number,
            });
        }
    }
    all
}

fn timestamps(assembly: &mut Assembly, now: Instant) -> Vec<u32> {
    std::iter::from_fn(|| assembly.poll(now)).map(|unit| unit.timestamp / 3000).collect()
}

#[test]
fn pictures_come_in_order_whatever_the_order_of_packets() {
    let mut all = packets(12);
    let now = all[0].at;
    for pair in all.chunks_mut(2).skip(1) {
        pair.reverse();
    }
    let mut assembly = Assembly::default();
    let mut seen = Vec::new();
    for packet in all.clone().into_iter().chain(all) {
        assembly.insert(packet);
        seen.extend(timestamps(&mut assembly, now));
    }
    assert_eq!(seen, (0..12).collect::<Vec<_>>());
    assert_eq!(assembly.wants(now), Wants::default());
}

#[test]
fn a_missing_packet_is_asked_for_and_the_pictures_go_on_when_it_comes() {
    let all = packets(5);
    let mut assembly = Assembly::default();
    for packet in all.iter().filter(|packet| packet.sequence != all[4].sequence) {
        assembly.insert(packet.clone());
    }
    let now = all[14].at;
    assert_eq!(timestamps(&mut assembly, now), [0]);
    assert_eq!(assembly.wants(now), Wants { again: vec![all[4].sequence], key_frame: false });
    assert_eq!(assembly.wants(now), Wants::default(), "not twice at once");
    let later = assembly.next_look().unwrap();
    assert_eq!(assembly.wants(later).again, [all[4].sequence]);
    assembly.insert(all[4].clone());
    assert_eq!(timestamps(&mut assembly, now), [1, 2, 3, 4]);
    assert_eq!(assembly.lost(), 0);
}

#[test]
fn what_never_comes_costs_the_pictures_up_to_the_next_key_frame() {
    let all = packets(12);
    let mut assembly = Assembly::default();
    for packet in all[..30].iter().filter(|packet| packet.sequence != all[4].sequence) {
        assembly.insert(packet.clone());
    }
    let now = all[4].at;
    assert_eq!(timestamps(&mut assembly, now), [0]);
    let late = now + Duration::from_secs(2);
    assert_eq!(timestamps(&mut assembly, late), [0; 0]);
    assert!(assembly.wants(late).key_frame);
    assert!(!assembly.wants(late).key_frame, "not twice at once");
    for packet in &all[30..] {
        assembly.insert(packet.clone());
    }
    assert_eq!(timestamps(&mut assembly, late), [10, 11]);
    assert_eq!(assembly.lost(), 1);
}

#[test]
fn on_a_long_way_a_key_frame_is_asked_for_twice() {
    let all = packets(12);
    let mut assembly = Assembly::default();
    for packet in &all[..3] {
        assembly.insert(packet.clone());
    }
    let asked = all[2].at;
    assert_eq!(timestamps(&mut assembly, asked), [0]);
    assembly.spoil();
    assert!(assembly.wants(asked).key_frame);
    assert_eq!(assembly.next_look(), Some(asked + ECHO));
    assert!(assembly.wants(asked + ECHO).key_frame);
    assert!(!assembly.wants(asked + ECHO * 2).key_frame);
    let again = asked + assembly.key_pause();
    assert_eq!(assembly.next_look(), Some(again));
    assert!(assembly.wants(again).key_frame && assembly.wants(again + ECHO).key_frame);
    // What comes meanwhile makes the second question needless.
    let once_more = again + assembly.key_pause();
    assert!(assembly.wants(once_more).key_frame);
    assembly.insert(all[30].clone());
    assert!(!assembly.wants(once_more + ECHO).key_frame);
}

#[test]
fn a_whole_key_frame_overtakes_what_is_missing_before_it() {
    let all = packets(12);
    let mut assembly = Assembly::default();
    for packet in all.iter().filter(|packet| packet.sequence != all[4].sequence) {
        assembly.insert(packet.clone());
    }
    assert_eq!(timestamps(&mut assembly, all[4].at), [0, 10, 11]);
}

#[test]
fn a_key_frame_with_a_hole_is_repaired_rather_than_asked_for_anew() {
    let all = packets(12);
    let mut assembly = Assembly::default();
    for packet in all[3..].iter().filter(|packet| packet.sequence != all[30].sequence) {
        assembly.insert(packet.clone());
    }
    let now = all[35].at;
    assert_eq!(timestamps(&mut assembly, now), [0; 0]);
    assert!(assembly.wants(now).again.contains(&all[30].sequence));
    assembly.insert(all[30].clone());
    assert_eq!(timestamps(&mut assembly, now), [10, 11]);
}

#[test]
fn a_stream_that_begins_anew_is_followed() {
    let all = packets(11);
    let mut assembly = Assembly::default();
    for packet in &all {
        assembly.insert(packet.clone());
    }
    assert_eq!(timestamps(&mut assembly, all[0].at).len(), 11);
    for mut packet in all.clone() {
        packet.sequence = packet.sequence.wrapping_add(20_000);
        assembly.insert(packet);
    }
    assert_eq!(timestamps(&mut assembly, all[0].at).len(), 11);
}

#[test]
fn random_packets_neither_panic_nor_pile_up() {
    let now = Instant::now();
    let mut random = 1_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as u32
    };
    let mut assembly = Assembly::default();
    let mut time = now;
    for _ in 0..200_000 {
        time += Duration::from_millis(u64::from(next() % 4));
        let length = next() as usize % 40;
        let payload: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        assembly.insert(Arrived {
            sequence: (next() % if next() % 100 == 0 { 65_536 } else { 500 }) as u16,
            timestamp: next() % 20,
            marker: next() % 3 == 0,
            payload: Bytes::from(payload),
            at: time,
        });
        while assembly.poll(time).is_some() {}
        let _ = assembly.wants(time);
        assert!(assembly.packets.len() <= MAX_KEPT + 1 && assembly.missing.len() <= MAX_MISSING + MAX_JUMP as usize);
    }
}

#[test]
fn a_way_that_is_longer_than_thought_is_learned_by_who_asks_too_early() {
    const WAY_MS: u64 = 220;
    let all = packets(60);
    let begun = all[0].at;
    let (missing, there): (Vec<_>, Vec<_>) = all.into_iter().partition(|packet| packet.sequence % 3 == 0);
    let mut there = there.into_iter().peekable();
    let mut asked = BTreeMap::<u16, Vec<u64>>::new();
    let mut assembly = Assembly::default();
    for ms in 0..4_000 {
        let now = begun + Duration::from_millis(ms);
        while let Some(packet) = there.next_if(|packet| packet.at <= now) {
            assembly.insert(packet);
        }
        for packet in &missing {
            if asked.get(&packet.sequence).is_some_and(|times| times[0] + WAY_MS == ms) {
                assembly.insert(Arrived { at: now, ..packet.clone() });
            }
        }
        for sequence in assembly.wants(now).again {
            asked.entry(sequence).or_default().push(ms);
        }
        while assembly.poll(now).is_some() {}
    }
    let learned = assembly.round_trip().as_millis() as u64;
    assert!((WAY_MS - 10..WAY_MS + 10).contains(&learned), "{learned} ms");
    let last = asked.values().max_by_key(|times| times[0]).unwrap();
    assert_eq!(last.len(), 2, "once, and once more in case that was lost: {last:?}");
    assert!(last[1] - last[0] < 30, "{last:?}");
}
