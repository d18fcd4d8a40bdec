//! What a window may ask: the engine's methods under their own names, [`open_main`] and [`incoming_drawn`].
//!
//! Each rejects with a [`PealError`]. Which window may call which is in `permissions/phone.toml` and `capabilities/`.

#![expect(clippy::needless_pass_by_value, reason = "a Tauri command owns its State")]

pub mod people;
pub mod picture;

use peal_engine::Engine;
use peal_engine::api::{
    AcceptParams, AccountView, AnswerSwitchParams, CallParams, CallSession, CallStats, CancelParams, InviteParams,
    LoginParams, MergeParams, Meters, PealError, PhoneView, RejectParams, SettingsPatch, StatsParams,
    SwitchMediaParams, TransferParams, VolumeParams,
};
use tauri::{AppHandle, State};

use crate::{incoming, windows};

/// Log in; all parameters absent: as last time.
#[tauri::command]
#[specta::specta]
pub async fn login(engine: State<'_, Engine>, params: LoginParams) -> Result<AccountView, PealError> {
    engine.login(params).await
}

/// Log out: nothing works after it.
#[tauri::command]
#[specta::specta]
pub async fn logout(engine: State<'_, Engine>) -> Result<(), PealError> {
    engine.logout().await
}

/// Who is logged in.
#[tauri::command]
#[specta::specta]
pub fn current_user(engine: State<'_, Engine>) -> Option<AccountView> {
    engine.current_user()
}

/// The whole snapshot: listen to `phone_view` first, then ask for it.
#[tauri::command]
#[specta::specta]
pub fn snapshot(engine: State<'_, Engine>) -> PhoneView {
    (*engine.snapshot()).clone()
}

/// Call one person, several, or a saved group.
#[tauri::command]
#[specta::specta]
pub async fn call(engine: State<'_, Engine>, params: CallParams) -> Result<CallSession, PealError> {
    engine.call(params).await
}

/// Invite more people into a running call.
#[tauri::command]
#[specta::specta]
pub async fn invite(engine: State<'_, Engine>, params: InviteParams) -> Result<(), PealError> {
    engine.invite(params).await
}

/// Answer; a running call is put on hold unless told otherwise.
#[tauri::command]
#[specta::specta]
pub async fn accept(engine: State<'_, Engine>, params: AcceptParams) -> Result<(), PealError> {
    engine.accept(params).await
}

/// Decline, with words if wished.
#[tauri::command]
#[specta::specta]
pub async fn reject(engine: State<'_, Engine>, params: RejectParams) -> Result<(), PealError> {
    engine.reject(params).await
}

/// Withdraw a call before it connects.
#[tauri::command]
#[specta::specta]
pub async fn cancel(engine: State<'_, Engine>, params: CancelParams) -> Result<(), PealError> {
    engine.cancel(params).await
}

/// Leave a call; the others go on.
#[tauri::command]
#[specta::specta]
pub async fn leave(engine: State<'_, Engine>, call_id: String) -> Result<(), PealError> {
    engine.leave(&call_id).await
}

/// End a call for all if I began it, else leave it; or cancel it before it connects.
#[tauri::command]
#[specta::specta]
pub async fn hangup(engine: State<'_, Engine>, call_id: String) -> Result<(), PealError> {
    engine.hangup(&call_id).await
}

/// Leave the screen of a call that has ended.
#[tauri::command]
#[specta::specta]
pub async fn dismiss(engine: State<'_, Engine>, call_id: String) -> Result<(), PealError> {
    engine.dismiss(&call_id).await
}

/// Put a call on hold.
#[tauri::command]
#[specta::specta]
pub async fn hold(engine: State<'_, Engine>, call_id: String) -> Result<(), PealError> {
    engine.hold(&call_id).await
}

/// Go on with a call; the others are put on hold.
#[tauri::command]
#[specta::specta]
pub async fn resume(engine: State<'_, Engine>, call_id: String) -> Result<(), PealError> {
    engine.resume(&call_id).await
}

/// Voice becomes picture, or back.
#[tauri::command]
#[specta::specta]
pub async fn switch_media(engine: State<'_, Engine>, params: SwitchMediaParams) -> Result<(), PealError> {
    engine.switch_media(&params.call_id, params.media).await
}

/// Answer the other side's wish to switch.
#[tauri::command]
#[specta::specta]
pub async fn answer_switch(engine: State<'_, Engine>, params: AnswerSwitchParams) -> Result<(), PealError> {
    engine.answer_switch(&params.call_id, params.accept).await
}

/// Hand a call over: to somebody who is called, or to the other side of a second call.
#[tauri::command]
#[specta::specta]
pub async fn transfer(engine: State<'_, Engine>, params: TransferParams) -> Result<(), PealError> {
    engine.transfer(params).await
}

/// Bring the other side of one call into another call.
#[tauri::command]
#[specta::specta]
pub async fn merge(engine: State<'_, Engine>, params: MergeParams) -> Result<(), PealError> {
    engine.merge(&params.call_id, &params.into).await
}

/// Counters of a call's media paths.
#[tauri::command]
#[specta::specta]
pub async fn call_stats(engine: State<'_, Engine>, params: StatsParams) -> Result<CallStats, PealError> {
    engine.call_stats(params).await
}

/// Microphone off or on.
#[tauri::command]
#[specta::specta]
pub async fn set_muted(engine: State<'_, Engine>, muted: bool) -> Result<(), PealError> {
    engine.set_muted(muted).await
}

/// Is the microphone off.
#[tauri::command]
#[specta::specta]
pub fn is_muted(engine: State<'_, Engine>) -> bool {
    engine.is_muted()
}

/// Speaker on or off.
#[tauri::command]
#[specta::specta]
pub async fn set_speaker_enabled(engine: State<'_, Engine>, enabled: bool) -> Result<(), PealError> {
    engine.set_speaker_enabled(enabled).await
}

/// Is the speaker on.
#[tauri::command]
#[specta::specta]
pub fn is_speaker_enabled(engine: State<'_, Engine>) -> bool {
    engine.is_speaker_enabled()
}

/// How loud somebody is heard, -40 to 12 dB.
#[tauri::command]
#[specta::specta]
pub async fn set_volume(engine: State<'_, Engine>, params: VolumeParams) -> Result<(), PealError> {
    engine.set_volume(&params.user_id, params.db).await
}

/// Open the sound devices before a call, or say why they can't be.
#[tauri::command]
#[specta::specta]
pub async fn init_engine(engine: State<'_, Engine>) -> Result<(), PealError> {
    engine.init_engine().await
}

/// Close every sound device.
#[tauri::command]
#[specta::specta]
pub async fn release_engine(engine: State<'_, Engine>) -> Result<(), PealError> {
    engine.release_engine().await
}

/// How long a call rings, 1000 to 120000 ms.
#[tauri::command]
#[specta::specta]
pub async fn set_call_timeout(engine: State<'_, Engine>, ms: u32) -> Result<(), PealError> {
    engine.set_call_timeout(ms).await
}

/// Change settings; what is absent stays.
#[tauri::command]
#[specta::specta]
pub async fn set_settings(engine: State<'_, Engine>, patch: SettingsPatch) -> Result<(), PealError> {
    engine.set_settings(patch).await
}

/// The missed calls have been seen.
#[tauri::command]
#[specta::specta]
pub async fn mark_history_seen(engine: State<'_, Engine>) -> Result<(), PealError> {
    engine.mark_history_seen().await
}

/// Levels now, dB below full scale: ask 10 to 20 times a second while a call is on.
#[tauri::command]
#[specta::specta]
pub fn meters(engine: State<'_, Engine>) -> Meters {
    engine.meters()
}

/// Bring the main window to the front.
#[tauri::command]
#[specta::specta]
pub async fn open_main(app: AppHandle) -> Result<(), PealError> {
    windows::open_main(&app).await;
    Ok(())
}

/// The incoming-call window has drawn the card of a call, `height` CSS pixels tall, and may be seen now; or nothing, and
/// may go.
#[tauri::command]
#[specta::specta]
pub async fn incoming_drawn(app: AppHandle, call_id: Option<String>, height: f64) -> Result<(), PealError> {
    incoming::drawn(&app, call_id.as_deref(), height);
    Ok(())
}
