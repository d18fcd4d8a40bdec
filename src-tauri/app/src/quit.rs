//! Leaving politely: hang up, log out, flush, then exit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use peal_engine::Engine;
use tauri::{AppHandle, Manager};

use crate::instance::Listening;
use crate::notification;

/// How long the engine may take for its farewell.
const FAREWELL: Duration = Duration::from_secs(5);

/// Set once Peal is leaving.
#[derive(Debug, Default)]
pub struct Leaving(AtomicBool);

/// Ends Peal: the engine says goodbye first. Asking twice changes nothing.
pub fn quit(app: &AppHandle) {
    if app.state::<Leaving>().0.swap(true, Ordering::SeqCst) {
        return;
    }
    // Whoever starts Peal now waits for the profile instead of being sent to a window that closes.
    if let Some(listening) = app.try_state::<Listening>() {
        listening.close();
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let engine = app.state::<Engine>().inner().clone();
        if tokio::time::timeout(FAREWELL, engine.stop()).await.is_err() {
            tracing::warn!("the engine took too long to stop");
        }
        notification::withdraw_all(&app).await;
        app.exit(0);
    });
}

/// Quits when the system asks for it (`SIGTERM`, `SIGINT`, `SIGHUP`; Ctrl-C on Windows).
pub async fn on_signal(app: AppHandle) {
    match wait().await {
        Ok(()) => quit(&app),
        Err(error) => tracing::warn!(%error, "signals can't be heard"),
    }
}

#[cfg(unix)]
async fn wait() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn wait() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
