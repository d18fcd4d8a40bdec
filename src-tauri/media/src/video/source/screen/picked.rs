//! What a person picks in the desktop's own dialog: under Wayland no program sees a screen by itself.
//!
//! The desktop's portal asks (`org.freedesktop.portal.ScreenCast`) and hands over a connection to `PipeWire` with one stream
//! ([`Cast`]). The session lives as long as what is shown; whoever ends it on the desktop ends what is shown.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use ashpd::desktop::screencast::{
    CursorMode, OpenPipeWireRemoteOptions, Screencast, SelectSourcesOptions, SourceType, StartCastOptions,
};
use ashpd::desktop::{CreateSessionOptions, PersistMode, ResponseError, Session};
use async_io::Timer;
use futures::StreamExt as _;
use futures::executor::block_on;
use futures::future::{BoxFuture, Either, FutureExt as _, select};

use super::super::worker::Control;
use super::super::{VideoDevice, VideoError};
use super::cast::Cast;
use crate::video::convert::Planar;

/// The id of the one source that there is.
const ID: &str = "picked";
/// For programs; the interface has words of its own.
const NAME: &str = "Screen or window that the desktop asks for";
/// How often somebody who gave up is noticed while the dialog stands.
const LOOK: Duration = Duration::from_millis(100);
/// The desktop answers within this, where it does not ask a person.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was picked.
pub(super) struct Capture {
    cast: Cast,
    session: Arc<Session<Screencast>>,
    /// The desktop has ended it.
    closed: BoxFuture<'static, ()>,
}

/// Whether this is a desktop that asks.
pub(super) fn is_needed() -> bool {
    std::env::var_os("WAYLAND_DISPLAY").is_some_and(|display| !display.is_empty())
}

/// The one source, if the desktop can ask.
pub(super) fn all() -> Vec<VideoDevice> {
    let can_ask = async { Screencast::new().await?.available_source_types().await };
    match block_on(within(PATIENCE, can_ask)) {
        Some(Ok(kinds)) if !kinds.is_empty() => vec![VideoDevice { id: ID.to_owned(), name: NAME.to_owned() }],
        Some(Err(error)) => {
            tracing::debug!(%error, "the desktop shows no screens");
            Vec::new()
        }
        Some(Ok(_)) | None => Vec::new(),
    }
}

impl Capture {
    /// Lets the person pick, until halted; with it comes its name.
    pub(super) fn open(id: &str, control: &Control) -> Result<(Self, String), VideoError> {
        if id != ID {
            return Err(VideoError::UnknownDevice(id.to_owned()));
        }
        block_on(async {
            let desktop = Screencast::new().await.map_err(failed)?;
            let session = Arc::new(desktop.create_session(CreateSessionOptions::default()).await.map_err(failed)?);
            let picked = {
                let ask = Box::pin(ask(&desktop, &session));
                let given_up = Box::pin(given_up(control));
                match select(ask, given_up).await {
                    Either::Left((picked, _)) => picked,
                    Either::Right(_) => Err(VideoError::NotPicked),
                }
            };
            let capture = picked.and_then(|(node, connection)| Cast::start(node, connection));
            match capture {
                Ok(cast) => {
                    let closed = closed(Arc::clone(&session)).boxed();
                    Ok((Self { cast, session, closed }, NAME.to_owned()))
                }
                Err(error) => {
                    within(PATIENCE, close(&session)).await;
                    Err(error)
                }
            }
        })
    }

    /// Takes a picture; false if nothing changed since the last one.
    pub(super) fn grab(&mut self, planar: &mut Planar) -> Result<bool, VideoError> {
        if (&mut self.closed).now_or_never().is_some() {
            return Err(VideoError::WindowClosed);
        }
        self.cast.take(planar)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        block_on(within(PATIENCE, close(&self.session)));
    }
}

/// The stream that the person picked, and the connection that has it.
async fn ask(desktop: &Screencast, session: &Session<Screencast>) -> Result<(u32, OwnedFd), VideoError> {
    let can = desktop.available_source_types().await.map_err(failed)?;
    let draws = desktop.available_cursor_modes().await.unwrap_or_default();
    let mut wish = SelectSourcesOptions::default()
        .set_sources(can & (SourceType::Monitor | SourceType::Window))
        .set_persist_mode(PersistMode::DoNot);
    if draws.contains(CursorMode::Embedded) {
        wish = wish.set_cursor_mode(CursorMode::Embedded);
    }
    desktop.select_sources(session, wish).await.and_then(|request| request.response()).map_err(failed)?;
    let started = desktop.start(session, None, StartCastOptions::default()).await.map_err(failed)?;
    let streams = started.response().map_err(failed)?;
    let stream = streams.streams().first().ok_or(VideoError::NotPicked)?;
    let connection = desktop.open_pipe_wire_remote(session, OpenPipeWireRemoteOptions::default()).await;
    Ok((stream.pipe_wire_node_id(), connection.map_err(failed)?))
}

/// Ends when nobody wants it any more.
async fn given_up(control: &Control) {
    while !control.is_halted() {
        Timer::after(LOOK).await;
    }
}

/// Ends when the desktop ends the session.
async fn closed(session: Arc<Session<Screencast>>) {
    match session.receive_closed().await {
        Ok(mut closed) => drop(closed.next().await),
        Err(error) => {
            tracing::debug!(%error, "the desktop does not tell when it ends what is shown");
            std::future::pending::<()>().await;
        }
    }
}

async fn close(session: &Session<Screencast>) {
    // One that the desktop ended is closed already.
    if let Err(error) = session.close().await {
        tracing::debug!(%error, "the desktop had ended what was shown");
    }
}

async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    match select(Box::pin(future), Timer::after(time)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

fn failed(error: ashpd::Error) -> VideoError {
    match error {
        ashpd::Error::Response(ResponseError::Cancelled) => VideoError::NotPicked,
        ashpd::Error::Response(ResponseError::Other) => VideoError::Denied,
        ashpd::Error::PortalNotFound(_) => VideoError::NoScreen,
        error => VideoError::Unusable(error.to_string()),
    }
}
