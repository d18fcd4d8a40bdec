//! Where things are kept.

use std::ffi::OsString;
use std::path::PathBuf;

use directories::ProjectDirs;

use crate::StoreError;

/// Where a profile is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `<root>/profiles/<name>`, see [`data_root`]. The name follows the rule of [`StoreError::BadName`].
    Named(String),
    /// This directory.
    At(PathBuf),
    /// In memory: gone with the store.
    Temporary,
}

impl Place {
    /// The profile's directory; none if it is in memory.
    pub fn directory(&self) -> Result<Option<PathBuf>, StoreError> {
        match self {
            Self::Named(name) if is_profile_name(name) => Ok(Some(data_root().join("profiles").join(name))),
            Self::Named(name) => Err(StoreError::BadName(name.clone())),
            Self::At(path) => Ok(Some(path.clone())),
            Self::Temporary => Ok(None),
        }
    }
}

/// The directory of everything that Peal keeps for this user of the computer: what the environment variable
/// `PEAL_DATA_DIR` says, or the system's place for local application data (`~/.local/share/peal`,
/// `~/Library/Application Support/org.Peal.Peal`, `%LOCALAPPDATA%\Peal\Peal\data`).
///
/// It is the local place and not the roaming one: a profile is one device, and a copy of it would be the same device twice.
pub fn data_root() -> PathBuf {
    root_from(std::env::var_os("PEAL_DATA_DIR"))
}

/// The directory of the embedded broker, one for all profiles of this user of the computer.
pub fn broker_dir() -> PathBuf {
    data_root().join("broker")
}

fn root_from(variable: Option<OsString>) -> PathBuf {
    if let Some(path) = variable.filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        return std::path::absolute(&path).unwrap_or(path);
    }
    // A user without a home keeps it where Peal was started: the shared temporary directory is nobody's own.
    ProjectDirs::from("org", "Peal", "Peal")
        .map_or_else(|| PathBuf::from(".peal"), |dirs| dirs.data_local_dir().to_owned())
}

/// A name becomes a directory's name on every system, so what any of them treats specially is out.
fn is_profile_name(name: &str) -> bool {
    let characters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte));
    let edges = !name.starts_with('.') && !name.ends_with('.');
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let device = ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str())
        || numbered.is_some_and(|number| number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()));
    (1..=64).contains(&name.len()) && characters && edges && !device
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_moves_the_root() {
        let root = std::env::temp_dir().join("elsewhere");
        assert_eq!(root_from(Some(root.clone().into_os_string())), root);
        assert!(root_from(Some("here".into())).is_absolute());
    }

    #[test]
    fn an_empty_variable_counts_as_none() {
        assert_eq!(root_from(Some(OsString::new())), root_from(None));
    }

    #[test]
    fn profiles_and_broker_share_the_root() {
        let profile = Place::Named("second".to_owned()).directory().unwrap().unwrap();
        assert_eq!(profile, data_root().join("profiles").join("second"));
        assert_eq!(broker_dir().parent(), Some(data_root().as_path()));
    }

    #[test]
    fn names_that_leave_the_root_or_mean_something_else_are_refused() {
        let long = "a".repeat(65);
        for name in ["", "..", ".hidden", "a/b", "a\\b", "C:", "nul", "COM1.txt", "aux.", "名", &long] {
            let error = Place::Named(name.to_owned()).directory().unwrap_err();
            assert!(matches!(error, StoreError::BadName(bad) if bad == name), "{name}");
        }
        for name in ["default", "second", "front-gate", "ada.b@home_1", "console", "com"] {
            assert!(Place::Named(name.to_owned()).directory().is_ok(), "{name}");
        }
    }
}
