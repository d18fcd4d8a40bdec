//! Who and which: users, devices, calls.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

/// Longest user or device name, in characters.
pub const NAME_LIMIT: usize = 64;

/// Why a name is refused before anything is sent (kit A02, E03).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a name needs at least one character")]
    Empty,
    /// Longer than [`NAME_LIMIT`].
    #[error("a name has at most {NAME_LIMIT} characters")]
    TooLong,
    /// A character outside `A-Z a-z 0-9 . _ @ -`.
    #[error("a name can't contain {0:?}")]
    BadCharacter(char),
}

fn check_name(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-'))) {
        return Err(NameError::BadCharacter(bad));
    }
    if text.len() > NAME_LIMIT {
        return Err(NameError::TooLong);
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the rule and takes the name.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                check_name(&text)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
    };
}

name! {
    /// An account: 1 to 64 of `A-Z a-z 0-9 . _ @ -`, one level of an MQTT topic.
    UserId
}
name! {
    /// One installation of Peal on one machine, unique among the devices of its user.
    DeviceId
}

/// One device of one user: where a signal comes from or goes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceAddress {
    /// The account.
    pub user: UserId,
    /// The device of that account.
    pub device: DeviceId,
}

impl fmt::Display for DeviceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.user, self.device)
    }
}

/// One call, the same on all its members' devices. Ordered: in glare the smaller one survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(Uuid);

impl CallId {
    /// Wraps an id that was drawn outside (this crate has neither clock nor chance).
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// The id as a UUID.
    pub const fn as_uuid(&self) -> Uuid {
        self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CallId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_topic_characters_are_refused() {
        for bad in ["a/b", "a+b", "#", "a~b", "ünal", "a b", "\u{0}"] {
            assert!(matches!(UserId::new(bad), Err(NameError::BadCharacter(_))), "{bad:?}");
        }
        assert_eq!(UserId::new(""), Err(NameError::Empty));
        assert_eq!(UserId::new("x".repeat(65)), Err(NameError::TooLong));
        assert!(UserId::new("Ann.lee_7@office-2").is_ok());
    }
}
