//! My own picture, and the pictures of the others on their way to whoever draws them.

mod board;

pub use peal_media::video::{Frame, Picture};

pub(crate) use board::Board;
