//! Peer connections: voice between two programs, encrypted end to end (WebRTC: ICE, DTLS-SRTP, SCTP).
//!
//! A [`Peer`] is one connection. It makes and takes session descriptions and candidates, which travel by whatever
//! signalling there is, and reports on a channel of [`PeerEvent`]s. It knows nothing of devices or codecs beyond Opus
//! being what the packets carry, and nothing of call policy: when to restart or to give up is decided elsewhere.

mod bind;
mod candidate;
mod config;
mod control;
mod copies;
mod description;
mod error;
mod events;
mod gather;
mod heard;
mod negotiate;
mod stack;
mod stats;
mod video;
mod voice;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{PeerConnection, StatsSelector};

pub use candidate::{Candidate, MAX_EARLY_CANDIDATES};
pub use config::{Bind, DtlsAnswer, IceServer, PeerConfig, Purpose};
pub use control::MAX_CONTROL_MESSAGE;
pub use copies::MAX_VOICE_COPIES;
pub use description::{DescriptionError, MAX_DESCRIPTION};
pub use error::PeerError;
pub use stats::{CandidateKind, PeerStats};
pub use voice::{MAX_VOICE_PAYLOAD, VoiceFrame, VoicePacket};

use crate::video::{Direction, PictureQuality};
use control::Control;
use events::Handler;
use gather::Gathering;
use heard::Heard;
use negotiate::Negotiation;
use video::Video;
use voice::{Agreement, VoiceSender};

/// What a peer connection reports. Voice may overtake the other kinds; those keep their order among themselves as far
/// as one cause leads to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerEvent {
    /// Our candidates for the peer, those that its description did not carry already.
    Candidates {
        /// May be empty when only the end is told.
        candidates: Vec<Candidate>,
        /// No more follow in this ICE generation.
        complete: bool,
    },
    /// Voice can flow: the path works and the keys are agreed. Comes again after [`PeerEvent::Disconnected`].
    Connected,
    /// The peer has not been heard for [`PeerConfig::disconnected_after`]; it may come back by itself.
    Disconnected,
    /// The peer can't be reached. Only [`Peer::restart_ice`] may still help.
    Failed,
    /// A packet of the peer's voice.
    Voice(VoicePacket),
    /// A control message of the peer, at most [`MAX_CONTROL_MESSAGE`] bytes.
    Control(Bytes),
    /// Control messages can be sent.
    ControlOpen,
    /// The peer sends its picture from here on; it shows in [`Peer::pictures`] while it is wanted.
    VideoStarted,
    /// The peer sends no picture any more.
    VideoStopped,
    /// What a picture is from here on, and why if it is less than was wished for.
    VideoQuality {
        /// Ours or the peer's.
        direction: Direction,
        /// What it is now.
        quality: PictureQuality,
    },
    /// The connection was taken down, by the peer or by [`Peer::close`]. The last event.
    Closed,
}

/// One peer connection; clones are handles of the same one.
///
/// When the last handle goes, the connection closes in the background. [`Peer::close`] closes it in order.
#[derive(Clone)]
pub struct Peer {
    inner: Arc<Inner>,
}

struct Inner {
    purpose: Purpose,
    connection: Arc<dyn PeerConnection>,
    negotiation: tokio::sync::Mutex<Negotiation>,
    gathering: Arc<Gathering>,
    agreement: Arc<Agreement>,
    voice: VoiceSender,
    heard: Arc<Heard>,
    receive_dropped: Arc<AtomicU64>,
    control: Arc<Control>,
    video: Arc<Video>,
    events: mpsc::Sender<PeerEvent>,
    tasks: Mutex<Vec<AbortHandle>>,
    runtime: Handle,
    closed: AtomicBool,
}

impl Peer {
    /// Binds the local addresses and sets a connection up; nothing is sent before an offer or answer is made.
    ///
    /// `events` should have room for a second of voice (50 packets): voice that finds it full is dropped, the other
    /// events wait. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`PeerError::NoNetwork`] if no address could be bound.
    pub async fn open(config: &PeerConfig, events: mpsc::Sender<PeerEvent>) -> Result<Self, PeerError> {
        // RFC 3550 section 5.1 wants the source and the first sequence number random.
        let (ssrc, first_sequence, identity) = rand::random::<(u32, u16, u64)>();
        let gathering = Arc::new(Gathering::default());
        let bind = bind::BindAddresses::new(config.bind.clone());
        let (handler, notices) = Handler::new(Arc::clone(&gathering), bind.clone());
        let heard = Arc::new(Heard::new(ssrc));
        let (video, traffic, picture) = Video::new(&format!("{identity:016x}"), Arc::clone(&heard));
        let connection =
            stack::connection(config, bind, Arc::new(handler), traffic).await.map_err(|error| match error {
                PeerError::Stack(words) if words.contains("udp_sockets") => PeerError::NoNetwork,
                other => other,
            })?;
        let track = Arc::new(TrackLocalStaticRTP::new(stack::track(&format!("{identity:016x}"), ssrc)));
        stack::add_media(connection.as_ref(), config.purpose, Arc::clone(&track), picture.track()).await?;
        let control = Arc::new(Control::new(events.clone(), Arc::clone(&video)));
        let agreement = Arc::new(Agreement::default());
        let connected = Arc::new(AtomicBool::new(false));
        let receive_dropped = Arc::new(AtomicU64::new(0));
        let mut tasks = vec![
            tokio::spawn(Arc::clone(&gathering).run(events.clone())).abort_handle(),
            tokio::spawn(events::run(
                notices,
                events::Receiver {
                    agreement: Arc::clone(&agreement),
                    connected: Arc::clone(&connected),
                    dropped: Arc::clone(&receive_dropped),
                    control: Arc::clone(&control),
                    video: Arc::clone(&video),
                    track: Arc::clone(&track),
                    ssrc,
                    events: events.clone(),
                },
            ))
            .abort_handle(),
        ];
        tasks.extend(video.start(picture, Arc::clone(&control), events.clone()));
        let voice = VoiceSender::new(track, Arc::clone(&agreement), connected, ssrc, first_sequence);
        Ok(Self {
            inner: Arc::new(Inner {
                purpose: config.purpose,
                connection,
                negotiation: tokio::sync::Mutex::default(),
                gathering,
                agreement,
                voice,
                heard,
                receive_dropped,
                control,
                video,
                events,
                tasks: Mutex::new(tasks),
                runtime: Handle::current(),
                closed: AtomicBool::new(false),
            }),
        })
    }

    /// Sends one frame of voice. Never waits and takes microseconds.
    ///
    /// # Errors
    /// [`PeerError::VoiceNotNegotiated`] before [`PeerEvent::Connected`], [`PeerError::VoiceQueueFull`] if this frame
    /// was dropped, [`PeerError::VoiceTooLarge`], [`PeerError::Closed`].
    pub fn send_voice(&self, frame: VoiceFrame) -> Result<(), PeerError> {
        self.inner.voice.send(frame)
    }

    /// Each packet of voice carries so many frames before it again (RFC 2198) from now on, at most
    /// [`MAX_VOICE_COPIES`], so that as many in a row may be lost unheard. True if the peer takes that; otherwise none go.
    pub fn set_voice_copies(&self, count: usize) -> bool {
        self.inner.voice.set_copies(count)
    }

    /// Sends a control message, in order and reliably, of at most [`MAX_CONTROL_MESSAGE`] bytes.
    ///
    /// # Errors
    /// [`PeerError::ControlNotOpen`] before [`PeerEvent::ControlOpen`], [`PeerError::ControlTooLarge`],
    /// [`PeerError::ControlCongested`].
    pub async fn send_control(&self, message: &[u8]) -> Result<(), PeerError> {
        self.inner.control.send(message).await
    }

    /// How the connection is doing now.
    pub async fn stats(&self) -> PeerStats {
        let report = self.inner.connection.get_stats(Instant::now(), StatsSelector::None).await;
        let kinds = stats::path_kinds(self.inner.connection.as_ref()).await;
        PeerStats {
            local_kind: kinds.map(|(local, _)| local),
            remote_kind: kinds.map(|(_, remote)| remote),
            remote_fraction_lost: self.inner.heard.fraction_lost(),
            remote_jitter_ms: self.inner.heard.jitter().map(stats::jitter_ms),
            send_dropped: self.inner.voice.dropped(),
            receive_dropped: self.inner.receive_dropped.load(Ordering::Relaxed),
            video: self.inner.video.stats(),
            ..PeerStats::from_report(&report)
        }
    }

    /// Says goodbye to the peer, frees the sockets and ends the tasks. Takes at most about 100 ms; doing it twice is
    /// harmless.
    pub async fn close(&self) {
        if self.inner.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        shut(Arc::clone(&self.inner.connection), self.inner.take_tasks()).await;
        let _ = self.inner.events.try_send(PeerEvent::Closed);
    }
}

impl Inner {
    /// Lets a task end with the connection.
    fn own_task(&self, task: AbortHandle) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    fn take_tasks(&self) -> Vec<AbortHandle> {
        std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !*self.closed.get_mut() {
            let connection = Arc::clone(&self.connection);
            let tasks = self.take_tasks();
            self.runtime.spawn(shut(connection, tasks));
        }
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Peer").field("closed", &self.inner.closed).finish_non_exhaustive()
    }
}

async fn shut(connection: Arc<dyn PeerConnection>, tasks: Vec<AbortHandle>) {
    for task in tasks {
        task.abort();
    }
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "the connection did not close in order");
    }
}
