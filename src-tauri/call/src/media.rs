//! The media path of a call: descriptions, candidates, loss and recovery.

use std::time::Instant;

use crate::call::{Path, State};
use crate::phone::{LOST_AFTER, RESTART_AFTER};
use crate::{CallId, Candidate, DeviceAddress, EndReason, HangupReason, Link, Notice, Output, Phone, Signal};

impl Phone {
    pub(crate) fn offer_ready(&mut self, link: &Link, sdp: String) {
        let id = link.call;
        let Some(call) = self.link_mut(link) else { return };
        let media = call.media;
        match &mut call.state {
            State::Ringing { offer, .. } => *offer = Some(sdp),
            State::Accepting { sent, early, .. } => {
                if *sent {
                    return;
                }
                *sent = true;
                let early = std::mem::take(early);
                self.send(link.peer.clone(), Signal::Accept { call: id, generation: 0, media, offer: Some(sdp) });
                if !early.candidates.is_empty() || early.complete {
                    self.send(
                        link.peer.clone(),
                        Signal::Candidates {
                            call: id,
                            attempt: 0,
                            candidates: early.candidates,
                            complete: early.complete,
                        },
                    );
                }
            }
            State::Talking { .. } => self.send(link.peer.clone(), Signal::Offer { call: id, attempt: 0, sdp }),
            State::Calling { .. } | State::Waiting { .. } | State::Ended { .. } => {}
        }
    }

    pub(crate) fn answer_ready(&mut self, link: &Link, sdp: String) {
        let id = link.call;
        let Some(call) = self.link_mut(link) else { return };
        let State::Talking { settled, .. } = &mut call.state else {
            return;
        };
        let signal = if std::mem::replace(settled, true) {
            Signal::Answer { call: id, attempt: 0, sdp }
        } else {
            Signal::Select {
                call: id,
                generation: 0,
                roster: Vec::new(),
                device: link.peer.device.clone(),
                answer: Some(sdp),
            }
        };
        self.send(link.peer.clone(), signal);
    }

    pub(crate) fn candidates_gathered(&mut self, link: &Link, candidates: Vec<Candidate>, complete: bool) {
        let id = link.call;
        let Some(call) = self.link_mut(link) else { return };
        match &mut call.state {
            State::Ringing { early, .. } | State::Accepting { sent: false, early, .. } => {
                early.keep(candidates, complete);
            }
            State::Accepting { sent: true, .. } | State::Talking { .. } => {
                self.send(link.peer.clone(), Signal::Candidates { call: id, attempt: 0, candidates, complete });
            }
            State::Calling { .. } | State::Waiting { .. } | State::Ended { .. } => {}
        }
    }

    pub(crate) fn candidates_received(
        &mut self,
        id: CallId,
        from: DeviceAddress,
        candidates: Vec<Candidate>,
        complete: bool,
    ) {
        let Some(call) = self.call_mut(id).filter(|call| call.peer == from.user) else {
            return;
        };
        match &call.state {
            State::Calling { .. } | State::Accepting { .. } => call.keep_remote(&from, candidates, complete),
            State::Talking { peer, .. } => {
                if *peer == from {
                    let link = Link { call: id, peer: from };
                    self.outputs.push_back(Output::AddCandidates { link, candidates, complete });
                }
            }
            State::Waiting { .. } | State::Ringing { .. } | State::Ended { .. } => {}
        }
    }

    pub(crate) fn offer_received(&mut self, id: CallId, from: DeviceAddress, sdp: String) {
        if self.talks_with(id, &from) {
            self.outputs.push_back(Output::AnswerOffer { link: Link { call: id, peer: from }, offer: sdp });
        }
    }

    pub(crate) fn answer_received(&mut self, id: CallId, from: DeviceAddress, sdp: String) {
        if self.talks_with(id, &from) {
            self.outputs.push_back(Output::AcceptAnswer { link: Link { call: id, peer: from }, answer: sdp });
        }
    }

    pub(crate) fn media_connected(&mut self, now: Instant, link: &Link) {
        let id = link.call;
        let Some(call) = self.link_mut(link) else { return };
        let State::Talking { path, .. } = &mut call.state else {
            return;
        };
        if *path == Path::Up {
            return;
        }
        *path = Path::Up;
        let peer = call.peer.clone();
        if call.connected_at.is_none() {
            call.connected_at = Some(now);
            self.notify(Notice::UserEntered(id, peer));
            self.notify(Notice::Connected(id));
        }
        // Said again after every gap: the road it took before may have lost it.
        if self.mute_revision > 0 {
            self.send_media_state(id, link.peer.clone());
        }
    }

    pub(crate) fn media_disconnected(&mut self, now: Instant, link: &Link) {
        let id = link.call;
        let Some(call) = self.link_mut(link) else { return };
        let State::Talking { path, offered, .. } = &mut call.state else {
            return;
        };
        if *path == Path::Up {
            // One side restarts, or two offers would meet. It is the one that offered first.
            let restart_at = offered.then(|| now + RESTART_AFTER);
            *path = Path::Down { restart_at, deadline: now + LOST_AFTER };
            let peer = call.peer.clone();
            self.notify(Notice::MediaDisconnected(id));
            self.notify(Notice::UserDisconnected(id, peer));
        }
    }

    pub(crate) fn media_failed(&mut self, now: Instant, link: &Link) {
        let id = link.call;
        let Some(call) = self.link_mut(link) else { return };
        let (reason, end) = match &mut call.state {
            // The other side need not learn of a ring that could not be prepared: it may ring elsewhere.
            State::Ringing { .. } | State::Accepting { .. } | State::Talking { path: Path::New { .. }, .. } => {
                (HangupReason::IceFailed, EndReason::IceFailed)
            }
            State::Talking { path: Path::Up, .. } => return self.media_disconnected(now, link),
            // ICE gave up, but a restart may still find a way.
            State::Talking { path: Path::Down { .. }, .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Ended { .. } => return,
        };
        self.send(link.peer.clone(), Signal::Hangup { call: id, generation: 0, everyone: false, reason });
        self.end(now, id, end);
    }

    /// Their program closed the connection in order: a hang-up whose words were lost on the way.
    pub(crate) fn media_closed(&mut self, now: Instant, link: &Link) {
        if self.talks_with(link.call, &link.peer) {
            self.end(now, link.call, EndReason::Hangup);
        }
    }

    pub(crate) fn set_muted(&mut self, muted: bool) {
        if self.muted == muted {
            return;
        }
        self.muted = muted;
        self.mute_revision += 1;
        let talking = self.calls.iter().find_map(|call| match &call.state {
            State::Talking { peer, .. } => Some((call.id, peer.clone())),
            State::Calling { .. }
            | State::Waiting { .. }
            | State::Ringing { .. }
            | State::Accepting { .. }
            | State::Ended { .. } => None,
        });
        if let Some((id, peer)) = talking {
            self.send_media_state(id, peer);
        }
    }

    pub(crate) fn media_state_received(&mut self, id: CallId, from: &DeviceAddress, revision: u32, muted: bool) {
        if !self.talks_with(id, from) {
            return;
        }
        let Some(call) = self.call_mut(id) else { return };
        if revision <= call.peer_revision {
            return;
        }
        call.peer_revision = revision;
        if std::mem::replace(&mut call.peer_muted, muted) != muted {
            let peer = call.peer.clone();
            self.notify(Notice::AudioMuted(id, peer, muted));
        }
    }

    fn send_media_state(&mut self, id: CallId, to: DeviceAddress) {
        let (revision, muted) = (self.mute_revision, self.muted);
        self.send(to, Signal::MediaState { call: id, revision, muted, on_hold: false, video: false });
    }

    fn talks_with(&mut self, id: CallId, from: &DeviceAddress) -> bool {
        self.call_mut(id).is_some_and(|call| matches!(&call.state, State::Talking { peer, .. } if peer == from))
    }
}
