//! How good the voice is that came: PESQ (ITU-T P.862.2, wideband; 1.04 to 4.64) of pieces of what was heard beside what was
//! said.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::ears::{RATE, find, level_dbfs, read_wav, speech, write_wav};
use crate::measure::Unmeasured;

/// What is said, over and over.
const WORDS: [&str; 3] = [
    "The quick brown fox jumps over the lazy dog by the river.",
    "Every evening the old captain walks along the beach.",
    "She sells sea shells by the sea shore, and nobody knows why.",
];
/// Each sentence has so long, with the silence after it.
const PIECE: usize = 4 * RATE as usize;
/// Silence before each, so that PESQ knows what silence is.
const LEAD: usize = RATE as usize / 4;
/// By so much of a piece it is looked for.
const PROBE: usize = RATE as usize;
/// How alike the two are at least where they are the same piece.
const ALIKE: f64 = 0.35;
const SCRIPT: &str = include_str!("../../../assets/pesq.py");

/// Makes the file that is spoken: sentences of espeak-ng, or, where that or sox is not installed, something like speech.
pub fn speak(place: &Path) -> PathBuf {
    let mut all = Vec::new();
    for (number, words) in WORDS.into_iter().enumerate() {
        let (raw, whole) = (place.join(format!("words-{number}.wav")), place.join(format!("said-{number}.wav")));
        let voice = ["en+m3", "en+f2", "en+m1"][number];
        let mut espeak = Command::new("espeak-ng");
        espeak.args(["-v", voice, "-s", "160", "-w"]).arg(&raw).arg(words);
        let mut sox = Command::new("sox");
        sox.arg(&raw).args(["-r", "48000", "-c", "1", "-b", "16"]).arg(&whole).args(["gain", "-n", "-6"]);
        let done = |command: &mut Command| {
            let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            quiet.status().is_ok_and(|status| status.success())
        };
        let said = if done(&mut espeak) && done(&mut sox) { read_wav(&whole) } else { speech(3.5, number as u64 + 3) };
        let mut piece = vec![0; LEAD];
        piece.extend(said);
        piece.resize(PIECE, 0);
        all.extend(piece);
    }
    let file = place.join("said.wav");
    write_wav(&file, &all);
    file
}

/// What gives the scores: a Python with `pesq` in it.
pub struct Judge {
    python: PathBuf,
}

impl Judge {
    /// Looks for it where `cargo xtask bench video` installs it: in the target directory.
    ///
    /// # Errors
    /// It is not there.
    pub fn find() -> Result<Self, Unmeasured> {
        let own = std::env::current_exe()?;
        let target = own.parent().and_then(Path::parent).ok_or("this program is in no target directory")?;
        let python = target.join("tools/pesq-0.0.4/bin/python");
        let mut works = Command::new(&python);
        works.args(["-c", "import pesq"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if works.status().is_ok_and(|status| status.success()) {
            return Ok(Self { python });
        }
        Err(format!("{} has no module pesq; cargo xtask bench video installs it", python.display()).into())
    }

    /// The scores of all pieces of `said` that can be found in `heard`, wherever and however often; both mono 48 kHz.
    pub fn scores(&self, said: &[i16], heard: &[i16]) -> Result<Vec<f64>, Unmeasured> {
        let place = tempfile::tempdir()?;
        let mut lines = String::new();
        for (number, (said, heard)) in pairs(said, heard).into_iter().enumerate() {
            for (kind, samples) in [("said", said), ("heard", heard)] {
                let file = place.path().join(format!("{kind}-{number}"));
                let bytes: Vec<u8> = thinned(samples).into_iter().flat_map(i16::to_le_bytes).collect();
                std::fs::write(&file, bytes)?;
                lines.push_str(&file.display().to_string());
                lines.push(if kind == "said" { ' ' } else { '\n' });
            }
        }
        let mut command = Command::new(&self.python);
        command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut python = command.spawn()?;
        let mut input = python.stdin.take().ok_or("the judge does not listen")?;
        let told = input.write_all(lines.as_bytes());
        drop(input);
        let output = python.wait_with_output()?;
        told?;
        if !output.status.success() {
            return Err(format!("pesq: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.parse().ok()).collect())
    }
}

/// Each piece of what was said beside where it was heard, as long as the piece. What is said goes round, so whatever comes
/// after one piece is known.
fn pairs<'a>(said: &'a [i16], heard: &'a [i16]) -> Vec<(&'a [i16], &'a [i16])> {
    let pieces: Vec<&[i16]> = said.chunks_exact(PIECE).collect();
    let mut found = Vec::new();
    let Some((mut at, mut piece)) = first(&pieces, heard) else { return found };
    while at + PIECE <= heard.len() {
        let here = pieces[piece];
        let from = loudest(here);
        let probe = &here[from..from + PROBE];
        // A jitter buffer that has grown or shrunk moves what follows.
        let (before, after) = (at as i64 + from as i64 - 24_000, at as i64 + from as i64 + 48_000);
        let hit = find(probe, heard, before.max(0)..after);
        if hit.correlation >= ALIKE {
            at = (hit.delay as usize).saturating_sub(from);
        }
        if let Some(heard) = heard.get(at..at + PIECE) {
            found.push((here, heard));
        }
        at += PIECE;
        piece = (piece + 1) % pieces.len();
    }
    found
}

/// Where the first whole piece begins in what was heard, and which it is.
fn first(pieces: &[&[i16]], heard: &[i16]) -> Option<(usize, usize)> {
    let end = (heard.len().checked_sub(PIECE)? as i64).min(3 * PIECE as i64);
    let hits = pieces.iter().enumerate().map(|(number, piece)| {
        let from = loudest(piece);
        let hit = find(&piece[from..from + PROBE], heard, from as i64..end + from as i64);
        (hit.correlation, (hit.delay as usize).saturating_sub(from), number)
    });
    let sure: Vec<_> = hits.filter(|(correlation, ..)| *correlation >= ALIKE).collect();
    sure.into_iter().map(|(_, at, number)| (at, number)).min()
}

/// Where the loudest second of a piece begins.
fn loudest(piece: &[i16]) -> usize {
    let starts = (0..=piece.len().saturating_sub(PROBE)).step_by(RATE as usize / 10);
    let level = |from: &usize| level_dbfs(&piece[*from..from + PROBE]);
    starts.max_by(|one, other| level(one).total_cmp(&level(other))).unwrap_or(0)
}

/// 48 kHz to 16 kHz: a low pass at 7 kHz, and every third sample.
fn thinned(samples: &[i16]) -> Vec<i16> {
    const TAPS: i32 = 48;
    let weight = |at: i32| {
        let (x, edge) = (f64::from(at), 7_200.0 / 48_000.0 * 2.0);
        let sinc =
            if at == 0 { 1.0 } else { (std::f64::consts::PI * edge * x).sin() / (std::f64::consts::PI * edge * x) };
        let window = 0.54 + 0.46 * (std::f64::consts::PI * x / f64::from(TAPS)).cos();
        edge * sinc * window
    };
    let weights: Vec<f64> = (-TAPS..=TAPS).map(weight).collect();
    let sample = |at: i64| usize::try_from(at).ok().and_then(|at| samples.get(at)).map_or(0.0, |it| f64::from(*it));
    let middle = (0..samples.len() as i64).step_by(3);
    let value = |middle: i64| {
        let around = (middle - i64::from(TAPS)..).zip(&weights);
        around.map(|(at, weight)| sample(at) * weight).sum::<f64>()
    };
    middle.map(|at| value(at).round().clamp(-32_768.0, 32_767.0) as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_found_where_they_were_heard_also_when_time_was_stretched() {
        let said = [speech(3.0, 1), vec![0; RATE as usize], speech(3.0, 2), vec![0; RATE as usize]].concat();
        // It begins in the middle of the second piece, and a fifth of a second is put in later.
        let mut heard = said[PIECE + 100_000..].to_vec();
        heard.extend(&said);
        let late = heard.len();
        heard.extend(vec![0; 9_600]);
        heard.extend(&said);
        let pairs = pairs(&said, &heard);
        assert_eq!(pairs.len(), 4);
        for (number, (piece, found)) in pairs.iter().enumerate() {
            assert_eq!(piece.as_ptr(), said[number % 2 * PIECE..].as_ptr());
            assert_eq!(&piece[..PIECE - 9_600], &found[..PIECE - 9_600], "piece {number}, before and after {late}");
        }
    }

    #[test]
    fn what_is_below_the_edge_passes_and_what_is_above_does_not() {
        let tone = |hertz: f64| -> Vec<i16> {
            let wave = |at: u32| (std::f64::consts::TAU * hertz * f64::from(at) / f64::from(RATE)).sin() * 10_000.0;
            (0..RATE).map(|at| wave(at) as i16).collect()
        };
        assert_eq!(thinned(&tone(1_000.0)).len(), 16_000);
        assert!((level_dbfs(&thinned(&tone(1_000.0))) - level_dbfs(&tone(1_000.0))).abs() < 0.2);
        assert!(level_dbfs(&thinned(&tone(12_000.0))) < -60.0);
    }
}
