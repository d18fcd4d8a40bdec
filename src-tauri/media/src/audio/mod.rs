//! Sound: from a microphone to one encoded stream, and from many voices' packets to a speaker.
//!
//! ```text
//! microphone → ring → 10 ms frames → echo canceller, noise, gain → mute → Opus 20 ms → everybody
//!                                          ↑ reference
//! packets → jitter buffer per voice → Opus → volume → mix → ring → speaker
//! ```
//! All signals are mono, 48 kHz, `f32` in -1.0..=1.0. One thread per [`Audio`] moves the frames, a second one keeps the
//! devices open; the devices' own callbacks only fill and empty lock-free rings.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast;

pub mod arrival;
mod capture;
mod config;
mod device;
mod downlink;
mod echo_path;
mod error;
mod gauge;
mod host;
pub mod jitter;
mod keeper;
pub mod level;
pub mod opus;
mod pipeline;
mod playback;
mod priority;
pub mod process;
#[cfg(target_os = "linux")]
mod pulse;
pub mod resample;
mod sound;
mod source;
pub mod stretch;
mod uplink;
mod voice;

pub use config::{AudioConfig, Microphone, Processing, Speaker};
pub use device::{DeviceInfo, Devices, devices};
pub use error::{AudioError, FileProblem};
pub use gauge::{AudioStats, DeviceStats, Levels};
pub use jitter::RtpVoicePacket;
pub use process::EchoStats;
pub use sound::Sound;
pub use voice::{Voice, VoiceStats};

use error::Direction;
use gauge::DeviceGauge;
use keeper::{Keeper, Wish};
use pipeline::{Order, Pipeline};
use sound::Player;
use source::{Recorder, Source};
use uplink::Uplink;
use voice::VoiceShared;

/// Samples in the 10 ms that everything but Opus works on.
pub const FRAME_10_MS: usize = 480;
/// Encoded frames that a subscriber may be behind (1.3 s) before it loses the oldest.
const UPLINK_BACKLOG: usize = 64;
/// Packets of one voice that may wait for the audio thread.
const VOICE_BACKLOG: usize = 256;
/// How long opening a device may take: longer than each step of it, so that the true reason is told.
const OPEN_PATIENCE: Duration = Duration::from_secs(12);

/// 20 ms of our voice, encoded once for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedFrame {
    /// An Opus packet (RFC 6716).
    pub payload: Bytes,
    /// What it stands for: always 960 samples at 48 kHz.
    pub samples: u32,
    /// RTP timestamp, 48 kHz, from a random start; it goes on through pauses.
    pub timestamp: u32,
    /// The first frame after a pause: the RTP marker (RFC 3551 §4.1).
    pub talk_spurt_start: bool,
    /// Loudness in -dBov, 0 (loudest) to 127 (RFC 6464).
    pub level_dbov: u8,
}

/// Something that happened to the devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AudioEvent {
    /// Unplugged, or its server died: silence is sent until it is back.
    MicrophoneLost,
    /// The microphone works again.
    MicrophoneRestored,
    /// Unplugged, or its server died: nothing is heard until it is back.
    SpeakerLost,
    /// The speaker works again.
    SpeakerRestored,
}

/// What all threads of one `Audio` see.
#[derive(Debug)]
struct Shared {
    uplink: broadcast::Sender<EncodedFrame>,
    muted: AtomicBool,
    deafened: AtomicBool,
    microphone_dbfs: AtomicU32,
    speaker_dbfs: AtomicU32,
    busy: AtomicU32,
    capture: DeviceGauge,
    playback: DeviceGauge,
    echo: Mutex<EchoStats>,
}

/// A microphone, a speaker and all between them. Dropping it closes the devices and ends its threads.
#[derive(Debug)]
pub struct Audio {
    shared: Arc<Shared>,
    events: broadcast::Sender<AudioEvent>,
    orders: Sender<Order>,
    wishes: Sender<Wish>,
    pipeline: Option<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Audio {
    /// Opens both ends and starts. It blocks until the devices answer (some ms; at most 12 s each): not for async tasks.
    /// Errors name the end and the reason; nothing stays open then.
    pub fn open(config: AudioConfig) -> Result<Self, AudioError> {
        let shared = Arc::new(Shared {
            uplink: broadcast::Sender::new(UPLINK_BACKLOG),
            muted: AtomicBool::new(false),
            deafened: AtomicBool::new(false),
            microphone_dbfs: AtomicU32::new(level::SILENCE_DBFS.to_bits()),
            speaker_dbfs: AtomicU32::new(level::SILENCE_DBFS.to_bits()),
            busy: AtomicU32::new(0),
            capture: DeviceGauge::default(),
            playback: DeviceGauge::default(),
            echo: Mutex::new(EchoStats::default()),
        });
        let uplink = Uplink::new(Arc::clone(&shared)).map_err(|error| AudioError::Unusable(error.to_string()))?;
        let processing = config.processing;
        let (orders, received) = mpsc::channel();
        let seen = Arc::clone(&shared);
        let pipeline = std::thread::Builder::new()
            .name("peal-audio".into())
            .spawn(move || {
                priority::raise();
                Pipeline::new(received, seen, uplink, process::Cleaner::new(processing), processing.always).run();
            })
            .map_err(|_| AudioError::Closed)?;
        let (wishes, received) = mpsc::channel();
        let events = broadcast::Sender::new(64);
        let keeper = Keeper {
            wishes: received,
            myself: wishes.clone(),
            pipeline: orders.clone(),
            wake: pipeline.thread().clone(),
            events: events.clone(),
        };
        let keeper = std::thread::Builder::new().name("peal-devices".into()).spawn(move || keeper.run());
        // From here on dropping it cleans up.
        let audio = Self { shared, events, orders, wishes, pipeline: Some(pipeline), keeper: keeper.ok() };
        if audio.keeper.is_none() {
            return Err(AudioError::Closed);
        }
        audio.replace_speaker(config.speaker)?;
        audio.replace_microphone(config.microphone)?;
        Ok(audio)
    }

    /// Our voice, encoded: every frame from now on. A subscriber that falls 64 frames behind loses the oldest. While nobody
    /// subscribes nothing is encoded. During a pause only its first packet (one or two bytes, which tells the receiver that
    /// no packet is missing) and an update every 400 ms are sent.
    pub fn uplink(&self) -> broadcast::Receiver<EncodedFrame> {
        self.shared.uplink.subscribe()
    }

    /// What happens to the devices from now on.
    pub fn events(&self) -> broadcast::Receiver<AudioEvent> {
        self.events.subscribe()
    }

    /// Sends silence instead of the microphone, from within the frame being recorded (20 ms) on.
    pub fn set_muted(&self, muted: bool) {
        self.shared.muted.store(muted, Ordering::Relaxed);
    }

    /// Whether silence is sent.
    pub fn is_muted(&self) -> bool {
        self.shared.muted.load(Ordering::Relaxed)
    }

    /// Plays silence instead of voices and sounds.
    pub fn set_deafened(&self, deafened: bool) {
        self.shared.deafened.store(deafened, Ordering::Relaxed);
    }

    /// Whether silence is played.
    pub fn is_deafened(&self) -> bool {
        self.shared.deafened.load(Ordering::Relaxed)
    }

    /// Tells the encoder how much of what we send gets lost, in percent (the worst of all receivers): it then carries
    /// repair data for that much.
    pub fn set_expected_loss(&self, percent: u8) {
        self.order(Order::ExpectedLoss(percent));
    }

    /// Sets how many bits per second our voice takes on average (RFC 7587 section 3.1.1: 8000 to 64000 for voice).
    pub fn set_bitrate(&self, bits_per_second: u32) {
        self.order(Order::Bitrate(bits_per_second.clamp(6_000, 128_000)));
    }

    /// Adds a remote person to the mix; `id` is for the caller alone.
    pub fn add_voice(&self, id: u64) -> Voice {
        let (packets, received) = mpsc::sync_channel(VOICE_BACKLOG);
        let shared = Arc::new(VoiceShared::default());
        self.order(Order::Voice(received, Arc::clone(&shared)));
        Voice { id, packets, shared }
    }

    /// Plays a sound of the phone; one that plays already fades out.
    pub fn play(&self, sound: Sound) {
        // Rendered here and not on the audio thread, where it would be a gap in the voices.
        self.order(Order::Play(Player::new(sound)));
    }

    /// Fades the sound out.
    pub fn stop_sound(&self) {
        self.order(Order::StopSound);
    }

    /// Loudness for the meters; costs nothing.
    pub fn levels(&self) -> Levels {
        Levels {
            microphone_dbfs: f32::from_bits(self.shared.microphone_dbfs.load(Ordering::Relaxed)),
            speaker_dbfs: f32::from_bits(self.shared.speaker_dbfs.load(Ordering::Relaxed)),
        }
    }

    /// How the audio path is doing.
    pub fn stats(&self) -> AudioStats {
        AudioStats {
            capture: self.shared.capture.read(),
            playback: self.shared.playback.read(),
            echo: *self.shared.echo.lock().unwrap_or_else(PoisonError::into_inner),
            busy: f32::from_bits(self.shared.busy.load(Ordering::Relaxed)),
        }
    }

    /// Switches the microphone, also in the middle of a call. Blocks like [`open`](Self::open); after an error silence is
    /// sent until another one is chosen.
    pub fn replace_microphone(&self, microphone: Microphone) -> Result<(), AudioError> {
        let source = match microphone {
            Microphone::Default => return self.open_device(Direction::Capture, None),
            Microphone::Device(id) => return self.open_device(Direction::Capture, Some(id)),
            Microphone::Wav { path, looped } => Source::wav(&path, looped)?,
            Microphone::Tone { hertz } => Source::tone(hertz),
            Microphone::Silence => Source::Silence,
            Microphone::Echo { delay } => Source::echo(delay),
        };
        self.wish(Wish::Close(Direction::Capture))?;
        self.order(Order::Source(source));
        Ok(())
    }

    /// Switches the speaker, also in the middle of a call. Blocks like [`open`](Self::open); after an error nothing is heard
    /// until another one is chosen.
    pub fn replace_speaker(&self, speaker: Speaker) -> Result<(), AudioError> {
        let recorder = match speaker {
            Speaker::Default => return self.open_device(Direction::Playback, None),
            Speaker::Device(id) => return self.open_device(Direction::Playback, Some(id)),
            Speaker::Wav { path } => Some(Recorder::create(&path)?),
            Speaker::Null => None,
        };
        self.wish(Wish::Close(Direction::Playback))?;
        self.order(Order::Recorder(recorder));
        Ok(())
    }

    fn open_device(&self, direction: Direction, id: Option<String>) -> Result<(), AudioError> {
        // Nothing else is heard or written should the device be lost.
        self.order(match direction {
            Direction::Capture => Order::Source(Source::Silence),
            Direction::Playback => Order::Recorder(None),
        });
        let (answer, result) = mpsc::sync_channel(1);
        self.wish(Wish::Open(direction, id, answer))?;
        result.recv_timeout(OPEN_PATIENCE).unwrap_or(Err(AudioError::Busy))
    }

    fn wish(&self, wish: Wish) -> Result<(), AudioError> {
        self.wishes.send(wish).map_err(|_| AudioError::Closed)
    }

    fn order(&self, order: Order) {
        // The thread ends only when this `Audio` is dropped.
        let _ = self.orders.send(order);
        if let Some(pipeline) = &self.pipeline {
            pipeline.thread().unpark();
        }
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        let _ = self.wishes.send(Wish::Stop);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
        self.order(Order::Stop);
        if let Some(pipeline) = self.pipeline.take() {
            let _ = pipeline.join();
        }
    }
}
