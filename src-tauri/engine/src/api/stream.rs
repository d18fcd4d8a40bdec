//! Streams through a media server: published once, played by whoever looks.

use serde::{Deserialize, Serialize};

/// Where my voice and picture are published (kit A05).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PublishStreamParams {
    /// The media server's WHIP address (RFC 9725): `https:`, or `http:` on this computer (see the setting
    /// `plain_http_streams`).
    pub url: String,
    /// What proves to the server that I may publish there (a bearer token).
    #[serde(default)]
    pub token: Option<String>,
    /// The WHEP address where the stream is played, told to the others in the call. Absent: made from `url` as media servers
    /// commonly have it, with the last part of its path that is `whip` turned into `whep`, or `direction=whip` into
    /// `direction=whep`; an address with neither needs it.
    #[serde(default)]
    pub play_url: Option<String>,
    /// What the server wants to see of whoever plays it; told to the others in the call, sealed like all that is said there.
    #[serde(default)]
    pub play_token: Option<String>,
}

/// A stream of mine that is published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PublishedStream {
    /// Where it is published (kit A05's `pushUrl`).
    pub push_url: String,
    /// Where it is played.
    pub play_url: String,
}
