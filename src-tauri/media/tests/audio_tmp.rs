mod audio_support;
use audio_support::speech;
use peal_media::audio::process::Cleaner;
use peal_media::audio::{Processing, level};
#[test]
fn explore() {
    let mut s = 7u32;
    let mut noise = move || { s = s.wrapping_mul(1664525).wrapping_add(1013904223); (s >> 8) as f32 / 8388608.0 - 1.0 };
    let sp = speech(12.0);
    let bursts: Vec<f32> = (0..sp.len()).map(|n| { let e = (n as f32 / 48000.0 * 3.0 * std::f32::consts::TAU).sin().max(0.0); 0.1 * e * noise() }).collect();
    let mix: Vec<f32> = sp.iter().zip(&bursts).map(|(a, b)| a + 0.3 * b).collect();
    for (name, far) in [("speech", &sp), ("bursts", &bursts), ("mix", &mix)] {
        for ns in [false, true] {
        for ppm in [0.0f64, 100.0] {
            let mut c = Cleaner::new(Processing { echo_cancellation: true, noise_suppression: ns, gain_control: false, always: true }).unwrap();
            let (mut b, mut a) = (vec![], vec![]);
            for (n, f) in far.chunks_exact(480).enumerate() {
                c.render(f);
                let mut near: [f32; 480] = std::array::from_fn(|i| {
                    let p = (n * 480 + i) as f64 * (1.0 + ppm * 1e-6) - 1920.0;
                    let g = |x: f64| if x < 0.0 { 0.0 } else { let k = x.floor(); let fr = (x - k) as f32; far.get(k as usize).copied().unwrap_or(0.0) * (1.0 - fr) + far.get(k as usize + 1).copied().unwrap_or(0.0) * fr };
                    0.5 * g(p) + 0.2 * g(p - 331.0) - 0.1 * g(p - 797.0) + 0.0001 * (n as f32 * 0.37 + i as f32 * 1.7).sin()
                });
                b.extend(near);
                c.capture(&mut near);
                a.extend(near);
            }
            let per: Vec<String> = (0..6).map(|k| { let r = k * 96000..(k + 1) * 96000; format!("{:.0}", level::rms_dbfs(&b[r.clone()]) - level::rms_dbfs(&a[r])) }).collect();
            println!("{name} ns {ns} {ppm} ppm: {per:?} {:?}", c.stats());
        } }
    }
}
