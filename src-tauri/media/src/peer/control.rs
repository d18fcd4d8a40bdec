//! The control channel: small reliable messages beside the voice, which outlive the signalling (RFC 8831).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::error::Error;
use webrtc::peer_connection::PeerConnection;

use super::video::{MARK, Video};
use super::{PeerError, PeerEvent};

/// Largest control message, bytes: what every WebRTC stack takes in one piece (RFC 8831 section 6.6).
pub const MAX_CONTROL_MESSAGE: usize = 16 * 1024;

/// Bytes that may wait for the peer's acknowledgement before sending is refused.
pub(super) const SEND_BUFFER: usize = 256 * 1024;

/// The channel's name; channels of any other name are not ours and stay unused.
const LABEL: &str = "peal";

/// Our end of the channel: the offerer opens it, the answerer takes it.
///
/// It is opened in band (RFC 8832). A channel whose stream both sides know beforehand would open half a round trip
/// sooner, but the stack loses what arrives on such a stream in the instant before its own end opens, and so the first
/// message of a call now and then.
pub(super) struct Control {
    channel: Mutex<Option<Arc<dyn DataChannel>>>,
    open: Arc<AtomicBool>,
    events: mpsc::Sender<PeerEvent>,
    video: Arc<Video>,
}

impl Control {
    pub(super) fn new(events: mpsc::Sender<PeerEvent>, video: Arc<Video>) -> Self {
        Self { channel: Mutex::default(), open: Arc::default(), events, video }
    }

    /// Opens the channel, once; it becomes part of the next offer.
    pub(super) async fn create(&self, connection: &dyn PeerConnection) -> Result<Option<AbortHandle>, PeerError> {
        if self.lock().is_some() {
            return Ok(None);
        }
        let init = RTCDataChannelInit { ordered: true, ..Default::default() };
        let channel = connection.create_data_channel(LABEL, Some(init)).await?;
        Ok(self.adopt(channel))
    }

    /// Takes a channel that the peer opened, if it is ours.
    pub(super) async fn take(&self, channel: Arc<dyn DataChannel>) -> Option<AbortHandle> {
        let ours = channel.label().await.is_ok_and(|label| label == LABEL) && channel.ordered().await == Ok(true);
        if !ours {
            let _ = channel.close().await;
            return None;
        }
        self.adopt(channel)
    }

    /// Gets the channel's opening out without delay, from the moment the connection is there.
    ///
    /// The stack's task sends first and handles events second, so what an event gives it to send (the opening of the
    /// channel when SCTP is up) waits for its next wake-up, up to 200 ms. Touching the channel wakes it.
    pub(super) fn hasten(&self) -> impl Future<Output = ()> + Send + use<> {
        let channel = self.lock().clone();
        let open = Arc::clone(&self.open);
        async move {
            let Some(channel) = channel else { return };
            for _ in 0..100 {
                if open.load(Ordering::Acquire) || channel.set_buffered_amount_low_threshold(0).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    pub(super) async fn send(&self, message: &[u8]) -> Result<(), PeerError> {
        if message.len() > MAX_CONTROL_MESSAGE {
            return Err(PeerError::ControlTooLarge);
        }
        let channel = self.lock().clone().filter(|_| self.open.load(Ordering::Acquire));
        let Some(channel) = channel else {
            return Err(PeerError::ControlNotOpen);
        };
        match channel.try_send(BytesMut::from(message)).await {
            Ok(()) => Ok(()),
            Err(Error::ErrSendBufferFull) => Err(PeerError::ControlCongested),
            Err(Error::ErrDataChannelClosed) => Err(PeerError::ControlNotOpen),
            Err(error) => Err(error.into()),
        }
    }

    fn adopt(&self, channel: Arc<dyn DataChannel>) -> Option<AbortHandle> {
        let mut place = self.lock();
        if place.is_some() {
            return None;
        }
        *place = Some(Arc::clone(&channel));
        let receive = receive(channel, Arc::clone(&self.open), Arc::clone(&self.video), self.events.clone());
        Some(tokio::spawn(receive).abort_handle())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<dyn DataChannel>>> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes messages; it waits for the receiver, and the peer is slowed down meanwhile.
async fn receive(
    channel: Arc<dyn DataChannel>,
    open: Arc<AtomicBool>,
    video: Arc<Video>,
    events: mpsc::Sender<PeerEvent>,
) {
    while let Some(event) = channel.poll().await {
        let event = match event {
            DataChannelEvent::OnOpen => {
                open.store(true, Ordering::Release);
                video.opened();
                PeerEvent::ControlOpen
            }
            DataChannelEvent::OnMessage(message) if message.data.first() == Some(&MARK) => {
                video.said(&message.data[1..]);
                continue;
            }
            DataChannelEvent::OnMessage(message) if message.data.len() <= MAX_CONTROL_MESSAGE => {
                PeerEvent::Control(Bytes::from(message.data))
            }
            DataChannelEvent::OnClose => {
                open.store(false, Ordering::Release);
                // The channel lives as long as the connection on our side, so the peer took it down.
                PeerEvent::Closed
            }
            _ => continue,
        };
        let last = event == PeerEvent::Closed;
        if events.send(event).await.is_err() || last {
            return;
        }
    }
}
