use super::*;

fn payloads(count: usize) -> Vec<Bytes> {
    vec![Bytes::from(vec![1; 1000]); count]
}

/// Runs a sender to the end of its queue; answers what left and when.
fn drain(sender: &mut Sender, from: Instant) -> Vec<(Duration, Outgoing)> {
    let mut now = from;
    let mut out = Vec::new();
    while let Some(at) = sender.next_look() {
        now = now.max(at);
        while let Some(packet) = sender.poll(now) {
            out.push((now.saturating_duration_since(from), packet));
        }
        now += Duration::from_millis(1);
    }
    out
}

#[test]
fn packets_leave_evenly_at_the_rate_of_the_path() {
    let start = Instant::now();
    let mut sender = Sender::new(start, 7);
    sender.push(start, 0, &payloads(4), true);
    let out = drain(&mut sender, start);
    let sequences: Vec<u16> = out.iter().map(|(_, packet)| packet.sequence).collect();
    assert_eq!(sequences, [7, 8, 9, 10]);
    assert_eq!(out.iter().filter(|(_, packet)| packet.marker).count(), 1);
    // Four packets of 1058 bytes at 330 kbit/s.
    let took = out.last().unwrap().0.as_millis();
    assert!((60..90).contains(&took), "{took} ms");
}

#[test]
fn a_peer_that_reports_nothing_gets_what_is_needed_once_that_is_known() {
    // 25 pictures a second of 3 packets: about 635 kbit/s.
    let left_in_the_last_second = |reported: bool| {
        let start = Instant::now();
        let mut sender = Sender::new(start, 0);
        sender.set_reported(reported);
        sender.set_need(1_000.0);
        let mut left = 0;
        for ms in 0..10_000_u32 {
            let now = start + Duration::from_millis(u64::from(ms));
            sender.drop_hopeless();
            if ms % 40 == 0 {
                sender.push(now, ms * 90, &payloads(3), false);
            }
            while sender.poll(now).is_some() {
                left += usize::from(ms >= 9_000);
            }
        }
        left
    };
    assert!(left_in_the_last_second(false) >= 70, "{}", left_in_the_last_second(false));
    assert!(left_in_the_last_second(true) < 20, "who should report and does not is not there");
}

#[test]
fn a_picture_leaves_sooner_where_all_that_is_needed_has_passed_for_a_while() {
    // Eight packets at 1000 kbit/s take 68 ms.
    let start = Instant::now();
    let mut sender = Sender::new(start, 0);
    sender.set_reported(false);
    sender.set_need(1_000.0);
    for ms in 0..6_000_u32 {
        let now = start + Duration::from_millis(u64::from(ms));
        if ms % 40 == 0 {
            sender.push(now, ms * 90, &payloads(4), false);
        }
        while sender.poll(now).is_some() {}
    }
    let now = start + Duration::from_secs(6);
    assert!(sender.controller().is_ample(now), "{} kbit/s", sender.estimate_kbps());
    sender.push(now, 600_000, &payloads(8), false);
    let took = drain(&mut sender, now).last().unwrap().0.as_millis();
    assert!((15..40).contains(&took), "{took} ms");
}

#[test]
fn what_the_peer_misses_goes_first_and_not_twice_at_once() {
    let start = Instant::now();
    let mut sender = Sender::new(start, 0);
    sender.set_can_repeat(true);
    sender.push(start, 0, &payloads(2), true);
    let sent = drain(&mut sender, start);
    assert!(sent.len() >= 2);
    let later = start + Duration::from_millis(500);
    sender.push(later, 3000, &payloads(1), false);
    sender.ask_again(later, [1, 1, 900]);
    sender.ask_again(later, [1]);
    let out = sender.poll(later).unwrap();
    assert_eq!((out.sequence, out.repeats), (1, true));
    let next = drain(&mut sender, later);
    assert_eq!((next[0].1.sequence, next[0].1.repeats), (2, false));
    assert_eq!(sender.counts().repeats, 1);
}

#[test]
fn a_silence_ends_also_when_nothing_waits_and_no_report_of_before_comes() {
    let start = Instant::now();
    let mut sender = Sender::new(start, 0);
    sender.push(start, 0, &payloads(2), true);
    drain(&mut sender, start);
    let silent = start + Duration::from_secs(2);
    assert!(sender.poll(silent).is_none());
    assert!(sender.controller().is_stalled());
    assert!(!sender.is_busy(), "the encoder may give a picture");
    sender.push(silent, 9_000, &payloads(9), true);
    assert!(sender.drop_hopeless(), "but no more than a question leaves");
    assert!(sender.is_busy());
    let asked: Vec<_> = drain(&mut sender, silent).into_iter().map(|(_, packet)| packet).collect();
    assert_eq!(asked.iter().map(|it| it.sequence).collect::<Vec<_>>(), [2]);
    assert!(!sender.is_busy(), "and then the next one");
    let arrived = Some(Duration::from_secs(5));
    sender.acknowledge(silent + Duration::from_millis(50), &[Acknowledged { sequence: asked[0].transport, arrived }]);
    assert!(!sender.controller().is_stalled());
    sender.push(silent, 18_000, &payloads(2), true);
    let out = drain(&mut sender, silent + Duration::from_millis(60));
    assert_eq!(out.iter().map(|(_, it)| it.sequence).collect::<Vec<_>>(), [3, 4], "without a gap");
}

/// A path that takes 20 ms each way, and a queue.
struct Road {
    begun: Instant,
    reports: VecDeque<(Instant, Acknowledged)>,
}

impl Road {
    /// Polls for so long. Answers how many packets left.
    fn carry(&mut self, sender: &mut Sender, from: Instant, ms: u64, queue_ms: impl Fn(u64) -> u64) -> usize {
        let mut left = 0;
        for at in 0..ms {
            let now = from + Duration::from_millis(at);
            while let Some(packet) = sender.poll(now) {
                left += 1;
                let arrived = now + Duration::from_millis(20 + queue_ms(at));
                let told = Acknowledged { sequence: packet.transport, arrived: Some(arrived - self.begun) };
                self.reports.push_back((arrived + Duration::from_millis(20), told));
            }
            while self.reports.front().is_some_and(|(at, _)| *at <= now) {
                let (_, told) = self.reports.pop_front().unwrap();
                sender.acknowledge(now, &[told]);
            }
        }
        left
    }
}

#[test]
fn after_a_queue_and_a_while_without_pictures_the_path_is_asked_again() {
    let begun = Instant::now();
    let mut road = Road { begun, reports: VecDeque::new() };
    let mut sender = Sender::new(begun, 0);
    sender.set_can_repeat(true);
    sender.set_need(1_000.0);
    let mut now = begun;
    for round in 0..30_u32 {
        sender.push(now, round * 9_000, &payloads(1), false);
        let queue = u64::from(round) * 8;
        road.carry(&mut sender, now, 100, |at| queue + at / 12);
        now += Duration::from_millis(100);
    }
    // The picture is given up; what is under way comes, and then the queue is gone.
    sender.clear();
    let thought = sender.estimate_kbps();
    while !road.reports.is_empty() {
        road.carry(&mut sender, now, 10, |_| 240);
        now += Duration::from_millis(10);
    }
    assert!(sender.controller().queue_ms() > 50.0, "{}", sender.controller().queue_ms());
    let later = now + Duration::from_secs(3);
    assert!(road.carry(&mut sender, later, 8_000, |_| 0) > 0, "nothing asks");
    assert!(sender.estimate_kbps() > thought * 1.5, "{} after {thought}", sender.estimate_kbps());
}

#[test]
fn in_a_silence_a_picture_may_be_made_whatever_was_thought_of_the_path() {
    let start = Instant::now();
    let mut sender = Sender::new(start, 0);
    sender.set_can_repeat(true);
    let mut now = start;
    // Each silence halves what is thought.
    for round in 0..8_u32 {
        sender.push(now, round * 90_000, &payloads(1), true);
        drain(&mut sender, now);
        now += Duration::from_secs(2);
        assert!(sender.poll(now).is_none() && sender.controller().is_stalled(), "round {round}");
        assert!(sender.allowance_kbps() >= LEAST_PICTURE_KBPS * 1.5, "{}", sender.allowance_kbps());
        sender.push(now, round * 90_000 + 9_000, &payloads(1), true);
        let asked = drain(&mut sender, now).pop().unwrap().1;
        now += Duration::from_millis(50);
        let arrived = Some(now - start);
        sender.acknowledge(now, &[Acknowledged { sequence: asked.transport, arrived }]);
        assert!(!sender.controller().is_stalled());
    }
    assert!(sender.estimate_kbps() < LEAST_PICTURE_KBPS, "{}", sender.estimate_kbps());
}

#[test]
fn a_queue_that_can_not_arrive_in_time_is_thrown_away_without_a_gap() {
    let start = Instant::now();
    let mut sender = Sender::new(start, 0);
    sender.push(start, 0, &payloads(1), true);
    drain(&mut sender, start);
    let start = start + Duration::from_millis(100);
    sender.push(start, 0, &payloads(100), false);
    assert!(sender.is_busy());
    let first = sender.poll(start).unwrap();
    assert!(sender.drop_hopeless());
    assert!(!sender.is_busy());
    sender.push(start, 1, &payloads(1), true);
    let next = drain(&mut sender, start + Duration::from_secs(1));
    assert_eq!(next[0].1.sequence, first.sequence + 1);
}

#[test]
fn without_repetitions_nothing_is_sent_twice() {
    let start = Instant::now();
    let mut sender = Sender::new(start, 0);
    sender.push(start, 0, &payloads(2), true);
    drain(&mut sender, start);
    sender.ask_again(start + Duration::from_secs(1), [0, 1]);
    assert_eq!(sender.next_look(), None);
}

#[test]
fn whoever_asks_for_a_key_frame_within_a_round_trip_of_one_gets_that_one() {
    let start = Instant::now();
    let mut sender = Sender::new(start, 0);
    assert!(sender.owes_key_frame(start));
    sender.push(start, 0, &payloads(1), true);
    assert!(sender.owes_key_frame(start), "how long the way is, is not known");
    let mut road = Road { begun: start, reports: VecDeque::new() };
    road.carry(&mut sender, start, 100, |_| 0);
    let later = start + Duration::from_millis(100);
    sender.push(later, 9_000, &payloads(1), false);
    assert!(sender.owes_key_frame(later), "a picture that is none does not count");
    sender.push(later, 18_000, &payloads(1), true);
    // The way takes 40 ms there and back.
    assert!(!sender.owes_key_frame(later + Duration::from_millis(35)));
    assert!(sender.owes_key_frame(later + Duration::from_millis(45)));
}
