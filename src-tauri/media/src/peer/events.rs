//! From the stack's callbacks to [`PeerEvent`]s.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rtc::peer_connection::event::RTCPeerConnectionIceEvent;
use rtc::peer_connection::state::{RTCIceGatheringState, RTCPeerConnectionState};
use rtc::peer_connection::transport::RTCIceCandidateType;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use webrtc::data_channel::DataChannel;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::PeerConnectionEventHandler;

use super::bind::BindAddresses;
use super::control::Control;
use super::gather::Gathering;
use super::video::Video;
use super::voice::{self, Agreement};
use super::{PeerEvent, candidate};

/// What the stack told; few and small, so the queue needs no bound.
pub(super) enum Notice {
    State(RTCPeerConnectionState),
    Track(Arc<dyn TrackRemote>),
    Channel(Arc<dyn DataChannel>),
}

/// The stack's callbacks. They run on the task that drives the connection, so none of them ever waits.
pub(super) struct Handler {
    gathering: Arc<Gathering>,
    bind: BindAddresses,
    notices: mpsc::UnboundedSender<Notice>,
}

impl Handler {
    pub(super) fn new(gathering: Arc<Gathering>, bind: BindAddresses) -> (Self, mpsc::UnboundedReceiver<Notice>) {
        let (notices, receiver) = mpsc::unbounded_channel();
        (Self { gathering, bind, notices }, receiver)
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let found = event.candidate;
        if found.typ == RTCIceCandidateType::Host
            && let Ok(ip) = found.address.parse()
        {
            self.bind.learn(SocketAddr::new(ip, found.port));
        }
        if let Ok(init) = found.to_json()
            && matches!(candidate::inspect(&init.candidate), Ok(candidate::Usable::Yes(_)))
        {
            self.gathering.found(init.candidate);
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathering.finished();
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let _ = self.notices.send(Notice::State(state));
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        let _ = self.notices.send(Notice::Channel(channel));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let _ = self.notices.send(Notice::Track(track));
    }
}

/// What the peer's side of a connection ends up in.
pub(super) struct Receiver {
    pub(super) agreement: Arc<Agreement>,
    pub(super) connected: Arc<AtomicBool>,
    pub(super) dropped: Arc<AtomicU64>,
    pub(super) control: Arc<Control>,
    pub(super) video: Arc<Video>,
    pub(super) track: Arc<TrackLocalStaticRTP>,
    pub(super) ssrc: u32,
    pub(super) events: mpsc::Sender<PeerEvent>,
}

/// Reports changes of state and takes the peer's voice and control messages until the connection goes.
pub(super) async fn run(mut notices: mpsc::UnboundedReceiver<Notice>, to: Receiver) {
    let mut last = None;
    let (mut voice, mut control, mut hasten) = (OwnedTask(None), OwnedTask(None), OwnedTask(None));
    while let Some(notice) = notices.recv().await {
        let event = match notice {
            Notice::Track(track) => {
                if track.kind().await == RtpCodecKind::Video {
                    to.video.take(track).await;
                } else {
                    // One voice per peer: a new track replaces the old one.
                    let (agreement, dropped) = (Arc::clone(&to.agreement), Arc::clone(&to.dropped));
                    let receive = voice::receive(track, agreement, dropped, to.events.clone());
                    voice.replace(tokio::spawn(receive).abort_handle());
                }
                continue;
            }
            Notice::Channel(channel) => {
                if let Some(task) = to.control.take(channel).await {
                    control.replace(task);
                }
                continue;
            }
            Notice::State(RTCPeerConnectionState::Connected) => {
                if !to.connected.swap(true, Ordering::Relaxed) {
                    to.video.connected();
                    voice::say_hello(&to.track, to.ssrc).await;
                    hasten.replace(tokio::spawn(to.control.hasten()).abort_handle());
                }
                PeerEvent::Connected
            }
            Notice::State(RTCPeerConnectionState::Disconnected) => PeerEvent::Disconnected,
            Notice::State(RTCPeerConnectionState::Failed) => PeerEvent::Failed,
            Notice::State(_) => continue,
        };
        if last.as_ref() != Some(&event) {
            last = Some(event.clone());
            if to.events.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// Ends with the task that holds it.
struct OwnedTask(Option<AbortHandle>);

impl OwnedTask {
    fn replace(&mut self, task: AbortHandle) {
        if let Some(old) = self.0.replace(task) {
            old.abort();
        }
    }
}

impl Drop for OwnedTask {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
