//! The task that takes one peer's picture.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::rtcp;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};
use rtc::rtp;
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

use super::decoding::Decoding;
use super::meter::Meter;
use super::{Far, Video};
use crate::peer::PeerEvent;
use crate::video::rtp::{Arrived, Assembly};
use crate::video::{Direction, PictureQuality};

/// Another program's picture is over when nothing of it came for this long.
const SILENCE: Duration = Duration::from_secs(3);

pub(super) struct Incoming {
    video: Arc<Video>,
    /// Our own, which reports name as their sender.
    ssrc: u32,
    tracks: mpsc::Receiver<Arc<dyn TrackRemote>>,
    events: mpsc::Sender<PeerEvent>,
    track: Option<Arc<dyn TrackRemote>>,
    /// The peer's.
    media_ssrc: Option<u32>,
    assembly: Assembly,
    decoding: Option<Decoding>,
    last_packet: Option<Instant>,
    present: bool,
    quality: Option<PictureQuality>,
    meter: Meter,
    lost_before: u64,
}

enum Woken {
    Track(Arc<dyn TrackRemote>),
    Packet(Option<TrackRemoteEvent>),
    Spoiled,
    Look,
    End,
}

impl Incoming {
    pub(super) fn new(
        video: Arc<Video>,
        ssrc: u32,
        tracks: mpsc::Receiver<Arc<dyn TrackRemote>>,
        events: mpsc::Sender<PeerEvent>,
    ) -> Self {
        Self {
            video,
            ssrc,
            tracks,
            events,
            track: None,
            media_ssrc: None,
            assembly: Assembly::default(),
            decoding: None,
            last_packet: None,
            present: false,
            quality: None,
            meter: Meter::default(),
            lost_before: 0,
        }
    }

    pub(super) async fn run(mut self) {
        let mut wanted = self.video.wanted.subscribe();
        let mut far = self.video.far.subscribe();
        loop {
            let now = Instant::now();
            let far_now = *far.borrow_and_update();
            let watched = wanted.borrow_and_update().is_some();
            if !self.notice(now, far_now).await {
                return;
            }
            self.watch(watched && self.present);
            let deadline = self.ask(now, far_now).await;
            let woken = tokio::select! {
                biased;
                track = self.tracks.recv() => track.map_or(Woken::End, Woken::Track),
                _ = wanted.changed() => Woken::Look,
                _ = far.changed() => Woken::Look,
                () = spoiled(self.decoding.as_ref()) => Woken::Spoiled,
                event = next(self.track.as_ref()) => Woken::Packet(event),
                () = sleep_until(deadline.into()) => Woken::Look,
            };
            match woken {
                Woken::Track(track) => {
                    self.track = Some(track);
                    self.forget();
                }
                Woken::Packet(Some(TrackRemoteEvent::OnRtpPacket(packet))) => self.take(packet),
                Woken::Packet(Some(_)) | Woken::Look => {}
                Woken::Packet(None) => self.track = None,
                Woken::Spoiled => self.assembly.spoil(),
                Woken::End => return,
            }
        }
    }

    /// Tells whether the peer has a picture, and what it is. False: nobody listens any more.
    async fn notice(&mut self, now: Instant, far: Far) -> bool {
        let present = match far.state {
            Some(state) => state.sends,
            None => self.last_packet.is_some_and(|at| now < at + SILENCE),
        };
        if present != self.present {
            self.present = present;
            let event = if present { PeerEvent::VideoStarted } else { PeerEvent::VideoStopped };
            if !present {
                self.watch(false);
            }
            if self.events.send(event).await.is_err() {
                return false;
            }
        }
        let quality = far.state.and_then(|state| state.picture).filter(|_| present);
        if quality != self.quality {
            self.quality = quality;
            if let Some(quality) = quality {
                let event = PeerEvent::VideoQuality { direction: Direction::Received, quality };
                return self.events.send(event).await.is_ok();
            }
        }
        true
    }

    /// Decodes while somebody watches.
    fn watch(&mut self, watched: bool) {
        if watched && self.decoding.is_none() {
            self.forget();
            self.decoding = Decoding::start(&self.video)
                .inspect_err(|error| tracing::error!(%error, "no thread could be made for a picture"))
                .ok();
        } else if !watched && self.decoding.take().is_some() {
            self.video.pictures.send_replace(None);
            let mut stats = self.video.lock();
            (stats.received_width, stats.received_height, stats.received_kbps) = (0, 0, 0.0);
        }
    }

    fn take(&mut self, packet: rtp::Packet) {
        let now = Instant::now();
        self.last_packet = Some(now);
        if Some(packet.header.payload_type) != self.video.agreement.payload_type() {
            return;
        }
        self.meter.add(now, packet.payload.len());
        self.media_ssrc = Some(packet.header.ssrc);
        let Some(decoding) = &self.decoding else { return };
        self.assembly.insert(Arrived {
            sequence: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            payload: packet.payload,
            at: now,
        });
        while let Some(unit) = self.assembly.poll(now) {
            if !decoding.give(unit) {
                self.assembly.spoil();
            }
        }
        let mut stats = self.video.lock();
        stats.packets_received += 1;
        stats.packets_lost = self.lost_before + self.assembly.lost();
        stats.received_kbps = self.meter.kbps(now);
    }

    /// Asks the peer for what is missing. Answers when to look again at the latest.
    async fn ask(&mut self, now: Instant, far: Far) -> Instant {
        let silence = self.last_packet.filter(|_| far.state.is_none() && self.present).map(|at| at + SILENCE);
        let idle = now + Duration::from_secs(3_600);
        let (Some(decoding), Some(track), Some(media_ssrc)) = (&self.decoding, &self.track, self.media_ssrc) else {
            return silence.unwrap_or(idle);
        };
        // Patience may be at its end although no packet came.
        while let Some(unit) = self.assembly.poll(now) {
            if !decoding.give(unit) {
                self.assembly.spoil();
            }
        }
        let wants = self.assembly.wants(now);
        let mut packets: Vec<Box<dyn rtcp::Packet>> = Vec::new();
        if !wants.again.is_empty() {
            let nacks = nack_pairs_from_sequence_numbers(&wants.again);
            packets.push(Box::new(TransportLayerNack { sender_ssrc: self.ssrc, media_ssrc, nacks }));
        }
        if wants.key_frame {
            self.video.lock().key_frames_asked += 1;
            packets.push(Box::new(PictureLossIndication { sender_ssrc: self.ssrc, media_ssrc }));
        }
        if !packets.is_empty()
            && let Err(error) = track.write_rtcp(packets).await
        {
            tracing::debug!(%error, "the peer could not be asked");
        }
        let look = self.assembly.next_look().map(|at| at.max(now + Duration::from_millis(1)));
        look.into_iter().chain(silence).min().unwrap_or(idle)
    }

    fn forget(&mut self) {
        self.lost_before += self.assembly.lost();
        self.assembly = Assembly::default();
        self.media_ssrc = None;
    }
}

async fn next(track: Option<&Arc<dyn TrackRemote>>) -> Option<TrackRemoteEvent> {
    match track {
        Some(track) => track.poll().await,
        None => std::future::pending().await,
    }
}

async fn spoiled(decoding: Option<&Decoding>) {
    match decoding {
        Some(decoding) => decoding.spoiled().await,
        None => std::future::pending().await,
    }
}
