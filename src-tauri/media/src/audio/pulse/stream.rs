//! Streams of a PulseAudio server: one connection and one thread for each, which only move samples.

use std::ffi::CStr;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{
    self, ChannelMap, ChannelPosition, Command, CreatePlaybackStreamReply, CreateRecordStreamReply, Descriptor,
    DescriptorFlags, PlaybackStreamParams, ProtocolError, RecordStreamParams, SampleFormat, SampleSpec,
};

use super::super::device::{CaptureEnd, Counters, PlaybackEnd};
use super::super::opus::SAMPLE_RATE;
use super::super::priority;
use super::connection::{Connection, Received};

/// Bytes of a mono `f32` sample.
const SAMPLE_BYTES: usize = 4;
/// Frames moved at once: 5 ms.
const PERIOD: u32 = 240;
/// Frames kept in the server before the speaker: 15 ms.
const PLAYBACK_BUFFER: u32 = 3 * PERIOD;
/// No request of the server is met with more frames at once: far above what it keeps.
const MOST_FRAMES: usize = SAMPLE_RATE as usize;

/// An open stream; dropping it closes its connection and joins its thread.
pub(in super::super) struct PulseStream {
    socket: UnixStream,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for PulseStream {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // The thread waits for the server only in reading or writing, both of which end now.
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Listens to the source of this name.
pub(super) fn capture(
    mut server: Connection,
    source: &CStr,
    wake: Thread,
    on_lost: impl FnOnce() + Send + 'static,
) -> Result<(PulseStream, CaptureEnd), ProtocolError> {
    let reply: CreateRecordStreamReply = server.ask(&Command::CreateRecordStream(RecordStreamParams {
        sample_spec: sample_spec(),
        channel_map: ChannelMap::new([ChannelPosition::Mono]),
        source_name: Some(source.to_owned()),
        buffer_attr: BufferAttr { fragment_size: bytes(PERIOD), ..BufferAttr::default() },
        flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
        ..RecordStreamParams::default()
    }))?;
    let counters = Arc::new(Counters::default());
    let (ring, samples) = rtrb::RingBuffer::new(SAMPLE_RATE as usize);
    let latency = Duration::from_micros(reply.stream_latency);
    let mut capture = Capture { channel: reply.channel, latency, ring, counters: Arc::clone(&counters), wake };
    let stream = run(server, on_lost, move |server| capture.step(server))?;
    Ok((stream, CaptureEnd { samples, rate: SAMPLE_RATE, counters }))
}

/// Plays on the sink of this name.
pub(super) fn playback(
    mut server: Connection,
    sink: &CStr,
    wake: Thread,
    on_lost: impl FnOnce() + Send + 'static,
) -> Result<(PulseStream, PlaybackEnd), ProtocolError> {
    let reply: CreatePlaybackStreamReply = server.ask(&Command::CreatePlaybackStream(PlaybackStreamParams {
        sample_spec: sample_spec(),
        channel_map: ChannelMap::new([ChannelPosition::Mono]),
        sink_name: Some(sink.to_owned()),
        buffer_attr: BufferAttr {
            max_length: bytes(2 * PLAYBACK_BUFFER),
            target_length: bytes(PLAYBACK_BUFFER),
            // After an underrun the server goes on as soon as something comes. With none at all its clock would go on
            // meanwhile, and it would ask for all that was missed, only to throw it away.
            pre_buffering: bytes(PERIOD),
            minimum_request_length: bytes(PERIOD),
            ..BufferAttr::default()
        },
        flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
        ..PlaybackStreamParams::default()
    }))?;
    let counters = Arc::new(Counters::default());
    let (producer, ring) = rtrb::RingBuffer::new(SAMPLE_RATE as usize);
    let mut playback = Playback {
        channel: reply.channel,
        latency: Duration::from_micros(reply.stream_latency),
        socket: server.socket()?,
        ring,
        counters: Arc::clone(&counters),
        wake,
        message: Vec::new(),
        fed: false,
    };
    // The first request came with the answer; it is met with silence, so that the buffer is full from the start.
    playback.give(reply.requested_bytes)?;
    let stream = run(server, on_lost, move |server| playback.step(server))?;
    Ok((stream, PlaybackEnd { samples: producer, rate: SAMPLE_RATE, counters }))
}

/// Takes the steps of a stream on a thread until one fails.
fn run(
    mut server: Connection,
    on_lost: impl FnOnce() + Send + 'static,
    mut step: impl FnMut(&mut Connection) -> io::Result<()> + Send + 'static,
) -> io::Result<PulseStream> {
    let socket = server.socket()?;
    let closing = Arc::new(AtomicBool::new(false));
    let closed = Arc::clone(&closing);
    let thread = std::thread::Builder::new().name("peal-pulse".into()).spawn(move || {
        priority::raise();
        while step(&mut server).is_ok() {}
        if !closed.load(Ordering::Relaxed) {
            on_lost();
        }
    })?;
    Ok(PulseStream { socket, closing, thread: Some(thread) })
}

struct Capture {
    channel: u32,
    latency: Duration,
    ring: rtrb::Producer<f32>,
    counters: Arc<Counters>,
    wake: Thread,
}

impl Capture {
    fn step(&mut self, server: &mut Connection) -> io::Result<()> {
        let bytes = match server.receive()? {
            Received::Samples { channel, bytes } if channel == self.channel => bytes,
            Received::Command(command) => {
                return match *command {
                    Command::RecordStreamKilled(_) => Err(io::ErrorKind::ConnectionAborted.into()),
                    _ => Ok(()),
                };
            }
            Received::Samples { .. } | Received::Unknown => return Ok(()),
        };
        // The server sends whole samples only.
        let frames = bytes.len() / SAMPLE_BYTES;
        let room = self.ring.slots().min(frames);
        if let Ok(chunk) = self.ring.write_chunk_uninit(room) {
            let sample = |it: &[u8]| f32::from_le_bytes([it[0], it[1], it[2], it[3]]).clamp(-1.0, 1.0);
            chunk.fill_from_iter(bytes.chunks_exact(SAMPLE_BYTES).map(sample));
        }
        self.counters.count(frames, self.latency);
        self.counters.xruns.fetch_add(u64::from(room < frames), Ordering::Relaxed);
        if self.ring.buffer().capacity() - self.ring.slots() >= SAMPLE_RATE as usize / 100 {
            self.wake.unpark();
        }
        Ok(())
    }
}

struct Playback {
    channel: u32,
    latency: Duration,
    socket: UnixStream,
    ring: rtrb::Consumer<f32>,
    counters: Arc<Counters>,
    wake: Thread,
    message: Vec<u8>,
    /// The pipeline has begun to fill the ring; before, silence is no underrun.
    fed: bool,
}

impl Playback {
    fn step(&mut self, server: &mut Connection) -> io::Result<()> {
        match server.receive()? {
            Received::Command(command) => match *command {
                Command::Request(request) if request.channel == self.channel => self.give(request.length),
                Command::PlaybackStreamKilled(_) => Err(io::ErrorKind::ConnectionAborted.into()),
                _ => Ok(()),
            },
            Received::Unknown => Ok(()),
            // Nobody sends us sound here.
            Received::Samples { .. } => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Sends as many bytes as the server wants, in one go: it wakes up for every write.
    fn give(&mut self, wanted: u32) -> io::Result<()> {
        let frames = (wanted as usize / SAMPLE_BYTES).min(MOST_FRAMES);
        let ready = self.ring.slots().min(frames);
        self.fed |= ready > 0;
        let mut head = [0; protocol::DESCRIPTOR_SIZE];
        let length = (frames * SAMPLE_BYTES) as u32;
        let flags = DescriptorFlags::empty();
        protocol::encode_descriptor(&mut head, &Descriptor { length, channel: self.channel, offset: 0, flags });
        self.message.clear();
        self.message.extend(head);
        if let Ok(chunk) = self.ring.read_chunk(ready) {
            self.message.extend(chunk.into_iter().flat_map(f32::to_le_bytes));
        }
        self.message.resize(head.len() + frames * SAMPLE_BYTES, 0);
        self.socket.write_all(&self.message)?;
        self.counters.count(frames, self.latency);
        self.counters.xruns.fetch_add(u64::from(ready < frames && self.fed), Ordering::Relaxed);
        self.wake.unpark();
        Ok(())
    }
}

fn sample_spec() -> SampleSpec {
    SampleSpec { format: SampleFormat::Float32Le, channels: 1, sample_rate: SAMPLE_RATE }
}

fn bytes(frames: u32) -> u32 {
    frames * SAMPLE_BYTES as u32
}
