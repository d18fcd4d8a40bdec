//! Devices through cpal: ALSA, Core Audio, WASAPI.
//!
//! The callbacks run on the sound system's threads: they only convert and move samples, count with atomics and wake the
//! pipeline; they never lock, allocate or log.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Thread;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{FromSample, Sample, SampleFormat, SizedSample, SupportedBufferSize, SupportedStreamConfigRange};

use super::device::{CaptureEnd, Counters, DeviceInfo, Devices, PATIENCE, PlaybackEnd};
use super::error::{AudioError, Direction};
use super::opus::SAMPLE_RATE;

/// Device buffer asked for: 10 ms at 48 kHz (one pipeline frame).
const BUFFER_FRAMES: u32 = 480;
/// Formats that we convert, the best first.
const FORMATS: [SampleFormat; 4] = [SampleFormat::F32, SampleFormat::I16, SampleFormat::I32, SampleFormat::U8];

/// All devices.
pub(super) fn devices() -> Devices {
    let host = cpal::default_host();
    let id = |device: &cpal::Device| device.id().ok().map(|id| id.to_string());
    let default_input = host.default_input_device().and_then(|d| id(&d));
    let default_output = host.default_output_device().and_then(|d| id(&d));
    let info = |device: &cpal::Device, default: Option<&String>| {
        let id = id(device)?;
        let name = device.description().ok()?.name().to_owned();
        Some(DeviceInfo { is_default: Some(&id) == default, is_monitor: false, id, name })
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

/// Listens to a device. `wake` is unparked when 10 ms have come, `on_lost` called when the device fails later.
pub(super) fn capture(
    id: Option<&str>,
    wake: Thread,
    on_lost: impl Fn() + Send + 'static,
) -> Result<(cpal::Stream, CaptureEnd), AudioError> {
    let opening = Opening::find(id, Direction::Capture)?;
    let failed = opening.failed();
    let (rate, channels) = (opening.config.sample_rate, usize::from(opening.config.channels));
    let counters = Arc::new(Counters::default());
    let counted = Arc::clone(&counters);
    let (mut ring, samples) = rtrb::RingBuffer::new(rate as usize);
    let enough = rate as usize / 100;
    let on_data = move |data: &cpal::Data, info: &cpal::InputCallbackInfo| {
        let taken = match data.sample_format() {
            SampleFormat::F32 => take::<f32>(data, channels, &mut ring),
            SampleFormat::I16 => take::<i16>(data, channels, &mut ring),
            SampleFormat::I32 => take::<i32>(data, channels, &mut ring),
            SampleFormat::U8 => take::<u8>(data, channels, &mut ring),
            _ => Some(0),
        };
        let stamp = info.timestamp();
        counted.count(data.len() / channels, stamp.callback.saturating_duration_since(stamp.capture));
        counted.xruns.fetch_add(u64::from(taken.is_none()), Ordering::Relaxed);
        if ring.buffer().capacity() - ring.slots() >= enough {
            wake.unpark();
        }
    };
    let Opening { device, config, format, .. } = opening;
    let stream = device
        .build_input_stream_raw(config, format, on_data, on_error(on_lost), Some(PATIENCE))
        .map_err(|error| failed(&error))?;
    stream.play().map_err(|error| failed(&error))?;
    Ok((stream, CaptureEnd { samples, rate, counters }))
}

/// Plays on a device. `wake` is unparked when samples were fetched, `on_lost` called when the device fails later.
pub(super) fn playback(
    id: Option<&str>,
    wake: Thread,
    on_lost: impl Fn() + Send + 'static,
) -> Result<(cpal::Stream, PlaybackEnd), AudioError> {
    let opening = Opening::find(id, Direction::Playback)?;
    let failed = opening.failed();
    let (rate, channels) = (opening.config.sample_rate, usize::from(opening.config.channels));
    let counters = Arc::new(Counters::default());
    let counted = Arc::clone(&counters);
    let (mut samples, mut ring) = rtrb::RingBuffer::new(rate as usize);
    // The first callbacks fill the device's own buffer: with silence.
    for _ in 0..rate / 25 {
        let _ = samples.push(0.0);
    }
    let on_data = move |data: &mut cpal::Data, info: &cpal::OutputCallbackInfo| {
        let frames = data.len() / channels;
        let short = ring.slots() < frames;
        match data.sample_format() {
            SampleFormat::F32 => give::<f32>(data, channels, &mut ring),
            SampleFormat::I16 => give::<i16>(data, channels, &mut ring),
            SampleFormat::I32 => give::<i32>(data, channels, &mut ring),
            SampleFormat::U8 => give::<u8>(data, channels, &mut ring),
            _ => {}
        }
        let stamp = info.timestamp();
        counted.count(frames, stamp.playback.saturating_duration_since(stamp.callback));
        counted.xruns.fetch_add(u64::from(short), Ordering::Relaxed);
        wake.unpark();
    };
    let Opening { device, config, format, .. } = opening;
    let stream = device
        .build_output_stream_raw(config, format, on_data, on_error(on_lost), Some(PATIENCE))
        .map_err(|error| failed(&error))?;
    stream.play().map_err(|error| failed(&error))?;
    Ok((stream, PlaybackEnd { samples, rate, counters }))
}

/// A device and the format that it is to be opened with; at least one channel.
struct Opening {
    device: cpal::Device,
    config: cpal::StreamConfig,
    format: SampleFormat,
    direction: Direction,
    id: Option<String>,
}

impl Opening {
    fn find(id: Option<&str>, direction: Direction) -> Result<Self, AudioError> {
        let device = find(id, direction)?;
        let failed = |error: &cpal::Error| direction.error(error, id);
        let (config, format) = match direction {
            Direction::Capture => choose(
                device.supported_input_configs().map_err(|error| failed(&error))?,
                || device.default_input_config(),
                &failed,
            ),
            Direction::Playback => choose(
                device.supported_output_configs().map_err(|error| failed(&error))?,
                || device.default_output_config(),
                &failed,
            ),
        }?;
        if config.channels == 0 {
            return Err(AudioError::Unusable("no channels".to_owned()));
        }
        Ok(Self { device, config, format, direction, id: id.map(str::to_owned) })
    }

    /// cpal's errors in our words.
    fn failed(&self) -> impl Fn(&cpal::Error) -> AudioError + use<> {
        let (direction, id) = (self.direction, self.id.clone());
        move |error| direction.error(error, id.as_deref())
    }
}

fn find(id: Option<&str>, direction: Direction) -> Result<cpal::Device, AudioError> {
    let host = cpal::default_host();
    if let Some(id) = id {
        return cpal::DeviceId::from_str(id)
            .ok()
            .filter(|id| id.host() == host.id())
            .and_then(|id| host.device_by_id(&id))
            .ok_or_else(|| AudioError::UnknownDevice(id.to_owned()));
    }
    match direction {
        Direction::Playback => host.default_output_device(),
        Direction::Capture => host.default_input_device(),
    }
    .ok_or_else(|| direction.none())
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
    for frame in samples.chunks_exact(channels) {
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
    for frame in samples.chunks_exact_mut(channels) {
        frame.fill(S::from_sample(ring.pop().unwrap_or(0.0)));
    }
}
