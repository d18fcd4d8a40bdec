//! One connection to a PulseAudio (or `PipeWire`) server: the native protocol over its socket, without threads.

use std::io::{self, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, Prop, Props, ProtocolError, SetClientNameReply,
};

/// How long the server may take for an answer while something is asked.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest message taken from the server.
const MAX_MESSAGE: u32 = 1 << 20;
/// The server closes a connection whose cookie has any other length.
const COOKIE_LENGTH: usize = 256;

/// A connection on which one has been let in.
pub(super) struct Connection {
    reader: BufReader<UnixStream>,
    version: u16,
    sequence: u32,
    message: Vec<u8>,
}

impl Connection {
    /// Connects to the server of this session.
    pub(super) fn open() -> Result<Self, ProtocolError> {
        let path = pulseaudio::socket_path_from_env().ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        let socket = UnixStream::connect(path)?;
        // The server may go by who we are, and asks the kernel to tell it a moment too late: here it is told in any case.
        rustix::net::sockopt::set_socket_passcred(&socket, true).map_err(io::Error::from)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let mut connection =
            Self { reader: BufReader::new(socket), version: protocol::MAX_VERSION, sequence: 0, message: Vec::new() };
        let auth: AuthReply = connection.ask(&Command::Auth(AuthParams {
            version: protocol::MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie: cookie(),
        }))?;
        connection.version = auth.version.min(protocol::MAX_VERSION);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, c"Peal");
        let _: SetClientNameReply = connection.ask(&Command::SetClientName(props))?;
        Ok(connection)
    }

    /// Asks, and waits for the answer; nothing else may be under way.
    pub(super) fn ask<R: CommandReply>(&mut self, command: &Command) -> Result<R, ProtocolError> {
        self.sequence += 1;
        protocol::write_command_message(self.reader.get_mut(), self.sequence, command, self.version)?;
        Ok(protocol::read_reply_message(&mut self.reader, self.version)?.1)
    }

    /// The socket, to be written to (streams) or to be shut down. From now on silence of the server is no failure: a
    /// suspended device sends nothing.
    pub(super) fn socket(&self) -> io::Result<UnixStream> {
        let socket = self.reader.get_ref().try_clone()?;
        socket.set_read_timeout(None)?;
        Ok(socket)
    }

    /// Waits for the next message.
    pub(super) fn receive(&mut self) -> io::Result<Received<'_>> {
        let mut head = [0; protocol::DESCRIPTOR_SIZE];
        self.reader.read_exact(&mut head)?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (length, channel) = (word(0), word(4));
        if length > MAX_MESSAGE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.message.resize(length as usize, 0);
        self.reader.read_exact(&mut self.message)?;
        if channel != u32::MAX {
            return Ok(Received::Samples { channel, bytes: &self.message });
        }
        let parsed = Command::read_tag_prefixed(&mut io::Cursor::new(&self.message), self.version);
        Ok(parsed.map_or(Received::Unknown, |(_, command)| Received::Command(Box::new(command))))
    }
}

/// A message from the server.
pub(super) enum Received<'a> {
    /// Sound of a stream.
    Samples {
        channel: u32,
        bytes: &'a [u8],
    },
    Command(Box<Command>),
    /// A command that is not known here.
    Unknown,
}

/// What this account is known by. Where there is none, zeros are sent, as libpulse does: a server that goes by the user
/// at the other end of the socket, or lets everybody in, does not look at them.
fn cookie() -> Vec<u8> {
    cookie_files()
        .filter_map(|path| std::fs::read(path).ok())
        .find(|cookie| cookie.len() == COOKIE_LENGTH)
        .unwrap_or_else(|| vec![0; COOKIE_LENGTH])
}

/// Where a cookie may be, in libpulse's order.
fn cookie_files() -> impl Iterator<Item = PathBuf> {
    let place = |variable: &str| std::env::var_os(variable).filter(|it| !it.is_empty()).map(PathBuf::from);
    let home = std::env::home_dir();
    let config = place("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config")));
    [
        place("PULSE_COOKIE"),
        config.map(|config| config.join("pulse/cookie")),
        home.map(|home| home.join(".pulse-cookie")),
    ]
    .into_iter()
    .flatten()
}
