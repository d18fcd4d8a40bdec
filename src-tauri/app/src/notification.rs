//! The notification of an incoming call, with Answer and Decline where the system has buttons.
//!
//! It is an extra: the incoming-call window is what always works. Nothing here waits on the event loop, and a system
//! without notifications costs a line in the log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use peal_engine::Engine;
use peal_engine::api::{CallView, Media};
use tauri::{AppHandle, Manager};
use tauri_plugin_notification::{Action, ActionPerformed, ActionType, NotificationExt};

use crate::incoming;
use crate::words::Words;

/// The kind of notification that has the two buttons.
const INCOMING_CALL: &str = "incoming-call";
const ANSWER: &str = "answer";
const DECLINE: &str = "decline";

/// The notifications that were shown and not yet withdrawn.
#[derive(Debug, Default)]
pub struct Notifications {
    next: AtomicI32,
    shown: Mutex<HashMap<i32, Shown>>,
}

#[derive(Debug)]
struct Shown {
    call_id: String,
    /// The server has said that it is closed.
    closed: Arc<AtomicBool>,
}

/// Listens to the buttons. Once, before the first [`show`].
pub fn listen(app: &AppHandle) {
    let handle = app.clone();
    let listening = app.notification().on_action(move |performed| act(&handle, performed));
    if let Err(error) = listening {
        tracing::debug!(%error, "notifications have no buttons");
    }
}

/// Announces a call that rings here.
pub fn show(app: &AppHandle, call: &CallView, words: &'static Words) {
    let inviter = call.members.iter().find(|member| call.inviter.as_ref() == Some(&member.user_id));
    let caller = inviter.or(call.members.first()).map(|member| member.name.clone()).unwrap_or_default();
    let text = match call.media {
        Media::Audio => words.incoming_call,
        Media::Video => words.incoming_video_call,
    };
    let notifications = app.state::<Notifications>();
    let id = notifications.next.fetch_add(1, Ordering::Relaxed);
    let closed = Arc::new(AtomicBool::new(false));
    notifications.lock().insert(id, Shown { call_id: call.call_id.clone(), closed: Arc::clone(&closed) });
    let app = app.clone();
    tauri::async_runtime::spawn_blocking(move || {
        let buttons = ActionType::builder(INCOMING_CALL)
            .actions(vec![
                Action::builder(ANSWER, words.answer).build(),
                Action::builder(DECLINE, words.decline).build(),
            ])
            .build();
        let builder = app.notification().builder().id(id).title(caller).body(text).action_type_id(INCOMING_CALL);
        #[cfg(all(unix, not(target_os = "macos")))]
        let builder = builder.on_close(move || closed.store(true, Ordering::SeqCst));
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        drop(closed);
        let shown = app.notification().register_action_types(vec![buttons]).and_then(|()| builder.show());
        if let Err(error) = shown {
            tracing::debug!(%error, "no notification");
        }
    });
}

/// Takes the notification of a call back, where the system can.
pub fn withdraw(app: &AppHandle, call_id: &str) {
    let withdrawn: Vec<(i32, Shown)> =
        app.state::<Notifications>().lock().extract_if(|_, shown| shown.call_id == call_id).collect();
    for (id, shown) in withdrawn {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            // It may still be on its way to a notification server that is only starting, and nothing tells when it
            // arrives: ask again until the server says that it is closed.
            for wait in [0, 100, 400, 1500, 5000, 20_000].map(Duration::from_millis) {
                tokio::time::sleep(wait).await;
                if shown.closed.load(Ordering::SeqCst) {
                    return;
                }
                let app = app.clone();
                let asked =
                    tauri::async_runtime::spawn_blocking(move || app.notification().remove_active(vec![id])).await;
                if !matches!(asked, Ok(Ok(()))) {
                    tracing::debug!("the notification stays");
                    return;
                }
            }
        });
    }
}

/// Takes back every notification that is still there: Peal ends. Gives up after a second.
pub async fn withdraw_all(app: &AppHandle) {
    let app = app.clone();
    let asked = tauri::async_runtime::spawn_blocking(move || app.notification().remove_all_active());
    if !matches!(tokio::time::timeout(Duration::from_secs(1), asked).await, Ok(Ok(Ok(())))) {
        tracing::debug!("notifications stay behind");
    }
}

impl Notifications {
    fn lock(&self) -> MutexGuard<'_, HashMap<i32, Shown>> {
        // The map is whole at every moment, whoever panicked.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call_of(&self, id: i32) -> Option<String> {
        self.lock().get(&id).map(|shown| shown.call_id.clone())
    }
}

/// A press on a button, or on the notification itself. On the plugin's thread.
fn act(app: &AppHandle, performed: &ActionPerformed) {
    let id = performed.notification().map(tauri_plugin_notification::ActiveNotification::id);
    let Some(call_id) = id.and_then(|id| app.state::<Notifications>().call_of(id)) else {
        return;
    };
    let engine = app.state::<Engine>().inner().clone();
    let action = performed.action_id().to_owned();
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let done = match action.as_str() {
            ANSWER => engine.accept(&call_id).await,
            DECLINE => engine.reject(&call_id).await,
            _ => {
                incoming::raise(&app);
                Ok(())
            }
        };
        if let Err(error) = done {
            // The call may have ended while the notification was still there.
            tracing::debug!(code = ?error.code, "the notification's button did nothing");
        }
    });
}
