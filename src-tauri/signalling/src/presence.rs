//! Who is there: the retained state of each device.

use peal_call::DeviceAddress;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::DevicePublicKey;

/// Longest display name, in characters.
pub const DISPLAY_NAME_LIMIT: usize = 64;
/// Longest presence that is read, in bytes.
pub(crate) const PRESENCE_LIMIT: usize = 8 * 1024;
/// Most capabilities of one device, and the longest of them in characters.
const CAPABILITIES: usize = 32;
const CAPABILITY_LIMIT: usize = 64;

/// What stands behind a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A person's program.
    Person,
    /// A thing that answers by itself: a door station, a bot.
    Device,
    /// A program's own test contact; other users don't list it.
    Echo,
}

/// What a device is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// Logged in.
    Online,
    /// Logged in and in a call.
    InCall,
    /// Logged out, or lost (the broker's last will says so).
    Offline,
}

/// One device as it shows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Whose device, by the topic it stands in (so by the broker's access list).
    pub address: DeviceAddress,
    /// What it is doing.
    pub state: PresenceState,
    /// The person's chosen name: at most [`DISPLAY_NAME_LIMIT`] characters, no control characters. May be empty.
    pub display_name: String,
    /// What stands behind it.
    pub kind: DeviceKind,
    /// The key to seal with, as the device claims it now; see [`crate::Notice::KeyChanged`].
    pub key: DevicePublicKey,
    /// One run of one program.
    pub boot_id: Uuid,
    /// What the program can do beyond the first version.
    pub capabilities: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct PresenceWire {
    v: u8,
    state: PresenceState,
    #[serde(default)]
    name: String,
    #[serde(default = "person")]
    kind: DeviceKind,
    key: String,
    boot: Uuid,
    #[serde(default)]
    capabilities: Vec<String>,
}

const fn person() -> DeviceKind {
    DeviceKind::Person
}

impl Presence {
    pub(crate) fn to_wire(&self) -> Vec<u8> {
        let wire = PresenceWire {
            v: crate::topics::VERSION,
            state: self.state,
            name: clean_name(&self.display_name),
            kind: self.kind,
            key: self.key.to_text(),
            boot: self.boot_id,
            capabilities: clean_capabilities(self.capabilities.clone()),
        };
        // Strings, numbers and lists of them always become JSON; an empty body would read as "no such device".
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Reads what stands in the topic of `address`; `None` when it is no presence of this version.
    pub(crate) fn from_wire(address: DeviceAddress, bytes: &[u8]) -> Option<Self> {
        if bytes.len() > PRESENCE_LIMIT {
            return None;
        }
        let wire: PresenceWire = serde_json::from_slice(bytes).ok()?;
        if wire.v != crate::topics::VERSION {
            return None;
        }
        Some(Self {
            address,
            state: wire.state,
            display_name: clean_name(&wire.name),
            kind: wire.kind,
            key: DevicePublicKey::from_text(&wire.key).ok()?,
            boot_id: wire.boot,
            capabilities: clean_capabilities(wire.capabilities),
        })
    }
}

/// Cuts a name to its limit and takes out what could deceive a reader: control characters, and those that turn the
/// direction of text or are invisible.
pub(crate) fn clean_name(name: &str) -> String {
    let clean: String = name.chars().filter(|c| !is_deceptive(*c)).take(DISPLAY_NAME_LIMIT).collect();
    clean.trim().to_owned()
}

fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn clean_capabilities(list: Vec<String>) -> Vec<String> {
    list.into_iter()
        .filter(|c| !c.is_empty() && c.chars().count() <= CAPABILITY_LIMIT && !c.chars().any(is_deceptive))
        .take(CAPABILITIES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceKeys;
    use crate::names::address;

    fn sample() -> Presence {
        Presence {
            address: address("ann", "desk").expect("names"),
            state: PresenceState::InCall,
            display_name: "Ann \u{4e2d}".into(),
            kind: DeviceKind::Device,
            key: DeviceKeys::generate().public(),
            boot_id: Uuid::now_v7(),
            capabilities: vec!["dred".into()],
        }
    }

    #[test]
    fn presence_survives_the_wire() {
        let presence = sample();
        assert_eq!(Presence::from_wire(presence.address.clone(), &presence.to_wire()), Some(presence));
    }

    #[test]
    fn names_are_cut_and_cleaned_on_the_way_in() {
        let mut json: serde_json::Value = serde_json::from_slice(&sample().to_wire()).expect("json");
        json["name"] = format!("\u{7}\u{202e}Ann\n{}", "x".repeat(100)).into();
        json["later"] = "unknown fields are ignored".into();
        json["capabilities"] = (0..100).map(|i| format!("c{i}")).collect::<Vec<_>>().into();
        let read = Presence::from_wire(address("ann", "desk").expect("names"), json.to_string().as_bytes());
        let read = read.expect("a presence");
        assert_eq!(read.display_name.chars().count(), DISPLAY_NAME_LIMIT);
        assert!(read.display_name.starts_with("Annx"));
        assert_eq!(read.capabilities.len(), CAPABILITIES);
    }

    #[test]
    fn what_is_no_presence_is_refused() {
        let at = address("ann", "desk").expect("names");
        let good: serde_json::Value = serde_json::from_slice(&sample().to_wire()).expect("json");
        let mut other_version = good.clone();
        other_version["v"] = 2.into();
        let mut bad_key = good.clone();
        bad_key["key"] = "AAAA".into();
        let mut zero_key = good.clone();
        zero_key["key"] = "A".repeat(43).into();
        let mut huge = good;
        huge["name"] = "x".repeat(PRESENCE_LIMIT).into();
        for bad in [other_version, bad_key, zero_key, huge] {
            assert_eq!(Presence::from_wire(at.clone(), bad.to_string().as_bytes()), None);
        }
        assert_eq!(Presence::from_wire(at.clone(), b"{}"), None);
        assert_eq!(Presence::from_wire(at, &[0xff, 0xfe]), None);
    }
}
