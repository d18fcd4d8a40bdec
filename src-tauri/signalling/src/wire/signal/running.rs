//! In the call: hangup, candidates, offer, answer, media state, media request and reply.

use peal_call::{Candidate, STREAM_LIMIT, Signal, Stream, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Fields;
use super::words::{self, HangupWord, MediaWord, is_false, is_zero};

/// Most candidates in one batch.
const CANDIDATES_LIMIT: usize = 64;
/// Longest candidate, and longest name of a media section, in bytes.
const CANDIDATE_LIMIT: usize = 1024;

#[derive(Serialize, Deserialize)]
pub(super) struct HangupWire {
    pub(super) call: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) generation: u32,
    pub(super) reason: HangupWord,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) everyone: bool,
}

impl Fields for HangupWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let Self { call, generation, reason, everyone } = self;
        Some(Signal::Hangup { call: words::call(call), generation, reason: reason.into(), everyone })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct CandidatesWire {
    call: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    attempt: u32,
    candidates: Vec<CandidateWire>,
    #[serde(default)]
    complete: bool,
}

#[derive(Serialize, Deserialize)]
struct CandidateWire {
    candidate: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u16>,
}

impl CandidatesWire {
    pub(super) fn new(call: Uuid, attempt: u32, candidates: Vec<Candidate>, complete: bool) -> Self {
        let wire = |Candidate { candidate, mid, line }| CandidateWire { candidate, mid, line };
        Self { call, attempt, candidates: candidates.into_iter().map(wire).collect(), complete }
    }
}

impl Fields for CandidatesWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let Self { call, attempt, candidates, complete } = self;
        let too_long = |c: &CandidateWire| {
            c.candidate.len() > CANDIDATE_LIMIT || c.mid.as_ref().is_some_and(|mid| mid.len() > CANDIDATE_LIMIT)
        };
        if candidates.len() > CANDIDATES_LIMIT || candidates.iter().any(too_long) {
            return None;
        }
        let real = |CandidateWire { candidate, mid, line }| Candidate { candidate, mid, line };
        let candidates = candidates.into_iter().map(real).collect();
        Some(Signal::Candidates { call: words::call(call), attempt, candidates, complete })
    }
}

/// An offer or an answer.
#[derive(Serialize, Deserialize)]
pub(super) struct DescriptionWire {
    pub(super) call: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) attempt: u32,
    pub(super) sdp: String,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct OfferWire(pub(super) DescriptionWire);

impl Fields for OfferWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let DescriptionWire { call, attempt, sdp } = self.0;
        Some(Signal::Offer { call: words::call(call), attempt, sdp })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct AnswerWire(pub(super) DescriptionWire);

impl Fields for AnswerWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let DescriptionWire { call, attempt, sdp } = self.0;
        Some(Signal::Answer { call: words::call(call), attempt, sdp })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct MediaStateWire {
    pub(super) call: Uuid,
    pub(super) revision: u32,
    pub(super) muted: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) on_hold: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) video: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<StreamWire>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StreamWire {
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl From<Stream> for StreamWire {
    fn from(Stream { url, token }: Stream) -> Self {
        Self { url, token }
    }
}

impl StreamWire {
    /// The stream, if it is within its limits. Whether its address may be used is looked at when it is.
    fn into_stream(self) -> Option<Stream> {
        let Self { url, token } = self;
        let fits = |text: &str| text.len() <= STREAM_LIMIT && !text.chars().any(char::is_control);
        (fits(&url) && token.as_deref().is_none_or(fits)).then_some(Stream { url, token })
    }
}

impl Fields for MediaStateWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let Self { call, revision, muted, on_hold, video, stream } = self;
        let stream = match stream {
            Some(stream) => Some(stream.into_stream()?),
            None => None,
        };
        Some(Signal::MediaState { call: words::call(call), revision, muted, on_hold, video, stream })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct MediaRequestWire {
    pub(super) call: Uuid,
    pub(super) revision: u32,
    pub(super) media: MediaWord,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) decided: bool,
}

impl Fields for MediaRequestWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let Self { call, revision, media, decided } = self;
        Some(Signal::MediaRequest { call: words::call(call), revision, media: media.into(), decided })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct MediaReplyWire {
    pub(super) call: Uuid,
    pub(super) revision: u32,
    pub(super) accept: bool,
}

impl Fields for MediaReplyWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let Self { call, revision, accept } = self;
        Some(Signal::MediaReply { call: words::call(call), revision, accept })
    }
}
