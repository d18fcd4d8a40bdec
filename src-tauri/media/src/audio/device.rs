//! Sound devices through cpal: listing them, and moving samples between them and lock-free rings.
//!
//! The callbacks run on the sound system's threads: they only convert and move samples, count with atomics and wake the
//! pipeline; they never lock, allocate or log.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{FromSample, Sample, SampleFormat, SizedSample, SupportedBufferSize, SupportedStreamConfigRange};

use super::error::{AudioError, Direction};
use super::opus::SAMPLE_RATE;

/// How long a sound system may take to answer before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(5);
/// Device buffer asked for: 10 ms at 48 kHz (one pipeline frame).
const BUFFER_FRAMES: u32 = 480;
/// Formats that we convert, the best first.
const FORMATS: [SampleFormat; 4] = [SampleFormat::F32, SampleFormat::I16, SampleFormat::I32, SampleFormat::U8];

/// One microphone or speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Names it to [`Microphone::Device`](super::Microphone::Device) and [`Speaker::Device`](super::Speaker::Device);
    /// lasts across restarts as far as the sound system's own names do.
    pub id: String,
    /// For the person.
    pub name: String,
    /// The system's choice at the moment.
    pub is_default: bool,
    /// A "microphone" that only hears what a speaker plays (PulseAudio monitor sources).
    pub is_monitor: bool,
}

/// All devices at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices {
    /// What can be heard with.
    pub microphones: Vec<DeviceInfo>,
    /// What can be played on.
    pub speakers: Vec<DeviceInfo>,
}

/// Lists the devices; empty lists without a sound system, or when it does not answer within 5 s.
pub fn devices() -> Devices {
    patiently(|| with_host(|host| Ok(list(host)))).unwrap_or_default()
}

/// Counted by a device's callbacks.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) callbacks: AtomicU64,
    /// Frames in the last callback, and the most since the pipeline looked.
    pub(super) frames: AtomicU32,
    pub(super) most_frames: AtomicU32,
    /// Callbacks that found the ring full (capture) or empty (playback).
    pub(super) xruns: AtomicU64,
    /// From the microphone to the callback, or from the callback to the speaker, by the system's own account; µs.
    pub(super) latency_us: AtomicU32,
}

impl Counters {
    pub(super) fn count(&self, frames: usize, latency: Duration) {
        let frames = u32::try_from(frames).unwrap_or(u32::MAX);
        self.callbacks.fetch_add(1, Ordering::Relaxed);
        self.frames.store(frames, Ordering::Relaxed);
        self.most_frames.fetch_max(frames, Ordering::Relaxed);
        self.latency_us.store(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

/// A device's stream, which runs until dropped.
#[expect(dead_code, reason = "held to be dropped")]
pub(super) enum OpenStream {
    Cpal(cpal::Stream),
    #[cfg(target_os = "linux")]
    Pulse(super::pulse::PulseStream),
}

/// The pipeline's end of a microphone: mono samples at the device's rate.
pub(super) struct CaptureEnd {
    pub(super) samples: rtrb::Consumer<f32>,
    pub(super) rate: u32,
    pub(super) counters: Arc<Counters>,
}

/// The pipeline's end of a speaker: mono samples at the device's rate.
pub(super) struct PlaybackEnd {
    pub(super) samples: rtrb::Producer<f32>,
    pub(super) rate: u32,
    pub(super) counters: Arc<Counters>,
}

/// Opens a microphone (the default one without an id). `on_lost` is called when the device fails later.
pub(super) fn open_capture(
    id: Option<&str>,
    wake: Thread,
    on_lost: impl Fn() + Send + 'static,
) -> Result<(OpenStream, CaptureEnd), AudioError> {
    let wanted = id.map(str::to_owned);
    patiently(move || {
        let id = wanted.as_deref();
        let direction = Direction::Capture;
        let failed = |error: &cpal::Error| direction.error(error, id);
        let device = with_host(|host| find(host, id, direction))?;
        #[cfg(target_os = "linux")]
        if let Some(source) = pulse_name(&device) {
            let (stream, end) = super::pulse::open_capture(&source, wake, on_lost)?;
            return Ok((OpenStream::Pulse(stream), end));
        }
        let (config, format) = choose(
            device.supported_input_configs().map_err(|e| failed(&e))?,
            || device.default_input_config(),
            &failed,
        )?;
        let rate = config.sample_rate;
        let channels = usize::from(config.channels);
        let counters = Arc::new(Counters::default());
        let counted = Arc::clone(&counters);
        let (mut producer, samples) = rtrb::RingBuffer::new(rate as usize);
        let enough = rate as usize / 100;
        let on_data = move |data: &cpal::Data, info: &cpal::InputCallbackInfo| {
            let stamp = info.timestamp();
            let frames = match data.sample_format() {
                SampleFormat::F32 => take::<f32>(data, channels, &mut producer),
                SampleFormat::I16 => take::<i16>(data, channels, &mut producer),
                SampleFormat::I32 => take::<i32>(data, channels, &mut producer),
                SampleFormat::U8 => take::<u8>(data, channels, &mut producer),
                _ => Some(0),
            };
            let whole = data.len() / channels.max(1);
            counted.count(whole, stamp.callback.saturating_duration_since(stamp.capture));
            if frames.is_none() {
                counted.xruns.fetch_add(1, Ordering::Relaxed);
            }
            if producer.buffer().capacity() - producer.slots() >= enough {
                wake.unpark();
            }
        };
        let stream = device
            .build_input_stream_raw(config, format, on_data, on_error(on_lost), Some(PATIENCE))
            .map_err(|e| failed(&e))?;
        stream.play().map_err(|e| failed(&e))?;
        Ok((OpenStream::Cpal(stream), CaptureEnd { samples, rate, counters }))
    })
}

/// Opens a speaker (the default one without an id). `on_lost` is called when the device fails later.
pub(super) fn open_playback(
    id: Option<&str>,
    wake: Thread,
    on_lost: impl Fn() + Send + 'static,
) -> Result<(OpenStream, PlaybackEnd), AudioError> {
    let wanted = id.map(str::to_owned);
    patiently(move || {
        let id = wanted.as_deref();
        let direction = Direction::Playback;
        let failed = |error: &cpal::Error| direction.error(error, id);
        let device = with_host(|host| find(host, id, direction))?;
        #[cfg(target_os = "linux")]
        if let Some(sink) = pulse_name(&device) {
            let (stream, end) = super::pulse::open_playback(&sink, wake, on_lost)?;
            return Ok((OpenStream::Pulse(stream), end));
        }
        let (config, format) = choose(
            device.supported_output_configs().map_err(|e| failed(&e))?,
            || device.default_output_config(),
            &failed,
        )?;
        let rate = config.sample_rate;
        let channels = usize::from(config.channels);
        let counters = Arc::new(Counters::default());
        let counted = Arc::clone(&counters);
        let (mut producer, mut consumer) = rtrb::RingBuffer::new(rate as usize);
        // The first callbacks fill the device's own buffer: with silence.
        for _ in 0..rate / 25 {
            let _ = producer.push(0.0);
        }
        let on_data = move |data: &mut cpal::Data, info: &cpal::OutputCallbackInfo| {
            let stamp = info.timestamp();
            let whole = data.len() / channels.max(1);
            let short = consumer.slots() < whole;
            match data.sample_format() {
                SampleFormat::F32 => give::<f32>(data, channels, &mut consumer),
                SampleFormat::I16 => give::<i16>(data, channels, &mut consumer),
                SampleFormat::I32 => give::<i32>(data, channels, &mut consumer),
                SampleFormat::U8 => give::<u8>(data, channels, &mut consumer),
                _ => {}
            }
            counted.count(whole, stamp.playback.saturating_duration_since(stamp.callback));
            if short {
                counted.xruns.fetch_add(1, Ordering::Relaxed);
            }
            wake.unpark();
        };
        let stream = device
            .build_output_stream_raw(config, format, on_data, on_error(on_lost), Some(PATIENCE))
            .map_err(|e| failed(&e))?;
        stream.play().map_err(|e| failed(&e))?;
        Ok((OpenStream::Cpal(stream), PlaybackEnd { samples: producer, rate, counters }))
    })
}

/// Closes a stream without waiting for ever for a sound system that hangs.
pub(super) fn close(stream: OpenStream) {
    let _ = patiently(move || {
        drop(stream);
        Ok(())
    });
}

/// Runs what may hang on a thread of its own, and gives up on it after 5 s.
fn patiently<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AudioError> + Send + 'static,
) -> Result<T, AudioError> {
    let (done, result) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("peal-device".into())
        .spawn(move || {
            let _ = done.send(work());
        })
        .map_err(|_| AudioError::Closed)?;
    result.recv_timeout(PATIENCE).unwrap_or(Err(AudioError::Busy))
}

/// One connection to the sound system for the whole program: each of cpal's PulseAudio hosts keeps a socket and a thread
/// for as long as the server lives.
static HOST: Mutex<Option<cpal::Host>> = Mutex::new(None);

fn with_host<T>(work: impl FnOnce(&cpal::Host) -> Result<T, AudioError>) -> Result<T, AudioError> {
    let mut slot = HOST.lock().unwrap_or_else(PoisonError::into_inner);
    // A dead server's connection is of no use, and where only ALSA was there a server may have come up since.
    let host = match slot.take().filter(|host| host.id().name() != "ALSA" && host.devices().is_ok()) {
        Some(host) => host,
        None => cpal::default_host(),
    };
    let result = work(&host);
    *slot = Some(host);
    result
}

fn list(host: &cpal::Host) -> Devices {
    let id = |device: &cpal::Device| device.id().ok().map(|id| id.to_string());
    let default_input = host.default_input_device().and_then(|d| id(&d));
    let default_output = host.default_output_device().and_then(|d| id(&d));
    let info = |device: &cpal::Device, default: Option<&String>| {
        let id = id(device)?;
        let name = device.description().ok()?.name().to_owned();
        Some(DeviceInfo { is_default: Some(&id) == default, is_monitor: id.ends_with(".monitor"), id, name })
    };
    Devices {
        microphones: host
            .input_devices()
            .map(|all| all.filter_map(|d| info(&d, default_input.as_ref())).collect())
            .unwrap_or_default(),
        speakers: host
            .output_devices()
            .map(|all| all.filter_map(|d| info(&d, default_output.as_ref())).collect())
            .unwrap_or_default(),
    }
}

fn find(host: &cpal::Host, id: Option<&str>, direction: Direction) -> Result<cpal::Device, AudioError> {
    if let Some(id) = id {
        return cpal::DeviceId::from_str(id)
            .ok()
            .filter(|id| id.host() == host.id())
            .and_then(|id| host.device_by_id(&id))
            .ok_or_else(|| AudioError::UnknownDevice(id.to_owned()));
    }
    let name = |device: Option<cpal::Device>| device.and_then(|d| d.id().ok()).map(|id| id.to_string());
    match direction {
        Direction::Playback => host.default_output_device(),
        // Without a microphone PulseAudio's default source is what the speaker plays: taking that for a voice would
        // send everybody their own words back.
        Direction::Capture => host.default_input_device().filter(|device| {
            let monitor = name(host.default_output_device()).map(|speaker| format!("{speaker}.monitor"));
            monitor.is_none() || name(Some(device.clone())) != monitor
        }),
    }
    .ok_or_else(|| direction.none())
}

/// The name of a device on a PulseAudio server.
#[cfg(target_os = "linux")]
fn pulse_name(device: &cpal::Device) -> Option<String> {
    let id = device.id().ok()?;
    (id.host() == cpal::HostId::PulseAudio).then(|| id.id().to_owned())
}

/// Which of cpal's errors mean that the stream is over.
fn on_error(on_lost: impl Fn() + Send + 'static) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| match error.kind() {
        cpal::ErrorKind::Xrun | cpal::ErrorKind::RealtimeDenied | cpal::ErrorKind::DeviceChanged => {}
        _ => on_lost(),
    }
}

/// The format nearest to ours: 48 kHz, few channels, float.
fn choose(
    ranges: impl Iterator<Item = SupportedStreamConfigRange>,
    default: impl FnOnce() -> Result<cpal::SupportedStreamConfig, cpal::Error>,
    failed: &impl Fn(&cpal::Error) -> AudioError,
) -> Result<(cpal::StreamConfig, SampleFormat), AudioError> {
    let rank = |range: &SupportedStreamConfigRange| {
        let format = FORMATS.iter().position(|format| *format == range.sample_format())?;
        Some((range.channels(), format))
    };
    let best = ranges
        .filter(|range| range.contains_rate(SAMPLE_RATE))
        .filter_map(|range| rank(&range).map(|rank| (rank, range)))
        .min_by_key(|(rank, _)| *rank)
        .and_then(|(_, range)| range.try_with_sample_rate(SAMPLE_RATE));
    let supported = match best {
        Some(supported) => supported,
        None => default().map_err(|e| failed(&e))?,
    };
    if !FORMATS.contains(&supported.sample_format()) {
        return Err(AudioError::Unusable(format!("samples of type {}", supported.sample_format())));
    }
    let mut config = supported.config();
    let wanted = BUFFER_FRAMES * config.sample_rate / SAMPLE_RATE;
    config.buffer_size = match supported.buffer_size() {
        SupportedBufferSize::Range { min, max } if min <= max => cpal::BufferSize::Fixed(wanted.clamp(*min, *max)),
        _ => cpal::BufferSize::Default,
    };
    Ok((config, supported.sample_format()))
}

/// Moves the mean of all channels into the ring; `None` when it is full.
fn take<S>(data: &cpal::Data, channels: usize, ring: &mut rtrb::Producer<f32>) -> Option<usize>
where
    S: SizedSample,
    f32: FromSample<S>,
{
    let samples = data.as_slice::<S>()?;
    for frame in samples.chunks_exact(channels.max(1)) {
        let sum: f32 = frame.iter().map(|s| f32::from_sample(*s)).sum();
        ring.push(sum / frame.len() as f32).ok()?;
    }
    Some(samples.len())
}

/// Moves samples from the ring to every channel; silence when it is empty.
fn give<S>(data: &mut cpal::Data, channels: usize, ring: &mut rtrb::Consumer<f32>)
where
    S: SizedSample + FromSample<f32>,
{
    let Some(samples) = data.as_slice_mut::<S>() else { return };
    for frame in samples.chunks_exact_mut(channels.max(1)) {
        frame.fill(S::from_sample(ring.pop().unwrap_or(0.0)));
    }
}
