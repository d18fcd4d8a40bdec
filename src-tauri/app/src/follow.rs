//! Follows the engine: its snapshots and events go to the windows, and the windows themselves follow the snapshot.

use std::collections::BTreeSet;
use std::time::Duration;

use peal_engine::Engine;
use peal_engine::api::{Alert, CallState, CallView, PhoneView, Theme};
use tauri::{AppHandle, Manager as _};
use tauri_specta::Event as _;
use tokio::sync::broadcast::error::RecvError;

use crate::bindings::{PhoneEvent, PhoneViewChanged};
use crate::tray::Tray;
use crate::words::Words;
use crate::{incoming, notification, picture_in_picture, windows};

/// The least time between two snapshots: a screen's frame.
const FRAME: Duration = Duration::from_millis(16);

/// Follows `engine` until it ends.
pub fn spawn(app: &AppHandle, engine: &Engine) {
    tauri::async_runtime::spawn(send_views(app.clone(), engine.clone()));
    tauri::async_runtime::spawn(send_events(app.clone(), engine.clone()));
    tauri::async_runtime::spawn(follow_views(app.clone(), engine.clone()));
}

async fn send_views(app: AppHandle, engine: Engine) {
    let mut views = engine.watch();
    loop {
        let view = views.borrow_and_update().clone();
        if let Err(error) = PhoneViewChanged((*view).clone()).emit(&app) {
            tracing::debug!(%error, "a snapshot was not delivered");
        }
        // What changes meanwhile arrives together.
        tokio::time::sleep(FRAME).await;
        if views.changed().await.is_err() {
            return;
        }
    }
}

async fn send_events(app: AppHandle, engine: Engine) {
    let mut events = engine.events();
    loop {
        match events.recv().await {
            Ok(event) => {
                if let Err(error) = PhoneEvent(event).emit(&app) {
                    tracing::debug!(%error, "an event was not delivered");
                }
            }
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "events came faster than they were delivered"),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Shows and hides what the snapshot calls for: the incoming-call window, the notification, the main window for a call
/// that was answered; and keeps the shell's language and theme.
async fn follow_views(app: AppHandle, engine: Engine) {
    let mut views = engine.watch();
    let mut ringing = BTreeSet::new();
    let mut look: Option<(String, Theme)> = None;
    loop {
        let view = views.borrow_and_update().clone();
        let words = Words::of(&view.settings.language);
        let new_look = (view.settings.language.clone(), view.settings.theme);
        if look.as_ref() != Some(&new_look) {
            dress(&app, words, new_look.1);
            look = Some(new_look);
        }

        let changes = Changes::between(&ringing, &view);
        for call in &changes.began {
            notification::show(&app, call, words);
        }
        for call_id in &changes.ended {
            notification::withdraw(&app, call_id);
        }
        if changes.answered {
            windows::open_main(&app).await;
        }
        ringing = ringing_here(&view).map(|call| call.call_id.clone()).collect();

        picture_in_picture::follow(&app, &view);
        if ringing.is_empty() && !changes.ended.is_empty() {
            incoming::dismiss(&app);
        }
        if view.account.is_some() {
            incoming::prepare(&app, view.settings.theme).await;
        }
        for call in &changes.began {
            incoming::expect(&app, &call.call_id, view.settings.theme).await;
        }
        if views.changed().await.is_err() {
            return;
        }
    }
}

/// What a new snapshot changes about the calls that ring here.
#[derive(Debug, PartialEq)]
struct Changes<'a> {
    /// Calls that ring now and did not.
    began: Vec<&'a CallView>,
    /// Calls that rang and do not any more.
    ended: Vec<String>,
    /// One of those was answered at this device.
    answered: bool,
}

impl<'a> Changes<'a> {
    fn between(before: &BTreeSet<String>, view: &'a PhoneView) -> Self {
        let began = ringing_here(view).filter(|call| !before.contains(&call.call_id)).collect();
        let ended: Vec<String> =
            before.iter().filter(|id| !ringing_here(view).any(|call| call.call_id == **id)).cloned().collect();
        let answered = view.calls.iter().any(|call| ended.contains(&call.call_id) && is_answered(call.state));
        Self { began, ended, answered }
    }
}

fn is_answered(state: CallState) -> bool {
    match state {
        CallState::Connecting | CallState::Connected | CallState::Reconnecting => true,
        CallState::Calling | CallState::Ringing | CallState::Ended => false,
    }
}

/// The calls that ask for somebody's attention at this device: not those that ring in silence.
pub fn ringing_here(view: &PhoneView) -> impl Iterator<Item = &CallView> {
    view.calls.iter().filter(|call| match call.alert {
        Some(Alert::Ring | Alert::CallWaiting) => true,
        Some(Alert::Silent) | None => false,
    })
}

/// Another language or theme for what the shell itself shows.
fn dress(app: &AppHandle, words: &Words, theme: Theme) {
    app.set_theme(windows::native_theme(theme));
    incoming::dress(app, theme);
    if let Some(tray) = app.try_state::<Tray>()
        && let Err(error) = tray.set_words(words)
    {
        tracing::debug!(%error, "the tray keeps its words");
    }
}

#[cfg(test)]
pub mod tests {
    use peal_engine::api::{Direction, Media};

    use super::*;

    /// A call in that state, which rings if it can.
    pub fn call(call_id: &str, direction: Direction, state: CallState) -> CallView {
        CallView {
            call_id: call_id.to_owned(),
            direction,
            media: Media::Audio,
            host: "ann".to_owned(),
            inviter: None,
            group_id: None,
            group_name: None,
            state,
            alert: (direction == Direction::Incoming && state == CallState::Ringing).then_some(Alert::Ring),
            reason: None,
            members: Vec::new(),
            message: None,
            connected_at: None,
            duration_ms: None,
            muted: false,
            my_video: false,
            on_hold: false,
            switch: None,
            transfer_to: None,
            preview: false,
            quality: None,
        }
    }

    fn view(calls: Vec<CallView>) -> PhoneView {
        PhoneView { revision: 1, calls, ..PhoneView::default() }
    }

    fn before(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn an_incoming_call_that_rings_is_announced_once() {
        let view = view(vec![call("a", Direction::Incoming, CallState::Ringing)]);
        let changes = Changes::between(&before(&[]), &view);
        assert_eq!(changes.began.len(), 1);
        assert!(Changes::between(&before(&["a"]), &view).began.is_empty());
    }

    #[test]
    fn a_call_of_ones_own_is_not_announced() {
        let view = view(vec![call("a", Direction::Outgoing, CallState::Ringing)]);
        let changes = Changes::between(&before(&[]), &view);
        assert_eq!(changes, Changes { began: Vec::new(), ended: Vec::new(), answered: false });
    }

    #[test]
    fn a_call_that_rings_in_silence_is_not_announced_and_one_that_waits_is() {
        let ringing = |alert| CallView { alert: Some(alert), ..call("a", Direction::Incoming, CallState::Ringing) };
        let silent = view(vec![ringing(Alert::Silent)]);
        assert!(Changes::between(&before(&[]), &silent).began.is_empty());
        let waiting = view(vec![ringing(Alert::CallWaiting)]);
        assert_eq!(Changes::between(&before(&[]), &waiting).began.len(), 1);
    }

    #[test]
    fn an_answered_call_is_withdrawn_and_brings_the_main_window() {
        for state in [CallState::Connecting, CallState::Connected] {
            let view = view(vec![call("a", Direction::Incoming, state)]);
            let changes = Changes::between(&before(&["a"]), &view);
            assert_eq!(changes.ended, ["a"]);
            assert!(changes.answered);
        }
    }

    #[test]
    fn a_call_that_ended_unanswered_is_withdrawn_and_disturbs_nobody() {
        let ended = view(vec![call("a", Direction::Incoming, CallState::Ended)]);
        let gone = view(Vec::new());
        for view in [ended, gone] {
            let changes = Changes::between(&before(&["a"]), &view);
            assert_eq!(changes.ended, ["a"]);
            assert!(!changes.answered);
        }
    }

    #[test]
    fn one_call_rings_on_while_another_ends() {
        let view = view(vec![
            call("a", Direction::Incoming, CallState::Ended),
            call("b", Direction::Incoming, CallState::Ringing),
        ]);
        let changes = Changes::between(&before(&["a"]), &view);
        assert_eq!(changes.began.iter().map(|call| call.call_id.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(changes.ended, ["a"]);
    }
}
