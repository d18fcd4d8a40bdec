//! One call's signals, as two phones send them.

use std::time::{Duration, Instant};

use peal_call::{CallId, Candidate, DEFAULT_RING, HangupReason, Invite, MediaKind, Signal};
use peal_signalling::PresenceState;
use uuid::Uuid;

use super::member::Member;
use crate::measure::Unmeasured;

/// As long as an offer for voice and its answer are, in bytes.
const OFFER: usize = 1800;
const ANSWER: usize = 1500;

/// What was measured of a call.
#[derive(Debug, Clone, Copy)]
pub struct Talk {
    /// From the caller's wish to the callee's ring.
    pub invite: Duration,
    /// From the answer to the moment at which both have everything for the connection.
    pub answer: Duration,
}

/// Rings, talks for `duration`, and hangs up.
pub async fn talk(caller: &mut Member, callee: &mut Member, duration: Duration) -> Result<Talk, Unmeasured> {
    let call = CallId::from_uuid(Uuid::now_v7());
    let other = callee.address().clone();
    let invite = Signal::Invite(Invite {
        call,
        media: MediaKind::Audio,
        host: caller.address().user.clone(),
        generation: 0,
        invited: vec![other.user.clone()],
        roster: Vec::new(),
        group: None,
        message: None,
        lifetime: DEFAULT_RING,
        transfer: false,
        replaces: None,
        early_media: false,
    });
    let dialled = caller.tell(&other, &invite).await?;
    caller.show(PresenceState::InCall).await;
    let rang = callee.hears(&invite).await?;
    callee.show(PresenceState::InCall).await;
    pass(callee, caller, Signal::Ringing { call, generation: 0 }).await?;

    let answered = Instant::now();
    let offer = Some("o".repeat(OFFER));
    pass(callee, caller, Signal::Accept { call, generation: 0, media: MediaKind::Audio, offer }).await?;
    let answer = Some("a".repeat(ANSWER));
    let select = Signal::Select { call, generation: 0, device: other.device.clone(), answer, roster: Vec::new() };
    pass(caller, callee, select).await?;
    pass(callee, caller, candidates(call)).await?;
    let connected = pass(caller, callee, candidates(call)).await?;
    tokio::time::sleep(duration).await;

    let hangup = Signal::Hangup { call, generation: 0, reason: HangupReason::Hangup, everyone: false };
    pass(caller, callee, hangup).await?;
    caller.show(PresenceState::Online).await;
    callee.show(PresenceState::Online).await;
    Ok(Talk { invite: rang - dialled, answer: connected - answered })
}

async fn pass(from: &Member, to: &mut Member, signal: Signal) -> Result<Instant, Unmeasured> {
    from.tell(to.address(), &signal).await?;
    to.hears(&signal).await
}

/// What a machine with one address and a STUN server gathers.
fn candidates(call: CallId) -> Signal {
    let candidate = |n: u8| Candidate {
        candidate: format!("candidate:84216{n} 1 udp 2130706431 192.0.2.{n} 5000{n} typ host generation 0"),
        mid: Some("0".to_owned()),
        line: Some(0),
    };
    let candidates = vec![candidate(1), candidate(2), candidate(3)];
    Signal::Candidates { call, attempt: 0, candidates, complete: true }
}
