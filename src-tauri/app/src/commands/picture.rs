//! My picture on and off, the way to everybody's pictures, and the windows that show them.

use peal_engine::Engine;
use peal_engine::api::{OpenCameraParams, PealError, PublishStreamParams, PublishedStream, VideoSources};
use tauri::{AppHandle, Manager as _, State, WebviewWindow};

use crate::picture_in_picture;
use crate::pictures::{Door, Scope, Ticket};
use crate::windows::{self, MAIN};

/// My picture on, or from another source.
#[tauri::command]
#[specta::specta]
pub async fn open_camera(engine: State<'_, Engine>, params: OpenCameraParams) -> Result<(), PealError> {
    engine.open_camera(params).await
}

/// My picture off: the camera's light goes out.
#[tauri::command]
#[specta::specta]
pub async fn close_camera(engine: State<'_, Engine>) -> Result<(), PealError> {
    engine.close_camera().await
}

/// The cameras, screens and windows that are there.
#[tauri::command]
#[specta::specta]
pub async fn video_sources(engine: State<'_, Engine>) -> Result<VideoSources, PealError> {
    engine.video_sources().await
}

/// My voice and picture to a media server, once for everybody.
#[tauri::command]
#[specta::specta]
pub async fn publish_stream(
    engine: State<'_, Engine>,
    params: PublishStreamParams,
) -> Result<PublishedStream, PealError> {
    engine.publish_stream(params).await
}

/// No more to the media server.
#[tauri::command]
#[specta::specta]
pub async fn stop_publishing(engine: State<'_, Engine>) -> Result<(), PealError> {
    engine.stop_publishing().await
}

/// A ticket for one look at a picture; none: this Peal has no door for pictures.
#[tauri::command]
#[specta::specta]
pub fn picture_door(window: WebviewWindow) -> Option<Ticket> {
    // Only the main window shows me myself.
    let scope = if window.label() == MAIN { Scope::All } else { Scope::Remote };
    window.try_state::<Door>().map(|door| door.ticket(scope))
}

/// The call in a small window above all others.
#[tauri::command]
#[specta::specta]
pub async fn open_picture_in_picture(app: AppHandle) -> Result<(), PealError> {
    picture_in_picture::open(&app).await;
    Ok(())
}

/// Without the small window again.
#[tauri::command]
#[specta::specta]
pub async fn close_picture_in_picture(app: AppHandle) -> Result<(), PealError> {
    picture_in_picture::close(&app);
    Ok(())
}

/// The main window takes the whole screen, or its own place again.
#[tauri::command]
#[specta::specta]
pub async fn set_full_screen(app: AppHandle, on: bool) -> Result<(), PealError> {
    windows::set_full_screen(&app, on);
    Ok(())
}
