//! The way of pictures into a window: a door on 127.0.0.1, which only Peal's own pages pass.
//!
//! A page asks for a ticket (`picture_door`), opens a WebSocket with it and says what it would like to see; from then on it
//! gets a picture whenever it asks for the next one, always the newest. So a page that draws slowly skips pictures, and one
//! that is hidden asks for none. While a socket is open the engine has somebody who looks ([`Gallery::look`]); when it closes,
//! nobody does, and nothing is decoded or sent for it any more.
//!
//! Where WebKit draws, the planes don't go through the socket: they are in memory that the page reads (`way`, and the crate
//! `peal-web-process`).
//!
//! The protocol is in [`protocol`].

mod door;
mod engine;
pub mod protocol;
#[cfg(test)]
mod tests;
mod tile;
mod way;

use std::future::Future;

use peal_engine::Picture;
use peal_engine::api::PealError;
use tauri::AppHandle;
use tokio::sync::watch;

pub use self::door::{Door, Scope, Ticket};
pub use self::protocol::{Size, View};

/// Where pictures come from.
pub trait Gallery: Clone + Send + Sync + 'static {
    /// A view's pictures, the newest each time. That they are at hand does not mean that any come.
    fn pictures(&self, view: &View) -> watch::Receiver<Picture>;

    /// The place of that name begins to look at a view, or has another size.
    ///
    /// # Errors
    /// There is no such view.
    fn look(&self, place: &str, view: &View, size: Size) -> impl Future<Output = Result<(), PealError>> + Send;

    /// The place of that name does not look any more.
    fn look_away(&self, place: &str, view: &View) -> impl Future<Output = ()> + Send;
}

/// Where the pages of this program come from: what a browser names as their origin.
pub fn origins(app: &AppHandle) -> Vec<String> {
    // Tauri's own scheme; on Windows (and Android) it is mapped to a host.
    let own: &[&str] =
        if cfg!(windows) { &["http://tauri.localhost", "https://tauri.localhost"] } else { &["tauri://localhost"] };
    let mut origins: Vec<String> = own.iter().map(|&origin| origin.to_owned()).collect();
    if tauri::is_dev()
        && let Some(url) = &app.config().build.dev_url
    {
        origins.push(url.origin().ascii_serialization());
    }
    origins
}
