//! A way to a server that a test opens and shuts.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A relay to one port of this machine.
pub struct Door {
    address: SocketAddr,
    open: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Door {
    /// A door, open or shut, to this port.
    pub async fn to(port: u16, open: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("no free port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let (sender, state) = watch::channel(open);
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut state = state.clone();
                if !*state.borrow() {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    let _ = (near.set_nodelay(true), far.set_nodelay(true));
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { address, open: sender, task }
    }

    /// Its address for a phone.
    pub fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    /// Lets through who comes.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Lets nobody through any more, and cuts who is within.
    pub fn shut(&self) {
        self.open.send_replace(false);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}
