//! Measuring: one call between two processes, what they cost, and how long a voice is on its way.

pub mod conversation;
pub mod devices;
pub mod figures;
pub mod latency;
pub mod process;
pub mod stall;
pub mod start;
// Network namespaces.
#[cfg(target_os = "linux")]
pub mod video;
pub mod voice;

use serde_json::{Value, json};

/// A measurement that could not be made, in words.
pub type Unmeasured = Box<dyn std::error::Error + Send + Sync>;

/// Many measurements of one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// In rising order.
    sorted: Vec<f64>,
}

impl Spread {
    /// The spread of these values; those that are no numbers are left out.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        Self { sorted }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The value below which this share (0 to 1) of them lies, by the nearest rank; none of no values.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.sorted.len().checked_sub(1)?;
        self.sorted.get((last as f64 * share.clamp(0.0, 1.0)).round() as usize).copied()
    }

    /// The middle one.
    pub fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// How many are above a bound.
    pub fn above(&self, bound: f64) -> usize {
        self.sorted.iter().filter(|value| **value > bound).count()
    }

    /// `median`, `p5`, `p95`, `min`, `max` and `n`.
    pub fn to_json(&self) -> Value {
        json!({
            "median": self.median().map(figure), "p5": self.quantile(0.05).map(figure),
            "p95": self.quantile(0.95).map(figure), "min": self.quantile(0.0).map(figure),
            "max": self.quantile(1.0).map(figure), "n": self.count(),
        })
    }

    /// The head of a table of [`row`](Self::row)s.
    pub fn head(title: &str) -> String {
        format!("{title:<44} {:>8} {:>8} {:>8} {:>8} {:>8} {:>5}", "median", "p5", "p95", "min", "max", "n")
    }

    /// A line of a table.
    pub fn row(&self, name: &str) -> String {
        let figure = |share| self.quantile(share).map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
        let [median, low, high, least, most] = [0.5, 0.05, 0.95, 0.0, 1.0].map(figure);
        format!("{name:<44} {median:>8} {low:>8} {high:>8} {least:>8} {most:>8} {:>5}", self.count())
    }
}

/// What else the machine does says how much the figures are worth.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |it| it.to_string());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    let build = if cfg!(debug_assertions) { "development" } else { "release" };
    format!("cores: {cores}; load before it began: {load}; profile: {build}")
}

/// To a tenth; a likeness or a score, which are all below 5, to a thousandth.
fn figure(value: f64) -> f64 {
    if value.abs() < 5.0 { (value * 1_000.0).round() / 1_000.0 } else { rounded(value) }
}

/// To a tenth, for print: a loaded machine makes more digits meaningless.
pub fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
