//! Media servers: voice and picture are published once (WHIP, RFC 9725), and whoever knows where plays them
//! (WHEP, draft-ietf-wish-whep).
//!
//! A [`StreamSession`] is one of the two: an HTTP request that carries the offer and brings the answer, and a peer
//! connection without a control channel, since a media server is another program. It ends with a second request.
//! Nothing of a server is trusted for size, time or place: addresses are checked ([`StreamUrl`]) before anything is sent,
//! also those that the server redirects to.

mod error;
mod http;
mod links;
mod session;
mod url;

pub use error::StreamError;
pub use session::{StreamConfig, StreamSession};
pub use url::{MAX_URL, PlainHttp, StreamUrl};
