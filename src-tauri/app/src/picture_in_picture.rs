//! Picture-in-picture: a call in a small window that stays above all others while somebody works elsewhere. It is made when it
//! is asked for and goes with the call, with its own button, or back into the main window.

use peal_engine::Engine;
use peal_engine::api::{CallState, PhoneView, Theme};
use tauri::{AppHandle, LogicalPosition, Manager, WebviewWindowBuilder, Wry};

use crate::windows::{self, Paper};

/// The window's label.
pub const PICTURE_IN_PICTURE: &str = "picture-in-picture";

/// Its size at first, logical pixels.
const SIZE: (f64, f64) = (336.0, 189.0);
/// Its smallest.
const LEAST: (f64, f64) = (208.0, 117.0);
/// Its distance from the corner of the screen, logical pixels.
const MARGIN: f64 = 24.0;

/// Shows the window, if there is a call to be shown.
pub async fn open(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(PICTURE_IN_PICTURE) {
        if let Err(error) = window.show() {
            tracing::warn!(%error, "the small window can't be shown");
        }
        return;
    }
    let view = app.state::<Engine>().snapshot();
    if !has_call(&view) {
        return;
    }
    let theme = view.settings.theme;
    let built = windows::build_beside_main(app, move |app, main| {
        let window = windows::beside(builder(app, theme), main).build()?;
        // Where the screen is not known, the system finds a place.
        if let Some(position) = corner(app) {
            window.set_position(position)?;
        }
        window.show()
    });
    if let Err(error) = built.await {
        tracing::warn!(%error, "the small window can't be made");
    }
    // The call may have ended meanwhile.
    follow(app, &app.state::<Engine>().snapshot());
}

/// Takes the window away.
pub fn close(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(PICTURE_IN_PICTURE)
        && let Err(error) = window.destroy()
    {
        tracing::warn!(%error, "the small window stays");
    }
}

/// Takes the window away when there is no call any more.
pub fn follow(app: &AppHandle, view: &PhoneView) {
    if !has_call(view) {
        close(app);
    }
}

fn has_call(view: &PhoneView) -> bool {
    view.calls.iter().any(|call| match call.state {
        CallState::Connecting | CallState::Connected | CallState::Reconnecting => true,
        CallState::Calling | CallState::Ringing | CallState::Ended => false,
    })
}

fn builder(app: &AppHandle, theme: Theme) -> WebviewWindowBuilder<'_, Wry, AppHandle> {
    windows::builder(app, PICTURE_IN_PICTURE, theme, Paper::Stage)
        .title("Peal")
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(LEAST.0, LEAST.1)
        .maximizable(false)
        .minimizable(false)
        .decorations(false)
        .always_on_top(true)
        .visible_on_all_workspaces(true)
        .skip_taskbar(true)
        .focused(false)
        .visible(false)
}

/// The lower right corner of the screen where the main window is.
fn corner(app: &AppHandle) -> Option<LogicalPosition<f64>> {
    let main = app.get_webview_window(windows::MAIN)?;
    let monitor = main.current_monitor().ok().flatten().or_else(|| app.primary_monitor().ok().flatten())?;
    let area = monitor.work_area();
    let scale = monitor.scale_factor();
    let origin = area.position.to_logical::<f64>(scale);
    let size = area.size.to_logical::<f64>(scale);
    Some(LogicalPosition::new(origin.x + size.width - SIZE.0 - MARGIN, origin.y + size.height - SIZE.1 - MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::tests::call;
    use peal_engine::api::Direction;

    #[test]
    fn there_is_something_to_show_once_a_call_is_answered() {
        let view = |state| PhoneView { calls: vec![call("a", Direction::Outgoing, state)], ..PhoneView::default() };
        for state in [CallState::Connecting, CallState::Connected, CallState::Reconnecting] {
            assert!(has_call(&view(state)), "{state:?}");
        }
        for state in [CallState::Calling, CallState::Ringing, CallState::Ended] {
            assert!(!has_call(&view(state)), "{state:?}");
        }
        assert!(!has_call(&PhoneView::default()));
    }
}
