//! Sound and picture of a call: devices, processing, codecs, peer connections, media servers, statistics.

pub mod audio;
pub mod peer;
pub mod stream;
pub mod video;
