//! What travels: a versioned JSON envelope around a sealed body.
//!
//! ```json
//! {"v":1,"id":"0192…","from":"ann/desk","to":"bob/phone","sent_at":1760000000000,"sealed":"base64url…"}
//! ```
//! The sealed body holds the sender's run, a number that grows with each signal of that run, and the signal.

mod signal;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use peal_call::{CallId, DeviceAddress, Signal, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::SealError;
use crate::topics::VERSION;
use crate::{AppKey, DeviceKeys, DevicePublicKey};

pub(crate) use signal::SignalError;

/// A signal as JSON, for a road that is sealed by other means (a call's own data channel).
pub fn encode_signal(signal: &Signal) -> Vec<u8> {
    signal::to_json(signal).to_string().into_bytes()
}

/// The signal that [`encode_signal`] wrote, within all limits; `None` for anything else. Who said it, and whether they
/// may say such a thing by that road, is for the caller to know.
pub fn decode_signal(bytes: &[u8]) -> Option<Signal> {
    if bytes.len() > ENVELOPE_LIMIT {
        return None;
    }
    serde_json::from_slice(bytes).ok().and_then(|json| signal::from_json(json, None).ok())
}

/// The largest envelope that is sent or read, in bytes.
pub const ENVELOPE_LIMIT: usize = 64 * 1024;

/// An envelope as it stands on the wire. All but `v`, `id`, `from`, `to` and `sealed` is informational.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Envelope {
    v: u8,
    #[serde(deserialize_with = "canonical")]
    pub(crate) id: Uuid,
    from: String,
    to: String,
    /// ms since 1970 on the sender's clock; never trusted.
    #[serde(default)]
    sent_at: u64,
    /// Absent in the marker that a device sends to itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

/// What a sealed body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    /// The sender's run.
    pub(crate) boot: Uuid,
    /// Grows by one with each signal of that run, whomever it goes to.
    pub(crate) seq: u64,
    pub(crate) signal: Signal,
}

/// Why bytes are no envelope for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WireError {
    Oversized,
    Malformed,
    /// Another version of the wire format.
    Version(u8),
    /// Sealed well, of a kind that this version doesn't know.
    UnknownKind {
        kind: String,
        call: Option<CallId>,
        boot: Uuid,
        seq: u64,
    },
    Seal(SealError),
}

#[derive(Serialize, Deserialize)]
struct BodyWire {
    boot: Uuid,
    seq: u64,
    signal: serde_json::Value,
}

/// The part of an envelope that all versions have.
#[derive(Deserialize)]
struct Version {
    v: u8,
}

impl Body {
    /// Reads what was sealed. However well it is sealed, its sender may be anybody's program.
    fn read(plain: &[u8], sender: &UserId) -> Result<Self, WireError> {
        let body: BodyWire = serde_json::from_slice(plain).map_err(|_| WireError::Malformed)?;
        match signal::from_json(body.signal, Some(sender)) {
            Ok(signal) => Ok(Self { boot: body.boot, seq: body.seq, signal }),
            Err(SignalError::Malformed) => Err(WireError::Malformed),
            Err(SignalError::UnknownKind { kind, call }) => {
                Err(WireError::UnknownKind { kind, call, boot: body.boot, seq: body.seq })
            }
        }
    }
}

impl Envelope {
    /// Seals a signal. Fails with [`WireError::Oversized`] when it would pass [`ENVELOPE_LIMIT`].
    pub(crate) fn seal(
        app: &AppKey,
        keys: &DeviceKeys,
        from: &DeviceAddress,
        to: (&DeviceAddress, &DevicePublicKey),
        sent_at: u64,
        body: &Body,
    ) -> Result<(Uuid, Vec<u8>), WireError> {
        let id = Uuid::now_v7();
        let plain = BodyWire { boot: body.boot, seq: body.seq, signal: signal::to_json(&body.signal) };
        let plain = serde_json::to_vec(&plain).map_err(|_| WireError::Malformed)?;
        let (info, aad) = binding(app, from, to.0, id);
        let sealed = keys.seal(to.1, &info, &aad, &plain).map_err(WireError::Seal)?;
        let envelope = Self {
            v: VERSION,
            id,
            from: from.to_string(),
            to: to.0.to_string(),
            sent_at,
            sealed: Some(URL_SAFE_NO_PAD.encode(sealed)),
        };
        let bytes = envelope.to_bytes()?;
        if bytes.len() > ENVELOPE_LIMIT {
            return Err(WireError::Oversized);
        }
        Ok((id, bytes))
    }

    /// A marker from a device to itself: it comes back behind everything that was queued before it.
    pub(crate) fn marker(me: &DeviceAddress, id: Uuid) -> Result<Vec<u8>, WireError> {
        Self { v: VERSION, id, from: me.to_string(), to: me.to_string(), sent_at: 0, sealed: None }.to_bytes()
    }

    /// Reads an envelope without opening it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > ENVELOPE_LIMIT {
            return Err(WireError::Oversized);
        }
        let version: Version = serde_json::from_slice(bytes).map_err(|_| WireError::Malformed)?;
        if version.v != VERSION {
            return Err(WireError::Version(version.v));
        }
        serde_json::from_slice(bytes).map_err(|_| WireError::Malformed)
    }

    pub(crate) fn is_marker(&self) -> bool {
        self.sealed.is_none()
    }

    pub(crate) fn is_from(&self, sender: &DeviceAddress) -> bool {
        is_address(&self.from, sender)
    }

    /// For this device.
    pub(crate) fn is_to(&self, receiver: &DeviceAddress) -> bool {
        is_address(&self.to, receiver)
    }

    /// For some device of this user.
    pub(crate) fn is_to_user_of(&self, receiver: &DeviceAddress) -> bool {
        self.to.split_once('/').is_some_and(|(user, _)| user == receiver.user.as_str())
    }

    /// Opens the body with the sender's key. Addresses come from the caller, never from the envelope.
    pub(crate) fn open(
        &self,
        app: &AppKey,
        keys: &DeviceKeys,
        from: (&DeviceAddress, &DevicePublicKey),
        me: &DeviceAddress,
    ) -> Result<Body, WireError> {
        let sealed = self.sealed.as_deref().ok_or(WireError::Malformed)?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| WireError::Malformed)?;
        let (info, aad) = binding(app, from.0, me, self.id);
        let plain = keys.open(from.1, &info, &aad, &sealed).map_err(WireError::Seal)?;
        Body::read(&plain, &from.0.user)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        serde_json::to_vec(self).map_err(|_| WireError::Malformed)
    }
}

/// An id in its one usual spelling, so that an envelope has one form only.
fn canonical<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    let id = Uuid::try_parse(&text).map_err(serde::de::Error::custom)?;
    if id.to_string() == text { Ok(id) } else { Err(serde::de::Error::custom("an id in another spelling")) }
}

fn is_address(text: &str, address: &DeviceAddress) -> bool {
    text.split_once('/')
        .is_some_and(|(user, device)| user == address.user.as_str() && device == address.device.as_str())
}

/// What the seal is bound to: the application and version (HPKE's info), and who tells whom under which id (its AAD).
/// No name contains a line feed, so the parts can't run into each other.
fn binding(app: &AppKey, from: &DeviceAddress, to: &DeviceAddress, id: Uuid) -> (Vec<u8>, Vec<u8>) {
    let info = format!("peal signal v{VERSION}\n{app}");
    let aad = format!("{VERSION}\n{app}\n{from}\n{to}\n{id}");
    (info.into_bytes(), aad.into_bytes())
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
