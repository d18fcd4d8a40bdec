//! The topics, and who stands in them. The broker's access list makes the sender's levels unforgeable.

use peal_call::{DeviceAddress, UserId};

use crate::AppKey;
use crate::names::address;

/// Version of the topics and of the wire format.
pub(crate) const VERSION: u8 = 1;

/// Where `from` tells the devices of `to`: `peal/v1/<app>/to/<user>/from/<sender>/<sender-device>`.
pub(crate) fn signal(app: &AppKey, to: &UserId, from: &DeviceAddress) -> String {
    format!("peal/v1/{app}/to/{to}/from/{}/{}", from.user, from.device)
}

/// Where a device's state is retained: `peal/v1/<app>/presence/<user>/<device>`.
pub(crate) fn presence(app: &AppKey, of: &DeviceAddress) -> String {
    format!("peal/v1/{app}/presence/{}/{}", of.user, of.device)
}

/// Everything that is told to a user.
pub(crate) fn inbox_filter(app: &AppKey, user: &UserId) -> String {
    format!("peal/v1/{app}/to/{user}/from/+/+")
}

/// Every device's state.
pub(crate) fn presence_filter(app: &AppKey) -> String {
    format!("peal/v1/{app}/presence/+/+")
}

/// What a received topic says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// A signal to a user, from a device.
    Signal {
        /// Whose inbox.
        to: UserId,
        /// Who wrote, by the broker's access list.
        from: DeviceAddress,
    },
    /// The state of a device.
    Presence(DeviceAddress),
}

/// Reads a topic of this application; anything else is `None`.
pub(crate) fn parse(app: &AppKey, topic: &str) -> Option<Topic> {
    let mut levels = topic.split('/');
    if levels.next() != Some("peal") || levels.next() != Some("v1") || levels.next() != Some(app.as_str()) {
        return None;
    }
    let rest: Vec<&str> = levels.take(6).collect();
    match rest.as_slice() {
        ["to", to, "from", user, device] => {
            Some(Topic::Signal { to: UserId::new(*to).ok()?, from: address(user, device).ok()? })
        }
        ["presence", user, device] => Some(Topic::Presence(address(user, device).ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_as_they_are_written() -> Result<(), peal_call::NameError> {
        let app = AppKey::default();
        let ann = address("ann", "desk")?;
        let bob = UserId::new("bob")?;
        assert_eq!(signal(&app, &bob, &ann), "peal/v1/peal/to/bob/from/ann/desk");
        assert_eq!(parse(&app, &signal(&app, &bob, &ann)), Some(Topic::Signal { to: bob, from: ann.clone() }));
        assert_eq!(parse(&app, &presence(&app, &ann)), Some(Topic::Presence(ann)));
        for foreign in [
            "peal/v2/peal/presence/ann/desk",
            "peal/v1/other/presence/ann/desk",
            "peal/v1/peal/presence/ann",
            "peal/v1/peal/presence/ann/desk/more",
            "peal/v1/peal/to/bob/from/ann/desk/x",
            "peal/v1/peal/to/b~b/from/ann/desk",
            "",
        ] {
            assert_eq!(parse(&app, foreign), None, "{foreign}");
        }
        Ok(())
    }
}
