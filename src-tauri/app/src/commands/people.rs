//! People, groups, the history, and whom to trust.

use peal_engine::Engine;
use peal_engine::api::{
    ContactPatch, ContactView, ErrorCode, ExportFormat, ExportedContacts, ExportedHistory, Group, GroupParams,
    HistoryQuery, ImportReport, PealError, Profile, ProfilePatch, RecordView, SafetyNumber,
};
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt as _;
use tokio::sync::oneshot;

/// Change what I say of myself; what is absent stays, what is empty goes.
#[tauri::command]
#[specta::specta]
pub async fn set_profile(engine: State<'_, Engine>, patch: ProfilePatch) -> Result<Profile, PealError> {
    engine.set_profile(patch).await
}

/// Take somebody into the contacts.
#[tauri::command]
#[specta::specta]
pub async fn add_contact(engine: State<'_, Engine>, user_id: String) -> Result<(), PealError> {
    engine.add_contact(&user_id).await
}

/// Change what I keep about somebody; what is absent stays, what is empty goes.
#[tauri::command]
#[specta::specta]
pub async fn set_contact(engine: State<'_, Engine>, patch: ContactPatch) -> Result<(), PealError> {
    engine.set_contact(patch).await
}

/// Take somebody out of the contacts.
#[tauri::command]
#[specta::specta]
pub async fn remove_contact(engine: State<'_, Engine>, user_id: String) -> Result<(), PealError> {
    engine.remove_contact(&user_id).await
}

/// Make a group, or change the one of that id.
#[tauri::command]
#[specta::specta]
pub async fn set_group(engine: State<'_, Engine>, params: GroupParams) -> Result<Group, PealError> {
    engine.set_group(params).await
}

/// Forget a group.
#[tauri::command]
#[specta::specta]
pub async fn remove_group(engine: State<'_, Engine>, group_id: String) -> Result<(), PealError> {
    engine.remove_group(&group_id).await
}

/// Contacts in whose names, accounts or notes every word is found.
#[tauri::command]
#[specta::specta]
pub async fn search_contacts(engine: State<'_, Engine>, query: String) -> Result<Vec<ContactView>, PealError> {
    engine.search_contacts(&query).await
}

/// A picture as a data URL; null when it is no longer there.
#[tauri::command]
#[specta::specta]
pub async fn avatar(engine: State<'_, Engine>, avatar_id: String) -> Result<Option<String>, PealError> {
    engine.avatar(&avatar_id).await
}

/// The contacts and groups as vCard 4.0.
#[tauri::command]
#[specta::specta]
pub async fn export_contacts(engine: State<'_, Engine>) -> Result<ExportedContacts, PealError> {
    engine.export_contacts().await
}

/// Take a vCard file in.
#[tauri::command]
#[specta::specta]
pub async fn import_contacts(engine: State<'_, Engine>, vcard: String) -> Result<ImportReport, PealError> {
    engine.import_contacts(vcard).await
}

/// Calls of the history that fit, newest first.
#[tauri::command]
#[specta::specta]
pub async fn search_history(engine: State<'_, Engine>, query: HistoryQuery) -> Result<Vec<RecordView>, PealError> {
    engine.search_history(query).await
}

/// Delete these calls from the history; absent: all.
#[tauri::command]
#[specta::specta]
pub async fn delete_records(engine: State<'_, Engine>, call_ids: Option<Vec<String>>) -> Result<(), PealError> {
    engine.delete_records(call_ids).await
}

/// The whole history as a file's text.
#[tauri::command]
#[specta::specta]
pub async fn export_history(engine: State<'_, Engine>, format: ExportFormat) -> Result<ExportedHistory, PealError> {
    engine.export_history(format).await
}

/// The numbers to compare with somebody, device by device.
#[tauri::command]
#[specta::specta]
pub async fn safety_number(engine: State<'_, Engine>, user_id: String) -> Result<Vec<SafetyNumber>, PealError> {
    engine.safety_number(&user_id).await
}

/// A number was compared, or no longer counts as such.
#[tauri::command]
#[specta::specta]
pub async fn set_verified(
    engine: State<'_, Engine>,
    user_id: String,
    device_id: String,
    verified: bool,
) -> Result<(), PealError> {
    engine.set_verified(&user_id, &device_id, verified).await
}

/// Believe a device's changed key.
#[tauri::command]
#[specta::specta]
pub async fn trust_key(engine: State<'_, Engine>, user_id: String, device_id: String) -> Result<(), PealError> {
    engine.trust_key(&user_id, &device_id).await
}

/// Ask where to keep a text, and write it there; false: the person thought better of it.
#[tauri::command]
#[specta::specta]
pub async fn save_file(app: AppHandle, name: String, text: String) -> Result<bool, PealError> {
    let (chosen, place) = oneshot::channel();
    // Whoever asks no longer may have closed the window meanwhile.
    app.dialog().file().set_file_name(plain(&name)).save_file(move |path| drop(chosen.send(path)));
    let Ok(Some(path)) = place.await else { return Ok(false) };
    let failed = |error: String| PealError::new(ErrorCode::StorageFailed, error);
    let path = path.into_path().map_err(|error| failed(error.to_string()))?;
    tokio::fs::write(&path, text).await.map_err(|error| failed(error.to_string()))?;
    Ok(true)
}

/// A proposed file name without a directory in it.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '/' | '\\' | ':') && !c.is_control()).collect()
}
