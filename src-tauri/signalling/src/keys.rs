//! Device keys, and sealing from device key to device key.
//!
//! HPKE (RFC 9180) in mode Auth with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305: only the holder of
//! the receiver's key reads, and the receiver knows that the holder of the sender's key wrote.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal};

type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
type Public = <X25519HkdfSha256 as Kem>::PublicKey;
type Encapped = <X25519HkdfSha256 as Kem>::EncappedKey;

/// Length of an X25519 key and of the encapsulated key in front of a sealed body, in bytes.
pub(crate) const KEY_LENGTH: usize = 32;

/// The secret half of a device's identity: kept on the device, made once.
#[derive(Clone)]
pub struct DeviceKeys {
    private: Private,
    public: Public,
}

/// The public half of a device's identity, 32 bytes of X25519.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DevicePublicKey([u8; KEY_LENGTH]);

/// Why a key or a sealed body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// These bytes are no usable X25519 key.
    #[error("not a usable device key")]
    Key,
    /// The body was not sealed by that sender for this receiver and purpose, or it was changed on the way.
    #[error("the seal is broken")]
    Broken,
}

impl DeviceKeys {
    /// Makes a new identity out of the system's random numbers.
    pub fn generate() -> Self {
        let (private, public) = X25519HkdfSha256::gen_keypair();
        Self { private, public }
    }

    /// Reads an identity that [`Self::to_bytes`] gave.
    pub fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Result<Self, SealError> {
        let private = Private::from_bytes(&bytes).map_err(|_| SealError::Key)?;
        let public = X25519HkdfSha256::sk_to_pk(&private);
        Ok(Self { private, public })
    }

    /// The secret, for the device's key store and nowhere else.
    pub fn to_bytes(&self) -> [u8; KEY_LENGTH] {
        self.private.to_bytes().into()
    }

    /// What others may know.
    pub fn public(&self) -> DevicePublicKey {
        DevicePublicKey(self.public.to_bytes().into())
    }

    /// Seals `plain` for `to`: the encapsulated key, then the ciphertext with its tag.
    /// `info` and `aad` must be the same when it is opened.
    pub(crate) fn seal(
        &self,
        to: &DevicePublicKey,
        info: &[u8],
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let to = to.to_hpke()?;
        let mode = OpModeS::Auth((self.private.clone(), self.public.clone()));
        let (encapped, cipher) =
            single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(&mode, &to, info, plain, aad)
                .map_err(|_| SealError::Key)?;
        let mut sealed = encapped.to_bytes().to_vec();
        sealed.extend_from_slice(&cipher);
        Ok(sealed)
    }

    /// Opens what `from` sealed for this device.
    pub(crate) fn open(
        &self,
        from: &DevicePublicKey,
        info: &[u8],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let (encapped, cipher) = sealed.split_at_checked(KEY_LENGTH).ok_or(SealError::Broken)?;
        let encapped = Encapped::from_bytes(encapped).map_err(|_| SealError::Broken)?;
        let mode = OpModeR::Auth(from.to_hpke()?);
        single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &mode,
            &self.private,
            &encapped,
            info,
            cipher,
            aad,
        )
        .map_err(|_| SealError::Broken)
    }
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceKeys").field("public", &self.public()).finish_non_exhaustive()
    }
}

impl DevicePublicKey {
    /// Takes 32 bytes as a key; points of small order, which would give no secrecy, are refused.
    pub fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Result<Self, SealError> {
        if SMALL_ORDER.contains(&bytes) {
            return Err(SealError::Key);
        }
        let key = Self(bytes);
        key.to_hpke()?;
        Ok(key)
    }

    /// The key's 32 bytes.
    pub const fn to_bytes(&self) -> [u8; KEY_LENGTH] {
        self.0
    }

    pub(crate) fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn from_text(text: &str) -> Result<Self, SealError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Key)?;
        Self::from_bytes(bytes.try_into().map_err(|_| SealError::Key)?)
    }

    fn to_hpke(self) -> Result<Public, SealError> {
        Public::from_bytes(&self.0).map_err(|_| SealError::Key)
    }
}

impl fmt::Debug for DevicePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DevicePublicKey({})", self.to_text())
    }
}

/// The two encodings of small order that a lazy sender would pick; HPKE refuses the others when it derives a secret.
const SMALL_ORDER: [[u8; KEY_LENGTH]; 2] = {
    let mut one = [0; KEY_LENGTH];
    one[0] = 1;
    [[0; KEY_LENGTH], one]
};
