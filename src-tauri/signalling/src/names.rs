//! Names that become levels of a topic: the application's key, and addresses out of topics.

use std::fmt;
use std::str::FromStr;

use peal_call::{DeviceAddress, DeviceId, NameError, UserId};

/// One namespace per application: devices with different keys never see each other.
///
/// Follows the rule of names (1 to 64 of `A-Z a-z 0-9 . _ @ -`), being a level of every topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AppKey(String);

impl AppKey {
    /// Checks the rule and takes the key.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        UserId::new(text.as_str())?;
        Ok(Self(text))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AppKey {
    fn default() -> Self {
        Self("peal".to_owned())
    }
}

impl fmt::Display for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AppKey {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// An address out of two topic levels.
pub(crate) fn address(user: &str, device: &str) -> Result<DeviceAddress, NameError> {
    Ok(DeviceAddress { user: UserId::new(user)?, device: DeviceId::new(device)? })
}

/// Cuts a text to `limit` characters and takes out what could deceive a reader: control characters (so it is one
/// line), and those that turn the direction of text or are invisible.
pub fn clean_text(text: &str, limit: usize) -> String {
    let clean: String = text.chars().filter(|c| !is_deceptive(*c)).take(limit).collect();
    clean.trim().to_owned()
}

/// Joiners (U+200C, U+200D) stay: scripts and emoji need them.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_are_taken_out_and_the_limit_counts_what_is_left() {
        assert_eq!(clean_text(" \u{202e}A\u{200b}nn\n\t\u{61c}\u{2066} ", 10), "Ann");
        assert_eq!(clean_text("\u{ad}\u{feff}abc", 2), "ab");
        let family = "\u{1f468}\u{200d}\u{1f469}";
        assert_eq!(clean_text(family, 10), family);
    }

    #[test]
    fn an_app_key_is_one_topic_level() {
        assert_eq!(AppKey::default().as_str(), "peal");
        assert!(AppKey::new("front-desk.2").is_ok());
        for bad in ["", "a/b", "+", "#", "a~b"] {
            assert!(AppKey::new(bad).is_err(), "{bad:?}");
        }
    }
}
