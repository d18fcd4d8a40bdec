//! The border to the interface: every command and event with its types, from which `ui/src/bindings.ts` is made.
//!
//! After a change of a command or a type: `PEAL_WRITE_BINDINGS=1 cargo test -p peal bindings_are_current`.

use peal_engine::api::{Event, PhoneView};
use serde::{Deserialize, Serialize};
use tauri::Wry;
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands, collect_events};

use crate::commands::{self, people, picture};

/// The snapshot has changed; this is the new one, whole. Bursts are joined: no more than one in 16 ms.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type, tauri_specta::Event)]
#[tauri_specta(event_name = "phone_view")]
pub struct PhoneViewChanged(pub PhoneView);

/// Something happened once.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type, tauri_specta::Event)]
#[tauri_specta(event_name = "phone_event")]
pub struct PhoneEvent(pub Event);

/// Every command and event of the shell. A command that fails throws its `PealError`.
pub fn builder() -> Builder<Wry> {
    Builder::<Wry>::new()
        .commands(collect_commands![
            commands::login,
            commands::logout,
            commands::current_user,
            commands::snapshot,
            commands::call,
            commands::invite,
            commands::accept,
            commands::reject,
            commands::cancel,
            commands::leave,
            commands::hangup,
            commands::dismiss,
            commands::hold,
            commands::resume,
            commands::switch_media,
            commands::answer_switch,
            commands::transfer,
            commands::merge,
            commands::call_stats,
            commands::set_muted,
            commands::is_muted,
            commands::set_speaker_enabled,
            commands::is_speaker_enabled,
            commands::set_volume,
            commands::init_engine,
            commands::release_engine,
            commands::set_call_timeout,
            commands::set_settings,
            commands::mark_history_seen,
            people::set_profile,
            people::add_contact,
            people::set_contact,
            people::remove_contact,
            people::set_group,
            people::remove_group,
            people::search_contacts,
            people::avatar,
            people::export_contacts,
            people::import_contacts,
            people::search_history,
            people::delete_records,
            people::export_history,
            people::safety_number,
            people::set_verified,
            people::trust_key,
            people::save_file,
            picture::open_camera,
            picture::close_camera,
            picture::video_sources,
            picture::publish_stream,
            picture::stop_publishing,
            picture::picture_door,
            picture::open_picture_in_picture,
            picture::close_picture_in_picture,
            picture::set_full_screen,
            commands::meters,
            commands::open_main,
            commands::incoming_drawn,
        ])
        .events(collect_events![PhoneViewChanged, PhoneEvent])
        .error_handling(ErrorHandlingMode::Throw)
        // One name for each type on both ways, not a pair.
        .disable_serde_phases()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use specta_typescript::Typescript;

    use super::*;

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    fn generated() -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bindings.ts");
        builder().export(Typescript::default(), &path).unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn bindings_are_current() {
        let path = root().join("ui/src/bindings.ts");
        let new = generated();
        if std::env::var_os("PEAL_WRITE_BINDINGS").is_some() {
            std::fs::write(&path, &new).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == new,
            "ui/src/bindings.ts is stale: PEAL_WRITE_BINDINGS=1 cargo test -p peal bindings_are_current"
        );
    }

    /// The words in quotes between `from` and the next `]`.
    fn quoted(text: &str, from: &str) -> BTreeSet<String> {
        let rest = &text[text.find(from).unwrap()..];
        let list = &rest[..rest.find(']').unwrap()];
        list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn permissions() -> String {
        std::fs::read_to_string(root().join("src-tauri/app/permissions/phone.toml")).unwrap()
    }

    #[test]
    fn the_main_window_may_use_every_command_of_its_own() {
        let bindings = generated();
        let invoked: BTreeSet<String> = bindings
            .split("__TAURI_INVOKE<")
            .skip(1)
            .filter_map(|call| call.split('"').nth(1))
            .map(str::to_owned)
            .collect();
        let file = permissions();
        let phone = &file[file.find("identifier = \"phone\"").unwrap()..];
        let mut allowed = quoted(phone, "commands.allow");
        // The one that belongs to the other window.
        assert!(allowed.insert("incoming_drawn".to_owned()));
        assert_eq!(allowed, invoked);
    }

    #[test]
    fn the_incoming_window_may_only_look_appear_answer_and_decline() {
        let file = permissions();
        let doorway = &file[file.find("identifier = \"doorway\"").unwrap()..];
        let expected =
            ["accept", "avatar", "incoming_drawn", "meters", "open_main", "picture_door", "reject", "snapshot"];
        assert_eq!(quoted(doorway, "commands.allow"), expected.map(str::to_owned).into());

        let capability = capability(Path::new("src-tauri/capabilities/incoming.json"));
        assert_eq!(capability["windows"], serde_json::json!(["incoming"]));
        let expected = serde_json::json!([
            "core:event:allow-listen",
            "core:event:allow-unlisten",
            "notification:allow-is-permission-granted",
            "doorway"
        ]);
        assert_eq!(capability["permissions"], expected);
    }

    #[test]
    fn the_small_window_may_look_mute_and_hang_up_but_neither_call_nor_answer() {
        let file = permissions();
        let small = &file[file.find("identifier = \"small\"").unwrap()..];
        let expected = [
            "avatar",
            "close_camera",
            "close_picture_in_picture",
            "hangup",
            "leave",
            "meters",
            "open_camera",
            "open_main",
            "picture_door",
            "set_muted",
            "snapshot",
        ];
        assert_eq!(quoted(small, "commands.allow"), expected.map(str::to_owned).into());

        let capability = capability(Path::new("src-tauri/capabilities/picture-in-picture.json"));
        assert_eq!(capability["windows"], serde_json::json!(["picture-in-picture"]));
        let expected = serde_json::json!([
            "core:event:allow-listen",
            "core:event:allow-unlisten",
            "core:window:allow-start-dragging",
            "notification:allow-is-permission-granted",
            "small"
        ]);
        assert_eq!(capability["permissions"], expected);
    }

    fn capability(path: &Path) -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(root().join(path)).unwrap()).unwrap()
    }
}
