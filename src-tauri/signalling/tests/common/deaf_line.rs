//! A line on which live news of who is there gets lost, as it does between the nodes of a cluster.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::PATIENCE;

/// A PUBLISH, whatever its flags, and the flag of one that is retained (MQTT 5, 3.3.1).
const PUBLISH: u8 = 3;
const RETAINED: u8 = 1;

/// A line on which what is retained of presence arrives, and what is told when it changes does not.
pub struct DeafLine {
    pub address: SocketAddr,
    swallowed: watch::Receiver<Vec<String>>,
    task: tokio::task::JoinHandle<()>,
}

impl DeafLine {
    pub async fn to(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (topics, swallowed) = watch::channel(Vec::new());
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(broker).await else { continue };
                let ((from_client, to_client), (from_broker, to_broker)) = (near.into_split(), far.into_split());
                let topics = topics.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = whole(from_client, to_broker) => {}
                        _ = with_gaps(from_broker, to_client, &topics) => {}
                    }
                });
            }
        });
        Self { address, swallowed, task }
    }

    /// Waits until something of a topic that ends so was lost.
    pub async fn has_swallowed(&self, topic: &str) {
        let mut swallowed = self.swallowed.clone();
        let found = swallowed.wait_for(|topics| topics.iter().any(|it| it.ends_with(topic)));
        tokio::time::timeout(PATIENCE, found).await.unwrap().unwrap();
    }
}

impl Drop for DeafLine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn whole(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<u64> {
    tokio::io::copy(&mut from, &mut to).await
}

/// Hands packet after packet on, but for live presence.
async fn with_gaps(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    swallowed: &watch::Sender<Vec<String>>,
) -> std::io::Result<()> {
    loop {
        let kind = from.read_u8().await?;
        let mut packet = vec![kind];
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = from.read_u8().await?;
            packet.push(byte);
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let header = packet.len();
        packet.resize(header + length, 0);
        from.read_exact(&mut packet[header..]).await?;
        if kind >> 4 == PUBLISH && kind & RETAINED == 0 {
            let body = &packet[header..];
            let end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
            let topic = String::from_utf8_lossy(&body[2..end]).into_owned();
            if topic.contains("/presence/") {
                swallowed.send_modify(|topics| topics.push(topic));
                continue;
            }
        }
        to.write_all(&packet).await?;
    }
}
