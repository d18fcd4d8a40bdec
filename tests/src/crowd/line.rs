//! A line to the broker that counts the MQTT packets that pass.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::measure::Unmeasured;

/// What has passed so far, in both directions.
#[derive(Debug, Default)]
pub struct Counts {
    /// PUBLISH, the acknowledgements not counted.
    messages: AtomicU64,
    /// Packets of every kind.
    packets: AtomicU64,
    bytes: AtomicU64,
}

/// Some counts at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// PUBLISH packets.
    pub messages: u64,
    /// All packets.
    pub packets: u64,
    /// All bytes, without TCP's own.
    pub bytes: u64,
}

impl Tally {
    /// What has come since an earlier one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            messages: self.messages - earlier.messages,
            packets: self.packets - earlier.packets,
            bytes: self.bytes - earlier.bytes,
        }
    }
}

/// The line; it is closed when this is dropped.
pub struct CountedLine {
    /// Where its near end listens.
    pub address: SocketAddr,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

impl CountedLine {
    /// A line to this broker, for any number of connections.
    pub async fn to(broker: SocketAddr) -> Result<Self, Unmeasured> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let counted = counts.clone();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let counts = counted.clone();
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(broker).await else { return };
                    let _ = near.set_nodelay(true);
                    let _ = far.set_nodelay(true);
                    let (near_in, near_out) = near.into_split();
                    let (far_in, far_out) = far.into_split();
                    tokio::select! {
                        () = carry(near_in, far_out, &counts) => {}
                        () = carry(far_in, near_out, &counts) => {}
                    }
                });
            }
        });
        Ok(Self { address, counts, task })
    }

    /// What has passed so far.
    pub fn tally(&self) -> Tally {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Tally { messages: of(&self.counts.messages), packets: of(&self.counts.packets), bytes: of(&self.counts.bytes) }
    }
}

impl Drop for CountedLine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, counts: &Counts) {
    let mut headers = Headers::default();
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        headers.read(&buffer[..read], |kind| {
            counts.packets.fetch_add(1, Ordering::Relaxed);
            if kind == PUBLISH {
                counts.messages.fetch_add(1, Ordering::Relaxed);
            }
        });
        counts.bytes.fetch_add(read as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// MQTT 5, table 2-1.
const PUBLISH: u8 = 3;

/// Finds the fixed headers in a stream of packets (MQTT 5, section 2.1).
#[derive(Debug, Default)]
struct Headers {
    state: At,
}

#[derive(Debug, Default, Clone, Copy)]
enum At {
    /// Before a packet.
    #[default]
    Start,
    /// Within the length: what has come of it, and how many bits that is.
    Length { kind: u8, length: usize, bits: u32 },
    /// Within the rest of a packet, of which this much is missing.
    Rest(usize),
}

impl Headers {
    fn read(&mut self, mut bytes: &[u8], mut found: impl FnMut(u8)) {
        while let Some((&first, rest)) = bytes.split_first() {
            self.state = match self.state {
                At::Start => {
                    bytes = rest;
                    At::Length { kind: first >> 4, length: 0, bits: 0 }
                }
                At::Length { kind, length, bits } => {
                    bytes = rest;
                    let length = length | usize::from(first & 0x7f) << bits;
                    if first & 0x80 == 0 || bits >= 21 {
                        found(kind);
                        if length == 0 { At::Start } else { At::Rest(length) }
                    } else {
                        At::Length { kind, length, bits: bits + 7 }
                    }
                }
                At::Rest(missing) => {
                    let step = missing.min(bytes.len());
                    bytes = &bytes[step..];
                    if step == missing { At::Start } else { At::Rest(missing - step) }
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_counted_however_the_stream_is_cut() {
        let ping = [0xc0, 0x00];
        let mut publish = vec![0x32, 0xc8, 0x01];
        publish.extend([0x30; 200]);
        let stream = [&ping[..], &publish, &ping, &publish, &ping].concat();
        for piece in [1, 2, 3, 7, 100, stream.len()] {
            let (mut headers, mut kinds) = (Headers::default(), Vec::new());
            for bytes in stream.chunks(piece) {
                headers.read(bytes, |kind| kinds.push(kind));
            }
            assert_eq!(kinds, [12, 3, 12, 3, 12], "in pieces of {piece}");
        }
    }
}
