//! The two windows. Which of them is open follows from the snapshot.

use peal_engine::api::{CallView, Theme};
use tauri::utils::config::Color;
use tauri::{AppHandle, LogicalPosition, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Wry};

use crate::shell::Identity;

/// The main window's label.
pub const MAIN: &str = "main";
/// The incoming-call window's label.
pub const INCOMING: &str = "incoming";

/// The incoming-call window, logical pixels: its card, and what the caller's words add.
const INCOMING_WIDTH: f64 = 384.0;
const INCOMING_HEIGHT: f64 = 196.0;
const MESSAGE_HEIGHT: f64 = 72.0;
/// Its distance from the right edge of the screen, logical pixels.
const MARGIN_RIGHT: f64 = 16.0;
/// Its distance from the top, logical pixels: most desktops show notifications above.
const MARGIN_TOP: f64 = 120.0;

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

/// Opens the window for a call that rings here: on top of everything, on every workspace, at the top right of the screen
/// where the pointer is. It takes the keyboard only if Peal has it already: whoever types elsewhere must not answer by accident.
pub async fn open_incoming(app: &AppHandle, call: &CallView, theme: Theme) -> tauri::Result<()> {
    let height = INCOMING_HEIGHT + if call.message.is_some() { MESSAGE_HEIGHT } else { 0.0 };
    build_on_a_thread(app, move |app| {
        let focused = app.get_webview_window(MAIN).is_some_and(|main| main.is_focused().unwrap_or(false));
        let mut builder = builder(&app, INCOMING, theme, Paper::Raised)
            .title("Peal")
            .inner_size(INCOMING_WIDTH, height)
            .resizable(false)
            .maximizable(false)
            .minimizable(false)
            .decorations(false)
            .always_on_top(true)
            .visible_on_all_workspaces(true)
            .skip_taskbar(true)
            .focused(focused);
        if let Some(position) = top_right(&app) {
            builder = builder.position(position.x, position.y);
        }
        builder.build().map(drop)
    })
    .await
}

/// Brings the incoming-call window to the front, if it is there.
pub fn raise_incoming(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(INCOMING)
        && let Err(error) = window.set_focus()
    {
        tracing::debug!(%error, "the incoming-call window stays where it is");
    }
}

/// What a window looks like before its page is drawn.
#[derive(Clone, Copy)]
enum Paper {
    /// The main window's ground.
    Ground,
    /// What lies above it.
    Raised,
}

impl Paper {
    /// The interface's `--paper` and `--raised`. A window that follows the system stays the engine's white until drawn.
    fn colour(self, theme: Theme) -> Option<Color> {
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

fn builder<'a>(
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
async fn build_on_a_thread<F>(app: &AppHandle, build: F) -> tauri::Result<()>
where
    F: FnOnce(AppHandle) -> tauri::Result<()> + Send + 'static,
{
    let app = app.clone();
    tauri::async_runtime::spawn_blocking(move || build(app)).await?
}

/// Where the incoming-call window goes; none: where the system likes.
fn top_right(app: &AppHandle) -> Option<LogicalPosition<f64>> {
    let under_pointer =
        app.cursor_position().and_then(|pointer| app.monitor_from_point(pointer.x, pointer.y)).ok().flatten();
    let monitor = under_pointer.or_else(|| app.primary_monitor().ok().flatten())?;
    let area = monitor.work_area();
    let scale = monitor.scale_factor();
    let origin = area.position.to_logical::<f64>(scale);
    let size = area.size.to_logical::<f64>(scale);
    Some(LogicalPosition::new(origin.x + size.width - INCOMING_WIDTH - MARGIN_RIGHT, origin.y + MARGIN_TOP))
}
