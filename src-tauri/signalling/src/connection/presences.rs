//! Presence: this device's own, that of its siblings, and everybody else's.

use std::time::Instant;

use rumqttc::v5::mqttbytes::v5::Publish;

use super::{Connection, SHOW_AGAIN_AFTER, Shown, Step};
use crate::client::End;
use crate::directory::Change;
use crate::flood::Ready;
use crate::session::Session;
use crate::{DeviceKind, DropReason, Notice, Presence, PresenceState};

impl Connection {
    /// Something stands, or was just put, in this device's own place.
    pub(super) fn own_presence(&mut self, session: &mut Session, publish: &Publish) -> Step {
        let now = Instant::now();
        let mine = session.config.boot_id;
        let shown = Presence::from_wire(session.config.address.clone(), &publish.payload);
        match shown {
            Some(shown) if shown.boot_id != mine => {
                // What the program's earlier run left behind, or its last will, is no rival.
                let old_news = session.connections <= 1 && (publish.retain || shown.state == PresenceState::Offline);
                if shown.boot_id > mine && !old_news {
                    session.pending.push_back(Notice::KickedOut { by: session.config.address.clone() });
                    let mut state = session.shared.lock();
                    state.wish.end.get_or_insert(crate::client::End::Leave);
                    // What of the queue has come isn't acknowledged: it goes to the other program.
                    drop(state.inbox.end_backlog());
                    drop(state);
                    // Its place belongs to the other program now: no offline presence, and no last will.
                    self.say_goodbye(now);
                    return Step::Go;
                }
                self.show_again(now);
            }
            // The last will of an earlier connection of this very run.
            Some(shown) if shown.state == PresenceState::Offline && !self.is_leaving() => {
                if session.shared.lock().me.state != PresenceState::Offline {
                    self.show_again(now);
                }
            }
            Some(_) => {
                if matches!(self.shown, Shown::Waiting(_)) {
                    self.shown = Shown::Due(now);
                }
            }
            None => self.show_again(now),
        }
        Step::Go
    }

    fn show_again(&mut self, now: Instant) {
        self.shown = match self.shown {
            Shown::Waiting(_) => Shown::Due(now),
            Shown::Due(at) => Shown::Due(at),
            Shown::No => Shown::No,
            // At once the first time: an older program may be about to look.
            Shown::Yes => Shown::Due(self.shown_again.map_or(now, |last| now.max(last + SHOW_AGAIN_AFTER))),
        };
        self.shown_again = Some(now);
    }

    /// Something stands, or was just put, in another device's place.
    pub(super) fn others_presence(&mut self, session: &mut Session, Ready { of, payload, retained }: Ready) {
        let mut guard = session.shared.lock();
        let state = &mut *guard;
        let mut notices = Vec::new();
        let mut sibling = None;
        if payload.is_empty() {
            notices.extend(state.directory.remove(&of).map(Notice::Presence));
        } else if let Some(presence) = Presence::from_wire(of.clone(), &payload) {
            if of.user == session.config.address.user {
                sibling = Some(presence.clone());
            }
            match state.directory.take(presence.clone()) {
                Change::None => {}
                Change::Shown => notices.push(Notice::Presence(presence)),
                Change::Key { old, new } => {
                    notices.push(Notice::Presence(presence));
                    notices.push(Notice::KeyChanged { address: of.clone(), old, new });
                }
            }
            notices.extend(state.inbox.release(&mut state.directory, &of, Instant::now()));
        } else {
            notices.extend(state.inbox.drop_one(DropReason::Malformed, Some(of)));
        }
        drop(guard);
        session.pending.extend(notices);
        if let Some(sibling) = sibling {
            self.siblings_presence(session, &sibling, retained);
        }
    }

    /// Another device of this account: of an account that wants only one, the one that came last stays. Who came last
    /// is not a question of clocks: each device takes a higher claim than it sees when it comes, so that of any two
    /// exactly one yields, also when they come at the same moment.
    fn siblings_presence(&mut self, session: &mut Session, sibling: &Presence, retained: bool) {
        // Echo belongs to the program that offers it, and goes with it.
        if sibling.kind == DeviceKind::Echo || session.config.kind == DeviceKind::Echo {
            return;
        }
        let was_there_before = !session.has_caught_up || (self.first && retained);
        let mut guard = session.shared.lock();
        let state = &mut *guard;
        if was_there_before {
            if !state.me.is_later_than(sibling) {
                state.me.claim_above(sibling.claim);
                state.wish.show |= state.me.single;
            }
            return;
        }
        drop(guard);
        // Not by what a broker has queued of old presence: what is retained follows, and counts.
        if retained || self.judges_at.is_none() {
            self.yield_to(session, sibling);
        }
    }

    /// Some time after this device's return everything retained has come.
    pub(super) fn judge_siblings(&mut self, session: &mut Session, now: Instant) {
        if self.judges_at.is_none_or(|at| at > now) {
            return;
        }
        self.judges_at = None;
        let siblings = {
            let state = session.shared.lock();
            state.directory.devices_of(&state.me.address.user)
        };
        for sibling in siblings.iter().filter(|it| it.kind != DeviceKind::Echo) {
            self.yield_to(session, sibling);
        }
    }

    /// Yields to a device that came later, if it claims the account.
    fn yield_to(&mut self, session: &mut Session, sibling: &Presence) {
        let mut guard = session.shared.lock();
        let state = &mut *guard;
        // One that is away may never come back: nobody yields to it before it does.
        let is_there = sibling.state != PresenceState::Offline;
        let is_echo = session.config.kind == DeviceKind::Echo;
        if is_echo || self.is_leaving() || !sibling.single || !is_there || !sibling.is_later_than(&state.me) {
            return;
        }
        self.yielded = true;
        let rest = state.inbox.end_connection(&mut state.directory, Instant::now());
        state.wish.end.get_or_insert(End::Leave);
        drop(guard);
        session.pending.extend(rest);
        session.pending.push_back(Notice::KickedOut { by: sibling.address.clone() });
    }
}
