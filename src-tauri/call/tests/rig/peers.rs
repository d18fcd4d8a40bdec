//! Peer connections: an offer and the answer made for it connect the two that made them, and no others.

use std::time::Duration;

use peal_call::{CallId, Input, Link};
use rand::Rng;

use super::{Due, Town, address};

const PREPARES: Duration = Duration::from_millis(1);
const CONNECTS: Duration = Duration::from_millis(20);
const NOTICED: Duration = Duration::from_secs(2);

/// One peer connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its number in the town, which its descriptions carry.
    id: u32,
    /// The one it has been described to.
    remote: Option<u32>,
    /// ICE restarts made or answered.
    restarts: u32,
    pub up: bool,
}

impl Town {
    pub(super) fn open_offerer(&mut self, place: usize, link: Link) {
        let id = self.open_peer(place, link.clone(), None);
        let input = Input::OfferReady { link, sdp: format!("{id}.0") };
        self.schedule(PREPARES, Due::Peer { to: place, peer: id, input });
    }

    pub(super) fn open_answerer(&mut self, place: usize, link: Link, offer: &str) {
        let Some((remote, restart)) = numbers(offer) else { return };
        let id = self.open_peer(place, link.clone(), Some(remote));
        let input = Input::AnswerReady { link, sdp: format!("{id}.{remote}.{restart}") };
        self.schedule(PREPARES, Due::Peer { to: place, peer: id, input });
    }

    fn open_peer(&mut self, place: usize, link: Link, remote: Option<u32>) -> u32 {
        self.peers += 1;
        let id = self.peers;
        let me = &mut self.devices[place];
        if me.open.iter().any(|(it, _)| *it == link) {
            self.faults.push(format!("{} opens a second peer connection to {}", me.me, link.peer));
        }
        me.open.push((link, Peer { id, remote, restarts: 0, up: false }));
        id
    }

    pub(super) fn answer_offer(&mut self, place: usize, link: &Link, offer: &str) {
        let Some((remote, restart)) = numbers(offer) else { return };
        let Some(peer) = self.peer_mut(place, link) else { return };
        if peer.remote != Some(remote) {
            // An offer of another peer connection can't be answered by this one.
            return;
        }
        peer.restarts = restart;
        let id = peer.id;
        let input = Input::AnswerReady { link: link.clone(), sdp: format!("{id}.{remote}.{restart}") };
        self.schedule(PREPARES, Due::Peer { to: place, peer: id, input });
    }

    pub(super) fn restart_ice(&mut self, place: usize, link: &Link) {
        let Some(peer) = self.peer_mut(place, link) else { return };
        peer.restarts += 1;
        let id = peer.id;
        let input = Input::OfferReady { link: link.clone(), sdp: format!("{id}.{}", peer.restarts) };
        self.schedule(PREPARES, Due::Peer { to: place, peer: id, input });
    }

    pub(super) fn accept_answer(&mut self, place: usize, link: &Link, answer: &str) {
        let mut parts = answer.split('.').map(str::parse::<u32>);
        let (Some(Ok(theirs)), Some(Ok(mine)), Some(Ok(restart))) = (parts.next(), parts.next(), parts.next()) else {
            return;
        };
        let Some(peer) = self.peer_mut(place, link) else { return };
        if peer.id != mine || peer.restarts != restart || peer.remote.is_some_and(|it| it != theirs) {
            return;
        }
        peer.remote = Some(theirs);
        self.bring_up(place, link);
    }

    /// Connects both ends, if there are two and a way between them.
    fn bring_up(&mut self, place: usize, link: &Link) {
        let Some(there) = self.place(&link.peer) else { return };
        let back = Link { call: link.call, peer: self.devices[place].me.clone() };
        let Some((mine, _, _)) = self.ends(place, link) else { return };
        let Some((theirs, remote, _)) = self.ends(there, &back) else { return };
        let fits = remote == Some(mine) && self.ends(place, link).is_some_and(|(_, it, _)| it == Some(theirs));
        if fits && self.media_gets_through(place, there) {
            let later = CONNECTS + self.offerer_lags;
            for (place, link, id, after) in [(place, link.clone(), mine, later), (there, back, theirs, CONNECTS)] {
                let input = Input::MediaConnected { link };
                self.schedule(after, Due::Peer { to: place, peer: id, input });
            }
        }
    }

    fn ends(&self, place: usize, link: &Link) -> Option<(u32, Option<u32>, bool)> {
        let device = self.devices.get(place).filter(|device| device.alive)?;
        device.open.iter().find(|(it, _)| it == link).map(|(_, peer)| (peer.id, peer.remote, peer.up))
    }

    fn peer_mut(&mut self, place: usize, link: &Link) -> Option<&mut Peer> {
        self.devices[place].open.iter_mut().find(|(it, _)| it == link).map(|(_, peer)| peer)
    }

    fn media_gets_through(&self, a: usize, b: usize) -> bool {
        self.media_works && !self.walls.contains(&(a.min(b), a.max(b)))
    }

    pub(super) fn peer_fact(&mut self, place: usize, id: u32, input: Input) {
        let connects = matches!(input, Input::MediaConnected { .. });
        let breaks = matches!(input, Input::MediaDisconnected { .. });
        let device = &mut self.devices[place];
        let Some((link, peer)) = device.open.iter_mut().find(|(_, peer)| peer.id == id) else {
            return;
        };
        if connects {
            let (link, remote) = (link.clone(), peer.remote);
            let Some(there) = self.place(&link.peer) else { return };
            let back = Link { call: link.call, peer: self.devices[place].me.clone() };
            // The other end may have been closed, or the way to it, while the two were connecting.
            let fits = self.ends(there, &back).is_some_and(|(id, _, _)| Some(id) == remote);
            if !fits || !self.media_gets_through(place, there) {
                return;
            }
            if let Some(peer) = self.peer_mut(place, &link) {
                peer.up = true;
            }
        } else if breaks {
            peer.up = false;
        }
        self.feed(place, input);
    }

    pub(super) fn close_peer(&mut self, place: usize, link: &Link) {
        let device = &mut self.devices[place];
        let Some(position) = device.open.iter().position(|(it, _)| it == link) else {
            let me = device.me.clone();
            self.faults.push(format!("{me} closes a peer connection that it does not have"));
            return;
        };
        let (_, closed) = device.open.swap_remove(position);
        self.tell_of_end(place, link, &closed, true);
    }

    /// The other end notices, at once if it was closed in order.
    fn tell_of_end(&mut self, place: usize, link: &Link, closed: &Peer, in_order: bool) {
        let Some(there) = self.place(&link.peer) else { return };
        let back = Link { call: link.call, peer: self.devices[place].me.clone() };
        let Some((id, remote, up)) = self.ends(there, &back) else { return };
        if remote != Some(closed.id) || !up {
            return;
        }
        let (delay, input) = if in_order && self.media_gets_through(place, there) && self.random.random_bool(0.5) {
            (CONNECTS, Input::MediaClosed { link: back })
        } else {
            (NOTICED, Input::MediaDisconnected { link: back })
        };
        self.schedule(delay, Due::Peer { to: there, peer: id, input });
    }

    pub(super) fn drop_all_media(&mut self, place: usize) {
        for (link, peer) in std::mem::take(&mut self.devices[place].open) {
            self.tell_of_end(place, &link, &peer, false);
        }
    }

    /// Media flows between the two in this call.
    pub(super) fn is_up(&self, a: usize, b: usize, call: CallId) -> bool {
        let up = |a: usize, b: usize| {
            let peer = &self.devices[b].me;
            self.devices[a].open.iter().any(|(link, it)| link.call == call && link.peer == *peer && it.up)
        };
        up(a, b) && up(b, a) && self.media_gets_through(a, b)
    }

    /// The media path between two devices breaks; an ICE restart heals it.
    pub fn break_media(&mut self, call: CallId, a: &str, b: &str) {
        for (me, peer) in [(a, b), (b, a)] {
            let place = self.place_of(me);
            let link = Link { call, peer: address(peer) };
            if let Some((id, _, _)) = self.ends(place, &link) {
                let input = Input::MediaDisconnected { link };
                self.schedule(Duration::ZERO, Due::Peer { to: place, peer: id, input });
            }
        }
        self.run(Duration::from_millis(1));
    }

    /// No media gets through between two places until the wall falls.
    pub fn build_wall(&mut self, a: usize, b: usize) {
        let wall = (a.min(b), a.max(b));
        if a == b || self.walls.contains(&wall) {
            return;
        }
        self.walls.push(wall);
        for (place, there) in [(a, b), (b, a)] {
            let peer = self.devices[there].me.clone();
            let cut: Vec<_> =
                self.devices[place].open.iter().filter(|(link, it)| link.peer == peer && it.up).cloned().collect();
            for (link, it) in cut {
                let input = Input::MediaDisconnected { link };
                self.schedule(NOTICED, Due::Peer { to: place, peer: it.id, input });
            }
        }
    }

    pub fn tear_down_wall(&mut self, a: usize, b: usize) {
        let wall = (a.min(b), a.max(b));
        self.walls.retain(|it| *it != wall);
        self.schedule(NOTICED + CONNECTS, Due::Heal { a, b });
    }

    /// What was connected connects again by itself.
    pub(super) fn heal(&mut self, a: usize, b: usize) {
        let peer = self.devices[b].me.clone();
        let links: Vec<_> =
            self.devices[a].open.iter().filter(|(link, _)| link.peer == peer).map(|(link, _)| link.clone()).collect();
        for link in links {
            self.bring_up(a, &link);
        }
    }
}

/// The peer connection that made an offer, and how often it had restarted.
fn numbers(offer: &str) -> Option<(u32, u32)> {
    let (id, restart) = offer.split_once('.')?;
    Some((id.parse().ok()?, restart.parse().ok()?))
}
