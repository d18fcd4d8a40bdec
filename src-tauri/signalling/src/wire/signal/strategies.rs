//! Any signal whatever, within the limits of the wire.

use std::time::Duration;

use peal_call::{
    CallId, CallRecord, CancelReason, Candidate, DeviceId, Direction, EndReason, HangupReason, Invite, MediaKind,
    RecordStatus, RejectReason, RosterEntry, Signal, Standing, Stream, UserId,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._@-]{1,64}"
}

fn call() -> impl Strategy<Value = CallId> {
    any::<u128>().prop_map(|n| CallId::from_uuid(Uuid::from_u128(n)))
}

fn user() -> impl Strategy<Value = UserId> {
    name().prop_map(|n| UserId::new(n).expect("a name"))
}

fn device() -> impl Strategy<Value = DeviceId> {
    name().prop_map(|n| DeviceId::new(n).expect("a name"))
}

fn media() -> impl Strategy<Value = MediaKind> {
    prop_oneof![Just(MediaKind::Audio), Just(MediaKind::Video)]
}

fn message() -> impl Strategy<Value = Option<String>> {
    option::of("\\PC{0,200}")
}

fn sdp() -> impl Strategy<Value = String> {
    "(\\PC|[\r\n\t\"\\\\]){0,300}"
}

fn group() -> impl Strategy<Value = Option<String>> {
    option::of("\\PC{0,20}")
}

fn status() -> impl Strategy<Value = RecordStatus> {
    prop_oneof![
        Just(RecordStatus::Completed),
        Just(RecordStatus::Cancelled),
        Just(RecordStatus::Rejected),
        Just(RecordStatus::Missed),
        Just(RecordStatus::Busy),
    ]
}

/// Without [`EndReason::Blocked`], which is told to nobody but one's own devices.
fn reason() -> impl Strategy<Value = EndReason> {
    prop_oneof![
        Just(EndReason::Hangup),
        Just(EndReason::Cancelled),
        Just(EndReason::Rejected),
        Just(EndReason::Busy),
        Just(EndReason::NoResponse),
        Just(EndReason::AnsweredElsewhere),
        Just(EndReason::RejectedElsewhere),
        Just(EndReason::KickedOut),
        Just(EndReason::IceFailed),
        Just(EndReason::IceLost),
        Just(EndReason::DeviceFailed),
        Just(EndReason::Unreachable),
        Just(EndReason::Incompatible),
        Just(EndReason::Error),
        Just(EndReason::Transferred),
    ]
}

fn roster() -> impl Strategy<Value = Vec<RosterEntry>> {
    let standing = prop_oneof![
        (user(), any::<bool>()).prop_map(|(by, transfer)| Standing::Inviting { by, transfer }),
        device().prop_map(|device| Standing::Joined { device }),
        reason().prop_map(|reason| Standing::Left { reason }),
    ];
    let entry = (user(), any::<u32>(), standing).prop_map(|(user, generation, standing)| RosterEntry {
        user,
        generation,
        standing,
    });
    vec(entry, 0..9)
}

fn invite() -> impl Strategy<Value = Signal> {
    let who = (user(), any::<u32>(), vec(user(), 0..9), roster());
    let how = (any::<bool>(), option::of(call()), any::<bool>());
    (call(), media(), who, group(), message(), 0_u64..=120_000, how).prop_map(
        |(call, media, (host, generation, invited, roster), group, message, ms, (transfer, replaces, early_media))| {
            Signal::Invite(Invite {
                call,
                media,
                host,
                generation,
                invited,
                roster,
                group,
                message,
                lifetime: Duration::from_millis(ms),
                transfer,
                replaces,
                early_media,
            })
        },
    )
}

fn invitation() -> impl Strategy<Value = Signal> {
    let reject = prop_oneof![Just(RejectReason::Declined), Just(RejectReason::Busy), Just(RejectReason::Incompatible)];
    let cancel = prop_oneof![
        Just(CancelReason::Cancelled),
        Just(CancelReason::TimedOut),
        device().prop_map(CancelReason::RejectedElsewhere),
        device().prop_map(CancelReason::BusyElsewhere),
    ];
    let of = || (call(), any::<u32>());
    prop_oneof![
        invite(),
        of().prop_map(|(call, generation)| Signal::Ringing { call, generation }),
        (of(), sdp()).prop_map(|((call, generation), offer)| Signal::Preview { call, generation, offer }),
        (of(), media(), option::of(sdp())).prop_map(|((call, generation), media, offer)| Signal::Accept {
            call,
            generation,
            media,
            offer
        }),
        (of(), device(), option::of(sdp()), roster()).prop_map(|((call, generation), device, answer, roster)| {
            Signal::Select { call, generation, device, answer, roster }
        }),
        (of(), reject, message()).prop_map(|((call, generation), reason, message)| Signal::Reject {
            call,
            generation,
            reason,
            message
        }),
        (of(), cancel).prop_map(|((call, generation), reason)| Signal::Cancel { call, generation, reason }),
    ]
}

fn running() -> impl Strategy<Value = Signal> {
    let hangup = prop_oneof![
        Just(HangupReason::Hangup),
        Just(HangupReason::IceFailed),
        Just(HangupReason::IceLost),
        Just(HangupReason::DeviceFailed),
        Just(HangupReason::Gone),
        Just(HangupReason::Transferred),
    ];
    let candidate = ("\\PC{0,80}", option::of("[0-9a-z]{1,4}"), option::of(any::<u16>()))
        .prop_map(|(candidate, mid, line)| Candidate { candidate, mid, line });
    let stream = ("[ -~]{0,80}", option::of("[ -~]{0,80}")).prop_map(|(url, token)| Stream { url, token });
    let of = || (call(), any::<u32>());
    let flags = || (any::<bool>(), any::<bool>(), any::<bool>());
    prop_oneof![
        (of(), hangup, any::<bool>()).prop_map(|((call, generation), reason, everyone)| Signal::Hangup {
            call,
            generation,
            reason,
            everyone
        }),
        (of(), vec(candidate, 0..8), any::<bool>()).prop_map(|((call, attempt), candidates, complete)| {
            Signal::Candidates { call, attempt, candidates, complete }
        }),
        (of(), sdp()).prop_map(|((call, attempt), sdp)| Signal::Offer { call, attempt, sdp }),
        (of(), sdp()).prop_map(|((call, attempt), sdp)| Signal::Answer { call, attempt, sdp }),
        (of(), flags(), option::of(stream)).prop_map(|((call, revision), (muted, on_hold, video), stream)| {
            Signal::MediaState { call, revision, muted, on_hold, video, stream }
        }),
        (of(), media(), any::<bool>()).prop_map(|((call, revision), media, decided)| Signal::MediaRequest {
            call,
            revision,
            media,
            decided
        }),
        (of(), any::<bool>()).prop_map(|((call, revision), accept)| Signal::MediaReply { call, revision, accept }),
        (call(), roster(), any::<bool>()).prop_map(|(call, entries, reply)| Signal::Roster { call, entries, reply }),
    ]
}

fn history() -> impl Strategy<Value = Signal> {
    let ms = || 0_u64..1 << 53;
    let direction = prop_oneof![Just(Direction::Incoming), Just(Direction::Outgoing)];
    let reason = prop_oneof![9 => reason(), 1 => Just(EndReason::Blocked)];
    let what = (call(), user(), direction, media(), status(), reason);
    let more = (ms(), ms(), message(), vec((user(), status()), 0..9), group());
    prop_oneof![
        (call(), any::<u32>(), media(), status(), ms(), message()).prop_map(
            |(call, generation, media, status, started_at, message)| Signal::Record {
                call,
                generation,
                media,
                status,
                started_at,
                message
            }
        ),
        (what, more).prop_map(
            |((call, peer, direction, media, status, reason), (started_at, ms, message, members, group))| {
                Signal::Shared(CallRecord {
                    call,
                    peer,
                    direction,
                    media,
                    status,
                    reason,
                    started_at,
                    duration: Duration::from_millis(ms),
                    message,
                    members,
                    group,
                })
            }
        ),
    ]
}

/// Every kind.
pub(crate) fn any_signal() -> impl Strategy<Value = Signal> {
    prop_oneof![7 => invitation(), 8 => running(), 2 => history()]
}
