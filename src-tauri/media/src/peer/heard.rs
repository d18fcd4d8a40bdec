//! What the peer reports of my voice (RFC 3550 section 6.4): the stack's own statistics leave it out.

use std::sync::{Mutex, PoisonError};

use rtc::rtcp::reception_report::ReceptionReport;

/// One report speaks of about a second; a mean of so many is less by chance.
const REPORTS: usize = 2;

/// The last reports of one voice.
#[derive(Debug)]
pub(super) struct Heard {
    ssrc: u32,
    reports: Mutex<Vec<ReceptionReport>>,
}

impl Heard {
    /// Of the voice with this source.
    pub fn new(ssrc: u32) -> Self {
        Self { ssrc, reports: Mutex::default() }
    }

    /// Takes what is said of this voice, and leaves the rest.
    pub fn take(&self, reports: &[ReceptionReport]) {
        for report in reports.iter().filter(|it| it.ssrc == self.ssrc) {
            let mut kept = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= REPORTS {
                kept.remove(0);
            }
            kept.push(report.clone());
        }
    }

    /// Share of the packets that did not come of late, 0 to 1; `None` before the first report.
    pub fn fraction_lost(&self) -> Option<f64> {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let sum: f64 = reports.iter().map(|it| f64::from(it.fraction_lost) / 256.0).sum();
        (!reports.is_empty()).then(|| sum / reports.len() as f64)
    }

    /// Jitter, in units of the RTP clock; `None` before the first report.
    pub fn jitter(&self) -> Option<u32> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).last().map(|it| it.jitter)
    }
}
