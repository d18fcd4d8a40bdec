//! Threads that must not be late.

/// Like PulseAudio's own (`nice-level` in its `daemon.conf`).
#[cfg(target_os = "linux")]
const NICE: i32 = -11;

/// Puts the calling thread before those of ordinary programs, where the system lets us: what it has to do takes tenths of
/// a millisecond, but has to be done now.
pub(super) fn raise() {
    // On Linux this is about a thread, and not about a whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "an audio thread stays at the ordinary priority");
    }
}
