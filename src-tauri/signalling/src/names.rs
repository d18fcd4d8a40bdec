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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_key_is_one_topic_level() {
        assert_eq!(AppKey::default().as_str(), "peal");
        assert!(AppKey::new("front-desk.2").is_ok());
        for bad in ["", "a/b", "+", "#", "a~b"] {
            assert!(AppKey::new(bad).is_err(), "{bad:?}");
        }
    }
}
