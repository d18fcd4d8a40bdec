//! What the congestion control makes of paths, on a simulated clock. The voice shares each of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "video_support/hearing.rs"]
mod hearing;
#[path = "video_support/simulation.rs"]
mod simulation;

use hearing::hear;
use simulation::{Outcome, Run, Stretch};

fn steady(kbps: f64, loss: f64) -> Vec<Stretch> {
    vec![Stretch { from: 0.0, kbps, loss }]
}

fn run(name: &str, run: &Run) -> Outcome {
    let outcome = run.go();
    let end = run.seconds;
    println!(
        "{name}: estimate {:.0?}, received {:.0} kbit/s, {} pictures, delay {:.0}/{:.0} ms, gaps {:?}, voice {:.0}/{:.0}/{:.0} ms lost {:.1} %, repeats {}, keys {}",
        outcome.estimate,
        outcome.mean_received(2, end as usize),
        outcome.pictures.len(),
        outcome.picture_delay(0.5, 2, end),
        outcome.picture_delay(0.95, 2, end),
        outcome.gaps(500, 0),
        outcome.voice_delay(0.5, 0, end),
        outcome.voice_delay(0.95, 0, end),
        outcome.voice_delay(0.99, 0, end),
        outcome.voice_lost() * 100.0,
        outcome.repeats,
        outcome.key_frames_asked,
    );
    outcome
}

#[test]
fn an_open_path_is_used_to_the_full_within_two_seconds() {
    let outcome = run("open", &Run::default());
    assert!(outcome.mean_received(2, 30) > 750.0);
    assert!(outcome.voice_delay(0.99, 0, 30) < 40.0);
    assert!(outcome.gaps(200, 0).is_empty(), "{:?}", outcome.gaps(200, 0));
}

#[test]
fn a_narrow_path_is_filled_without_delaying_the_voice() {
    for kbps in [300.0, 600.0, 1_000.0] {
        let outcome = run(&format!("{kbps} kbit/s"), &Run { path: steady(kbps, 0.0), ..Run::default() });
        // The voice and the headers take some 60 kbit/s and a twentieth.
        let left = (kbps - 60.0).min(900.0);
        assert!(outcome.mean_received(5, 30) > left * 0.65, "{}", outcome.mean_received(5, 30));
        assert!(outcome.voice_delay(0.95, 3, 30) < 110.0, "{}", outcome.voice_delay(0.95, 3, 30));
        assert!(outcome.voice_lost() < 0.002);
        assert!(outcome.gaps(500, 0).is_empty(), "{:?}", outcome.gaps(500, 0));
    }
}

#[test]
fn the_voice_beside_a_picture_waits_for_the_queues_that_it_makes() {
    for kbps in [300.0, 600.0, 1_000.0, 2_500.0] {
        let mut made_up = 0.0;
        let mut waited: f64 = 0.0;
        for seed in 1..=4 {
            let path = steady(kbps, 0.0);
            let beside = Run { path, delay_ms: 20, max_kbps: 2_500.0, seconds: 45, seed, ..Run::default() };
            let heard = hear(&beside.go(), 5);
            made_up += heard.concealed as f64 / 48.0;
            waited = waited.max(heard.delay as f64 / 48.0);
        }
        println!("{kbps} kbit/s: {made_up:.0} ms of 160 s made up, {waited:.0} ms waited at most");
        assert!(made_up <= 100.0, "{made_up} ms of the voice were made up at {kbps} kbit/s");
        assert!(waited < 110.0, "the voice waits {waited} ms at {kbps} kbit/s");
    }
}

#[test]
fn loss_of_the_paths_own_does_not_cost_the_picture() {
    for (loss, least) in [(0.02, 700.0), (0.05, 600.0), (0.10, 450.0)] {
        let path = steady(5_000.0, loss);
        let outcome = run(&format!("loss {loss}"), &Run { path, seconds: 60, ..Run::default() });
        assert!(outcome.mean_received(5, 60) > least, "{}", outcome.mean_received(5, 60));
        assert!(outcome.gaps(500, 0).is_empty(), "{:?}", outcome.gaps(500, 0));
        assert!(outcome.voice_delay(0.99, 0, 60) < 45.0);
    }
}

#[test]
fn loss_on_a_long_way_does_not_stop_the_picture() {
    for seed in 0..12 {
        let loss = [0.02, 0.05, 0.10][seed as usize % 3];
        let long =
            Run { path: steady(5_000.0, loss), delay_ms: 100, max_kbps: 2_000.0, seconds: 60, seed, ..Run::default() };
        let outcome = run(&format!("a long way, loss {loss}"), &long);
        // Where a tenth is lost, both questions or both answers may be, now and then.
        let longest = if loss > 0.05 { 800 } else { 600 };
        assert!(outcome.gaps(longest, 0).is_empty(), "{:?}", outcome.gaps(longest, 0));
        assert!(outcome.picture_delay(0.95, 2, 60) < 570.0, "{}", outcome.picture_delay(0.95, 2, 60));
    }
}

#[test]
fn a_path_that_narrows_and_widens_again_is_followed_without_a_freeze() {
    let path = vec![
        Stretch { from: 0.0, kbps: 2_500.0, loss: 0.0 },
        Stretch { from: 15.0, kbps: 400.0, loss: 0.0 },
        Stretch { from: 30.0, kbps: 2_500.0, loss: 0.0 },
    ];
    let outcome = run("narrowing", &Run { path, max_kbps: 2_000.0, seconds: 45, ..Run::default() });
    assert!(outcome.mean_received(8, 15) > 1_500.0);
    assert!((180.0..400.0).contains(&outcome.mean_received(19, 30)), "{}", outcome.mean_received(19, 30));
    assert!(outcome.mean_received(36, 45) > 1_300.0, "{}", outcome.mean_received(36, 45));
    assert!(outcome.gaps(500, 0).is_empty(), "{:?}", outcome.gaps(500, 0));
    // The voice suffers for the moment of the change alone.
    assert!(outcome.voice_delay(0.95, 17, 30) < 120.0, "{}", outcome.voice_delay(0.95, 17, 30));
    assert!(outcome.voice_lost() < 0.02, "{}", outcome.voice_lost());
}

#[test]
fn a_path_that_narrows_at_once_shows_the_next_picture_within_half_a_second() {
    // At other moments between two pictures each time.
    let outcomes: Vec<Outcome> = (0..60)
        .map(|seed| {
            let from = 10.0 + seed as f64 * 0.011;
            let wide = Stretch { from: 0.0, kbps: 2_500.0, loss: 0.0 };
            let path = vec![wide, Stretch { from, kbps: 400.0, loss: 0.0 }];
            Run { path, delay_ms: 20, max_kbps: 2_500.0, seconds: 18, seed, ..Run::default() }.go()
        })
        .collect();
    let mut longest: Vec<u64> = outcomes.iter().map(|it| it.gaps(0, 5).into_iter().max().unwrap_or(u64::MAX)).collect();
    longest.sort_unstable();
    println!("the longest gap of each: {longest:?}");
    assert!(longest[59] < 500 && longest[30] < 400, "{longest:?}");
    // And what one queue lost lowers the rate once.
    let least = outcomes.iter().map(|it| it.mean_received(12, 18)).fold(f64::INFINITY, f64::min);
    println!("the least that was received afterwards: {least:.0} kbit/s");
    assert!(least > 270.0, "{least:.0} kbit/s of 400");
}

#[test]
fn whatever_the_chances_the_picture_is_there_and_the_voice_with_it() {
    for seed in 0..40 {
        let loss = [0.0, 0.02, 0.05, 0.1][seed as usize % 4];
        let kbps = [400.0, 800.0, 3_000.0][seed as usize % 3];
        let path = steady(kbps, loss);
        let outcome = Run { path, seconds: 60, seed, jitter_ms: seed % 12, ..Run::default() }.go();
        let received = outcome.mean_received(5, 60);
        // Headers and the voice have their part.
        let least = (kbps - 60.0).min(900.0) * (1.0 - loss) * 0.55;
        assert!(received > least, "seed {seed}: {received:.0} of {kbps} kbit/s at {loss}");
        let longest = outcome.gaps(0, 0).into_iter().max().unwrap_or(0);
        assert!(longest < 1_000, "seed {seed}: a gap of {longest} ms at {kbps} kbit/s and {loss}");
        let gaps = outcome.gaps(500, 0).len();
        assert!(gaps <= 2, "seed {seed}: {gaps} gaps at {kbps} kbit/s and {loss}");
        let voice = outcome.voice_delay(0.95, 3, 60);
        assert!(voice < 120.0, "seed {seed}: the voice takes {voice:.0} ms at {kbps} kbit/s and {loss}");
    }
}

#[test]
fn jitter_is_not_taken_for_a_queue() {
    let outcome = run("jitter", &Run { jitter_ms: 20, ..Run::default() });
    assert!(outcome.mean_received(5, 30) > 650.0, "{}", outcome.mean_received(5, 30));
    assert!(outcome.gaps(500, 0).is_empty(), "{:?}", outcome.gaps(500, 0));
}

#[test]
fn where_the_voice_alone_fits_the_picture_gives_way() {
    let outcome = run("voice alone", &Run { path: steady(80.0, 0.0), ..Run::default() });
    assert!(outcome.voice_delay(0.9, 5, 30) < 200.0, "{}", outcome.voice_delay(0.9, 5, 30));
    assert!(outcome.voice_lost() < 0.03, "{}", outcome.voice_lost());
}
