//! Loudness of a frame.

/// What silence is reported as, in dBFS.
pub const SILENCE_DBFS: f32 = -100.0;

/// Root-mean-square level of mono samples in dBFS (0 is a full-scale square wave), at least [`SILENCE_DBFS`].
pub fn rms_dbfs(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return SILENCE_DBFS;
    }
    let power = samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32;
    (10.0 * power.max(1e-12).log10()).max(SILENCE_DBFS)
}

/// The same as RFC 6464 wants it: 0 (full scale) to 127 (silence), in -dBov.
pub fn dbov(dbfs: f32) -> u8 {
    if dbfs <= SILENCE_DBFS { 127 } else { (-dbfs).clamp(0.0, 127.0).round() as u8 }
}

/// A level that rises at once and falls slowly, for a meter on the screen.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    dbfs: f32,
}

impl Default for Meter {
    fn default() -> Self {
        Self { dbfs: SILENCE_DBFS }
    }
}

impl Meter {
    /// Takes in 10 ms of samples and returns the level to show, in dBFS; it falls by 60 dB a second.
    pub fn update(&mut self, samples: &[f32]) -> f32 {
        self.dbfs = rms_dbfs(samples).max(self.dbfs - 0.6).max(SILENCE_DBFS);
        self.dbfs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_sine_is_three_db_below_full_scale() {
        let sine: Vec<f32> = (0..480).map(|n| (n as f32 * std::f32::consts::TAU / 48.0).sin()).collect();
        assert!((rms_dbfs(&sine) + 3.01).abs() < 0.05);
        assert_eq!(dbov(rms_dbfs(&sine)), 3);
    }

    #[test]
    fn silence_is_the_floor() {
        assert!((rms_dbfs(&[0.0; 480]) - SILENCE_DBFS).abs() < f32::EPSILON);
        assert_eq!(dbov(SILENCE_DBFS), 127);
    }

    #[test]
    fn meter_rises_at_once_and_falls_slowly() {
        let mut meter = Meter::default();
        assert!(meter.update(&[0.5; 480]) > -7.0);
        let after = meter.update(&[0.0; 480]);
        assert!(after > -8.0 && after < -6.0);
    }
}
