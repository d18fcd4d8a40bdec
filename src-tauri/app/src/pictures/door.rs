//! The WebSocket server.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::http::header::ORIGIN;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use super::Gallery;
use super::protocol::{Hello, LONGEST, Refusal, View, Wish};
use super::tile::Tile;
use super::way::Way;

/// The only path there is.
const PATH: &str = "/picture";
/// How long a ticket is good.
const VALIDITY: Duration = Duration::from_secs(30);
/// As many tickets wait to be used; whoever asks for more loses the oldest.
const TICKETS: usize = 64;
/// As many sockets are open at once.
const SOCKETS: usize = 64;
/// How long a page may take to say what it wants, and to take a picture.
const PATIENCE: Duration = Duration::from_secs(10);

/// The open door. It stays for as long as the program runs.
pub struct Door {
    address: SocketAddr,
    tickets: Arc<Tickets>,
    accelerated: bool,
}

/// What lets one socket in, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Ticket {
    /// Where: `ws://127.0.0.1:…`.
    pub url: String,
    /// To be told in the first message.
    pub token: String,
    /// A graphics card draws this computer's pages.
    pub accelerated: bool,
}

/// What a ticket's window may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// Other people's pictures.
    Remote,
}

impl Door {
    /// Opens it for pages of these origins, which a graphics card draws or not.
    ///
    /// # Errors
    /// There is no free port on 127.0.0.1.
    pub async fn open<G: Gallery>(gallery: G, origins: Vec<String>, accelerated: bool) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let tickets = Arc::new(Tickets::default());
        let room = Arc::new(Room {
            tickets: Arc::clone(&tickets),
            gallery,
            origins,
            sockets: Semaphore::new(SOCKETS),
            numbers: AtomicU64::new(0),
        });
        tokio::spawn(listen(listener, room));
        Ok(Self { address, tickets, accelerated })
    }

    /// A ticket for one socket, good for half a minute.
    pub fn ticket(&self, scope: Scope) -> Ticket {
        Ticket {
            url: format!("ws://{}{PATH}", self.address),
            token: self.tickets.issue(scope, Instant::now()),
            accelerated: self.accelerated,
        }
    }
}

/// The tickets that were not used yet.
#[derive(Debug, Default)]
pub(super) struct Tickets(Mutex<HashMap<String, Issued>>);

#[derive(Debug)]
struct Issued {
    scope: Scope,
    at: Instant,
}

impl Tickets {
    /// A new one.
    pub(super) fn issue(&self, scope: Scope, now: Instant) -> String {
        let mut open = self.lock();
        open.retain(|_, issued| now.duration_since(issued.at) < VALIDITY);
        while open.len() >= TICKETS {
            let oldest = open.iter().min_by_key(|(_, issued)| issued.at).map(|(token, _)| token.clone());
            let Some(oldest) = oldest else { break };
            open.remove(&oldest);
        }
        // 122 bits from the system's generator.
        let token = uuid::Uuid::new_v4().simple().to_string();
        open.insert(token.clone(), Issued { scope, at: now });
        token
    }

    /// Uses one up; none: there is no such ticket.
    pub(super) fn take(&self, token: &str, now: Instant) -> Option<Scope> {
        let issued = self.lock().remove(token)?;
        (now.duration_since(issued.at) < VALIDITY).then_some(issued.scope)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Issued>> {
        // The map is whole at every moment, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Room<G> {
    tickets: Arc<Tickets>,
    gallery: G,
    origins: Vec<String>,
    sockets: Semaphore,
    numbers: AtomicU64,
}

/// How a socket ends.
#[derive(Debug, thiserror::Error)]
enum Ending {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Broken(#[from] SocketError),
    #[error("the page takes too long")]
    Late,
    /// There will be no more pictures.
    #[error("the view is over")]
    Over,
    #[error("the page closed it")]
    Closed,
}

async fn listen<G: Gallery>(listener: TcpListener, room: Arc<Room<G>>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let room = Arc::clone(&room);
                tokio::spawn(async move { room.receive(stream).await });
            }
            Err(error) => {
                tracing::debug!(%error, "a socket was not taken");
                // Out of file descriptors, perhaps: the next attempt would fail as fast.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

impl<G: Gallery> Room<G> {
    async fn receive(&self, stream: TcpStream) {
        let Ok(_place) = self.sockets.try_acquire() else { return };
        // A picture is worth more now than in a full segment later.
        let _ = stream.set_nodelay(true);
        let Ok(Ok(mut socket)) = tokio::time::timeout(PATIENCE, self.greet(stream)).await else { return };
        let Err(ending) = self.attend(&mut socket).await else { return };
        tracing::debug!(%ending, "a picture socket ends");
        let (code, reason) = match &ending {
            Ending::Refused(refusal) => (CloseCode::from(refusal.code()), refusal.to_string()),
            Ending::Over => (CloseCode::Normal, ending.to_string()),
            Ending::Broken(_) | Ending::Late | Ending::Closed => return,
        };
        // Whoever is gone needs no goodbye.
        let _ = socket.close(Some(CloseFrame { code, reason: reason.into() })).await;
    }

    async fn greet(&self, stream: TcpStream) -> Result<WebSocketStream<TcpStream>, SocketError> {
        let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
        #[expect(clippy::result_large_err, reason = "the type is the library's")]
        let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            let refuse = |status: StatusCode| {
                let mut response = ErrorResponse::new(None);
                *response.status_mut() = status;
                response
            };
            if request.uri().path() != PATH {
                return Err(refuse(StatusCode::NOT_FOUND));
            }
            let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
            if origin.is_some_and(|origin| self.origins.iter().any(|own| own == origin)) {
                Ok(response)
            } else {
                tracing::warn!("a page that is not Peal's asked for pictures");
                Err(refuse(StatusCode::FORBIDDEN))
            }
        };
        accept_hdr_async_with_config(stream, check, Some(config)).await
    }

    async fn attend(&self, socket: &mut WebSocketStream<TcpStream>) -> Result<(), Ending> {
        let first = tokio::time::timeout(PATIENCE, text(socket)).await.map_err(|_| Ending::Late)??;
        let hello: Hello = serde_json::from_str(&first).map_err(|_| Refusal::Message)?;
        let scope = self.tickets.take(&hello.token, Instant::now()).ok_or(Refusal::Ticket)?;
        match (scope, &hello.view) {
            (Scope::All, _) | (Scope::Remote, View::Remote { .. }) => {}
            (Scope::Remote, View::Local) => return Err(Refusal::Forbidden.into()),
        }
        // Several places may look at one view, and the engine counts them.
        let place = format!("window-{}", self.numbers.fetch_add(1, Ordering::Relaxed));
        self.gallery.look(&place, &hello.view, hello.size).await.map_err(|_| Refusal::View)?;
        let ending = self.show(socket, &place, &hello).await;
        self.gallery.look_away(&place, &hello.view).await;
        ending
    }

    /// Sends a picture whenever the page asks and there is a newer one.
    async fn show(&self, socket: &mut WebSocketStream<TcpStream>, place: &str, hello: &Hello) -> Result<(), Ending> {
        let view = &hello.view;
        let mut tile = Tile::new(hello.size);
        let mut pictures = self.gallery.pictures(view);
        // The first ask is answered with what is there.
        pictures.mark_changed();
        let mut asked = false;
        let mut way = Way::new(hello.reads);
        loop {
            tokio::select! {
                message = text(socket) => match Wish::read(&message?).ok_or(Refusal::Message)? {
                    Wish::Next => asked = true,
                    Wish::Carry => {
                        way.carry();
                        pictures.mark_changed();
                    }
                    Wish::Size(size) => {
                        tile.resize(size);
                        self.gallery.look(place, view, size).await.map_err(|_| Refusal::View)?;
                    }
                },
                changed = pictures.changed(), if asked => {
                    changed.map_err(|_| Ending::Over)?;
                    let picture = pictures.borrow_and_update().clone();
                    let nothing = || vec![Message::Binary(Bytes::new())];
                    let messages = picture.map_or_else(nothing, |frame| way.messages(&tile.fitting(&frame)));
                    for message in messages {
                        let sent = socket.send(message);
                        tokio::time::timeout(PATIENCE, sent).await.map_err(|_| Ending::Late)??;
                    }
                    asked = false;
                }
            }
        }
    }
}

/// The next message, which must be text.
async fn text(socket: &mut WebSocketStream<TcpStream>) -> Result<String, Ending> {
    loop {
        match socket.next().await.ok_or(Ending::Closed)?? {
            Message::Text(text) => return Ok(text.as_str().to_owned()),
            Message::Close(_) => return Err(Ending::Closed),
            // The library answers those by itself.
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Binary(_) | Message::Frame(_) => return Err(Refusal::Message.into()),
        }
    }
}
