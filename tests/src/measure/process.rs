//! What a process costs, as Linux tells it under `/proc`; elsewhere nothing is known.

use std::time::Instant;

/// Clock ticks a second in `/proc/PID/stat`: `USER_HZ`, which is 100 on every architecture that Linux still runs on.
const TICKS: f64 = 100.0;

/// A stretch of a process's life whose cost is measured.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    pid: u32,
    begun: Instant,
    spent: f64,
}

impl Stretch {
    /// Begins to measure.
    pub fn begin(pid: u32) -> Option<Self> {
        Some(Self { pid, begun: Instant::now(), spent: cpu_seconds(pid)? })
    }

    /// Percent of one core since the beginning, all threads together.
    pub fn cpu_percent(&self) -> Option<f64> {
        Some(100.0 * self.cpu_seconds()? / self.begun.elapsed().as_secs_f64())
    }

    /// Seconds of processor time since the beginning, all threads together. What else the machine does hardly changes
    /// it.
    pub fn cpu_seconds(&self) -> Option<f64> {
        Some(cpu_seconds(self.pid)? - self.spent)
    }
}

/// Processes whose cost is measured together: a program and all that it has started.
#[derive(Debug, Clone)]
pub struct Family(Vec<Stretch>);

impl Family {
    /// Begins to measure a process and its descendants, as they are now.
    pub fn begin(ancestor: u32) -> Self {
        let mut family = vec![ancestor];
        let all: Vec<(u32, u32)> = std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter_map(|pid| Some((pid, parent(pid)?)))
            .collect();
        let mut at = 0;
        while let Some(elder) = family.get(at).copied() {
            family.extend(all.iter().filter(|(_, parent)| *parent == elder).map(|(pid, _)| *pid));
            at += 1;
        }
        Self(family.into_iter().filter_map(Stretch::begin).collect())
    }

    /// Percent of one core since the beginning, all of them together. Who has ended meanwhile is left out.
    pub fn cpu_percent(&self) -> f64 {
        self.0.iter().filter_map(Stretch::cpu_percent).sum()
    }
}

/// The process that started this one.
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Seconds of processor time that all threads of a process have spent so far, in the kernel too.
fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold blanks; utime and stime are the 12th and 13th field after it (proc(5)).
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

/// Memory of a process that is in use now (`VmRSS`), in MiB.
pub fn memory_mib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}
