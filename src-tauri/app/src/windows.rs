//! The main window, and what all windows have in common.

use peal_engine::api::Theme;
use tauri::utils::config::Color;
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Wry};

use crate::shell::Identity;

/// The main window's label.
pub const MAIN: &str = "main";
/// Makes the main window. On Windows not in an event handler, where it would wait for itself.
pub fn build_main(app: &AppHandle, theme: Theme) -> tauri::Result<WebviewWindow> {
    let identity = app.state::<Identity>();
    builder(app, MAIN, theme, Paper::Ground)
        .title(&identity.title)
        .inner_size(1040.0, 660.0)
        .min_inner_size(720.0, 520.0)
        .center()
        .build()
}

/// Brings the main window to the front, wherever it was.
pub async fn open_main(app: &AppHandle) {
    let shown = match app.get_webview_window(MAIN) {
        Some(window) => window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus()),
        None => build_on_a_thread(app, |app| build_main(&app, Theme::System).map(drop)).await,
    };
    if let Err(error) = shown {
        tracing::warn!(%error, "the main window does not come to the front");
    }
}

/// What a window looks like before its page is drawn.
#[derive(Clone, Copy)]
pub enum Paper {
    /// The main window's ground.
    Ground,
    /// What lies above it.
    Raised,
}

impl Paper {
    /// The interface's `--paper` and `--raised`. A window that follows the system stays the engine's white until drawn.
    pub fn colour(self, theme: Theme) -> Option<Color> {
        match (self, theme) {
            (_, Theme::System) => None,
            (Self::Ground, Theme::Light) => Some(Color(0xf6, 0xf5, 0xf2, 0xff)),
            (Self::Ground, Theme::Dark) => Some(Color(0x15, 0x15, 0x14, 0xff)),
            (Self::Raised, Theme::Light) => Some(Color(0xff, 0xff, 0xff, 0xff)),
            (Self::Raised, Theme::Dark) => Some(Color(0x24, 0x24, 0x22, 0xff)),
        }
    }
}

/// The system's theme for a choice; none: as the system.
pub fn native_theme(theme: Theme) -> Option<tauri::Theme> {
    match theme {
        Theme::System => None,
        Theme::Light => Some(tauri::Theme::Light),
        Theme::Dark => Some(tauri::Theme::Dark),
    }
}

/// A window of Peal's, not yet built.
pub fn builder<'a>(
    app: &'a AppHandle,
    label: &str,
    theme: Theme,
    paper: Paper,
) -> WebviewWindowBuilder<'a, Wry, AppHandle> {
    let mut builder = WebviewWindowBuilder::new(app, label, WebviewUrl::default()).theme(native_theme(theme));
    // Both windows share one place for what WebKit keeps, and two profiles none.
    if let Some(directory) = &app.state::<Identity>().directory {
        builder = builder.data_directory(directory.join("webview"));
    }
    if let Some(colour) = paper.colour(theme) {
        builder = builder.background_color(colour);
    }
    builder
}

/// A window is built off the event loop, which must turn meanwhile.
pub async fn build_on_a_thread<F>(app: &AppHandle, build: F) -> tauri::Result<()>
where
    F: FnOnce(AppHandle) -> tauri::Result<()> + Send + 'static,
{
    let app = app.clone();
    tauri::async_runtime::spawn_blocking(move || build(app)).await?
}
