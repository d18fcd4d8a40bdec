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

/// A stretch of a virtual machine's life, to see how much of its processors its host gave to others: what is measured
/// meanwhile is later, and seems to cost more, than the program's fault is.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    taken: u64,
    all: u64,
}

impl Host {
    /// Begins to measure.
    pub fn begin() -> Option<Self> {
        Self::read(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    /// Percent of all processors that the host has given to others since the beginning.
    pub fn taken_percent(&self) -> Option<f64> {
        let now = Self::begin()?;
        let all = now.all.checked_sub(self.all).filter(|ticks| *ticks > 0)?;
        Some(100.0 * now.taken.saturating_sub(self.taken) as f64 / all as f64)
    }

    /// The line of all processors: user, nice, system, idle, iowait, irq, softirq, steal (`proc_stat(5)`); what guests of
    /// our own take stands in user already.
    fn read(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|it| it.parse().ok()).collect();
        Some(Self { taken: *ticks.get(7)?, all: ticks.iter().sum() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_took_is_the_eighth_figure_of_all_processors() {
        let host = Host::read("cpu  10 20 30 40 5 6 7 8 9 9\ncpu0 1 2 3 4 5 6 7 8 9 9\n").map(|it| (it.taken, it.all));
        assert_eq!(host, Some((8, 126)));
        assert!(Host::read("cpu  10 20\n").is_none() && Host::read("intr 5\n").is_none());
    }
}
