//! Signals as JSON, and the limits of what is taken from others.
//!
//! A signal is an object whose `kind` says which; fields of later versions are ignored, and fields that the first
//! version didn't have may be missing.

mod history;
mod invitation;
mod roster;
mod running;
#[cfg(test)]
pub(crate) mod strategies;
#[cfg(test)]
mod tests;
mod words;

use peal_call::{CallId, Signal, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use history::{RecordWire, SharedWire};
use invitation::{AcceptWire, CancelWire, InviteWire, PreviewWire, RejectWire, RingingWire, SelectWire};
use roster::RosterWire;
use running::{
    AnswerWire, CandidatesWire, DescriptionWire, HangupWire, MediaReplyWire, MediaRequestWire, MediaStateWire,
    OfferWire, StreamWire,
};
use words::MediaWord;

/// Longest kind that is reported back, in bytes.
const KIND_LIMIT: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignalError {
    Malformed,
    /// Of a later version.
    UnknownKind {
        kind: String,
        call: Option<CallId>,
    },
}

/// What one kind of signal says.
trait Fields: Serialize + DeserializeOwned {
    /// The signal, if everything is within its limits. `sender` stands in for what a peer of the first version leaves
    /// out.
    fn into_signal(self, sender: Option<&UserId>) -> Option<Signal>;
}

/// A signal as JSON.
pub(crate) fn to_json(signal: &Signal) -> Value {
    match signal.clone() {
        Signal::Invite(invite) => write("invite", InviteWire::from(invite)),
        Signal::Ringing { call, generation } => write("ringing", RingingWire { call: call.as_uuid(), generation }),
        Signal::Preview { call, generation, offer } => {
            write("preview", PreviewWire { call: call.as_uuid(), generation, offer })
        }
        Signal::Accept { call, generation, media, offer } => {
            write("accept", AcceptWire { call: call.as_uuid(), generation, media: media.into(), offer })
        }
        Signal::Select { call, generation, device, answer, roster } => {
            let (device, roster) = (device.to_string(), roster::to_wire(roster));
            write("select", SelectWire { call: call.as_uuid(), generation, device, answer, roster })
        }
        Signal::Reject { call, generation, reason, message } => {
            write("reject", RejectWire { call: call.as_uuid(), generation, reason: reason.into(), message })
        }
        Signal::Cancel { call, generation, reason } => {
            write("cancel", CancelWire::new(call.as_uuid(), generation, reason))
        }
        Signal::Hangup { call, generation, reason, everyone } => {
            write("hangup", HangupWire { call: call.as_uuid(), generation, reason: reason.into(), everyone })
        }
        Signal::Candidates { call, attempt, candidates, complete } => {
            write("candidates", CandidatesWire::new(call.as_uuid(), attempt, candidates, complete))
        }
        Signal::Offer { call, attempt, sdp } => {
            write("offer", OfferWire(DescriptionWire { call: call.as_uuid(), attempt, sdp }))
        }
        Signal::Answer { call, attempt, sdp } => {
            write("answer", AnswerWire(DescriptionWire { call: call.as_uuid(), attempt, sdp }))
        }
        Signal::MediaState { call, revision, muted, on_hold, video, stream } => {
            let (call, stream) = (call.as_uuid(), stream.map(StreamWire::from));
            write("media_state", MediaStateWire { call, revision, muted, on_hold, video, stream })
        }
        Signal::MediaRequest { call, revision, media, decided } => {
            let media = media.into();
            write("media_request", MediaRequestWire { call: call.as_uuid(), revision, media, decided })
        }
        Signal::MediaReply { call, revision, accept } => {
            write("media_reply", MediaReplyWire { call: call.as_uuid(), revision, accept })
        }
        Signal::Roster { call, entries, reply } => {
            write("roster", RosterWire { call: call.as_uuid(), entries: roster::to_wire(entries), reply })
        }
        Signal::Record { call, generation, media, status, started_at, message } => {
            let (call, media, status) = (call.as_uuid(), media.into(), status.into());
            write("record", RecordWire { call, generation, media, status, started_at, message })
        }
        Signal::Shared(record) => write("shared", SharedWire::from(record)),
    }
}

/// A signal out of JSON, within the limits. Without a `sender` nothing may be missing that it would stand in for.
pub(crate) fn from_json(json: Value, sender: Option<&UserId>) -> Result<Signal, SignalError> {
    let kind = json.get("kind").and_then(Value::as_str).ok_or(SignalError::Malformed)?;
    let read = match kind {
        // A call of a medium that this version doesn't know is declined politely, as one of an unknown kind.
        "invite" if json.get("media").is_some_and(|word| word.is_string() && !MediaWord::is_known(word)) => {
            return Err(unknown(kind, &json));
        }
        "invite" => read::<InviteWire>,
        "ringing" => read::<RingingWire>,
        "preview" => read::<PreviewWire>,
        "accept" => read::<AcceptWire>,
        "select" => read::<SelectWire>,
        "reject" => read::<RejectWire>,
        "cancel" => read::<CancelWire>,
        "hangup" => read::<HangupWire>,
        "candidates" => read::<CandidatesWire>,
        "offer" => read::<OfferWire>,
        "answer" => read::<AnswerWire>,
        "media_state" => read::<MediaStateWire>,
        "media_request" => read::<MediaRequestWire>,
        "media_reply" => read::<MediaReplyWire>,
        "roster" => read::<RosterWire>,
        "record" => read::<RecordWire>,
        "shared" => read::<SharedWire>,
        _ => return Err(unknown(kind, &json)),
    };
    read(json, sender).ok_or(SignalError::Malformed)
}

fn read<T: Fields>(json: Value, sender: Option<&UserId>) -> Option<Signal> {
    serde_json::from_value::<T>(json).ok()?.into_signal(sender)
}

fn write(kind: &str, fields: impl Fields) -> Value {
    // Strings, numbers and lists of them always become JSON.
    let mut json = serde_json::to_value(fields).unwrap_or_default();
    if let Value::Object(object) = &mut json {
        object.insert("kind".to_owned(), kind.into());
    }
    json
}

fn unknown(kind: &str, json: &Value) -> SignalError {
    let call = json.get("call").and_then(Value::as_str).and_then(|call| call.parse().ok());
    SignalError::UnknownKind { kind: kind.chars().filter(char::is_ascii_graphic).take(KIND_LIMIT).collect(), call }
}
