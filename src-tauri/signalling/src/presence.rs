//! Who is there: the retained state of each device.

mod order;

use peal_call::DeviceAddress;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::names::clean_text;
use crate::profile::ProfileWire;
use crate::{DevicePublicKey, Profile};

pub(crate) use order::Order;

/// Longest display name, in characters.
pub const DISPLAY_NAME_LIMIT: usize = 64;
/// Longest presence that is written or read, in bytes: an avatar in base64, and all texts at their limits.
pub const PRESENCE_LIMIT: usize = 48 * 1024;
/// Most capabilities of one device, and the longest of them in characters (printable ASCII without quotes).
const CAPABILITIES: usize = 32;
const CAPABILITY_LIMIT: usize = 64;
/// Highest claim and order that is believed: what JSON carries exactly, and far above what any account reaches.
const NUMBER_LIMIT: u64 = (1 << 53) - 1;

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
    /// What the person calls this device ("Kitchen"), of the same length. May be empty.
    pub device_name: String,
    /// What stands behind it.
    pub kind: DeviceKind,
    /// The key to seal with, as the device claims it now; see [`crate::Notice::KeyChanged`].
    pub key: DevicePublicKey,
    /// One run of one program.
    pub boot_id: Uuid,
    /// What the program can do beyond the first version: at most 32 words of at most 64 printable ASCII characters,
    /// quotes and backslashes excepted.
    pub capabilities: Vec<String>,
    /// What the person shows of themselves beside the name.
    pub profile: Profile,
    /// This account wants one device at a time: whoever was there before it yields ([`crate::Notice::KickedOut`]).
    pub single: bool,
    /// Which device of the account came last, without any clock: each takes a higher number than it saw when it came.
    /// Of two equal ones the larger boot id counts as the later.
    pub claim: u64,
    /// Of two presences of one run (`boot_id`) the one with the higher order was said later, in whatever order they
    /// come: the nodes of a cluster may change it. 0 from whoever doesn't count.
    pub order: u64,
}

#[derive(Serialize, Deserialize)]
struct PresenceWire {
    v: u8,
    state: PresenceState,
    #[serde(default)]
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    device: String,
    #[serde(default = "person")]
    kind: DeviceKind,
    key: String,
    boot: Uuid,
    #[serde(default)]
    capabilities: Vec<String>,
    /// A [`ProfileWire`]; as a value, so that a broken one makes nobody disappear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "is_false")]
    single: bool,
    #[serde(default)]
    claim: u64,
    #[serde(default)]
    order: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

const fn person() -> DeviceKind {
    DeviceKind::Person
}

impl Presence {
    pub(crate) fn to_wire(&self) -> Vec<u8> {
        let profile = ProfileWire::from(&self.profile);
        let wire = PresenceWire {
            v: crate::topics::VERSION,
            state: self.state,
            name: clean_name(&self.display_name),
            device: clean_name(&self.device_name),
            kind: self.kind,
            key: self.key.to_text(),
            boot: self.boot_id,
            capabilities: clean_capabilities(self.capabilities.clone()),
            profile: (!profile.is_empty()).then(|| serde_json::to_value(profile).ok()).flatten(),
            single: self.single,
            claim: self.claim,
            order: self.order,
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
            device_name: clean_name(&wire.device),
            kind: wire.kind,
            key: DevicePublicKey::from_text(&wire.key).ok()?,
            boot_id: wire.boot,
            capabilities: clean_capabilities(wire.capabilities),
            profile: wire
                .profile
                .and_then(|it| serde_json::from_value::<ProfileWire>(it).ok())
                .unwrap_or_default()
                .into(),
            single: wire.single,
            claim: wire.claim.min(NUMBER_LIMIT),
            order: wire.order.min(NUMBER_LIMIT),
        })
    }

    /// Comes after whoever has that claim.
    pub(crate) fn claim_above(&mut self, other: u64) {
        self.claim = self.claim.max(other.saturating_add(1)).min(NUMBER_LIMIT);
    }

    /// Whether both say the same, whenever they were said.
    pub(crate) fn says_the_same_as(&self, other: &Self) -> bool {
        Self { order: other.order, ..self.clone() } == *other
    }

    /// Whether the same run has said `other` after this.
    pub(crate) fn is_older_than(&self, other: &Self) -> bool {
        self.boot_id == other.boot_id && self.order < other.order
    }

    /// Whether this device came to the account after `other`; exactly one of two devices did.
    pub(crate) fn is_later_than(&self, other: &Self) -> bool {
        (self.claim, self.boot_id) > (other.claim, other.boot_id)
    }
}

/// A name within its limit and without what could deceive a reader.
pub(crate) fn clean_name(name: &str) -> String {
    clean_text(name, DISPLAY_NAME_LIMIT)
}

fn clean_capabilities(list: Vec<String>) -> Vec<String> {
    list.into_iter()
        .filter(|c| !c.is_empty() && c.len() <= CAPABILITY_LIMIT && c.bytes().all(is_word))
        .take(CAPABILITIES)
        .collect()
}

/// Printable, and one byte in JSON.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::image::tests::png;
    use crate::names::address;
    use crate::profile::{AVATAR_LIMIT, REGION_LIMIT, SIGNATURE_LIMIT};
    use crate::{Avatar, Birthday, DeviceKeys, Gender};

    pub(crate) fn sample() -> Presence {
        Presence {
            address: address("ann", "desk").expect("names"),
            state: PresenceState::InCall,
            display_name: "Ann \u{4e2d}".into(),
            device_name: "Kitchen".into(),
            kind: DeviceKind::Device,
            key: DeviceKeys::generate().public(),
            boot_id: Uuid::nil(),
            capabilities: vec!["dred".into()],
            profile: Profile {
                revision: 4,
                gender: Gender::Female,
                birthday: Birthday::new(Some(1990), 12, 31),
                region: "Oslo".into(),
                signature: "\u{4e2d} \"quoted\"".into(),
                avatar: Avatar::new(png(64, 64)).ok(),
            },
            single: true,
            claim: 7,
            order: 3,
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
        json["device"] = "\u{202e}Lap\ntop".into();
        json["later"] = "unknown fields are ignored".into();
        json["capabilities"] = (0..100).map(|i| format!("c{i}")).collect::<Vec<_>>().into();
        let read = Presence::from_wire(address("ann", "desk").expect("names"), json.to_string().as_bytes());
        let read = read.expect("a presence");
        assert_eq!(read.display_name.chars().count(), DISPLAY_NAME_LIMIT);
        assert!(read.display_name.starts_with("Annx"));
        assert_eq!(read.device_name, "Laptop");
        assert_eq!(read.capabilities.len(), CAPABILITIES);
    }

    #[test]
    fn the_largest_presence_is_within_the_limit() {
        let wide = |n: usize| "\u{1f600}".repeat(n);
        let mut avatar = png(256, 256);
        avatar.resize(AVATAR_LIMIT, 0x5a);
        let largest = Presence {
            address: address(&"u".repeat(64), &"d".repeat(64)).expect("names"),
            display_name: wide(DISPLAY_NAME_LIMIT),
            device_name: wide(DISPLAY_NAME_LIMIT),
            capabilities: vec!["x".repeat(CAPABILITY_LIMIT); CAPABILITIES],
            profile: Profile {
                revision: NUMBER_LIMIT,
                gender: Gender::Unknown,
                birthday: Birthday::new(Some(1990), 12, 31),
                region: wide(REGION_LIMIT),
                signature: wide(SIGNATURE_LIMIT),
                avatar: Avatar::new(avatar).ok(),
            },
            claim: NUMBER_LIMIT,
            order: NUMBER_LIMIT,
            ..sample()
        };
        assert!(largest.profile.avatar.is_some());
        let wire = largest.to_wire();
        assert!(wire.len() <= PRESENCE_LIMIT, "{}", wire.len());
        assert_eq!(Presence::from_wire(largest.address.clone(), &wire), Some(largest));
    }

    #[test]
    fn a_peer_of_the_first_version_shows_neither_profile_nor_claim_nor_what_its_device_is_called() {
        let mut json: serde_json::Value = serde_json::from_slice(&sample().to_wire()).expect("json");
        for field in ["profile", "single", "claim", "device", "order"] {
            json.as_object_mut().expect("an object").remove(field);
        }
        let read = Presence::from_wire(sample().address, json.to_string().as_bytes()).expect("a presence");
        assert_eq!((read.profile, read.single, read.claim, read.order), (Profile::default(), false, 0, 0));
        assert_eq!(read.device_name, "");
    }

    #[test]
    fn a_broken_profile_makes_nobody_disappear() {
        let mut json: serde_json::Value = serde_json::from_slice(&sample().to_wire()).expect("json");
        for broken in [serde_json::json!(5), serde_json::json!({"gender": 1}), serde_json::json!(["x"])] {
            json["profile"] = broken;
            let read = Presence::from_wire(sample().address, json.to_string().as_bytes()).expect("a presence");
            assert_eq!(read.profile, Profile::default());
        }
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
