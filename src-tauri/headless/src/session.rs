//! The conversation: commands begin in the order of their lines and run side by side; answers and events go out as they come.

use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::time::Duration;

use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use peal_engine::api::{Command, ErrorCode, Event, PealError};
use serde_json::Value;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until};

use crate::line::{self, Line, Malformed, Request};

/// How many commands run at once. While so many do, no further line is read.
pub const MAX_RUNNING: usize = 64;

/// Why a conversation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The input ended, and what it asked for is answered.
    InputEnded,
    /// Nobody reads the output any more.
    OutputClosed,
    /// The engine has stopped.
    EngineStopped,
    /// The program was asked to end.
    Asked,
}

/// The ends of a conversation.
#[derive(Debug)]
pub struct Ends {
    /// The lines that came in.
    pub lines: mpsc::Receiver<Line>,
    /// What the engine says by itself.
    pub events: broadcast::Receiver<Event>,
    /// The lines to go out, without their ends.
    pub output: mpsc::Sender<String>,
    /// How long commands that still run may take once the input has ended.
    pub patience: Duration,
}

/// Runs a conversation to its end. `first` is done before any line, and answered by an `error` event if it fails;
/// `stop` ends it at once.
pub async fn converse<F, R>(
    ends: &mut Ends,
    first: Option<Command>,
    stop: impl Future<Output = ()>,
    execute: F,
) -> Ending
where
    F: Fn(Command) -> R,
    R: Future<Output = Result<Value, PealError>> + Send + 'static,
{
    let mut running = Running::default();
    if let Some(command) = first {
        running.begin(Origin::Start, execute(command));
    }
    let mut stop = pin!(stop);
    let mut deadline = None;
    loop {
        let Ends { lines, events, output, patience } = ends;
        let told = tokio::select! {
            biased;
            () = output.closed() => return Ending::OutputClosed,
            () = &mut stop => return Ending::Asked,
            event = events.recv() => match event {
                Ok(event) => vec![line::event(&event)],
                Err(RecvError::Lagged(number)) => vec![lost(number)],
                Err(RecvError::Closed) => return Ending::EngineStopped,
            },
            Some((origin, outcome)) = running.0.next() => {
                // Whatever led to an answer is told before it.
                let mut told = waiting(events);
                told.extend(answer(&origin, outcome));
                told
            }
            line = lines.recv(), if deadline.is_none() && running.0.len() < MAX_RUNNING => {
                match line.map(|line| line::parse(&line)) {
                    Some(Ok(Some(Request { id, command }))) => running.begin(Origin::Line(id), execute(command)),
                    Some(Ok(None)) => {}
                    Some(Err(Malformed { id, error })) => running.begin(Origin::Line(id), ready(Err(error))),
                    None => deadline = Some(Instant::now() + *patience),
                }
                Vec::new()
            }
            () = until(deadline) => return Ending::InputEnded,
        };
        for line in told {
            tokio::select! {
                sent = output.send(line) => if sent.is_err() {
                    return Ending::OutputClosed;
                },
                () = &mut stop => return Ending::Asked,
            }
        }
        if deadline.is_some() && running.0.is_empty() {
            return Ending::InputEnded;
        }
    }
}

/// Tells the events of the end: those that come until `stopped`.
pub async fn last_words(ends: Ends, stopped: impl Future<Output = ()>) {
    let Ends { mut events, output, .. } = ends;
    let mut stopped = pin!(stopped);
    loop {
        let event = tokio::select! {
            () = &mut stopped => break,
            event = events.recv() => event,
        };
        let line = match event {
            Ok(event) => line::event(&event),
            Err(RecvError::Lagged(number)) => lost(number),
            Err(RecvError::Closed) => return stopped.await,
        };
        if output.send(line).await.is_err() {
            return stopped.await;
        }
    }
    for line in waiting(&mut events) {
        if output.send(line).await.is_err() {
            return;
        }
    }
}

/// Where an answer goes.
enum Origin {
    Start,
    Line(Value),
}

type Work = Pin<Box<dyn Future<Output = (Origin, Result<Value, PealError>)> + Send>>;

/// The commands that run now.
#[derive(Default)]
struct Running(FuturesUnordered<Work>);

impl Running {
    /// Begins a command. It has reached the engine before the next line is read: mute and unmute keep their order.
    fn begin<R>(&mut self, origin: Origin, work: R)
    where
        R: Future<Output = Result<Value, PealError>> + Send + 'static,
    {
        let mut work: Work = Box::pin(async move { (origin, work.await) });
        // Polled again, with a waker, by whoever waits for the next answer.
        self.0.push(match work.as_mut().now_or_never() {
            Some(outcome) => Box::pin(ready(outcome)),
            None => work,
        });
    }
}

/// The line of an answer; a first command that succeeds needs none.
fn answer(origin: &Origin, outcome: Result<Value, PealError>) -> Option<String> {
    match (origin, outcome) {
        (Origin::Line(id), Ok(result)) => Some(line::result(id, &result)),
        (Origin::Line(id), Err(error)) => Some(line::error(id, &error)),
        (Origin::Start, Ok(_)) => None,
        (Origin::Start, Err(error)) => Some(line::event(&Event::Error(error))),
    }
}

/// The lines of the events that are already there.
fn waiting(events: &mut broadcast::Receiver<Event>) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        match events.try_recv() {
            Ok(event) => lines.push(line::event(&event)),
            Err(TryRecvError::Lagged(number)) => lines.push(lost(number)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => return lines,
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn lost(number: u64) -> String {
    let message = format!("{number} events were lost: the output is read too slowly");
    line::event(&Event::Error(PealError::new(ErrorCode::Internal, message)))
}

#[cfg(test)]
mod tests;
