//! The task behind a client: connects, again and again, and moves what waits.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, Stream, StreamExt};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop};
use tokio::sync::{mpsc, oneshot};

use crate::client::{End, Shared};
use crate::connection::{Connection, Step};
use crate::link;
use crate::presence::Order;
use crate::{ClientConfig, Notice, Presence, Problem};

/// Notices that the session keeps before it stops reading from the server.
const PENDING: usize = 4096;

/// How long a reader may take for what is said at the end; it may be waiting for the end itself.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Runs one client from login to logout.
pub(crate) struct Session {
    pub(crate) config: ClientConfig,
    tls: Option<Arc<rustls::ClientConfig>>,
    pub(crate) shared: Arc<Shared>,
    notices: mpsc::Sender<Notice>,
    /// Notices in front of the channel, so that no handler ever waits for the reader.
    pub(crate) pending: VecDeque<Notice>,
    /// Answers [`crate::Client::connect`].
    first: Option<oneshot::Sender<Result<(), Problem>>>,
    /// Connections that got as far as reading the inbox.
    pub(crate) connections: u64,
    /// Which of the server's nodes is tried now.
    node: usize,
    /// Attempts of the first login that failed.
    failed: usize,
    /// A connection of this run has caught up: from then on, what is new came after this program.
    pub(crate) has_caught_up: bool,
}

/// Notices from which on messages that came too fast wait longer.
const ROOM: usize = 256;

/// How a connection ended.
enum Over {
    /// Try again.
    Lost(Problem),
    /// For good, and everything has been said.
    Ended,
}

/// A failure, and what had been received before it.
type Failure = (ConnectionError, Vec<Event>);

impl Session {
    pub(crate) fn new(
        config: ClientConfig,
        tls: Option<Arc<rustls::ClientConfig>>,
        shared: Arc<Shared>,
        notices: mpsc::Sender<Notice>,
        first: oneshot::Sender<Result<(), Problem>>,
    ) -> Self {
        let node = own_node(&config.client_id, config.server.nodes().len());
        Self {
            config,
            tls,
            shared,
            notices,
            pending: VecDeque::new(),
            first: Some(first),
            connections: 0,
            node,
            failed: 0,
            has_caught_up: false,
        }
    }

    pub(crate) async fn run(mut self) {
        let nodes = self.config.server.nodes().len();
        let mut attempt = 0;
        loop {
            let connections_before = self.connections;
            let over = self.connect_once().await;
            // What has come before a loss is acknowledged: it doesn't come again.
            self.end_connection();
            match over {
                Over::Ended => break,
                Over::Lost(problem) => {
                    let was_up = self.connections > connections_before;
                    if !self.after_loss(problem, was_up) {
                        break;
                    }
                    attempt = if was_up { 0 } else { attempt + 1 };
                    // Where it was up, its session waits: only the next attempt goes to another node.
                    if !was_up {
                        self.node = (self.node + 1) % nodes;
                    }
                }
            }
            if !self.wait(link::backoff(attempt / nodes as u32)).await {
                break;
            }
        }
        self.shared.lock().wish.end.get_or_insert(End::Leave);
        self.deliver_the_rest().await;
    }

    /// The server lets this device read its inbox.
    pub(crate) fn logged_in(&mut self) {
        self.connections += 1;
        if let Some(first) = self.first.take() {
            // The caller has given up waiting: its handle's drop ends the session.
            let _ = first.send(Ok(()));
        }
        self.pending.push_back(Notice::Connected);
    }

    /// Whether the reader keeps up well enough for what has waited for its turn.
    pub(crate) fn has_room(&self) -> bool {
        self.pending.len() < ROOM
    }

    fn end_connection(&mut self) {
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        state.presences.clear();
        let rest = state.inbox.end_connection(&mut state.directory, Instant::now());
        drop(guard);
        self.pending.extend(rest);
    }

    /// Reports a loss; `false` when there is no point in trying again.
    fn after_loss(&mut self, problem: Problem, was_up: bool) -> bool {
        tracing::debug!(%problem, "the connection is lost");
        let final_word = matches!(problem, Problem::BadCredentials | Problem::NotAuthorized(_));
        if self.connections == 0 {
            // Accepted and closed again: a server that is just coming up, or two programs on one device.
            if matches!(problem, Problem::Lost(_)) {
                return true;
            }
            self.failed += 1;
            if !final_word && self.failed < self.config.server.nodes().len() {
                return true;
            }
            if let Some(first) = self.first.take() {
                let _ = first.send(Err(problem));
            }
            return false;
        }
        if final_word {
            self.pending.push_back(Notice::SessionEnded { problem });
            return false;
        }
        if was_up {
            self.pending.push_back(Notice::Disconnected { problem, since: Instant::now() });
        }
        true
    }

    async fn connect_once(&mut self) -> Over {
        let order = Order::begin();
        let me = {
            let mut state = self.shared.lock();
            if state.wish.end.is_some() {
                return Over::Ended;
            }
            state.directory.begin_connection();
            state.outbox.begin_connection();
            state.inbox.begin_backlog();
            Presence { order: order.will(), ..state.me.clone() }
        };
        let node = &self.config.server.nodes()[self.node];
        let options = link::options(&self.config, node, self.tls.clone(), &me);
        let (client, event_loop) = AsyncClient::new(options, link::REQUESTS);
        let mut events = pin!(events(event_loop));
        let mut connection = Connection::new(client, order, !self.has_caught_up);
        loop {
            if let Some(over) = self.react(&mut connection) {
                return over;
            }
            let deadline = connection.next_deadline(self);
            let reading = self.pending.len() < PENDING || connection.is_leaving();
            let notices = self.notices.clone();
            let step = tokio::select! {
                permit = notices.reserve(), if !self.pending.is_empty() => {
                    match permit {
                        Ok(permit) => if let Some(notice) = self.pending.pop_front() { permit.send(notice) },
                        // Nobody reads; the session goes on for whoever sends.
                        Err(_) => self.pending.clear(),
                    }
                    Step::Go
                }
                event = events.next(), if reading => match event {
                    Some(Ok(event)) => connection.take(self, event),
                    Some(Err((error, before))) => {
                        for event in before {
                            connection.take(self, event);
                        }
                        if connection.is_leaving() {
                            return Over::Ended;
                        }
                        Step::Lost(link::problem(&error, connection.is_accepted()))
                    }
                    None => Step::Lost(Problem::Lost("the event loop ended".to_owned())),
                },
                () = self.shared.wake.notified() => Step::Go,
                () = sleep_until(deadline) => Step::Go,
            };
            match step {
                Step::Go => {}
                Step::Lost(problem) => return Over::Lost(problem),
                Step::Gone => return Over::Ended,
            }
        }
    }

    /// Does what is due and what the handle wishes.
    fn react(&mut self, connection: &mut Connection) -> Option<Over> {
        let wish = {
            let mut state = self.shared.lock();
            self.pending.extend(state.notices.drain(..));
            state.wish.end
        };
        match wish {
            Some(End::Abandon) => return Some(Over::Ended),
            Some(End::Leave) => {
                if !connection.is_up() && !connection.is_leaving() {
                    return Some(Over::Ended);
                }
                connection.leave();
            }
            None => {}
        }
        match connection.pump(self) {
            Step::Go => None,
            Step::Lost(problem) => Some(Over::Lost(problem)),
            Step::Gone => Some(Over::Ended),
        }
    }

    /// Waits between two attempts, delivering notices meanwhile; `false` when the client is to end.
    async fn wait(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            {
                let mut state = self.shared.lock();
                if state.wish.end.is_some() {
                    return false;
                }
                let now = Instant::now();
                for parcel in state.outbox.expire(now) {
                    self.pending.push_back(Notice::Expired { to: parcel.to, id: parcel.id });
                }
                self.pending.extend(state.notices.drain(..));
            }
            tokio::select! {
                permit = self.notices.reserve(), if !self.pending.is_empty() => match permit {
                    Ok(permit) => if let Some(notice) = self.pending.pop_front() { permit.send(notice) },
                    Err(_) => self.pending.clear(),
                },
                () = self.shared.wake.notified() => {}
                () = tokio::time::sleep_until(until.into()) => return true,
            }
        }
    }

    /// What is still to be said, as far as the reader takes it without being waited for.
    async fn deliver_the_rest(&mut self) {
        self.pending.extend(self.shared.lock().notices.drain(..));
        let patience = tokio::time::sleep(LAST_WORDS);
        tokio::pin!(patience);
        while let Some(notice) = self.pending.pop_front() {
            tokio::select! {
                () = &mut patience => return,
                permit = self.notices.reserve() => match permit {
                    Ok(permit) => permit.send(notice),
                    Err(_) => return,
                },
                // The handle is gone or waits for us: it won't read.
                () = self.shared.wake.notified() => {
                    if self.notices.try_send(notice).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// The node of a server that is a device's own: always the same, so that it comes back to its session, and each one
/// that of as many devices. FNV-1a, since its client id is random.
fn own_node(client_id: &str, nodes: usize) -> usize {
    let hash = client_id.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize % nodes.max(1)
}

/// The event loop as a stream, so that other work never cuts its polling in the middle of a packet.
fn events(event_loop: EventLoop) -> impl Stream<Item = Result<Event, Failure>> {
    stream::unfold(Some(event_loop), |event_loop| async {
        let mut event_loop = event_loop?;
        match event_loop.poll().await {
            Ok(event) => Some((Ok(event), Some(event_loop))),
            Err(error) => {
                // What was read just before the failure may be acknowledged already: it must not be lost.
                let before = event_loop.state.events.drain(..).collect();
                Some((Err((error, before)), None))
            }
        }
    })
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
