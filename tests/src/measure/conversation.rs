//! Two `peal-headless` processes at one embedded broker, and the calls between them, timed from outside.
//!
//! All times are read on one clock (this process's [`Instant`]): a command's when its line is written, an event's when
//! its line has been read.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Unmeasured;
use crate::headless::{Headless, HeadlessError, PATIENCE, arguments};
use crate::person::free_address;

/// Two endpoints, ready to call each other, and the broker between them, which is a third process.
pub struct Conversation {
    /// Ann, who calls.
    pub caller: Headless,
    /// Bob, who is called.
    pub callee: Headless,
    broker: Headless,
    place: TempDir,
}

/// How long each step of a call took.
#[derive(Debug, Clone)]
pub struct Steps {
    /// The call.
    pub call_id: String,
    /// From the caller's command to its event `ringing`, ms.
    pub ringing_ms: f64,
    /// From the callee's command to the later of the two events `connected`, ms.
    pub connected_ms: f64,
    /// When the callee's command was written.
    pub accepted: Instant,
    /// When the caller heard that the call was answered: what its own figures count from.
    heard_of_it: Instant,
}

/// What both ends counted, as `call_stats` tells it.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The caller's counters.
    pub caller: Value,
    /// The callee's counters.
    pub callee: Value,
}

/// From the callee's command `accept` to the first sound of the other at the speaker, ms.
#[derive(Debug, Clone, Copy)]
pub struct FirstAudio {
    /// The caller hears the callee.
    pub at_caller: f64,
    /// The callee hears the caller.
    pub at_callee: f64,
}

impl Conversation {
    /// Starts all three. `extra` gives each endpoint's arguments beside the account, the broker and the place, which
    /// it is told; `environment` is for both.
    pub fn start(
        extra: impl Fn(&str, &Path) -> Vec<String>,
        environment: &[(String, String)],
    ) -> Result<Self, Unmeasured> {
        let place = tempfile::tempdir()?;
        let address = free_address();
        let broker = broker(address, place.path())?;
        let start = |name: &str| -> Result<Headless, HeadlessError> {
            let mut all = arguments(name, address, place.path());
            all.extend(extra(name, place.path()));
            let mut headless = Headless::start_in(name, all, environment)?;
            headless.online()?;
            Ok(headless)
        };
        let (mut caller, mut callee) = (start("ann")?, start("bob")?);
        caller.sees_online("bob")?;
        callee.sees_online("ann")?;
        Ok(Self { caller, callee, broker, place })
    }

    /// A file in the place that `extra` was told.
    pub fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The process that runs the broker.
    pub fn broker_pid(&self) -> u32 {
        self.broker.pid()
    }

    /// Ann calls Bob; it rings for `ring`, then he answers.
    pub fn connect(&mut self, ring: Duration) -> Result<Steps, HeadlessError> {
        self.caller.forget();
        self.callee.forget();
        let (id, dialled) = self.caller.tell("call", &json!({ "to": ["bob"], "media": "audio" }))?;
        let call_id = self.caller.answer(id)?["call_id"].as_str().unwrap_or_default().to_owned();
        let mine = |data: &Value| data["call_id"] == call_id.as_str();
        let ringing = self.caller.event_where("ringing", mine)?;
        self.callee.event_where("invited", mine)?;
        std::thread::sleep(ring);
        let (id, accepted) = self.callee.tell("accept", &json!({ "call_id": call_id }))?;
        self.callee.answer(id)?;
        let heard_of_it = self.caller.event_where("connecting", mine)?.at;
        let connected = self.callee.event_where("connected", mine)?.at;
        let connected = connected.max(self.caller.event_where("connected", mine)?.at);
        let ringing_ms = ms(dialled, ringing.at);
        let connected_ms = ms(accepted, connected);
        Ok(Steps { call_id, ringing_ms, connected_ms, accepted, heard_of_it })
    }

    /// Both ends' counters now.
    pub fn count(&mut self, steps: &Steps) -> Result<Counted, HeadlessError> {
        let call = json!({ "call_id": steps.call_id });
        Ok(Counted { caller: self.caller.ask("call_stats", &call)?, callee: self.callee.ask("call_stats", &call)? })
    }

    /// Waits until both hear each other, and says how long after the answer it was.
    ///
    /// An endpoint counts from where it learns of the answer to the first sound that is handed to the speaker
    /// (`first_audio_ms`); so both have to speak from the start. To that the caller's share of the way is added here: when
    /// it learnt of the answer.
    pub fn first_audio(&mut self, steps: &Steps) -> Result<FirstAudio, HeadlessError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let counted = self.count(steps)?;
            let heard = |counters: &Value| counters["first_audio_ms"].as_f64();
            if let (Some(caller), Some(callee)) = (heard(&counted.caller), heard(&counted.callee)) {
                return Ok(FirstAudio { at_caller: caller + ms(steps.accepted, steps.heard_of_it), at_callee: callee });
            }
            if Instant::now() > deadline {
                return Err(HeadlessError::Missing(format!("no audio came: {counted:?}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ann hangs up; waits until both have left the call's screen.
    pub fn hang_up(&mut self, steps: &Steps) -> Result<(), HeadlessError> {
        let call = json!({ "call_id": steps.call_id });
        self.caller.ask("hangup", &call)?;
        for end in [&mut self.caller, &mut self.callee] {
            end.event_where("call_ended", |data| data["call_id"] == steps.call_id.as_str())?;
            end.ask("dismiss", &call)?;
        }
        Ok(())
    }

    /// Ends both endpoints, so that what their speakers wrote is complete.
    pub fn close(&mut self) -> Result<(), HeadlessError> {
        self.caller.close()?;
        self.callee.close().map(|_| ())
    }
}

/// A `peal-headless` that only runs the broker; it listens when this returns.
pub fn broker(address: SocketAddr, place: &Path) -> Result<Headless, HeadlessError> {
    let place = place.join("broker").display().to_string();
    let arguments = ["--embedded-broker", &address.to_string(), "--data-dir", &place].map(str::to_owned);
    let broker = Headless::start("the broker", arguments)?;
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        if Instant::now() > deadline {
            return Err(HeadlessError::Missing(format!("the broker does not listen\n{}", broker.complaints())));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(broker)
}

/// Ms between two moments.
fn ms(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1_000.0
}
