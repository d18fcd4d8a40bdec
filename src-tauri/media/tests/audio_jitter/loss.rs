//! Packets that are lost, come late, twice or in another order.

use super::*;

#[test]
fn most_lost_frames_are_rebuilt_from_the_packet_after_them() {
    for (seed, loss) in [(11, 0.05), (12, 0.1), (13, 0.2)] {
        let mut rng = StdRng::seed_from_u64(seed);
        let voice = voice(3_000, true, false);
        let flights =
            fly(&voice, |_| if rng.random_bool(loss) { vec![] } else { vec![0.03 + rng.random_range(0.0..0.01)] });
        let run = play(&voice, &flights, 0.0, 7, 7);
        let came: std::collections::HashSet<usize> = flights.iter().map(|f| f.frame).collect();
        let lost = voice.len() - came.len();
        assert!(lost.abs_diff(run.stats.lost as usize) < 5, "{loss}: {lost} lost, {:?}", run.stats);
        // What can be rebuilt: a lost frame whose next packet came and carries a copy of it.
        let possible = (0..voice.len() - 1)
            .filter(|n| !came.contains(n) && came.contains(&(n + 1)))
            .filter(|n| packet_has_fec(voice[n + 1].as_ref().unwrap()))
            .count();
        assert!(possible > lost / 3);
        assert!(run.stats.fec_recovered as usize > possible * 9 / 10, "{loss}: of {possible} {:?}", run.stats);
        assert!(concealed_share(&run.stats) < loss * 0.6, "{loss}: {:?}", run.stats);
        assert!(settled(&run).1 < 80.0, "{loss}: delays {:?}", run.delays);
    }
}

#[test]
fn what_comes_again_with_later_packets_is_not_missed() {
    let voice = voice(3_000, false, false);
    for (copies, loss, most) in [(1, 0.05, 0.008), (1, 0.1, 0.018), (2, 0.1, 0.008), (2, 0.2, 0.02)] {
        let mut rng = StdRng::seed_from_u64(23);
        let mut flights = fly(&voice, |_| if rng.random_bool(loss) { vec![] } else { vec![0.03] });
        flights.sort_by(|a, b| a.arrives.total_cmp(&b.arrives));
        let run = play_with_copies(&voice, &flights, 0.0, 65_000, u32::MAX - 9_000, copies);
        let concealed = concealed_share(&run.stats);
        println!("{copies} copies, {loss} lost: {concealed:.4} made up, {:?}", run.stats);
        assert!(concealed < most, "{copies} copies at {loss}: {concealed}");
        assert!(
            run.stats.lost as f64 > 2_900.0 * loss * 0.8,
            "a packet that was lost counts, also if it is not missed"
        );
        assert!(run.stats.fec_recovered as f64 > run.stats.lost as f64 * 0.8 && run.stats.duplicates == 0);
        let (mean, _) = settled(&run);
        assert!(mean < 25.0 + 22.0 * copies as f32, "{mean} ms");
    }
}

#[test]
fn copies_are_waited_for_from_the_first_packet_on_and_as_long_all_the_time() {
    let voice = voice(3_000, false, false);
    for seed in 0..6 {
        let mut rng = StdRng::seed_from_u64(40 + seed);
        let flights = fly(&voice, |n| if n > 1 && rng.random_bool(0.1) { vec![] } else { vec![0.03] });
        let gone = |n: &usize| flights.iter().all(|it| it.frame != *n);
        // The beginning of a stream that ends after three seconds, and the whole of it.
        let (start, within) = (&voice[..150], flights.iter().take_while(|it| it.frame < 150).count());
        let beginning = play_with_copies(start, &flights[..within], 0.0, 0, 0, 2);
        let past_help = (0..148).filter(|n| (*n..n + 3).all(|n| gone(&n))).count() as u64;
        let tail = 150 - flights[..within].last().unwrap().frame as u64;
        // What is past help, what comes after the end, and the first wait of each before the rest is skipped.
        let most = past_help * 960 + tail * 960 + 9_600;
        assert!(beginning.stats.concealed <= most, "seed {seed}: {past_help} past help, {:?}", beginning.stats);
        let run = play_with_copies(&voice, &flights, 0.0, 0, 0, 2);
        let targets: Vec<f32> = run.delays[4..].iter().map(|(_, target)| *target).collect();
        assert!(targets.iter().all(|it| it.total_cmp(&targets[0]).is_eq()), "seed {seed}: {targets:?}");
    }
}

#[test]
fn copies_of_what_came_cost_a_little_wait_at_first_and_nothing_else() {
    let voice = voice(1_000, false, true);
    let flights = fly(&voice, |_| vec![0.03]);
    let (plain, copied) = (play(&voice, &flights, 0.0, 0, 0), play_with_copies(&voice, &flights, 0.0, 0, 0, 2));
    assert!(copied.stats.shortened <= 48 * 45, "{:?}", copied.stats);
    assert_eq!(copied.stats, JitterStats { shortened: copied.stats.shortened, ..plain.stats });
}

#[test]
fn bursts_of_loss_are_concealed_without_drifting_away() {
    let mut rng = StdRng::seed_from_u64(21);
    let mut burst = 0;
    let voice = voice(3_000, true, false);
    let run = play(
        &voice,
        &fly(&voice, |_| {
            if burst == 0 && rng.random_bool(0.02) {
                burst = rng.random_range(2..8);
            }
            if burst > 0 {
                burst -= 1;
                return vec![];
            }
            vec![0.03]
        }),
        0.0,
        0,
        0,
    );
    assert!(run.stats.lost > 100);
    assert_eq!(run.stats.late, 0);
    // A gap is covered by as much as was lost; a little more where the stream stood still.
    let made_up = run.stats.concealed as f64 / 960.0 + run.stats.fec_recovered as f64;
    assert!((made_up / run.stats.lost as f64) < 1.3, "{:?}", run.stats);
    assert!(settled(&run).1 < 130.0, "delays {:?}", run.delays);
    assert!(run.delays.last().unwrap().0 < 90.0);
}

#[test]
fn reordered_and_doubled_packets_are_put_right() {
    let mut rng = StdRng::seed_from_u64(31);
    let voice = voice(2_000, false, false);
    let run = play(
        &voice,
        &fly(&voice, |n| {
            // Every fifth packet is overtaken by the next two; a tenth come twice.
            let delay = if n % 5 == 0 { 0.075 } else { 0.03 };
            if rng.random_bool(0.1) { vec![delay, delay + rng.random_range(0.0..0.3)] } else { vec![delay] }
        }),
        0.0,
        0,
        0,
    );
    assert_eq!(run.stats.received, 2_000);
    assert!((120..300).contains(&run.stats.duplicates), "{:?}", run.stats);
    assert!(run.stats.late < 25, "only until it has learnt: {:?}", run.stats);
    assert!(concealed_share(&run.stats) < 0.01, "{:?}", run.stats);
}
