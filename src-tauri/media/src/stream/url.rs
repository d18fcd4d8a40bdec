//! Addresses of media servers.

use std::net::IpAddr;

use url::{Host, Url};

use super::StreamError;

/// Longest address that is taken, bytes.
pub const MAX_URL: usize = 2_048;

/// Where an address without encryption may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlainHttp {
    /// To this computer alone: the token and the keys of the media would be read on the way.
    #[default]
    Loopback,
    /// Anywhere: somebody decided so for a network of their own.
    Anywhere,
}

/// An address that was looked at: `https:`, or `http:` where that is allowed, with a host and without a name and a
/// password in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamUrl(Url);

impl StreamUrl {
    /// Looks at an address. Nothing is resolved and nothing is sent.
    ///
    /// # Errors
    /// [`StreamError::BadUrl`], [`StreamError::PlainHttp`].
    pub fn parse(text: &str, plain: PlainHttp) -> Result<Self, StreamError> {
        if text.len() > MAX_URL {
            return Err(StreamError::BadUrl("it is too long"));
        }
        Self::checked(Url::parse(text).map_err(|_| StreamError::BadUrl("it can't be read"))?, plain)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Where a stream that is published here is played, as media servers commonly have it: the last part of the path that
    /// is `whip` is `whep` there (`/live/whip`, `/whip/live`, `/api/whip`), or else the parameter `direction=whip`.
    /// None: the address follows neither custom.
    pub fn play_url(&self) -> Option<Self> {
        let mut url = self.0.clone();
        let segments: Vec<&str> = self.0.path_segments()?.collect();
        if let Some(at) = segments.iter().rposition(|segment| *segment == "whip") {
            let segments: Vec<&str> =
                segments.iter().enumerate().map(|(n, segment)| if n == at { "whep" } else { *segment }).collect();
            url.set_path(&segments.join("/"));
            return Some(Self(url));
        }
        let pairs: Vec<(String, String)> = self.0.query_pairs().into_owned().collect();
        let is_direction = |(name, value): &(String, String)| name == "direction" && value == "whip";
        if !pairs.iter().any(is_direction) {
            return None;
        }
        url.query_pairs_mut().clear().extend_pairs(pairs.iter().map(|pair| {
            let value = if is_direction(pair) { "whep" } else { pair.1.as_str() };
            (pair.0.as_str(), value)
        }));
        Some(Self(url))
    }

    /// The place that a `Location` names, seen from here.
    pub(super) fn join(&self, reference: &str, plain: PlainHttp) -> Result<Self, StreamError> {
        if reference.len() > MAX_URL {
            return Err(StreamError::BadUrl("it is too long"));
        }
        let url = self.0.join(reference).map_err(|_| StreamError::BadUrl("it can't be read"))?;
        let url = Self::checked(url, plain)?;
        if self.0.scheme() == "https" && url.0.scheme() == "http" {
            return Err(StreamError::PlainHttp);
        }
        Ok(url)
    }

    /// Whether the same server answers there: a token for the one is for no other.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }

    pub(super) const fn url(&self) -> &Url {
        &self.0
    }

    fn checked(mut url: Url, plain: PlainHttp) -> Result<Self, StreamError> {
        let host = url.host().ok_or(StreamError::BadUrl("it names no computer"))?;
        match url.scheme() {
            "https" => {}
            "http" if plain == PlainHttp::Anywhere || is_loopback(&host) => {}
            "http" => return Err(StreamError::PlainHttp),
            _ => return Err(StreamError::BadUrl("it begins with neither https: nor http:")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(StreamError::BadUrl("it has a password in it; what proves who publishes is the token"));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => IpAddr::V4(*ip).is_loopback(),
        Host::Ipv6(ip) => IpAddr::V6(*ip).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> StreamUrl {
        StreamUrl::parse(text, PlainHttp::Loopback).unwrap()
    }

    #[test]
    fn only_https_and_http_to_this_computer_are_taken() {
        for text in
            ["https://media.example/live/whip", "http://127.0.0.1:8889/a/whip", "http://[::1]/", "http://localhost/"]
        {
            at(text);
        }
        for text in ["http://media.example/whip", "http://192.168.1.4/whip", "http://localhost.example/whip"] {
            assert!(matches!(StreamUrl::parse(text, PlainHttp::Loopback), Err(StreamError::PlainHttp)), "{text}");
            assert!(StreamUrl::parse(text, PlainHttp::Anywhere).is_ok(), "{text}");
        }
        let long = format!("https://media.example/{}", "x".repeat(MAX_URL));
        let user = "https://ann:secret@media.example/whip";
        for text in ["", "whip", "ftp://media.example/", "file:///etc/passwd", "javascript:0", "data:,x", user, &long] {
            assert!(matches!(StreamUrl::parse(text, PlainHttp::Anywhere), Err(StreamError::BadUrl(_))), "{text}");
        }
    }

    #[test]
    fn a_place_to_play_is_found_by_custom_or_not_at_all() {
        for (whip, whep) in [
            ("https://m.example/live/whip", "https://m.example/live/whep"),
            ("https://m.example/whip/endpoint", "https://m.example/whep/endpoint"),
            ("https://m.example/whip/whip?app=a", "https://m.example/whip/whep?app=a"),
            ("https://m.example/rtc/v1/whip/?app=live", "https://m.example/rtc/v1/whep/?app=live"),
            ("https://m.example/app/s?direction=whip&x=1", "https://m.example/app/s?direction=whep&x=1"),
        ] {
            assert_eq!(at(whip).play_url().unwrap().as_str(), whep);
        }
        assert_eq!(at("https://m.example/3f/webRTC/publish").play_url(), None);
        assert_eq!(at("https://whip.example/ingest?key=whip").play_url(), None);
    }

    #[test]
    fn a_redirection_never_gives_encryption_up_nor_leaves_the_rule() {
        let here = at("https://m.example/live/whip");
        let join = |reference: &str| here.join(reference, PlainHttp::Loopback);
        assert_eq!(join("/session/1").unwrap().as_str(), "https://m.example/session/1");
        assert!(here.same_origin(&join("session").unwrap()));
        assert!(!here.same_origin(&join("https://b.m.example/live/whip").unwrap()));
        assert!(!here.same_origin(&join("https://m.example:444/live/whip").unwrap()));
        assert!(matches!(join("http://127.0.0.1/x"), Err(StreamError::PlainHttp)));
        assert!(matches!(here.join("http://m.example/x", PlainHttp::Anywhere), Err(StreamError::PlainHttp)));
        assert!(matches!(join("file:///etc/passwd"), Err(StreamError::BadUrl(_))));
    }
}
