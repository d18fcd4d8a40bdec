//! Words of the wire for what the rules call by name, and the limits that several kinds of signals share.

use peal_call::{
    CallId, DeviceId, Direction, EndReason, HangupReason, MESSAGE_LIMIT, MediaKind, RecordStatus, RejectReason, UserId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest group name, in characters.
const GROUP_LIMIT: usize = 128;
/// Largest count of ms that is believed: what JSON carries exactly.
const MS_LIMIT: u64 = (1 << 53) - 1;

/// A word for each variant; with `else` also for those that a later version may add.
macro_rules! words {
    ($wire:ident = $real:ident { $($variant:ident),+ $(; else $fallback:ident)? }) => {
        #[derive(Clone, Copy, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum $wire {
            $($variant,)+
            $(
                /// A word of a later version.
                #[doc = concat!("Reads as ", stringify!($fallback), ".")]
                #[serde(other)]
                Later,
            )?
        }

        impl From<$real> for $wire {
            fn from(value: $real) -> Self {
                match value { $($real::$variant => Self::$variant),+ }
            }
        }

        impl From<$wire> for $real {
            fn from(value: $wire) -> Self {
                match value {
                    $($wire::$variant => Self::$variant,)+
                    $($wire::Later => Self::$fallback,)?
                }
            }
        }
    };
}

words!(MediaWord = MediaKind { Audio, Video });
words!(RejectWord = RejectReason { Declined, Busy, Incompatible; else Declined });
words!(HangupWord = HangupReason { Hangup, IceFailed, IceLost, DeviceFailed, Gone, Transferred; else Hangup });
words!(StatusWord = RecordStatus { Completed, Cancelled, Rejected, Missed, Busy });
words!(DirectionWord = Direction { Incoming, Outgoing });
words!(ReasonWord = EndReason {
    Hangup, Cancelled, Rejected, Busy, NoResponse, AnsweredElsewhere, RejectedElsewhere, KickedOut, IceFailed, IceLost,
    DeviceFailed, Unreachable, Incompatible, Error, Transferred, Blocked; else Error
});

impl MediaWord {
    /// Whether this version knows the word.
    pub(super) fn is_known(word: &serde_json::Value) -> bool {
        Self::deserialize(word).is_ok()
    }
}

pub(super) fn call(id: Uuid) -> CallId {
    CallId::from_uuid(id)
}

pub(super) fn user(name: String) -> Option<UserId> {
    UserId::new(name).ok()
}

pub(super) fn device(name: String) -> Option<DeviceId> {
    DeviceId::new(name).ok()
}

/// A text within [`MESSAGE_LIMIT`]; `None` when it is too long.
#[expect(clippy::option_option, reason = "the outer one is the verdict, the inner one the field")]
pub(super) fn message(text: Option<String>) -> Option<Option<String>> {
    if text.as_ref().is_some_and(|text| text.len() > MESSAGE_LIMIT) { None } else { Some(text) }
}

/// A group's name within its limit; `None` when it is too long.
#[expect(clippy::option_option, reason = "the outer one is the verdict, the inner one the field")]
pub(super) fn group(name: Option<String>) -> Option<Option<String>> {
    if name.as_ref().is_some_and(|name| name.chars().count() > GROUP_LIMIT) { None } else { Some(name) }
}

/// A count of ms, or a time in ms since 1970, that JSON carries exactly.
pub(super) fn ms(value: u64) -> Option<u64> {
    (value <= MS_LIMIT).then_some(value)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
pub(super) const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
pub(super) const fn is_zero(value: &u32) -> bool {
    *value == 0
}
