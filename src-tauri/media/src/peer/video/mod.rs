//! The picture beside the voice: ours out, the peer's in.

mod agreement;
mod decoding;
mod incoming;
mod meter;
mod outgoing;
mod traffic;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rtc::media_stream::MediaStreamTrack;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::TrackRemote;

pub(super) use agreement::{Agreement, register};
pub(super) use traffic::Traffic;
pub(super) use words::MARK;

use super::control::Control;
use super::heard::Heard;
use super::{Peer, PeerEvent};
use crate::video::{Picture, VideoEncoder, VideoStats};
use words::State;

/// Reports of the peer that may wait for the sending task.
const REPORTS: usize = 128;
/// Tracks of the peer that may wait; there is one.
const TRACKS: usize = 4;

/// The picture's part of a connection.
pub(super) struct Video {
    encoder: watch::Sender<Option<Arc<VideoEncoder>>>,
    wanted: watch::Sender<Option<(u32, u32)>>,
    pictures: watch::Sender<Picture>,
    far: watch::Sender<Far>,
    tracks: mpsc::Sender<Arc<dyn TrackRemote>>,
    pub(super) agreement: Agreement,
    stats: Mutex<VideoStats>,
}

/// What is known of the other side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Far {
    connected: bool,
    /// The control channel is open.
    open: bool,
    /// What it said of itself; none: it does not speak of pictures (yet), as another program's peer never does.
    state: Option<State>,
}

/// What is made before the connection and given to its tasks once there is one.
pub(super) struct Beginning {
    ssrc: u32,
    first_sequence: u16,
    first_timestamp: u32,
    track: Arc<TrackLocalStaticRTP>,
    reports: mpsc::Receiver<traffic::Report>,
    tracks: mpsc::Receiver<Arc<dyn TrackRemote>>,
}

impl Video {
    /// The part of one connection, the interceptor for its stack, and what its tasks begin with.
    pub(super) fn new(identity: &str, heard: Arc<Heard>) -> (Arc<Self>, Traffic, Beginning) {
        let (ssrc, repeat_ssrc, first_sequence, repeat_sequence, first_timestamp) = rand::random();
        let (report, reports) = mpsc::channel(REPORTS);
        let (sender, tracks) = mpsc::channel(TRACKS);
        let video = Self {
            encoder: watch::Sender::new(None),
            wanted: watch::Sender::new(None),
            pictures: watch::Sender::new(None),
            far: watch::Sender::new(Far::default()),
            tracks: sender,
            agreement: Agreement::default(),
            stats: Mutex::default(),
        };
        let traffic = Traffic::new(ssrc, repeat_ssrc, repeat_sequence, report, heard);
        let track = Arc::new(TrackLocalStaticRTP::new(agreement::track(identity, ssrc, repeat_ssrc)));
        (Arc::new(video), traffic, Beginning { ssrc, first_sequence, first_timestamp, track, reports, tracks })
    }

    /// Starts the tasks of a connection.
    pub(super) fn start(
        self: &Arc<Self>,
        beginning: Beginning,
        control: Arc<Control>,
        events: mpsc::Sender<PeerEvent>,
    ) -> [AbortHandle; 2] {
        let Beginning { ssrc, first_sequence, first_timestamp, track, reports, tracks } = beginning;
        let outgoing = outgoing::Outgoing::new(
            Arc::clone(self),
            outgoing::Ends { ssrc, first_sequence, first_timestamp, track, reports, control },
            events.clone(),
        );
        let incoming = incoming::Incoming::new(Arc::clone(self), ssrc, tracks, events);
        [tokio::spawn(outgoing.run()).abort_handle(), tokio::spawn(incoming.run()).abort_handle()]
    }

    /// The path works for the first time.
    pub(super) fn connected(&self) {
        self.change(|far| far.connected = true);
    }

    /// The control channel opened.
    pub(super) fn opened(&self) {
        self.change(|far| far.open = true);
    }

    /// The other side said something of its picture, behind [`MARK`].
    pub(super) fn said(&self, message: &[u8]) {
        if let Some(state) = words::read(message) {
            self.change(|far| far.state = Some(state));
        } else {
            tracing::debug!("words about a picture are not understood");
        }
    }

    /// A track of the peer's picture.
    pub(super) async fn take(&self, track: Arc<dyn TrackRemote>) {
        let _ = self.tracks.send(track).await;
    }

    pub(super) fn stats(&self) -> VideoStats {
        self.lock().clone()
    }

    fn change(&self, change: impl FnOnce(&mut Far)) {
        self.far.send_if_modified(|far| {
            let before = *far;
            change(far);
            before != *far
        });
    }

    fn lock(&self) -> MutexGuard<'_, VideoStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beginning {
    pub(super) fn track(&self) -> Arc<TrackLocalStaticRTP> {
        Arc::clone(&self.track)
    }
}

impl Peer {
    /// Sends this phone's picture, or stops. Takes effect at once, without a negotiation; the peer learns of it.
    pub fn send_video(&self, encoder: Option<&Arc<VideoEncoder>>) {
        self.inner.video.encoder.send_if_modified(|known| {
            let news = known.as_ref().map(Arc::as_ptr) != encoder.map(Arc::as_ptr);
            *known = encoder.cloned();
            news
        });
    }

    /// What this side wants to see of the peer: a picture for a tile of this width and height in pixels, or nothing.
    /// The peer is told, sends the layer that fits, and within a second nothing if nothing is wanted; what still comes
    /// then is not decoded. Nothing is wanted at first.
    pub fn want_video(&self, size: Option<(u32, u32)>) {
        self.inner.video.wanted.send_if_modified(|known| std::mem::replace(known, size) != size);
    }

    /// The peer's newest picture; none while it sends none, or none is wanted. Lives as long as the connection.
    pub fn pictures(&self) -> watch::Receiver<Picture> {
        self.inner.video.pictures.subscribe()
    }
}

/// The track of our picture, as its stack wants it.
type Track = MediaStreamTrack;
