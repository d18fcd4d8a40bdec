//! What all media paths have alike, to a person or to a media server: my voice and picture out, somebody's voice in.

use std::sync::Arc;

use peal_media::audio::{Audio, EncodedFrame, RtpVoicePacket, Voice};
use peal_media::peer::{Peer, PeerError, VoiceFrame, VoicePacket};
use peal_media::video::VideoEncoder;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// My voice, as the microphone gives it.
pub(crate) type Frames = broadcast::Receiver<EncodedFrame>;

/// What of mine the task of a media path was told to let out.
#[derive(Default)]
pub(crate) struct Outlet {
    speaks: bool,
    shows: Option<Arc<VideoEncoder>>,
}

impl Outlet {
    /// Lets my voice out, or keeps it in: none for `order`, which is called if that is news.
    pub fn speak(&mut self, audio: &Audio, speaks: bool, order: impl FnOnce(Option<Frames>)) {
        if self.speaks != speaks {
            self.speaks = speaks;
            order(speaks.then(|| audio.uplink()));
        }
    }

    /// Lets my picture out, or keeps it in: none for `order`, which is called if that is news.
    pub fn show(&mut self, encoder: Option<&Arc<VideoEncoder>>, order: impl FnOnce(Option<Arc<VideoEncoder>>)) {
        if self.shows.as_ref().map(Arc::as_ptr) != encoder.map(Arc::as_ptr) {
            self.shows = encoder.cloned();
            order(encoder.cloned());
        }
    }

    /// The devices have been opened anew: my voice is to come from there.
    pub fn detach(&mut self) {
        self.speaks = false;
    }
}

/// My voice in the task of a media path.
#[derive(Default)]
pub(crate) struct Uplink {
    frames: Option<Frames>,
    /// The next frame follows a pause of this path's own.
    resumes: bool,
}

impl Uplink {
    /// Where it comes from now; none: nothing of it leaves.
    pub fn follow(&mut self, frames: Option<Frames>) {
        self.resumes = self.frames.is_none();
        self.frames = frames;
    }

    /// The next frame, or never while there is no microphone. May be given up at any time.
    pub async fn next(&mut self) -> VoiceFrame {
        loop {
            let Some(frames) = &mut self.frames else { return std::future::pending().await };
            match frames.recv().await {
                Ok(EncodedFrame { payload, timestamp, talk_spurt_start, level_dbov, .. }) => {
                    let marker = std::mem::take(&mut self.resumes) || talk_spurt_start;
                    return VoiceFrame { payload, timestamp, marker, level_dbov };
                }
                Err(RecvError::Lagged(frames)) => tracing::debug!(frames, "voice frames were not sent in time"),
                Err(RecvError::Closed) => self.frames = None,
            }
        }
    }
}

/// Sends a frame of my voice.
pub(crate) fn speak(peer: &Peer, frame: VoiceFrame) {
    match peer.send_voice(frame) {
        Ok(()) | Err(PeerError::VoiceNotNegotiated | PeerError::Closed) => {}
        Err(error) => tracing::debug!(%error, "a voice frame was not sent"),
    }
}

/// Puts somebody into the mix, that loud: 1.0 as they speak, 0.0 not at all. Who is not in it yet gets a voice in
/// `known`, and `order` is told of it.
pub(crate) fn hear(
    known: &mut Option<Arc<Voice>>,
    audio: &Audio,
    volume: f32,
    order: impl FnOnce(Arc<Voice>),
) -> Arc<Voice> {
    let voice = known.get_or_insert_with(|| {
        let voice = Arc::new(audio.add_voice(0));
        order(Arc::clone(&voice));
        voice
    });
    voice.set_volume(volume);
    Arc::clone(voice)
}

/// A packet of somebody's voice as it goes into the mix.
pub(crate) fn incoming(packet: VoicePacket) -> RtpVoicePacket {
    let VoicePacket { sequence, timestamp, payload, arrived, is_copy, .. } = packet;
    RtpVoicePacket { sequence, timestamp, payload, arrived, is_copy }
}
