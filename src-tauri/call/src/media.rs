//! What the media paths do: they connect, stop, fail, and are brought back.

use std::time::Instant;

use crate::call::{Call, Phase};
use crate::path::Path;
use crate::phone::{FRESH_LINK, LOST_AFTER, OFFER_YIELD, RESTART_AFTER, RESTART_AGAIN};
use crate::{CallId, DeviceAddress, EndReason, HangupReason, Link, Notice, Output, Phone, Signal, Standing};

impl Phone {
    pub(crate) fn media_connected(&mut self, now: Instant, link: &Link) {
        let id = link.call;
        let Some(call) = self.call_mut(id) else { return };
        let rings = matches!(call.phase, Phase::Ringing { .. });
        let Some(path) = call.path_mut(&link.peer).filter(|path| path.path != Path::Up) else {
            return;
        };
        let first = matches!(path.path, Path::New { .. });
        path.path = Path::Up;
        path.again_at = None;
        if rings && first {
            // A doorbell is heard before the answer (kit A10).
            self.notify(Notice::StreamAdded(id, link.peer.user.clone()));
        }
        if first && self.media_revision > 0 && self.call(id).is_some_and(|call| call.lets_preview(&link.peer)) {
            self.send_media_state(id, Some(&link.peer));
        }
        self.heard(now, id, &link.peer);
    }

    /// Media flows with somebody; if they are in the call and I am, they have entered for me.
    pub(crate) fn heard(&mut self, now: Instant, id: CallId, peer: &DeviceAddress) {
        let Some(call) = self.call_mut(id).filter(|call| call.is_in()) else {
            return;
        };
        let Some(member) = call.joined_mut(peer) else { return };
        member.lost = false;
        member.tell_at = None;
        let enters = !std::mem::replace(&mut member.entered, true);
        let connects = call.connected_at.is_none();
        call.connected_at.get_or_insert(now);
        let fetched = call.transfer.as_ref().is_some_and(|transfer| transfer.to == peer.user);
        if enters {
            self.notify(Notice::UserEntered(id, peer.user.clone()));
        }
        if connects {
            self.notify(Notice::Connected(id));
        }
        // After every gap: the road it took before may have lost it.
        self.tell_newly_heard(now, id, peer);
        if fetched {
            self.transfer_done(now, id);
        }
    }

    pub(crate) fn media_disconnected(&mut self, now: Instant, link: &Link) {
        let id = link.call;
        let Some(path) = self.call_mut(id).and_then(|call| call.path_mut(&link.peer)) else {
            return;
        };
        if path.path != Path::Up {
            return;
        }
        // One side restarts, or two offers would meet. It is the one that offered first.
        path.path = Path::Down { since: now, restart_at: path.offered.then(|| now + RESTART_AFTER) };
        self.unheard(now, id, &link.peer);
    }

    /// Their media does not arrive any more, or did not in time.
    fn unheard(&mut self, now: Instant, id: CallId, peer: &DeviceAddress) {
        let Some(call) = self.call_mut(id).filter(|call| call.is_in()) else {
            return;
        };
        let Some(member) = call.joined_mut(peer) else { return };
        if std::mem::replace(&mut member.lost, true) {
            return;
        }
        if member.entered {
            member.silent_since = now;
        }
        if call.connected_at.is_some() && !call.hears_anybody() {
            self.notify(Notice::MediaDisconnected(id));
        }
        self.notify(Notice::UserDisconnected(id, peer.user.clone()));
        self.probe(id, peer);
    }

    /// Asks a program whose media has stopped whether it still is in the call: one that has started anew is not.
    fn probe(&mut self, id: CallId, peer: &DeviceAddress) {
        let me = self.me.clone();
        let Some(call) = self.call(id).filter(|call| !call.own) else { return };
        let entries = call.roster(&me);
        self.send(peer.clone(), Signal::Roster { call: id, entries, reply: true });
    }

    pub(crate) fn media_failed(&mut self, now: Instant, link: &Link) {
        let id = link.call;
        let Some(call) = self.call(id) else { return };
        let Some(path) = call.path(&link.peer) else { return };
        match (&call.phase, path.path) {
            // The ring goes on; the answer will carry an offer.
            (Phase::Ringing { .. }, _) if path.told => self.prepare_anew(now, id, &link.peer),
            (Phase::Ringing { .. } | Phase::Accepting { .. }, Path::New { .. }) => {
                self.depart(now, id, HangupReason::IceFailed, false, EndReason::IceFailed);
            }
            (Phase::In, Path::New { .. }) => self.path_failed(now, id, &link.peer),
            (_, Path::Up) => self.media_disconnected(now, link),
            // ICE gave up, but a restart may still find a way.
            (
                Phase::Waiting { .. } | Phase::Ringing { .. } | Phase::Accepting { .. } | Phase::In,
                Path::Down { .. },
            )
            | (Phase::Waiting { .. } | Phase::Ended { .. }, Path::New { .. } | Path::Down { .. }) => {}
        }
    }

    /// A preview has failed: another offer is prepared.
    fn prepare_anew(&mut self, now: Instant, id: CallId, inviter: &DeviceAddress) {
        self.close_path(id, inviter);
        self.prepare_offer(now, id, inviter);
    }

    /// A peer connection never came up. In a call of two that is its end; in a group the pair tries again.
    fn path_failed(&mut self, now: Instant, id: CallId, peer: &DeviceAddress) {
        let Some(call) = self.call(id) else { return };
        if call.is_joined(peer) && !call.is_group() {
            return self.depart(now, id, HangupReason::IceFailed, false, EndReason::IceFailed);
        }
        self.connect_anew(now, id, peer, RESTART_AFTER);
    }

    /// Gives a peer connection up; in `patience` a fresh one follows, offered by the smaller address.
    fn connect_anew(&mut self, now: Instant, id: CallId, peer: &DeviceAddress, patience: std::time::Duration) {
        self.unheard(now, id, peer);
        self.close_path(id, peer);
        let patience = if self.me < *peer { patience } else { patience + OFFER_YIELD };
        if let Some(member) = self.call_mut(id).and_then(|call| call.joined_mut(peer)) {
            member.offer_at = Some(now + patience);
        }
    }

    /// Their program closed the connection in order: a hang-up whose words were lost on the way. In a group it may as
    /// well try anew, or have gone: the answer to a fresh offer tells.
    pub(crate) fn media_closed(&mut self, now: Instant, link: &Link) {
        let id = link.call;
        let Some(call) = self.call_mut(id) else { return };
        if call.path(&link.peer).is_none() {
            return;
        }
        let group = call.is_group();
        match &call.phase {
            Phase::Ringing { .. } => self.prepare_anew(now, id, &link.peer),
            Phase::Waiting { .. } | Phase::Accepting { .. } | Phase::Ended { .. } => {}
            Phase::In => {
                let Some(member) = call.joined_mut(&link.peer).filter(|_| !group) else {
                    return self.connect_anew(now, id, &link.peer, RESTART_AFTER);
                };
                member.standing = Standing::Left { reason: EndReason::Hangup };
                self.gone(now, id, &link.peer.user, EndReason::Hangup);
                self.check_alone(now, id, EndReason::Hangup);
            }
        }
    }

    /// Does what is due for the peer connection to this device.
    pub(crate) fn path_timeout(&mut self, now: Instant, id: CallId, peer: &DeviceAddress) {
        let Some(call) = self.call_mut(id) else { return };
        let (group, joined) = (call.is_group(), call.is_joined(peer));
        let Some(path) = call.path_mut(peer) else { return };
        if path.lingers_until.is_some_and(|at| at <= now) {
            return self.close_path(id, peer);
        }
        let offered = path.offered;
        match &mut path.path {
            Path::Up => {}
            Path::New { deadline } => {
                if *deadline <= now {
                    if joined && group {
                        self.connect_anew(now, id, peer, std::time::Duration::ZERO);
                    } else {
                        self.path_failed(now, id, peer);
                    }
                } else if path.again_at.is_some_and(|at| at <= now) {
                    self.offer_again(now, id, peer);
                }
            }
            Path::Down { since, restart_at } => {
                if *since + patience_with(joined, group, offered) <= now {
                    if joined && !group {
                        self.depart(now, id, HangupReason::IceLost, false, EndReason::IceLost);
                    } else {
                        self.connect_anew(now, id, peer, std::time::Duration::ZERO);
                    }
                } else if restart_at.is_some_and(|at| at <= now) {
                    *restart_at = Some(now + RESTART_AGAIN);
                    if joined {
                        self.outputs.push_back(Output::RestartIce(Link { call: id, peer: peer.clone() }));
                    }
                }
            }
        }
    }
}

impl Call {
    /// When the peer connections want to be looked at next, in a call that I am in.
    pub fn paths_timeout(&self) -> Option<Instant> {
        self.paths
            .iter()
            .flat_map(|path| {
                let due = match path.path {
                    Path::Up => None,
                    Path::New { deadline } => Some(path.again_at.map_or(deadline, |at| at.min(deadline))),
                    Path::Down { since, restart_at } => {
                        let end = since + patience_with(self.is_joined(&path.peer), self.is_group(), path.offered);
                        Some(restart_at.map_or(end, |at| at.min(end)))
                    }
                };
                due.into_iter().chain(path.lingers_until)
            })
            .min()
    }
}

/// How long a peer connection may be down before it is given up.
fn patience_with(joined: bool, group: bool, offered: bool) -> std::time::Duration {
    if !joined || !group {
        LOST_AFTER
    } else if offered {
        FRESH_LINK
    } else {
        // The other side's task first.
        FRESH_LINK + OFFER_YIELD
    }
}
