//! The devices of a PulseAudio (or `PipeWire`) server, spoken to directly.
//!
//! cpal could do it too, but its PulseAudio streams clear a buffer of 1 MiB for each message and ask for the latency at
//! each callback, which costs more of a processor than the whole call; it sends no cookie where there is none, which
//! the server takes for a broken client; and it keeps a connection and a thread for the listing alone.

mod connection;
mod stream;

use std::ffi::CString;
use std::io;
use std::thread::Thread;

use pulseaudio::protocol::{Command, ProtocolError, PulseError, ServerInfo, SinkInfoList, SourceInfoList};

use self::connection::Connection;
pub(super) use self::stream::PulseStream;
use super::device::{CaptureEnd, DeviceInfo, Devices, PlaybackEnd};
use super::error::{AudioError, Direction};

/// What the ids of these devices begin with; the server's own name follows.
const PREFIX: &str = "pulseaudio:";

/// All devices; `None` where no server lets us in.
pub(super) fn devices() -> Option<Devices> {
    let listed = connect().and_then(|mut server| {
        let chosen: ServerInfo = server.ask(&Command::GetServerInfo)?;
        let sources: SourceInfoList = server.ask(&Command::GetSourceInfoList)?;
        let sinks: SinkInfoList = server.ask(&Command::GetSinkInfoList)?;
        Ok((chosen, sources, sinks))
    });
    let (chosen, sources, sinks) = listed.ok()?;
    let info = |name: &CString, said: Option<&CString>, chosen: Option<&CString>, is_monitor: bool| DeviceInfo {
        id: id(name),
        name: said.unwrap_or(name).to_string_lossy().into_owned(),
        is_default: Some(name) == chosen,
        is_monitor,
    };
    let microphone = chosen.default_source_name.as_ref();
    let speaker = chosen.default_sink_name.as_ref();
    Some(Devices {
        microphones: sources
            .iter()
            .map(|it| info(&it.name, it.description.as_ref(), microphone, it.monitor_of_sink_index.is_some()))
            .collect(),
        speakers: sinks.iter().map(|it| info(&it.name, it.description.as_ref(), speaker, false)).collect(),
    })
}

/// A device to be opened, and the connection for its stream.
pub(super) struct PulseDevice {
    server: Connection,
    name: CString,
    direction: Direction,
}

impl PulseDevice {
    /// The device with this id, or the default one without; `None` where it is no device of this kind of server, or
    /// where the default one is asked for and no server lets us in.
    pub(super) fn find(id: Option<&str>, direction: Direction) -> Result<Option<Self>, AudioError> {
        if let Some(id) = id {
            let Some(name) = id.strip_prefix(PREFIX) else { return Ok(None) };
            let unknown = || AudioError::UnknownDevice(id.to_owned());
            let name = CString::new(name).map_err(|_| unknown())?;
            let server = connect().map_err(|error| match error {
                ProtocolError::Io(_) => unknown(),
                other => in_words(&other, direction, &name),
            })?;
            return Ok(Some(Self { server, name, direction }));
        }
        let Ok(mut server) = connect() else { return Ok(None) };
        let chosen: ServerInfo =
            server.ask(&Command::GetServerInfo).map_err(|error| in_words(&error, direction, c"the default"))?;
        let name = match direction {
            Direction::Playback => chosen.default_sink_name,
            // Without a microphone the default source is what the speaker plays: taking that for a voice would send
            // everybody their own words back.
            Direction::Capture => chosen.default_source_name.filter(|source| {
                let monitor = chosen.default_sink_name.map(|sink| [sink.as_bytes(), b".monitor"].concat());
                monitor.is_none_or(|monitor| monitor != source.as_bytes())
            }),
        };
        let name = name.ok_or_else(|| direction.none())?;
        Ok(Some(Self { server, name, direction }))
    }

    /// Listens to it. `wake` is unparked when 10 ms have come, `on_lost` called once should the stream end by itself.
    pub(super) fn capture(
        self,
        wake: Thread,
        on_lost: impl FnOnce() + Send + 'static,
    ) -> Result<(PulseStream, CaptureEnd), AudioError> {
        stream::capture(self.server, &self.name, wake, on_lost)
            .map_err(|error| in_words(&error, self.direction, &self.name))
    }

    /// Plays on it. `wake` is unparked when samples were fetched, `on_lost` called once should the stream end by itself.
    pub(super) fn playback(
        self,
        wake: Thread,
        on_lost: impl FnOnce() + Send + 'static,
    ) -> Result<(PulseStream, PlaybackEnd), AudioError> {
        stream::playback(self.server, &self.name, wake, on_lost)
            .map_err(|error| in_words(&error, self.direction, &self.name))
    }
}

fn connect() -> Result<Connection, ProtocolError> {
    Connection::open().inspect_err(|error| match error {
        // There is no server, which is no news.
        ProtocolError::Io(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {}
        other => tracing::warn!(error = %other, "the sound server does not let us in"),
    })
}

fn id(name: &CString) -> String {
    format!("{PREFIX}{}", name.to_string_lossy())
}

fn in_words(error: &ProtocolError, direction: Direction, device: &std::ffi::CStr) -> AudioError {
    match error {
        ProtocolError::ServerError(PulseError::AccessDenied | PulseError::AuthKey) => AudioError::Denied,
        ProtocolError::ServerError(PulseError::Busy | PulseError::Timeout) | ProtocolError::Timeout => AudioError::Busy,
        ProtocolError::ServerError(PulseError::NoEntity) => {
            AudioError::UnknownDevice(format!("{PREFIX}{}", device.to_string_lossy()))
        }
        ProtocolError::Io(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            AudioError::Busy
        }
        ProtocolError::Io(_) => direction.none(),
        other => AudioError::Unusable(other.to_string()),
    }
}
