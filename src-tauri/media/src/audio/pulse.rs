//! Streams of a PulseAudio (or `PipeWire`) server, spoken to directly: one connection and one thread for each.
//!
//! cpal lists the devices, but its PulseAudio streams clear a buffer of 1 MiB for each message and ask for the latency
//! at each callback, which costs more of a processor than the whole call. Here a stream only moves samples.

use std::ffi::CString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{
    self, AuthParams, AuthReply, ChannelMap, ChannelPosition, Command, CommandReply, CreatePlaybackStreamReply,
    CreateRecordStreamReply, PlaybackStreamParams, Prop, Props, ProtocolError, PulseError, RecordStreamParams,
    SampleFormat, SampleSpec, SetClientNameReply,
};

use super::device::{CaptureEnd, Counters, PlaybackEnd};
use super::error::{AudioError, Direction};
use super::opus::SAMPLE_RATE;

/// How long the server may take for an answer while a stream is set up.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of a mono `f32` sample.
const SAMPLE_BYTES: u32 = 4;
/// Frames moved at once: 5 ms.
const PERIOD: u32 = 240;
/// Frames kept in the server before the speaker: 15 ms.
const PLAYBACK_BUFFER: u32 = 3 * PERIOD;
/// The longest message taken from the server.
const MAX_MESSAGE: u32 = 1 << 20;

/// An open stream; dropping it closes its connection and joins its thread.
pub(super) struct PulseStream {
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

/// Listens to the source of this name. `on_lost` is called once should the stream end by itself.
pub(super) fn open_capture(
    source: &str,
    wake: Thread,
    on_lost: impl FnOnce() + Send + 'static,
) -> Result<(PulseStream, CaptureEnd), AudioError> {
    let fail = |error: &ProtocolError| in_words(error, Direction::Capture, source);
    let mut connection = Connection::open().map_err(|e| fail(&e))?;
    let reply: CreateRecordStreamReply = connection
        .ask(&Command::CreateRecordStream(RecordStreamParams {
            sample_spec: sample_spec(),
            channel_map: ChannelMap::new([ChannelPosition::Mono]),
            source_name: Some(name(source).map_err(|e| fail(&e))?),
            buffer_attr: BufferAttr { fragment_size: PERIOD * SAMPLE_BYTES, ..BufferAttr::default() },
            flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
            ..RecordStreamParams::default()
        }))
        .map_err(|e| fail(&e))?;
    let counters = Arc::new(Counters::default());
    let (producer, samples) = rtrb::RingBuffer::new(SAMPLE_RATE as usize);
    let mut capture = Capture {
        channel: reply.channel,
        latency: Duration::from_micros(reply.stream_latency),
        ring: producer,
        counters: Arc::clone(&counters),
        wake,
        rest: Vec::new(),
    };
    let stream = connection.run(on_lost, move |connection| capture.step(connection)).map_err(|e| fail(&e))?;
    Ok((stream, CaptureEnd { samples, rate: SAMPLE_RATE, counters }))
}

/// Plays on the sink of this name. `on_lost` is called once should the stream end by itself.
pub(super) fn open_playback(
    sink: &str,
    wake: Thread,
    on_lost: impl FnOnce() + Send + 'static,
) -> Result<(PulseStream, PlaybackEnd), AudioError> {
    let fail = |error: &ProtocolError| in_words(error, Direction::Playback, sink);
    let mut connection = Connection::open().map_err(|e| fail(&e))?;
    let reply: CreatePlaybackStreamReply = connection
        .ask(&Command::CreatePlaybackStream(PlaybackStreamParams {
            sample_spec: sample_spec(),
            channel_map: ChannelMap::new([ChannelPosition::Mono]),
            sink_name: Some(name(sink).map_err(|e| fail(&e))?),
            buffer_attr: BufferAttr {
                max_length: 2 * PLAYBACK_BUFFER * SAMPLE_BYTES,
                target_length: PLAYBACK_BUFFER * SAMPLE_BYTES,
                // After an underrun the server goes on at once with what comes.
                pre_buffering: 0,
                minimum_request_length: PERIOD * SAMPLE_BYTES,
                ..BufferAttr::default()
            },
            flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
            ..PlaybackStreamParams::default()
        }))
        .map_err(|e| fail(&e))?;
    let counters = Arc::new(Counters::default());
    let (producer, ring) = rtrb::RingBuffer::new(SAMPLE_RATE as usize);
    let mut playback = Playback {
        channel: reply.channel,
        latency: Duration::from_micros(reply.stream_latency),
        ring,
        counters: Arc::clone(&counters),
        wake,
        bytes: Vec::new(),
        fed: false,
    };
    // The first request came with the answer; it is met with silence, so that the buffer is full from the start.
    playback.give(&mut connection, reply.requested_bytes).map_err(|e| fail(&e.into()))?;
    let stream = connection.run(on_lost, move |connection| playback.step(connection)).map_err(|e| fail(&e))?;
    Ok((stream, PlaybackEnd { samples: producer, rate: SAMPLE_RATE, counters }))
}

struct Connection {
    reader: BufReader<UnixStream>,
    version: u16,
    sequence: u32,
    message: Vec<u8>,
}

impl Connection {
    fn open() -> Result<Self, ProtocolError> {
        let path = pulseaudio::socket_path_from_env().ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        let socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let mut connection =
            Self { reader: BufReader::new(socket), version: protocol::MAX_VERSION, sequence: 0, message: Vec::new() };
        let cookie = pulseaudio::cookie_path_from_env().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        let auth: AuthReply = connection.ask(&Command::Auth(AuthParams {
            version: protocol::MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie,
        }))?;
        connection.version = auth.version.min(protocol::MAX_VERSION);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, c"Peal");
        let _: SetClientNameReply = connection.ask(&Command::SetClientName(props))?;
        Ok(connection)
    }

    fn ask<R: CommandReply>(&mut self, command: &Command) -> Result<R, ProtocolError> {
        self.sequence += 1;
        protocol::write_command_message(self.reader.get_mut(), self.sequence, command, self.version)?;
        Ok(protocol::read_reply_message(&mut self.reader, self.version)?.1)
    }

    /// Runs the steps of a stream on a thread until one fails.
    fn run(
        mut self,
        on_lost: impl FnOnce() + Send + 'static,
        mut step: impl FnMut(&mut Self) -> io::Result<()> + Send + 'static,
    ) -> Result<PulseStream, ProtocolError> {
        let socket = self.reader.get_ref().try_clone()?;
        // From now on silence of the server is no failure: a suspended device sends nothing.
        socket.set_read_timeout(None)?;
        let closing = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&closing);
        let thread = std::thread::Builder::new().name("peal-pulse".into()).spawn(move || {
            while step(&mut self).is_ok() {}
            if !closed.load(Ordering::Relaxed) {
                on_lost();
            }
        })?;
        Ok(PulseStream { socket, closing, thread: Some(thread) })
    }

    /// Reads the head of the next message: its channel (`u32::MAX` for commands) and its length.
    fn head(&mut self) -> io::Result<(u32, u32)> {
        let mut head = [0; protocol::DESCRIPTOR_SIZE];
        self.reader.read_exact(&mut head)?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (length, channel) = (word(0), word(4));
        if length > MAX_MESSAGE { Err(io::ErrorKind::InvalidData.into()) } else { Ok((channel, length)) }
    }

    /// Reads a command; `None` for one that is not known here.
    fn command(&mut self, length: u32) -> io::Result<Option<Command>> {
        self.message.resize(length as usize, 0);
        self.reader.read_exact(&mut self.message)?;
        let parsed = Command::read_tag_prefixed(&mut io::Cursor::new(&self.message), self.version);
        Ok(parsed.ok().map(|(_, command)| command))
    }
}

struct Capture {
    channel: u32,
    latency: Duration,
    ring: rtrb::Producer<f32>,
    counters: Arc<Counters>,
    wake: Thread,
    /// Bytes of a sample that was cut in two.
    rest: Vec<u8>,
}

impl Capture {
    fn step(&mut self, connection: &mut Connection) -> io::Result<()> {
        let (channel, mut length) = connection.head()?;
        if channel == u32::MAX {
            return match connection.command(length)? {
                Some(Command::RecordStreamKilled(_)) => Err(io::ErrorKind::ConnectionAborted.into()),
                _ => Ok(()),
            };
        }
        let (frames, mut full) = (length / SAMPLE_BYTES, false);
        while length > 0 {
            let bytes = connection.reader.fill_buf()?;
            let part = bytes.len().min(length as usize);
            if part == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if channel == self.channel {
                for byte in &bytes[..part] {
                    self.rest.push(*byte);
                    if let [a, b, c, d] = self.rest[..] {
                        full |= self.ring.push(f32::from_le_bytes([a, b, c, d]).clamp(-1.0, 1.0)).is_err();
                        self.rest.clear();
                    }
                }
            }
            connection.reader.consume(part);
            length -= part as u32;
        }
        self.counters.count(frames as usize, self.latency);
        if full {
            self.counters.xruns.fetch_add(1, Ordering::Relaxed);
        }
        if self.ring.buffer().capacity() - self.ring.slots() >= SAMPLE_RATE as usize / 100 {
            self.wake.unpark();
        }
        Ok(())
    }
}

struct Playback {
    channel: u32,
    latency: Duration,
    ring: rtrb::Consumer<f32>,
    counters: Arc<Counters>,
    wake: Thread,
    bytes: Vec<u8>,
    /// The pipeline has begun to fill the ring; before, silence is no underrun.
    fed: bool,
}

impl Playback {
    fn step(&mut self, connection: &mut Connection) -> io::Result<()> {
        let (channel, length) = connection.head()?;
        if channel != u32::MAX {
            // Nobody sends us sound here.
            return Err(io::ErrorKind::InvalidData.into());
        }
        match connection.command(length)? {
            Some(Command::Request(request)) if request.channel == self.channel => self.give(connection, request.length),
            Some(Command::PlaybackStreamKilled(_)) => Err(io::ErrorKind::ConnectionAborted.into()),
            _ => Ok(()),
        }
    }

    /// Sends as many bytes as the server wants.
    fn give(&mut self, connection: &mut Connection, wanted: u32) -> io::Result<()> {
        let frames = wanted.min(MAX_MESSAGE) / SAMPLE_BYTES;
        self.fed |= self.ring.slots() > 0;
        let mut short = false;
        self.bytes.clear();
        for _ in 0..frames {
            let sample = self.ring.pop().unwrap_or_else(|_| {
                short = true;
                0.0
            });
            self.bytes.extend(sample.to_le_bytes());
        }
        protocol::write_memblock(connection.reader.get_mut(), self.channel, &self.bytes, 0)
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        connection.reader.get_mut().flush()?;
        self.counters.count(frames as usize, self.latency);
        self.counters.xruns.fetch_add(u64::from(short && self.fed), Ordering::Relaxed);
        self.wake.unpark();
        Ok(())
    }
}

fn sample_spec() -> SampleSpec {
    SampleSpec { format: SampleFormat::Float32Le, channels: 1, sample_rate: SAMPLE_RATE }
}

fn name(device: &str) -> Result<CString, ProtocolError> {
    CString::new(device).map_err(|_| ProtocolError::ServerError(PulseError::NoEntity))
}

fn in_words(error: &ProtocolError, direction: Direction, device: &str) -> AudioError {
    match error {
        ProtocolError::ServerError(PulseError::AccessDenied | PulseError::AuthKey) => AudioError::Denied,
        ProtocolError::ServerError(PulseError::Busy | PulseError::Timeout) | ProtocolError::Timeout => AudioError::Busy,
        ProtocolError::ServerError(PulseError::NoEntity) => AudioError::UnknownDevice(format!("pulseaudio:{device}")),
        ProtocolError::Io(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            AudioError::Busy
        }
        ProtocolError::Io(_) => direction.none(),
        other => AudioError::Unusable(other.to_string()),
    }
}
