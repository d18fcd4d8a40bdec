//! One stream to or from a media server.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::http::{Created, Http};
use super::{PlainHttp, StreamError, StreamUrl};
use crate::peer::{IceServer, Peer, PeerConfig, PeerEvent, Purpose};

/// The offer is all that a server hears, so that it waits for what STUN and TURN servers answer.
const GATHERING: Duration = Duration::from_secs(2);
/// How long a media path may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// Room for two seconds of voice and some events.
const EVENTS: usize = 128;

/// How streams are set up.
#[derive(Debug, Clone, Default)]
pub struct StreamConfig {
    /// The peer connection; its purpose is set by what is done.
    pub peer: PeerConfig,
    /// Where `http:` may lead, by a redirection, too.
    pub plain_http: PlainHttp,
}

/// A stream that runs. Dropping it closes the connection, and the server notices some time later;
/// [`StreamSession::stop`] tells it.
pub struct StreamSession {
    http: Http,
    peer: Peer,
    resource: StreamUrl,
    token: Option<String>,
}

impl StreamSession {
    /// Publishes voice and picture (WHIP, RFC 9725): what is given to [`Peer::send_voice`] and [`Peer::send_video`] of
    /// [`StreamSession::peer`]. Answers when the media path is up, with what the connection reports from then on.
    ///
    /// # Errors
    /// Any [`StreamError`]. If the server had a session by then, it was taken away.
    pub async fn publish(
        config: &StreamConfig,
        url: &StreamUrl,
        token: Option<&str>,
    ) -> Result<(Self, mpsc::Receiver<PeerEvent>), StreamError> {
        Self::open(config, Purpose::Publish, url, token).await
    }

    /// Plays what is published (WHEP, draft-ietf-wish-whep): its voice comes as [`PeerEvent::Voice`], its picture in
    /// [`Peer::pictures`] once [`Peer::want_video`] wants it.
    ///
    /// # Errors
    /// Any [`StreamError`]. If the server had a session by then, it was taken away.
    pub async fn play(
        config: &StreamConfig,
        url: &StreamUrl,
        token: Option<&str>,
    ) -> Result<(Self, mpsc::Receiver<PeerEvent>), StreamError> {
        Self::open(config, Purpose::Play, url, token).await
    }

    /// The connection. It has no control channel.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Ends it in order; takes at most some 3 s.
    pub async fn stop(self) {
        self.http.delete(&self.resource, self.token.as_deref()).await;
        self.peer.close().await;
    }

    async fn open(
        config: &StreamConfig,
        purpose: Purpose,
        url: &StreamUrl,
        token: Option<&str>,
    ) -> Result<(Self, mpsc::Receiver<PeerEvent>), StreamError> {
        let mut config = StreamConfig { peer: PeerConfig { purpose, ..config.peer.clone() }, ..config.clone() };
        match Self::attempt(&config, url, token).await {
            Ok(session) => Ok(session),
            // The ICE servers came with the answer, when the offer was made: once more, with them.
            Err(Attempted { error: StreamError::NoPath, ice_servers }) if !ice_servers.is_empty() => {
                config.peer.ice_servers.extend(ice_servers);
                Self::attempt(&config, url, token).await.map_err(|attempted| attempted.error)
            }
            Err(attempted) => Err(attempted.error),
        }
    }

    async fn attempt(
        config: &StreamConfig,
        url: &StreamUrl,
        token: Option<&str>,
    ) -> Result<(Self, mpsc::Receiver<PeerEvent>), Attempted> {
        let http = Http::new(config.plain_http).await?;
        let (sender, mut events) = mpsc::channel(EVENTS);
        let peer = Box::pin(Peer::open(&config.peer, sender)).await.map_err(StreamError::from)?;
        let offer = peer.offer_within(GATHERING).await.map_err(StreamError::from)?;
        let created = http.create(url, token, &offer).await?;
        let Created { answer, resource, token, ice_servers } = created;
        let connects = async {
            peer.accept_answer(&answer).await.map_err(|error| StreamError::BadAnswer(error.to_string()))?;
            connected(&mut events).await
        };
        let outcome = timeout(CONNECTING, connects).await.unwrap_or(Err(StreamError::NoPath));
        let session = Self { http, peer, resource, token };
        match outcome {
            Ok(()) => Ok((session, events)),
            Err(error) => {
                session.stop().await;
                Err(Attempted { error, ice_servers })
            }
        }
    }
}

impl std::fmt::Debug for StreamSession {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its address and its token are nobody's business.
        formatter.debug_struct("StreamSession").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// What came of one attempt.
struct Attempted {
    error: StreamError,
    ice_servers: Vec<IceServer>,
}

impl From<StreamError> for Attempted {
    fn from(error: StreamError) -> Self {
        Self { error, ice_servers: Vec::new() }
    }
}

async fn connected(events: &mut mpsc::Receiver<PeerEvent>) -> Result<(), StreamError> {
    while let Some(event) = events.recv().await {
        match event {
            PeerEvent::Connected => return Ok(()),
            PeerEvent::Failed | PeerEvent::Closed => return Err(StreamError::NoPath),
            // Candidates that came late: the server is told of none after the offer.
            PeerEvent::Candidates { .. }
            | PeerEvent::Disconnected
            | PeerEvent::Voice(_)
            | PeerEvent::Control(_)
            | PeerEvent::ControlOpen
            | PeerEvent::VideoStarted
            | PeerEvent::VideoStopped
            | PeerEvent::VideoQuality { .. } => {}
        }
    }
    Err(StreamError::NoPath)
}
