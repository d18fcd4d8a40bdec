//! `bench start`: from the start of a program to its being ready.

use std::time::{Duration, Instant};

use super::figures::Figures;
use super::{Spread, Unmeasured};
use crate::headless::{Headless, HeadlessError, PATIENCE, arguments, binary};
use crate::person::free_address;

/// Measures so many starts of each kind.
pub fn measure(starts: usize) -> Result<Figures, Unmeasured> {
    let mut figures = Figures::new(format!("start: {starts} starts of each kind"));
    let [mut first, mut again] = [const { Vec::new() }; 2];
    for _ in 0..starts {
        // The very first start makes its keys and starts the broker; the second one has a profile and joins.
        let place = tempfile::tempdir()?;
        let broker = free_address();
        let start = |name: &str| -> Result<(f64, Headless), HeadlessError> {
            let begun = Instant::now();
            let mut headless = Headless::start(name, arguments(name, broker, place.path()))?;
            let online = headless.online()?.at;
            Ok((online.saturating_duration_since(begun).as_secs_f64() * 1_000.0, headless))
        };
        let (took, host) = start("host")?;
        first.push(took);
        let (_, mut ann) = start("ann")?;
        ann.close()?;
        let (took, ann) = start("ann")?;
        again.push(took);
        drop((ann, host));
    }
    figures.add("headless_first_ms", "peal-headless, first start, own broker, ms", Spread::new(first));
    figures.add("headless_again_ms", "peal-headless, later start, broker there, ms", Spread::new(again));
    match binary("peal") {
        Ok(_) if !cfg!(target_os = "linux") => figures.remark("the app's window is measured on Linux alone"),
        Ok(app) => {
            let mut seen = [Vec::new(), Vec::new()];
            let place = tempfile::tempdir()?;
            let screen = Screen::start(place.path())?;
            for _ in 0..starts.min(5) {
                let [window, complete] = screen.watch(&app, place.path())?;
                seen[0].push(window);
                seen[1].push(complete);
            }
            let [window, complete] = seen;
            figures.add("app_first_paint_ms", "peal, to the first pixel, ms", Spread::new(window));
            figures.add("app_ready_ms", "peal, to the complete picture, ms", Spread::new(complete));
        }
        Err(_) => figures.remark("the app is not measured: it is not built (cargo build --package peal)"),
    }
    Ok(figures)
}

/// An Xvfb whose picture lies in a file.
struct Screen {
    process: std::process::Child,
    display: String,
    picture: std::path::PathBuf,
}

impl Screen {
    fn start(place: &std::path::Path) -> Result<Self, Unmeasured> {
        use std::io::BufRead as _;
        use std::process::{Command, Stdio};

        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-fbdir"]).arg(place);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().map_err(|error| format!("Xvfb: {error}"))?;
        let mut number = String::new();
        if let Some(stdout) = process.stdout.take() {
            std::io::BufReader::new(stdout).read_line(&mut number)?;
        }
        let (display, picture) = (format!(":{}", number.trim()), place.join("Xvfb_screen0"));
        Ok(Self { process, display, picture })
    }

    /// Starts the app on an empty profile; how long it takes to its first pixel and to its last change of more than a
    /// caret's size, ms.
    fn watch(&self, app: &std::path::Path, place: &std::path::Path) -> Result<[f64; 2], Unmeasured> {
        /// A picture that stands still for so long is complete.
        const STILL: Duration = Duration::from_secs(2);
        /// Bytes of the picture that a blinking caret may change.
        const CARET: usize = 1_000;

        let data = tempfile::tempdir_in(place)?;
        let empty = std::fs::read(&self.picture)?;
        let mut command = std::process::Command::new(app);
        command.env("PEAL_BROKER", free_address().to_string()).env("DISPLAY", &self.display);
        command.env("PEAL_DATA_DIR", data.path()).env("HOME", data.path()).env("XDG_RUNTIME_DIR", data.path());
        command.env_remove("WAYLAND_DISPLAY").env("NO_AT_BRIDGE", "1");
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        let begun = Instant::now();
        let mut child = Guard(command.stderr(std::process::Stdio::null()).spawn()?);
        let (mut before, mut first, mut last) = (empty, None, begun);
        loop {
            std::thread::sleep(Duration::from_millis(10));
            let now = Instant::now();
            let picture = std::fs::read(&self.picture)?;
            let changed = picture.iter().zip(&before).filter(|(new, old)| new != old).count();
            if changed > CARET {
                first.get_or_insert(now);
                last = now;
                before = picture;
            }
            if let Some(first) = first.filter(|_| now - last > STILL) {
                let ms = |at: Instant| (at - begun).as_secs_f64() * 1_000.0;
                return Ok([ms(first), ms(last)]);
            }
            if let Some(status) = child.0.try_wait()? {
                return Err(format!("the app ended: {status}").into());
            }
            if now - begun > PATIENCE {
                return Err("the app's window never stood still".into());
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A child that ends with its owner.
struct Guard(std::process::Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
