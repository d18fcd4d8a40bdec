//! What a person shows of themselves beside the name: the public part of kit C's user model.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::image::{self, ImageFormat};
use crate::names::clean_text;

/// Longest region, in characters.
pub const REGION_LIMIT: usize = 64;
/// Longest signature (the words under a person's name), in characters.
pub const SIGNATURE_LIMIT: usize = 256;
/// Largest avatar, in bytes of PNG or JPEG.
pub const AVATAR_LIMIT: usize = 32 * 1024;
/// Widest and highest avatar, in pixels.
pub const AVATAR_SIDE_LIMIT: u32 = 256;

/// A person's gender, as kit C tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
    /// Not told, or neither.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Highest revision of a profile: what JSON carries exactly.
const REVISION_LIMIT: u64 = (1 << 53) - 1;

/// What a person shows of themselves beside the name. Everything may be left empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Each change takes a higher number than the one before, so that the devices of an account agree on the last one
    /// without a clock; 0: never changed. At most 2^53 - 1.
    pub revision: u64,
    /// Gender.
    pub gender: Gender,
    /// Day of birth.
    pub birthday: Option<Birthday>,
    /// Where the person is: one line of at most [`REGION_LIMIT`] characters.
    pub region: String,
    /// The words under the name: one line of at most [`SIGNATURE_LIMIT`] characters.
    pub signature: String,
    /// A small picture.
    pub avatar: Option<Avatar>,
}

/// A day of the Gregorian calendar, with or without its year. A date and no instant: it is the same day in every time
/// zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Birthday {
    year: Option<u16>,
    month: u8,
    day: u8,
}

/// A picture of a person: PNG or JPEG by its first bytes, at most [`AVATAR_LIMIT`] bytes and [`AVATAR_SIDE_LIMIT`]
/// pixels on each side by its header, so that nobody is sent a picture that unpacks to gigabytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Avatar {
    format: ImageFormat,
    bytes: bytes::Bytes,
}

/// Why bytes are refused as an avatar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AvatarError {
    /// More than [`AVATAR_LIMIT`] bytes.
    #[error("a picture has at most {AVATAR_LIMIT} bytes")]
    TooLarge,
    /// Neither PNG nor JPEG, or its header is broken.
    #[error("a picture is a PNG or a JPEG")]
    Format,
    /// Wider or higher than [`AVATAR_SIDE_LIMIT`] pixels, or empty.
    #[error("a picture has at most {AVATAR_SIDE_LIMIT} pixels on each side, not {width} by {height}")]
    Dimensions {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

/// A text that is no day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a birthday is a day of the calendar, written like 1990-12-31 or --12-31")]
pub struct BirthdayError;

impl Profile {
    /// The same with every text cut to its limit and without the characters that could deceive a reader.
    #[must_use]
    pub fn cleaned(self) -> Self {
        Self {
            revision: self.revision.min(REVISION_LIMIT),
            region: clean_text(&self.region, REGION_LIMIT),
            signature: clean_text(&self.signature, SIGNATURE_LIMIT),
            ..self
        }
    }
}

impl Avatar {
    /// Checks and takes a picture.
    pub fn new(bytes: impl Into<bytes::Bytes>) -> Result<Self, AvatarError> {
        let bytes = bytes.into();
        if bytes.len() > AVATAR_LIMIT {
            return Err(AvatarError::TooLarge);
        }
        let (format, width, height) = image::header(&bytes).ok_or(AvatarError::Format)?;
        let fits = 1..=AVATAR_SIDE_LIMIT;
        if !fits.contains(&width) || !fits.contains(&height) {
            return Err(AvatarError::Dimensions { width, height });
        }
        Ok(Self { format, bytes })
    }

    /// `image/png` or `image/jpeg`.
    pub const fn media_type(&self) -> &'static str {
        match self.format {
            ImageFormat::Png => "image/png",
            ImageFormat::Jpeg => "image/jpeg",
        }
    }

    /// The file, as it was given.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A picture is long and says nothing in a log.
impl fmt::Debug for Avatar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Avatar({}, {} bytes)", self.media_type(), self.bytes.len())
    }
}

impl Birthday {
    /// A day of the Gregorian calendar, between the years 1 and 9999 or of no certain year; `None` when there is no
    /// such day.
    pub const fn new(year: Option<u16>, month: u8, day: u8) -> Option<Self> {
        let leap = match year {
            Some(0 | 10_000..) => return None,
            Some(year) => year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)),
            None => true,
        };
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => return None,
        };
        if day == 0 || day > days {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// Year, month (1 to 12) and day (1 to 31).
    pub const fn parts(self) -> (Option<u16>, u8, u8) {
        (self.year, self.month, self.day)
    }
}

/// As ISO 8601 writes it: `1990-12-31`, and without a year `--12-31`.
impl fmt::Display for Birthday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.year {
            Some(year) => write!(f, "{year:04}-{:02}-{:02}", self.month, self.day),
            None => write!(f, "--{:02}-{:02}", self.month, self.day),
        }
    }
}

impl std::str::FromStr for Birthday {
    type Err = BirthdayError;

    fn from_str(text: &str) -> Result<Self, BirthdayError> {
        let digits = |part: &str, length: usize| {
            let part = Some(part).filter(|it| it.len() == length && it.bytes().all(|b| b.is_ascii_digit()));
            part.and_then(|it| it.parse::<u16>().ok()).ok_or(BirthdayError)
        };
        let (year, day) = if let Some(day) = text.strip_prefix("--") {
            (None, day)
        } else {
            let (year, day) = text.split_once('-').ok_or(BirthdayError)?;
            (Some(digits(year, 4)?), day)
        };
        let (month, day) = day.split_once('-').ok_or(BirthdayError)?;
        // Two digits fit.
        Self::new(year, digits(month, 2)? as u8, digits(day, 2)? as u8).ok_or(BirthdayError)
    }
}

/// A profile inside a presence. What is broken in it is left out: a bad picture makes nobody disappear.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct ProfileWire {
    #[serde(default, skip_serializing_if = "is_default")]
    revision: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    gender: Gender,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    birthday: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    region: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    signature: String,
    /// Base64 of the file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    avatar: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ProfileWire {
    pub(crate) fn is_empty(&self) -> bool {
        self.revision == 0
            && is_default(&self.gender)
            && [&self.birthday, &self.region, &self.signature, &self.avatar].iter().all(|text| text.is_empty())
    }
}

impl From<&Profile> for ProfileWire {
    fn from(profile: &Profile) -> Self {
        let Profile { revision, gender, birthday, region, signature, avatar } = profile;
        Self {
            revision: (*revision).min(REVISION_LIMIT),
            gender: *gender,
            birthday: birthday.map(|day| day.to_string()).unwrap_or_default(),
            region: clean_text(region, REGION_LIMIT),
            signature: clean_text(signature, SIGNATURE_LIMIT),
            avatar: avatar.as_ref().map(|avatar| STANDARD.encode(&avatar.bytes)).unwrap_or_default(),
        }
    }
}

impl From<ProfileWire> for Profile {
    fn from(wire: ProfileWire) -> Self {
        let avatar = (!wire.avatar.is_empty()).then(|| STANDARD.decode(&wire.avatar).ok()).flatten();
        Self {
            revision: wire.revision,
            gender: wire.gender,
            birthday: wire.birthday.parse().ok(),
            region: wire.region,
            signature: wire.signature,
            avatar: avatar.and_then(|bytes| Avatar::new(bytes).ok()),
        }
        .cleaned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::{jpeg, png};

    #[test]
    fn a_birthday_is_a_day_of_the_calendar() {
        for good in ["1990-12-31", "2000-02-29", "2024-02-29", "0001-01-01", "9999-04-30", "--02-29"] {
            assert_eq!(good.parse::<Birthday>().map(|day| day.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "1990-2-3",
            "1900-02-29",
            "2023-02-29",
            "1990-04-31",
            "1990-13-01",
            "1990-00-01",
            "1990-01-00",
            "0000-01-01",
            "+990-01-01",
            "1990-01-01-",
            "1990-01-01T00",
            "--02-30",
            "---02-01",
            "--",
            "\u{ff11}990-01-01",
        ] {
            assert_eq!(bad.parse::<Birthday>(), Err(BirthdayError), "{bad:?}");
        }
    }

    #[test]
    fn an_avatar_is_a_small_png_or_jpeg_whatever_its_sender_calls_it() {
        let avatar = Avatar::new(png(256, 1)).expect("a picture");
        assert_eq!((avatar.media_type(), avatar.bytes()), ("image/png", &*png(256, 1)));
        assert_eq!(Avatar::new(jpeg(8, 256)).expect("a picture").media_type(), "image/jpeg");
        assert_eq!(format!("{avatar:?}"), format!("Avatar(image/png, {} bytes)", png(256, 1).len()));

        let mut large = png(10, 10);
        large.resize(AVATAR_LIMIT, 0);
        assert!(Avatar::new(large.clone()).is_ok());
        large.push(0);
        assert_eq!(Avatar::new(large), Err(AvatarError::TooLarge));
        for (width, height) in [(257, 1), (1, 257), (30_000, 30_000), (0, 5), (5, 0)] {
            let refused = Err(AvatarError::Dimensions { width, height });
            assert_eq!(Avatar::new(png(width, height)), refused);
            assert_eq!(Avatar::new(jpeg(width as u16, height as u16)), refused);
        }
        for foreign in ["<svg xmlns='http://www.w3.org/2000/svg'/>", "GIF89a\u{1}\0\u{1}\0", "RIFF....WEBP", ""] {
            assert_eq!(Avatar::new(foreign.as_bytes().to_vec()), Err(AvatarError::Format), "{foreign}");
        }
    }

    #[test]
    fn what_is_broken_in_a_profile_is_left_out_and_the_rest_stays() {
        let wire: ProfileWire = serde_json::from_value(serde_json::json!({
            "gender": "robot", "birthday": "yesterday", "region": " Oslo\u{202e}\n", "avatar": "AAAA", "later": 1,
        }))
        .expect("a profile");
        let profile = Profile::from(wire);
        assert_eq!(profile, Profile { region: "Oslo".into(), ..Profile::default() });
    }
}
