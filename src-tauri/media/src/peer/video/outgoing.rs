//! The task that sends our picture to one peer, and tells it what we send and want.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt;
use rtc::rtp;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep_until;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;

use super::meter::Meter;
use super::traffic::{REPEATS, Report};
use super::words::{self, State};
use super::{Far, Video};
use crate::peer::control::Control;
use crate::peer::{PeerError, PeerEvent};
use crate::video::layer::need_kbps;
use crate::video::send::{Outgoing as Packet, Sender};
use crate::video::{
    Delivery, Direction, Lowered, MAX_HEIGHT, MAX_WIDTH, PictureQuality, Taking, VideoEncoder, VideoQuality, Wish,
};

/// A peer that says nothing of pictures for this long, once connected, is another program's: it gets what we have.
const STRANGER: Duration = Duration::from_millis(1_000);
/// While a picture is sent the estimate is looked at so often.
const TICK: Duration = Duration::from_millis(50);
/// Changes of the picture are told no faster than this.
const TELL_PAUSE: Duration = Duration::from_millis(1_000);
/// Words that could not leave are tried again after this long.
const SAY_PAUSE: Duration = Duration::from_millis(200);
/// How much more than the picture takes on average the path should carry, for key frames and repetitions.
const HEADROOM: f64 = 1.3;

/// What one connection's sending needs.
pub(super) struct Ends {
    pub ssrc: u32,
    pub first_sequence: u16,
    pub first_timestamp: u32,
    pub track: Arc<TrackLocalStaticRTP>,
    pub reports: mpsc::Receiver<Report>,
    pub control: Arc<Control>,
}

pub(super) struct Outgoing {
    video: Arc<Video>,
    ends: Ends,
    events: mpsc::Sender<PeerEvent>,
    sender: Sender,
    source: Option<Source>,
    taking: Option<Taking>,
    connected_at: Option<Instant>,
    said: Option<State>,
    say_again: Option<Instant>,
    picture: Option<PictureQuality>,
    told: Option<PictureQuality>,
    told_at: Option<Instant>,
    meter: Meter,
    sent_bytes: u64,
    frames: u64,
}

struct Source {
    encoder: Arc<VideoEncoder>,
    fed: watch::Receiver<bool>,
}

/// What woke the task.
enum Woken {
    Report(Report),
    Delivery(Option<Delivery>),
    Change,
    End,
}

impl Outgoing {
    pub(super) fn new(video: Arc<Video>, ends: Ends, events: mpsc::Sender<PeerEvent>) -> Self {
        let sender = Sender::new(Instant::now(), ends.first_sequence);
        Self {
            video,
            ends,
            events,
            sender,
            source: None,
            taking: None,
            connected_at: None,
            said: None,
            say_again: None,
            picture: None,
            told: None,
            told_at: None,
            meter: Meter::default(),
            sent_bytes: 0,
            frames: 0,
        }
    }

    pub(super) async fn run(mut self) {
        let mut encoder = self.video.encoder.subscribe();
        let mut wanted = self.video.wanted.subscribe();
        let mut far = self.video.far.subscribe();
        loop {
            let now = Instant::now();
            let new = encoder.borrow_and_update().clone();
            self.follow(new);
            let far_now = *far.borrow_and_update();
            let wants = *wanted.borrow_and_update();
            let deadline = self.step(now, far_now, wants).await;
            let woken = {
                let fed = self.source.as_mut().map(|source| &mut source.fed);
                let taking = self.taking.as_mut();
                tokio::select! {
                    biased;
                    report = self.ends.reports.recv() => report.map_or(Woken::End, Woken::Report),
                    delivery = maybe(taking.map(Taking::next)) => Woken::Delivery(delivery),
                    changed = encoder.changed() => if changed.is_ok() { Woken::Change } else { Woken::End },
                    _ = wanted.changed() => Woken::Change,
                    _ = far.changed() => Woken::Change,
                    Ok(()) = maybe(fed.map(watch::Receiver::changed)) => Woken::Change,
                    () = maybe(deadline.map(|at| sleep_until(at.into()))) => Woken::Change,
                }
            };
            match woken {
                Woken::Report(report) => self.take_report(report),
                Woken::Delivery(Some(delivery)) => self.take_delivery(&delivery),
                Woken::Delivery(None) => self.taking = None,
                Woken::Change => {}
                Woken::End => return,
            }
        }
    }

    /// Does what is to be done now; answers when to look again at the latest.
    async fn step(&mut self, now: Instant, far: Far, wants: Option<(u32, u32)>) -> Option<Instant> {
        if far.connected && self.connected_at.is_none() {
            self.connected_at = Some(now);
        }
        let sends = self.source.as_mut().is_some_and(|source| *source.fed.borrow_and_update());
        let (wanted, stranger_at) = self.wanted_there(now, far);
        let size = wanted.filter(|_| sends && far.connected && self.video.agreement.takes());
        self.attend(now, size);
        self.pump(now);
        self.tell(now);
        let state = State { want: wants, sends, picture: self.told.filter(|_| size.is_some()) };
        if far.open && self.said != Some(state) && self.say_again.is_none_or(|at| now >= at) {
            self.say(now, state).await;
        }
        let say_again = self.say_again.filter(|_| far.open && self.said != Some(state));
        let active = self.taking.is_some();
        let next = active.then(|| self.sender.next_look().map_or(now + TICK, |at| at.min(now + TICK)));
        next.into_iter().chain(stranger_at.filter(|_| sends)).chain(say_again).min()
    }

    /// What the other side wants to see, and when that may change by itself.
    fn wanted_there(&self, now: Instant, far: Far) -> (Option<(u32, u32)>, Option<Instant>) {
        match (far.state, self.connected_at) {
            (Some(state), _) => (state.want, None),
            (None, Some(connected)) if now >= connected + STRANGER => (Some((MAX_WIDTH, MAX_HEIGHT)), None),
            (None, connected) => (None, connected.map(|at| at + STRANGER)),
        }
    }

    /// Follows a change of the encoder.
    fn follow(&mut self, encoder: Option<Arc<VideoEncoder>>) {
        let known = self.source.as_ref().map(|source| Arc::as_ptr(&source.encoder));
        if known != encoder.as_ref().map(Arc::as_ptr) {
            self.taking = None;
            self.source = encoder.map(|encoder| Source { fed: encoder.fed(), encoder });
        }
    }

    /// Takes part in the encoding, or stops.
    fn attend(&mut self, now: Instant, size: Option<(u32, u32)>) {
        let (Some(size), Some(source)) = (size, &self.source) else {
            if self.taking.take().is_some() {
                self.sender.clear();
                self.picture = None;
                self.told = None;
                let mut stats = self.video.lock();
                (stats.sent_width, stats.sent_height, stats.sent_kbps) = (0, 0, 0.0);
            }
            return;
        };
        let quality = source.encoder.quality();
        self.sender.set_need(need(&quality, size));
        self.sender.set_can_repeat(self.video.agreement.repeats());
        self.sender.set_reported(self.video.agreement.transport_extension().is_some());
        let taking = self.taking.get_or_insert_with(|| source.encoder.take());
        let hopeless = self.sender.drop_hopeless();
        taking.set_wish(Some(Wish { size, allowance_kbps: self.sender.allowance_kbps(), busy: self.sender.is_busy() }));
        // After the wish: a key frame of the size that the path carried before would take a second to leave.
        if hopeless {
            taking.ask_key_frame();
        }
        let counts = self.sender.counts();
        self.meter.add(now, (counts.bytes - self.sent_bytes) as usize);
        self.sent_bytes = counts.bytes;
        let mut stats = self.video.lock();
        stats.sent_kbps = self.meter.kbps(now);
        stats.estimate_kbps = self.sender.estimate_kbps();
        stats.packets_sent = counts.packets;
        stats.retransmitted = counts.repeats;
        stats.frames_sent = self.frames;
    }

    fn take_report(&mut self, report: Report) {
        let now = Instant::now();
        match report {
            Report::Arrivals(told) => self.sender.acknowledge(now, &told),
            Report::Again(sequences) => self.sender.ask_again(now, sequences),
            Report::KeyFrame => {
                if let Some(taking) = self.taking.as_ref().filter(|_| self.sender.owes_key_frame(now)) {
                    taking.ask_key_frame();
                }
            }
        }
    }

    fn take_delivery(&mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Unit(unit, lowered) => {
                let timestamp = self.ends.first_timestamp.wrapping_add(unit.timestamp);
                self.sender.push(Instant::now(), timestamp, &unit.payloads, unit.key);
                self.frames += 1;
                let far = self.video.far.borrow().state.and_then(|state| state.want).unwrap_or((MAX_WIDTH, MAX_HEIGHT));
                let smaller = |side: u32, best: u32, tile: u32| f64::from(side) * 1.3 < f64::from(best.min(tile));
                let small = smaller(unit.width, unit.best.0, far.0) && smaller(unit.height, unit.best.1, far.1);
                self.picture = Some(PictureQuality {
                    width: unit.width,
                    height: unit.height,
                    frame_rate: unit.frame_rate,
                    lowered: lowered.or(small.then_some(Lowered::Network)),
                });
                let mut stats = self.video.lock();
                (stats.sent_width, stats.sent_height) = (unit.width, unit.height);
            }
            Delivery::Withheld => {
                let lowered = Some(Lowered::Network);
                self.picture = Some(PictureQuality { width: 0, height: 0, frame_rate: 0, lowered });
                let mut stats = self.video.lock();
                (stats.sent_width, stats.sent_height) = (0, 0);
            }
        }
    }

    /// Reports what our picture is, when it changed.
    fn tell(&mut self, now: Instant) {
        let Some(quality) = self.picture.filter(|picture| self.told != Some(*picture)) else { return };
        if self.told_at.is_some_and(|at| now < at + TELL_PAUSE) {
            return;
        }
        if self.events.try_send(PeerEvent::VideoQuality { direction: Direction::Sent, quality }).is_ok() {
            self.told = Some(quality);
            self.told_at = Some(now);
        }
    }

    async fn say(&mut self, now: Instant, state: State) {
        match self.ends.control.send(&words::written(&state)).await {
            Ok(()) => (self.said, self.say_again) = (Some(state), None),
            Err(PeerError::ControlNotOpen | PeerError::ControlCongested) => self.say_again = Some(now + SAY_PAUSE),
            Err(error) => {
                tracing::debug!(%error, "the peer could not be told of the picture");
                self.say_again = Some(now + SAY_PAUSE);
            }
        }
    }

    /// Sends what may leave now.
    fn pump(&mut self, now: Instant) {
        if self.taking.is_none() {
            return;
        }
        let Some(payload_type) = self.video.agreement.payload_type() else { return };
        let extension = self.video.agreement.transport_extension();
        while let Some(packet) = self.sender.poll(now) {
            let packet = dressed(packet, self.ends.ssrc, payload_type, extension);
            // The stack's queue is full only if its task is stuck; what does not fit is as good as lost.
            if self.ends.track.write_rtp(packet).now_or_never().is_none() {
                tracing::debug!("a packet of the picture found the queue full");
            }
        }
    }
}

/// What the path should carry for a picture in a tile of this size, kbit/s.
fn need(quality: &VideoQuality, size: (u32, u32)) -> f64 {
    let shown = (size.0.min(quality.width.max(quality.height)), size.1.min(quality.width.max(quality.height)));
    let tile = need_kbps(shown.0, shown.1, quality.frame_rate) * 2.5;
    f64::from(quality.max_kbps.max(quality.min_kbps)).min(tile) * HEADROOM
}

fn dressed(packet: Packet, ssrc: u32, payload_type: u8, extension: Option<u8>) -> rtp::Packet {
    let mut header = rtp::header::Header {
        version: 2,
        marker: packet.marker,
        payload_type,
        sequence_number: packet.sequence,
        timestamp: packet.timestamp,
        ssrc,
        csrc: if packet.repeats { vec![REPEATS] } else { Vec::new() },
        ..Default::default()
    };
    if let Some(id) = extension
        && let Err(error) = header.set_extension(id, Bytes::copy_from_slice(&packet.transport.to_be_bytes()))
    {
        tracing::debug!(%error, "a packet can't be numbered");
    }
    rtp::Packet { header, payload: packet.payload }
}

/// Waits for a future, or for ever if there is none.
async fn maybe<T>(future: Option<impl Future<Output = T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
