//! The embedded broker alone in a process, so that its memory and processor time are its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use peal_signalling::{Broker, BrokerConfig};

use crate::measure::Unmeasured;

/// The first argument of the program that is to be nothing but the broker; the second is its directory.
pub const ALONE: &str = "broker-alone";

/// Runs a broker on a free loopback port until the standard input ends. Says where it listens on the standard output.
pub async fn run(directory: &Path) -> Result<(), Unmeasured> {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let broker = Broker::start(BrokerConfig { listen, data_dir: directory.to_owned() }).await?;
    println!("{}", broker.address());
    // The owner ends the input, by its own end at the latest.
    tokio::task::spawn_blocking(|| std::io::stdin().lock().read_to_end(&mut Vec::new())).await??;
    broker.stop().await;
    Ok(())
}

/// A broker in a child process. It ends with its owner.
pub struct Alone {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Alone {
    /// Starts this very program as the broker, with its data in `directory`.
    pub fn start(directory: &Path) -> Result<Self, Unmeasured> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ALONE).arg(directory).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        if let Ok(address) = line.trim().parse() {
            return Ok(Self { child, address });
        }
        let _ = child.kill();
        let _ = child.wait();
        Err("the broker did not start".into())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
