//! A line to a broker that may be cut, and on which a later login is refused.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// MQTT 5, 3.2: CONNACK, three bytes, no session, "bad user name or password", no properties.
const BAD_CREDENTIALS: [u8; 5] = [0x20, 3, 0, 0x86, 0];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Refusing,
}

/// A line on loopback.
pub struct Line {
    /// Where it begins.
    pub address: SocketAddr,
    state: watch::Sender<State>,
}

impl Line {
    /// A line to the broker at `far`.
    pub async fn to(far: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, watched) = watch::channel(State::Open);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, far, watched.clone()));
            }
        });
        Self { address, state }
    }

    /// Cuts it; whoever comes again is told that its token is wrong.
    pub fn refuse(&self) {
        self.state.send_replace(State::Refusing);
    }
}

async fn carry(mut near: TcpStream, far: SocketAddr, mut state: watch::Receiver<State>) {
    if *state.borrow_and_update() == State::Refusing {
        let mut connect = [0; 1024];
        // The CONNECT is one small packet; its content does not matter.
        if near.read(&mut connect).await.is_ok_and(|length| length > 0) {
            let _ = near.write_all(&BAD_CREDENTIALS).await;
        }
        return;
    }
    let Ok(mut far) = TcpStream::connect(far).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = state.wait_for(|state| *state == State::Refusing) => {}
    }
}
