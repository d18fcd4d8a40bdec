//! The engine's own pictures.

use peal_engine::api::{LocalViewParams, PealError, StartRemoteViewParams, StopRemoteViewParams};
use peal_engine::{Engine, Picture};
use tokio::sync::watch;

use super::{Gallery, Size, View};

impl Gallery for Engine {
    fn pictures(&self, view: &View) -> watch::Receiver<Picture> {
        match view {
            View::Local => self.local_pictures(),
            View::Remote { call_id, user_id } => self.remote_pictures(call_id, user_id),
        }
    }

    async fn look(&self, place: &str, view: &View, Size { width, height }: Size) -> Result<(), PealError> {
        let name = Some(place.to_owned());
        match view {
            View::Local => self.start_local_view(LocalViewParams { view: name }).await,
            View::Remote { call_id, user_id } => {
                let (call_id, user_id) = (call_id.clone(), user_id.clone());
                let (width, height) = (Some(width), Some(height));
                self.start_remote_view(StartRemoteViewParams { call_id, user_id, width, height, view: name }).await
            }
        }
    }

    async fn look_away(&self, place: &str, view: &View) {
        let name = Some(place.to_owned());
        let ended = match view {
            View::Local => self.stop_local_view(LocalViewParams { view: name }).await,
            View::Remote { call_id, user_id } => {
                let (call_id, user_id) = (call_id.clone(), user_id.clone());
                self.stop_remote_view(StopRemoteViewParams { call_id, user_id, view: name }).await
            }
        };
        // The call may be over, and its views with it.
        if let Err(error) = ended {
            tracing::debug!(code = ?error.code, "a view had ended by itself");
        }
    }
}
