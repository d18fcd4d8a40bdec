//! The incoming-call window. A web view takes most of a second to come up, so this one is made once somebody is logged in,
//! stays hidden, and follows every snapshot like any window. When a call rings its page draws the card and says so
//! ([`drawn`]); only then is it shown. When nothing rings the page clears itself and says so; only then is it hidden, since
//! a hidden web view that comes back shows for a moment what it drew last.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use peal_engine::Engine;
use peal_engine::api::{PhoneView, Theme};
use tauri::{AppHandle, LogicalPosition, Manager, WebviewWindow, WebviewWindowBuilder, Wry};

use crate::follow::ringing_here;
use crate::windows::{self, MAIN, Paper};

/// The window's label.
pub const INCOMING: &str = "incoming";

/// Its size until its page knows better, logical pixels.
const WIDTH: f64 = 384.0;
const HEIGHT: f64 = 186.0;
/// What a page may ask for.
const HEIGHTS: std::ops::RangeInclusive<f64> = 100.0..=640.0;
/// Its distance from the right edge of the screen, logical pixels.
const MARGIN_RIGHT: f64 = 16.0;
/// Its distance from the top, logical pixels: most desktops show notifications above.
const MARGIN_TOP: f64 = 120.0;
/// How long its page may take to draw a card. After that it is shown as it is, and loaded anew.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long its page may take to clear the card of a call that rings no more.
const LINGER: Duration = Duration::from_secs(1);

/// Where the window is. The lock is held while that changes, so that a ring that ends and a card that is drawn at the same
/// moment leave no window behind.
#[derive(Debug, Default)]
pub struct Doorway(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    on_screen: bool,
    /// How many times it came up.
    appearances: u64,
}

impl Doorway {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole at every moment, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the window, hidden, if it is not there.
pub async fn prepare(app: &AppHandle, theme: Theme) {
    if app.get_webview_window(INCOMING).is_some() {
        return;
    }
    let built =
        windows::build_beside_main(app, move |app, main| windows::beside(builder(app, theme), main).build().map(drop));
    if let Err(error) = built.await {
        tracing::warn!(%error, "the incoming-call window can't be made");
    }
}

fn builder(app: &AppHandle, theme: Theme) -> WebviewWindowBuilder<'_, Wry, AppHandle> {
    windows::builder(app, INCOMING, theme, Paper::Raised)
        .title("Peal")
        .inner_size(WIDTH, HEIGHT)
        .resizable(false)
        .maximizable(false)
        .minimizable(false)
        .decorations(false)
        .always_on_top(true)
        .visible_on_all_workspaces(true)
        .skip_taskbar(true)
        .focused(false)
        .visible(false)
}

/// A call began to ring here: sees to it that the window comes, even if its page does not answer.
pub async fn expect(app: &AppHandle, call_id: &str, theme: Theme) {
    prepare(app, theme).await;
    let (app, call_id) = (app.clone(), call_id.to_owned());
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(PATIENCE).await;
        let Some(window) = app.get_webview_window(INCOMING) else { return };
        if show(&app, &window, None, |view| is_ringing(view, &call_id)) {
            tracing::warn!("the incoming-call window's page did not answer; it is loaded anew");
            if let Err(error) = window.reload() {
                tracing::warn!(%error, "the incoming-call window can't be loaded anew");
            }
        }
    });
}

/// What the window's page has drawn: the card of a call, so tall in logical pixels, and it may be seen now; or nothing,
/// and it may go.
pub fn drawn(app: &AppHandle, call_id: Option<&str>, height: f64) {
    let Some(call_id) = call_id else {
        hide(app, |_| true);
        return;
    };
    let Some(window) = app.get_webview_window(INCOMING) else { return };
    let height = if height.is_finite() { height.clamp(*HEIGHTS.start(), *HEIGHTS.end()) } else { HEIGHT };
    show(app, &window, Some(height), |view| is_ringing(view, call_id));
}

/// Nothing rings any more: sees to it that the window goes, even if its page does not say that it is empty.
pub fn dismiss(app: &AppHandle) {
    let app = app.clone();
    let appearances = app.state::<Doorway>().lock().appearances;
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(LINGER).await;
        // What came up meanwhile takes its own time.
        if hide(&app, |state| state.appearances == appearances) {
            tracing::warn!("the incoming-call window's page did not clear itself");
        }
    });
}

/// Hides the window, if nothing rings by the snapshot of this moment; true if it was on the screen.
fn hide(app: &AppHandle, wished: impl Fn(&State) -> bool) -> bool {
    let doorway = app.state::<Doorway>();
    let mut state = doorway.lock();
    if !state.on_screen || !wished(&state) || ringing_here(&app.state::<Engine>().snapshot()).next().is_some() {
        return false;
    }
    state.on_screen = false;
    if let Some(window) = app.get_webview_window(INCOMING)
        && let Err(error) = window.hide()
    {
        tracing::warn!(%error, "the incoming-call window can't be hidden");
    }
    true
}

/// Brings the window to the front, if it is on the screen.
pub fn raise(app: &AppHandle) {
    let doorway = app.state::<Doorway>();
    let state = doorway.lock();
    if state.on_screen
        && let Some(window) = app.get_webview_window(INCOMING)
        && let Err(error) = window.set_focus()
    {
        tracing::debug!(%error, "the incoming-call window stays where it is");
    }
}

/// Another theme for what is seen before the page is.
pub fn dress(app: &AppHandle, theme: Theme) {
    if let Some(window) = app.get_webview_window(INCOMING)
        && let Err(error) = window.set_background_color(Paper::Raised.colour(theme))
    {
        tracing::debug!(%error, "the incoming-call window keeps its ground");
    }
}

fn is_ringing(view: &PhoneView, call_id: &str) -> bool {
    ringing_here(view).any(|call| call.call_id == call_id)
}

/// Shows the window, if what rings is as `wished` by the snapshot of this moment; true if it was not on the screen before.
fn show(app: &AppHandle, window: &WebviewWindow, height: Option<f64>, wished: impl Fn(&PhoneView) -> bool) -> bool {
    let doorway = app.state::<Doorway>();
    let mut state = doorway.lock();
    if !wished(&app.state::<Engine>().snapshot()) {
        return false;
    }
    let sized = height.map_or(Ok(()), |height| fit(window, height));
    let appears = !state.on_screen;
    let shown = if appears { sized.and_then(|()| appear(app, window)) } else { sized };
    if let Err(error) = shown {
        tracing::warn!(%error, "the incoming-call window can't be shown");
    }
    state.on_screen = true;
    state.appearances += u64::from(appears);
    appears
}

/// On top of everything, on every workspace, at the top right of the screen where the pointer is. It takes the keyboard
/// only if Peal has it already: whoever types elsewhere must not answer by accident.
fn appear(app: &AppHandle, window: &WebviewWindow) -> tauri::Result<()> {
    if let Some(position) = top_right(app) {
        window.set_position(position)?;
    }
    let focused = app.get_webview_window(MAIN).is_some_and(|main| main.is_focused().unwrap_or(false));
    appear_with(window, focused)
}

#[cfg(target_os = "linux")]
fn appear_with(window: &WebviewWindow, keyboard: bool) -> tauri::Result<()> {
    use gtk::prelude::GtkWindowExt as _;

    on_gtk_window(window, move |window| window.set_focus_on_map(keyboard))?;
    window.show()
}

#[cfg(not(target_os = "linux"))]
fn appear_with(window: &WebviewWindow, keyboard: bool) -> tauri::Result<()> {
    window.set_focusable(keyboard)?;
    window.show()?;
    window.set_focusable(true)
}

/// Makes the window so tall, logical pixels. GTK gives a window that nobody may resize the size that it requests.
#[cfg(target_os = "linux")]
fn fit(window: &WebviewWindow, height: f64) -> tauri::Result<()> {
    use gtk::prelude::WidgetExt as _;

    on_gtk_window(window, move |window| window.set_size_request(WIDTH as i32, height.ceil() as i32))
}

#[cfg(not(target_os = "linux"))]
fn fit(window: &WebviewWindow, height: f64) -> tauri::Result<()> {
    window.set_size(tauri::LogicalSize::new(WIDTH, height))
}

#[cfg(target_os = "linux")]
fn on_gtk_window(
    window: &WebviewWindow,
    act: impl FnOnce(gtk::ApplicationWindow) + Send + 'static,
) -> tauri::Result<()> {
    let the_window = window.clone();
    window.run_on_main_thread(move || match the_window.gtk_window() {
        Ok(window) => act(window),
        Err(error) => tracing::debug!(%error, "the incoming-call window is gone"),
    })
}

/// Where the window goes; none: where the system likes.
fn top_right(app: &AppHandle) -> Option<LogicalPosition<f64>> {
    let under_pointer =
        app.cursor_position().and_then(|pointer| app.monitor_from_point(pointer.x, pointer.y)).ok().flatten();
    let monitor = under_pointer.or_else(|| app.primary_monitor().ok().flatten())?;
    let area = monitor.work_area();
    let scale = monitor.scale_factor();
    let origin = area.position.to_logical::<f64>(scale);
    let size = area.size.to_logical::<f64>(scale);
    Some(LogicalPosition::new(origin.x + size.width - WIDTH - MARGIN_RIGHT, origin.y + MARGIN_TOP))
}
