//! Peal in the tray: it stays reachable while its window is closed.

use tauri::menu::{Menu, MenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Wry};

use crate::quit::quit;
use crate::windows;
use crate::words::Words;

const OPEN: &str = "open";
const QUIT: &str = "quit";

/// The icon and its menu.
pub struct Tray {
    open: MenuItem<Wry>,
    quit: MenuItem<Wry>,
    /// Goes with this value.
    _icon: TrayIcon,
}

impl Tray {
    /// Puts Peal into the tray. None where the system has no tray at all. On the main thread.
    pub fn new(app: &AppHandle, tooltip: &str, words: &Words) -> tauri::Result<Option<Self>> {
        if !library_is_there() {
            tracing::info!("there is no tray: closing the window ends Peal");
            return Ok(None);
        }
        let open = MenuItem::with_id(app, OPEN, words.open, true, None::<&str>)?;
        let quit_item = MenuItem::with_id(app, QUIT, words.quit, true, None::<&str>)?;
        let menu = Menu::with_items(app, &[&open, &quit_item])?;
        // The icon's file is named after the id: two Peals must not take it from each other.
        let mut builder = TrayIconBuilder::with_id(format!("peal-{}", std::process::id()))
            .menu(&menu)
            .tooltip(tooltip)
            .show_menu_on_left_click(cfg!(target_os = "macos"))
            .on_menu_event(|app, event| match event.id().as_ref() {
                OPEN => open_main(app),
                QUIT => quit(app),
                _ => {}
            })
            .on_tray_icon_event(|icon, event| {
                if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } =
                    event
                {
                    open_main(icon.app_handle());
                }
            });
        if let Some(icon) = app.default_window_icon() {
            builder = builder.icon(icon.clone());
        }
        Ok(Some(Self { open, quit: quit_item, _icon: builder.build(app)? }))
    }

    /// Another language.
    pub fn set_words(&self, words: &Words) -> tauri::Result<()> {
        self.open.set_text(words.open)?;
        self.quit.set_text(words.quit)
    }
}

/// True if somebody shows tray icons now: only then may the last window disappear.
#[cfg(target_os = "linux")]
pub async fn is_shown() -> bool {
    use std::time::Duration;

    let asked = tokio::time::timeout(Duration::from_millis(500), host_is_registered()).await;
    match asked {
        Ok(Ok(registered)) => registered,
        Ok(Err(error)) => {
            tracing::debug!(%error, "nobody shows tray icons");
            false
        }
        Err(_) => false,
    }
}

/// True if somebody shows tray icons now: always, here.
#[cfg(not(target_os = "linux"))]
pub async fn is_shown() -> bool {
    true
}

/// Asks the session bus for a `StatusNotifierHost` (freedesktop.org's `StatusNotifierItem`, as KDE named it).
#[cfg(target_os = "linux")]
async fn host_is_registered() -> zbus::Result<bool> {
    let connection = zbus::Connection::session().await?;
    let watcher = "org.kde.StatusNotifierWatcher";
    let proxy: zbus::Proxy<'_> = zbus::proxy::Builder::new(&connection)
        .destination(watcher)?
        .path("/StatusNotifierWatcher")?
        .interface(watcher)?
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await?;
    proxy.get_property("IsStatusNotifierHostRegistered").await
}

/// The tray's library is looked up at run time, and its binding panics without it.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "loading a C library runs its constructors; these are the very libraries that the tray loads next"
)]
fn library_is_there() -> bool {
    ["libayatana-appindicator3.so.1", "libappindicator3.so.1", "libayatana-appindicator3.so", "libappindicator3.so"]
        .into_iter()
        .any(|name| {
            // SAFETY: both libraries are plain GLib libraries without a constructor that asks anything of its caller.
            let library = unsafe { libloading::Library::new(name) };
            // It stays loaded: GLib's libraries are not made to be unloaded.
            library.map(std::mem::forget).is_ok()
        })
}

#[cfg(not(target_os = "linux"))]
fn library_is_there() -> bool {
    true
}

fn open_main(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move { windows::open_main(&app).await });
}
