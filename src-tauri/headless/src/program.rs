//! The program: an engine joined to the standard streams.

use std::io::{self, BufReader, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use peal_engine::Engine;
use peal_engine::api::{Command, ErrorCode, Event, PealError};
use peal_engine::log::Log;

use crate::line;
use crate::options::Options;
use crate::record;
use crate::session::{Ends, converse, last_words};
use crate::streams::{read_lines, write_lines};

/// How long commands may take that still run when the input has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// How long hanging up and logging out may take at the end, and the last lines to be read.
const FAREWELL: Duration = Duration::from_secs(5);

/// The WebRTC crates warn about what is usual while a call is set up.
const DEFAULT_LOG: &str = "warn,rtc=error,rtc_ice=error,rtc_dtls=error";

/// Runs until the input ends or it is asked to stop. `beside` is told the engine before anything else happens, inside the
/// runtime: whoever wants to know more than the lines tell listens there.
pub fn run(options: Options, beside: impl FnOnce(&Engine)) -> ExitCode {
    let log = Log::start(DEFAULT_LOG);

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(talk(options, log, beside));
            // A device driver or a name lookup may still hold a thread; nothing is left to wait for.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(internal(&error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Should the output be closed too, the exit status is all that is left to say.
            let _ = writeln!(io::stdout(), "{}", line::event(&Event::Error(error)));
            ExitCode::FAILURE
        }
    }
}

async fn talk(options: Options, log: Log, beside: impl FnOnce(&Engine)) -> Result<(), PealError> {
    // Before anything is started, so that no signal finds it unprepared.
    let stopped = stop_signal().map_err(|error| internal(&error))?;
    let first = options.login().map(Command::Login);
    let record = options.record_video.clone();
    let engine = Engine::start(options.engine_config()).await.map_err(explain)?;
    log.follow(&engine);
    beside(&engine);
    let recording = record.map(|path| record::start(engine.clone(), &path)).transpose();
    let recording = recording.map_err(|error| internal(&error))?;
    let (output, written) = write_lines(io::stdout()).map_err(|error| internal(&error))?;
    let lines = read_lines(BufReader::new(io::stdin())).map_err(|error| internal(&error))?;
    let mut ends = Ends { lines, events: engine.events(), output, patience: LAST_ANSWERS };
    let phone = engine.clone();
    let execute = move |command| {
        let phone = phone.clone();
        async move { phone.execute(command).await }
    };

    let ending = converse(&mut ends, first, stopped, execute).await;
    tracing::info!(?ending, "stopping");
    let farewell = async {
        last_words(ends, engine.stop()).await;
        if let Some(recording) = recording {
            // It fails only if the task was aborted, which nobody does.
            let _ = recording.await;
        }
        // It resolves with an error only if the thread is gone, and then nothing will be written any more.
        let _ = written.await;
    };
    if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
        tracing::warn!("gave up waiting for a clean end");
    }
    Ok(())
}

/// Resolves when the program is asked to end.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// Resolves when the program is asked to end.
#[cfg(windows)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};

    let (mut interrupt, mut pause, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = pause.recv() => {}
            _ = close.recv() => {}
        }
    })
}

fn explain(error: PealError) -> PealError {
    match error.code {
        ErrorCode::ProfileInUse => {
            PealError { hint: "Give this program a place of its own with --data-dir.".to_owned(), ..error }
        }
        _ => error,
    }
}

fn internal(error: &io::Error) -> PealError {
    PealError::new(ErrorCode::Internal, error.to_string())
}
