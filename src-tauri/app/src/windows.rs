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
        .min_inner_size(400.0, 560.0)
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

/// The main window takes the whole screen, or its own place again.
pub fn set_full_screen(app: &AppHandle, on: bool) {
    if let Some(window) = app.get_webview_window(MAIN)
        && let Err(error) = window.set_fullscreen(on)
    {
        tracing::warn!(%error, "the main window does not change its size");
    }
}

/// What a window looks like before its page is drawn.
#[derive(Clone, Copy)]
pub enum Paper {
    /// The main window's ground.
    Ground,
    /// What lies above it.
    Raised,
    /// A call's, dark in both themes.
    Stage,
}

impl Paper {
    /// The interface's `--paper`, `--raised` and `--stage`. A window that follows the system stays the engine's white until drawn.
    pub fn colour(self, theme: Theme) -> Option<Color> {
        match (self, theme) {
            (Self::Stage, _) => Some(Color(0x17, 0x17, 0x16, 0xff)),
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
    #[cfg(target_os = "linux")]
    if let Some(directory) = crate::web_process::directory() {
        builder = builder.extensions_path(directory);
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

/// The web view of the main window, which another window is built beside.
#[cfg(target_os = "linux")]
pub type MainView = webkit2gtk::WebView;
/// The web view of the main window, which another window is built beside.
#[cfg(not(target_os = "linux"))]
pub type MainView = ();

/// Builds a small window beside the main one, if that is there.
#[cfg(target_os = "linux")]
pub async fn build_beside_main<F>(app: &AppHandle, build: F) -> tauri::Result<()>
where
    F: FnOnce(&AppHandle, MainView) -> tauri::Result<()> + Send + 'static,
{
    let Some(main) = app.get_webview_window(MAIN) else { return Ok(()) };
    let (sender, made) = tokio::sync::oneshot::channel();
    let app = app.clone();
    main.with_webview(move |main| {
        let main = main.inner();
        // A window is built between two of the event loop's messages, not within one.
        gtk::glib::idle_add_local_once(move || {
            // Whoever waits may have gone with the app.
            let _ = sender.send(build(&app, main));
        });
    })?;
    made.await.unwrap_or(Ok(()))
}

/// Builds a small window beside the main one.
#[cfg(not(target_os = "linux"))]
pub async fn build_beside_main<F>(app: &AppHandle, build: F) -> tauri::Result<()>
where
    F: FnOnce(&AppHandle, MainView) -> tauri::Result<()> + Send + 'static,
{
    build_on_a_thread(app, move |app| build(&app, ())).await
}

/// The window takes the main one's web process: it costs a few MiB instead of a hundred, and its first picture a frame
/// instead of the start of a graphics stack.
#[cfg(target_os = "linux")]
pub fn beside(
    builder: WebviewWindowBuilder<'_, Wry, AppHandle>,
    main: MainView,
) -> WebviewWindowBuilder<'_, Wry, AppHandle> {
    builder.with_related_view(main)
}

/// Elsewhere the system decides what windows share.
#[cfg(not(target_os = "linux"))]
pub fn beside(
    builder: WebviewWindowBuilder<'_, Wry, AppHandle>,
    (): MainView,
) -> WebviewWindowBuilder<'_, Wry, AppHandle> {
    builder
}
