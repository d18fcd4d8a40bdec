//! Our own candidates on their way out: the first ones inside the description, the rest in batches (RFC 8838).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Candidate, PeerEvent};

/// How long a description waits for candidates to take along: host candidates are there within a few milliseconds,
/// and those of a near STUN server often too, which saves their message.
pub(super) const HALF_TRICKLE: Duration = Duration::from_millis(50);

/// How long a batch collects before it is sent.
const BATCH: Duration = Duration::from_millis(200);

/// The gathering of one connection, over all its ICE generations.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    state: Mutex<State>,
    changed: Notify,
    progressed: Notify,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<Candidate>,
    /// The description that already names some candidates; those are not told twice.
    described: String,
    mid: Option<String>,
    /// A description is being made; what comes meanwhile may still go into it.
    holding: bool,
    complete: bool,
    announced: bool,
}

impl Gathering {
    /// Starts a generation, with its candidates held back for the description being made.
    pub(super) fn begin(&self) {
        *self.lock() = State { holding: true, ..State::default() };
    }

    /// A candidate was found; `line` is `candidate:…`.
    pub(super) fn found(&self, line: String) {
        {
            let mut state = self.lock();
            let candidate = Candidate { candidate: line, mid: None, line: Some(0) };
            if state.described.contains(&candidate.candidate) || state.pending.contains(&candidate) {
                return;
            }
            state.pending.push(candidate);
        }
        self.changed.notify_one();
    }

    /// No further candidate will come in this generation.
    pub(super) fn finished(&self) {
        self.lock().complete = true;
        self.changed.notify_one();
        self.progressed.notify_waiters();
    }

    /// Waits until gathering is complete, but at most this long.
    pub(super) async fn first_candidates(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            let progressed = self.progressed.notified();
            tokio::pin!(progressed);
            progressed.as_mut().enable();
            if self.lock().complete || timeout_at(deadline, progressed).await.is_err() {
                return;
            }
        }
    }

    /// The description is made: what it does not name goes out as events from here on.
    pub(super) fn describe(&self, sdp: &str) {
        {
            let mut state = self.lock();
            sdp.clone_into(&mut state.described);
            state.mid = super::description::first_mid(sdp);
            state.holding = false;
            let described = std::mem::take(&mut state.described);
            state.pending.retain(|candidate| !described.contains(&candidate.candidate));
            state.described = described;
        }
        self.changed.notify_one();
    }

    /// Sends what is gathered as events until the receiver is gone.
    pub(super) async fn run(self: Arc<Self>, events: mpsc::Sender<PeerEvent>) {
        loop {
            self.changed.notified().await;
            if !self.has_news() {
                continue;
            }
            // The first of a batch waits for the rest, unless there is none.
            let batch = sleep(BATCH);
            tokio::pin!(batch);
            while !self.lock().complete {
                tokio::select! {
                    () = &mut batch => break,
                    () = self.changed.notified() => {}
                }
            }
            if let Some((candidates, complete)) = self.take()
                && events.send(PeerEvent::Candidates { candidates, complete }).await.is_err()
            {
                return;
            }
        }
    }

    fn has_news(&self) -> bool {
        let state = self.lock();
        !state.holding && (!state.pending.is_empty() || (state.complete && !state.announced))
    }

    fn take(&self) -> Option<(Vec<Candidate>, bool)> {
        let mut state = self.lock();
        if state.holding || (state.pending.is_empty() && (!state.complete || state.announced)) {
            return None;
        }
        let mid = state.mid.clone();
        let mut candidates = std::mem::take(&mut state.pending);
        for candidate in &mut candidates {
            candidate.mid.clone_from(&mid);
        }
        state.announced = state.complete;
        Some((candidates, state.complete))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u16) -> String {
        format!("candidate:1 1 udp 1 192.0.2.1 {number} typ host")
    }

    async fn next(events: &mut mpsc::Receiver<PeerEvent>) -> (usize, bool) {
        match events.recv().await {
            Some(PeerEvent::Candidates { candidates, complete }) => (candidates.len(), complete),
            other => panic!("unexpected {other:?}"),
        }
    }

    #[tokio::test]
    async fn what_the_description_names_is_not_sent_again_and_the_end_is_told() {
        let gathering = Arc::new(Gathering::default());
        let (sender, mut events) = mpsc::channel(8);
        tokio::spawn(Arc::clone(&gathering).run(sender));
        gathering.begin();
        gathering.found(line(1));
        gathering.first_candidates(HALF_TRICKLE).await;
        gathering.describe(&format!("a=mid:0\r\na={}\r\n", line(1)));
        gathering.found(line(1));
        gathering.finished();
        assert_eq!(next(&mut events).await, (0, true));
    }

    #[tokio::test]
    async fn late_candidates_come_in_one_batch_and_the_end_comes_with_the_last() {
        let gathering = Arc::new(Gathering::default());
        let (sender, mut events) = mpsc::channel(8);
        tokio::spawn(Arc::clone(&gathering).run(sender));
        gathering.begin();
        let before = Instant::now();
        gathering.first_candidates(HALF_TRICKLE).await;
        assert!(before.elapsed() >= HALF_TRICKLE);
        gathering.describe("a=mid:0\r\n");
        gathering.found(line(1));
        gathering.found(line(2));
        assert_eq!(next(&mut events).await, (2, false));
        gathering.found(line(3));
        gathering.finished();
        assert_eq!(next(&mut events).await, (1, true));
    }

    #[tokio::test]
    async fn a_complete_gathering_does_not_hold_the_description_up() {
        let gathering = Gathering::default();
        gathering.begin();
        gathering.finished();
        let first = gathering.first_candidates(HALF_TRICKLE);
        assert!(futures::FutureExt::now_or_never(first).is_some());
    }
}
