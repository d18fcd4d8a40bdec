//! Sound and picture of a call: devices, processing, codecs, peer connections, statistics.

pub mod audio;
pub mod peer;
pub mod video;
