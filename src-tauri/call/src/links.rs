//! Descriptions and candidates: how two devices in a call come to a peer connection.

use std::time::Instant;

use crate::call::{Call, KeptOffer, Phase};
use crate::path::{EARLY_CANDIDATES, Early, MediaPath, Path};
use crate::phone::{CONNECT_LIMIT, SAID_AGAIN};
use crate::{CallId, Candidate, DeviceAddress, Link, MEMBER_LIMIT, Output, Phone, Signal};

/// For how many peer connections that are not there yet candidates are kept.
const EARLY_PATHS: usize = 2 * MEMBER_LIMIT;
/// How many offers of people who are not known to be in the call yet are kept.
const KEPT_OFFERS: usize = MEMBER_LIMIT;

impl Phone {
    /// Opens a new peer connection to somebody in the call, and offers.
    pub(crate) fn open_offerer(&mut self, now: Instant, id: CallId, peer: &DeviceAddress) {
        self.close_path(id, peer);
        let Some(call) = self.call_mut(id) else { return };
        let Some(member) = call.member_mut(&peer.user) else { return };
        member.attempts = member.attempts.saturating_add(1);
        member.offer_at = None;
        let attempt = member.attempts;
        call.paths.push(MediaPath::offering(peer.clone(), attempt, now + CONNECT_LIMIT));
        self.outputs.push_back(Output::OpenOfferer(Link { call: id, peer: peer.clone() }));
    }

    /// Opens the peer connection that answers this offer, with the candidates that came before it.
    pub(crate) fn open_answerer(&mut self, id: CallId, peer: DeviceAddress, offer: String) {
        let link = Link { call: id, peer };
        self.outputs.push_back(Output::OpenAnswerer { link: link.clone(), offer });
        self.add_early(&link);
    }

    /// Hands over the other side's candidates that came before the description they belong to.
    fn add_early(&mut self, link: &Link) {
        let Some(call) = self.call_mut(link.call) else { return };
        let Some(attempt) = call.path(&link.peer).map(|path| path.attempt) else {
            return;
        };
        let early = call.take_remote(&link.peer, attempt);
        if !early.is_empty() {
            let Early { candidates, complete } = early;
            self.outputs.push_back(Output::AddCandidates { link: link.clone(), candidates, complete });
        }
    }

    pub(crate) fn offer_ready(&mut self, now: Instant, link: &Link, sdp: String) {
        let id = link.call;
        let Some(call) = self.call_mut(id) else { return };
        let (generation, media) = (call.generation, call.media);
        let previews = call.early_media
            && call.inviter.as_ref() == Some(&link.peer)
            && !call.is_silent()
            && self.policy.previewable.contains(&link.peer.user);
        let Some(call) = self.call_mut(id) else { return };
        let Some(path) = call.paths.iter_mut().find(|path| path.peer == link.peer && path.offered) else {
            return;
        };
        path.sdp = Some(sdp.clone());
        let (signal, attempt) = match &mut call.phase {
            // Nothing about the callee leaves before the answer, but to devices that it lets preview.
            Phase::Ringing { .. } if previews => (Signal::Preview { call: id, generation, offer: sdp }, path.attempt),
            Phase::Ringing { .. }
            | Phase::Waiting { .. }
            | Phase::Accepting { sent: true, .. }
            | Phase::Ended { .. } => return,
            Phase::Accepting { sent, again_at, .. } => {
                *sent = true;
                *again_at = now + SAID_AGAIN;
                (Signal::Accept { call: id, generation, media, offer: Some(sdp) }, path.attempt)
            }
            Phase::In => (Signal::Offer { call: id, attempt: path.attempt, sdp }, path.attempt),
        };
        path.told = true;
        path.awaiting = true;
        path.again_at = Some(now + SAID_AGAIN);
        let Early { candidates, complete } = std::mem::take(&mut path.early);
        self.send(link.peer.clone(), signal);
        if !candidates.is_empty() || complete {
            self.send(link.peer.clone(), Signal::Candidates { call: id, attempt, candidates, complete });
        }
    }

    /// Says an offer again that has no answer, while nothing has connected.
    pub(crate) fn offer_again(&mut self, now: Instant, id: CallId, peer: &DeviceAddress) {
        let Some(path) = self.call_mut(id).and_then(|call| call.path_mut(peer)) else {
            return;
        };
        path.again_at = Some(now + SAID_AGAIN);
        let (attempt, sdp) = (path.attempt, path.sdp.clone());
        if let Some(sdp) = sdp.filter(|_| path.awaiting) {
            self.send(peer.clone(), Signal::Offer { call: id, attempt, sdp });
        } else {
            path.again_at = None;
        }
    }

    pub(crate) fn answer_ready(&mut self, link: &Link, sdp: String) {
        let id = link.call;
        let Some(call) = self.call_mut(id).filter(|call| call.is_in()) else {
            return;
        };
        let selected = call.member(&link.peer.user).is_none_or(|member| member.selected);
        let joined = call.is_joined(&link.peer);
        let Some(path) = call.paths.iter_mut().find(|path| path.peer == link.peer && !path.offered) else {
            return;
        };
        path.sdp = Some(sdp.clone());
        let attempt = path.attempt;
        if joined && !selected && attempt == 0 {
            self.select(id, &link.peer);
        } else {
            self.send(link.peer.clone(), Signal::Answer { call: id, attempt, sdp });
        }
    }

    /// Tells the winner that it has won.
    pub(crate) fn select(&mut self, id: CallId, winner: &DeviceAddress) {
        let me = self.me.clone();
        let Some(call) = self.call_mut(id) else { return };
        let roster = call.roster(&me);
        let answer = call.path(winner).filter(|path| path.path != Path::Up && path.attempt == 0);
        let answer = answer.and_then(|path| path.sdp.clone());
        let Some(member) = call.joined_mut(winner) else { return };
        member.selected = true;
        let (generation, device) = (member.generation, winner.device.clone());
        self.send(winner.clone(), Signal::Select { call: id, generation, device, answer, roster });
    }

    /// The winner asks again: the select may be lost.
    pub(crate) fn select_again(&mut self, id: CallId, winner: &DeviceAddress) {
        let selected = self.call(id).and_then(|call| call.member(&winner.user)).is_some_and(|member| member.selected);
        if selected {
            self.select(id, winner);
        }
    }

    pub(crate) fn candidates_gathered(&mut self, link: &Link, candidates: Vec<Candidate>, complete: bool) {
        let id = link.call;
        let Some(path) = self.call_mut(id).and_then(|call| call.path_mut(&link.peer)) else {
            return;
        };
        if path.told {
            let attempt = path.attempt;
            self.send(link.peer.clone(), Signal::Candidates { call: id, attempt, candidates, complete });
        } else {
            path.early.keep(candidates, complete);
        }
    }

    pub(crate) fn candidates_received(
        &mut self,
        id: CallId,
        from: DeviceAddress,
        attempt: u32,
        candidates: Vec<Candidate>,
        complete: bool,
    ) {
        let Some(call) = self.call_mut(id).filter(|call| call.member(&from.user).is_some()) else {
            return;
        };
        match call.path(&from) {
            Some(path) if path.attempt == attempt && path.knows_remote() => {
                let link = Link { call: id, peer: from };
                self.outputs.push_back(Output::AddCandidates { link, candidates, complete });
            }
            Some(path) if path.attempt > attempt => {}
            Some(_) | None => call.keep_remote(from, attempt, candidates, complete),
        }
    }

    /// An offer of another member: for a new peer connection, or for the one that there is.
    pub(crate) fn offer_received(&mut self, now: Instant, id: CallId, from: DeviceAddress, attempt: u32, sdp: String) {
        let me = self.me.clone();
        let Some(call) = self.call_mut(id) else {
            return self.send_gone(id, from);
        };
        if call.member(&from.user).is_none() {
            return;
        }
        match &call.phase {
            Phase::Waiting { .. } | Phase::Ringing { .. } | Phase::Ended { .. } => return,
            Phase::Accepting { .. } => return call.keep_offer(from, attempt, sdp),
            Phase::In => {}
        }
        let Some(member) = call.joined_mut(&from) else {
            return call.keep_offer(from, attempt, sdp);
        };
        let newest = member.attempts.max(attempt);
        let Some(path) = call.path_mut(&from) else {
            member_attempts(call, &from, newest);
            return self.answer_anew(now, id, from, attempt, sdp);
        };
        if attempt < path.attempt {
            return;
        }
        // Both may have offered at once: the smaller address's offer survives.
        let mine_survives = path.offered && (!path.awaiting || me < from);
        if attempt > path.attempt || (path.offered && !mine_survives) {
            member_attempts(call, &from, newest);
            return self.answer_anew(now, id, from, attempt, sdp);
        }
        if path.offered {
            return;
        }
        let link = Link { call: id, peer: from.clone() };
        if path.remote.as_ref() == Some(&sdp) {
            // Said again: the answer may be lost.
            let Some(answer) = path.sdp.clone() else { return };
            return self.send(from, Signal::Answer { call: id, attempt, sdp: answer });
        }
        path.remote = Some(sdp.clone());
        path.sdp = None;
        self.outputs.push_back(Output::AnswerOffer { link, offer: sdp });
    }

    fn answer_anew(&mut self, now: Instant, id: CallId, from: DeviceAddress, attempt: u32, sdp: String) {
        self.close_path(id, &from);
        let Some(call) = self.call_mut(id) else { return };
        if let Some(member) = call.joined_mut(&from) {
            member.offer_at = None;
            // Whoever offers knows that they are in.
            member.selected |= attempt > 0;
        }
        call.paths.push(MediaPath::answering(from.clone(), attempt, now + CONNECT_LIMIT, sdp.clone()));
        self.open_answerer(id, from, sdp);
    }

    pub(crate) fn answer_received(&mut self, id: CallId, from: &DeviceAddress, attempt: u32, sdp: String) {
        let Some(path) = self.call_mut(id).and_then(|call| call.path_mut(from)) else {
            return;
        };
        if path.attempt == attempt && path.offered && path.awaiting {
            self.take_answer(id, from, sdp);
        }
    }

    /// The answer to my offer.
    pub(crate) fn take_answer(&mut self, id: CallId, from: &DeviceAddress, answer: String) {
        let Some(path) = self.call_mut(id).and_then(|call| call.path_mut(from)) else {
            return;
        };
        path.awaiting = false;
        path.again_at = None;
        let link = Link { call: id, peer: from.clone() };
        self.outputs.push_back(Output::AcceptAnswer { link: link.clone(), answer });
        self.add_early(&link);
    }
}

impl Call {
    /// Keeps candidates that came before the description they belong to (at most 30 each).
    fn keep_remote(&mut self, from: DeviceAddress, attempt: u32, candidates: Vec<Candidate>, complete: bool) {
        let same = |(device, it, _): &&mut (DeviceAddress, u32, Early)| *device == from && *it == attempt;
        if let Some((_, _, early)) = self.early_remote.iter_mut().find(same) {
            early.keep(candidates, complete);
        } else if self.early_remote.len() < EARLY_PATHS {
            let candidates = candidates.into_iter().take(EARLY_CANDIDATES).collect();
            self.early_remote.push((from, attempt, Early { candidates, complete }));
        }
    }

    /// What was kept of this device for this attempt; what was for earlier ones is forgotten.
    fn take_remote(&mut self, from: &DeviceAddress, attempt: u32) -> Early {
        let mut taken = Early::default();
        self.early_remote.retain_mut(|(device, it, early)| {
            if device == from && *it == attempt {
                taken = std::mem::take(early);
            }
            device != from || *it > attempt
        });
        taken
    }

    /// Keeps an offer until its sender is known to be in the call.
    fn keep_offer(&mut self, from: DeviceAddress, attempt: u32, sdp: String) {
        if let Some(kept) = self.kept_offers.iter_mut().find(|kept| kept.from == from) {
            if kept.attempt <= attempt {
                *kept = KeptOffer { from, attempt, sdp };
            }
        } else if self.kept_offers.len() < KEPT_OFFERS {
            self.kept_offers.push(KeptOffer { from, attempt, sdp });
        }
    }
}

fn member_attempts(call: &mut Call, from: &DeviceAddress, newest: u32) {
    if let Some(member) = call.joined_mut(from) {
        member.attempts = newest;
    }
}
