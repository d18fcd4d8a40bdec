//! How the planes of pictures reach a page: within its messages, or in memory that it reads.

use std::io;

use peal_engine::Frame;
#[cfg(target_os = "linux")]
use peal_web_process::Memory;
use tokio_tungstenite::tungstenite::Message;

#[cfg(target_os = "linux")]
use super::protocol::Place;
use super::protocol::{header, write};

/// One socket's.
pub struct Way {
    /// The page can read it, as far as is known.
    reads: bool,
    /// What it was told of last.
    #[cfg(target_os = "linux")]
    memory: Option<Memory>,
    sequence: u32,
}

impl Way {
    /// To a page that can read memory, or can't.
    pub fn new(reads: bool) -> Self {
        Self {
            reads,
            #[cfg(target_os = "linux")]
            memory: None,
            sequence: 0,
        }
    }

    /// The page can't read it after all.
    pub fn carry(&mut self) {
        self.reads = false;
    }

    /// What to send so that the page has this picture, in order.
    pub fn messages(&mut self, frame: &Frame) -> Vec<Message> {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        if self.reads {
            match self.share(frame) {
                Ok(place) => {
                    let head = Message::Binary(header(frame, sequence).to_vec().into());
                    return place.into_iter().chain([head]).collect();
                }
                Err(error) => {
                    tracing::warn!(%error, "pictures go to their page the long way");
                    self.reads = false;
                }
            }
        }
        vec![Message::Binary(write(frame, sequence).into())]
    }

    /// Puts the planes into the memory; answers where that is, if the page doesn't know yet.
    #[cfg(target_os = "linux")]
    fn share(&mut self, frame: &Frame) -> io::Result<Option<Message>> {
        let planes = frame.data();
        if let Some(memory) = self.memory.as_ref().filter(|memory| memory.length() >= planes.len()) {
            memory.write(planes)?;
            return Ok(None);
        }
        let memory = Memory::new(planes.len())?;
        memory.write(planes)?;
        let place = serde_json::to_string(&Place { memory: memory.path() })?;
        self.memory = Some(memory);
        Ok(Some(Message::Text(place.into())))
    }

    /// Elsewhere there is nothing that would read it.
    #[cfg(not(target_os = "linux"))]
    fn share(&mut self, _: &Frame) -> io::Result<Option<Message>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
