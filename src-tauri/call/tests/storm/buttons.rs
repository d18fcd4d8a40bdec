//! Every button there is, pressed by somebody who is in the mood for it.

use std::collections::BTreeSet;
use std::time::Duration;

use peal_call::{
    CallId, CallSnapshot, CallState, Callee, Dial, EndReason, Input, Link, Meanwhile, MediaKind, MemberState, Policy,
    Stream, Unknown, UserId,
};
use rand::Rng;
use rand::seq::IndexedRandom;

use super::{Kind, Storm};

impl Storm {
    /// How people have set their phones before the storm.
    pub(super) fn set_up(&mut self) {
        let (waits, previews): (bool, bool) = (self.town.random.random(), self.town.random.random_ratio(1, 4));
        if !waits && !previews {
            return;
        }
        for place in 0..self.town.devices.len() {
            let mut policy = Policy { call_waiting: waits, ..Policy::default() };
            if previews {
                policy.previewable.extend(self.users.iter().cloned());
            }
            self.feed(place, Input::PolicyChanged(policy));
        }
    }

    pub(super) fn press_something(&mut self) {
        let place = self.somebody();
        if self.kind == Kind::Rough && self.town.random.random_bool(0.12) {
            return self.break_something(place);
        }
        let shown = self.town.devices[place].shown();
        let live: Vec<&CallSnapshot> = shown.iter().filter(|call| !call.is_over()).collect();
        let Some(call) = live.choose(&mut self.town.random).copied() else {
            return self.place_call(place);
        };
        if call.alert.is_some() && self.town.random.random_bool(0.85) {
            return self.answer(place, call);
        }
        let inside: Vec<_> = live.iter().filter(|call| talks(call)).collect();
        match (inside.len(), self.town.random.random_range(0..10)) {
            // A second call while the first one waits; then the two are joined.
            (1, 0..4) if call.on_hold => self.place_call(place),
            (2.., 0..3) => {
                let (one, other) = (inside[0].id, inside[1].id);
                let swap = self.town.random.random();
                let (call, target) = if swap { (one, other) } else { (other, one) };
                let joined = Input::Merge { call, into: target };
                let input = if self.town.random.random() { joined } else { Input::TransferTo { call, target } };
                self.feed(place, input);
            }
            _ => self.press_in_call(place, call, &live),
        }
    }

    /// Whose turn it is: those with something on their screen press more.
    fn somebody(&mut self) -> usize {
        let places = self.town.devices.len();
        let all = 0..places;
        let ringing: Vec<_> = all.clone().filter(|place| self.shows(*place, |call| call.alert.is_some())).collect();
        let inside: Vec<_> = all.filter(|place| self.shows(*place, talks)).collect();
        let any = self.town.random.random_range(0..places);
        let chosen = match self.town.random.random_range(0..10) {
            0..4 => ringing.choose(&mut self.town.random),
            4..8 => inside.choose(&mut self.town.random),
            _ => None,
        };
        chosen.copied().unwrap_or(any)
    }

    fn shows(&self, place: usize, what: impl Fn(&CallSnapshot) -> bool) -> bool {
        let device = &self.town.devices[place];
        device.alive && device.shown().iter().any(|call| !call.is_over() && what(call))
    }

    fn place_call(&mut self, place: usize) {
        let others = self.strangers(place, &[]);
        let Some(first) = others.choose(&mut self.town.random).cloned() else { return };
        let mut to = vec![first];
        if self.town.random.random_bool(0.4) {
            let more = self.town.random.random_range(1..=others.len());
            to = others.choose_multiple(&mut self.town.random, more).cloned().collect();
        }
        let call = self.town.fresh_id();
        let dial = Dial {
            call,
            to: to.iter().map(|user| self.callee(user)).collect(),
            only: self.town.random.random_ratio(1, 30),
            media: self.media(),
            group: self.town.random.random_ratio(1, 10).then(|| "team".to_owned()),
            message: None,
            lifetime: Duration::from_secs(self.town.random.random_range(5..60)),
            early_media: self.town.random.random_ratio(1, 5),
            started_at: self.town.wall_ms(),
        };
        self.calls += 1;
        self.feed(place, Input::Call(dial));
    }

    fn answer(&mut self, place: usize, call: &CallSnapshot) {
        let id = call.id;
        let meanwhile = if self.town.random.random() { Meanwhile::Hold } else { Meanwhile::End };
        let input = match self.town.random.random_range(0..10) {
            0..7 => Input::Accept { call: id, media: None, meanwhile },
            7 => Input::Accept { call: id, media: Some(self.media()), meanwhile },
            8 => Input::Reject { call: id, busy: false, message: Some("later".to_owned()) },
            _ => Input::Reject { call: id, busy: true, message: None },
        };
        self.feed(place, input);
    }

    fn press_in_call(&mut self, place: usize, call: &CallSnapshot, live: &[&CallSnapshot]) {
        let id = call.id;
        let inside: Vec<UserId> = call
            .members
            .iter()
            .filter(|member| member.state != MemberState::Left)
            .map(|member| member.user.clone())
            .collect();
        let lifetime = Duration::from_secs(self.town.random.random_range(5..60));
        let flag = self.town.random.random();
        let input = match self.town.random.random_range(0..40) {
            0 => Input::Accept { call: id, media: None, meanwhile: Meanwhile::Hold },
            1 => Input::Reject { call: id, busy: false, message: None },
            2 => Input::Cancel { call: id, record: flag },
            3 => Input::Leave { call: id },
            4..6 => Input::Hangup { call: id },
            6..10 => Input::Hold { call: id },
            10..13 => Input::Resume { call: id },
            13..16 => Input::SwitchMedia { call: id, media: self.media() },
            16..18 => Input::AnswerSwitch { call: id, accept: flag },
            18..23 => return self.invite_more(place, id, &inside, lifetime),
            23..26 => return self.pass_on(place, id, &inside, lifetime),
            26..29 => {
                let Some(target) = live.choose(&mut self.town.random).map(|it| it.id) else { return };
                if flag { Input::TransferTo { call: id, target } } else { Input::Merge { call: id, into: target } }
            }
            29..31 => Input::SetMuted { muted: flag },
            31 if self.town.random.random_ratio(1, 3) => {
                let stream = flag.then(|| Stream { url: format!("https://media.example/{place}"), token: None });
                Input::SetStream { stream }
            }
            31 => Input::SetVideo { on: flag },
            32..34 => Input::PolicyChanged(self.policy(place)),
            34 => Input::Dismiss { call: id },
            35 => {
                if self.town.random.random_ratio(1, 3) {
                    Input::LogOut { reason: if flag { EndReason::Hangup } else { EndReason::KickedOut } }
                } else {
                    return;
                }
            }
            36 => {
                if self.kind == Kind::Rough && self.town.random.random_ratio(1, 3) {
                    Input::SoundFailed { call: id }
                } else {
                    return;
                }
            }
            37 => {
                let Some((link, _)) = self.town.devices[place].open.first().cloned() else { return };
                if self.kind != Kind::Rough {
                    return;
                }
                Input::MediaFailed { link }
            }
            38 => return self.place_call(place),
            _ => Input::AnswerSwitch { call: id, accept: true },
        };
        self.feed(place, input);
    }

    fn invite_more(&mut self, place: usize, id: CallId, inside: &[UserId], lifetime: Duration) {
        let others = self.strangers(place, inside);
        let more = self.town.random.random_range(0..=others.len().min(3));
        let users: Vec<UserId> = others.choose_multiple(&mut self.town.random, more).cloned().collect();
        let callees: Vec<Callee> = users.iter().map(|user| self.callee(user)).collect();
        self.feed(place, Input::Invite { call: id, callees, message: None, lifetime });
    }

    fn pass_on(&mut self, place: usize, id: CallId, inside: &[UserId], lifetime: Duration) {
        let others = self.strangers(place, inside);
        let Some(user) = others.choose(&mut self.town.random).cloned() else { return };
        let callee = self.callee(&user);
        self.feed(place, Input::Transfer { call: id, callee, lifetime });
    }

    fn break_something(&mut self, place: usize) {
        let other = self.town.random.random_range(0..self.town.devices.len());
        let device = &self.town.devices[place];
        match (self.town.random.random_range(0..6), device.alive, device.online) {
            (0, true, _) => {
                self.tell(&format!("{} is killed", self.town.devices[place].me));
                self.seen.retain(|(it, _)| *it != place);
                self.town.kill_at(place);
            }
            (_, false, _) => {
                self.tell(&format!("{} starts anew", self.town.devices[place].me));
                self.town.revive_at(place);
            }
            (1, true, true) => {
                self.tell(&format!("{} loses the broker", self.town.devices[place].me));
                self.town.disconnect(place);
            }
            (1 | 2, true, false) => {
                self.tell(&format!("{} finds the broker again", self.town.devices[place].me));
                self.town.connect(place);
            }
            (3, true, _) => {
                self.tell(&format!("no media between {place} and {other}"));
                self.town.build_wall(place, other);
            }
            (4, true, _) => {
                if let Some((a, b)) = self.town.walls.first().copied() {
                    self.tell(&format!("media again between {a} and {b}"));
                    self.town.tear_down_wall(a, b);
                }
            }
            (_, true, _) => {
                // A path breaks and is there again at once: ICE has to restart.
                let Some((link, _)) = self.town.devices[place].open.first().cloned() else { return };
                let Link { call, peer } = link;
                self.tell(&format!("the path between {} and {peer} breaks", self.town.devices[place].me));
                let me = self.town.devices[place].me.to_string();
                self.town.break_media(call, &me, &peer.to_string());
            }
        }
    }

    fn policy(&mut self, place: usize) -> Policy {
        let random = &mut self.town.random;
        let everyone: BTreeSet<UserId> = self.users.iter().cloned().collect();
        let some = self.users.choose(random).cloned();
        let mut policy = Policy {
            call_waiting: random.random(),
            do_not_disturb: random.random_ratio(1, 8),
            ring_here: random.random_ratio(7, 8),
            known: everyone,
            ..Policy::default()
        };
        match random.random_range(0..8) {
            0 => policy.silenced.extend(some),
            1 => policy.blocked.extend(some),
            2 => policy.known.clear(),
            3 | 4 => policy.previewable.extend(self.users.iter().cloned()),
            _ => {}
        }
        policy.unknown = match random.random_range(0..4) {
            0 => Unknown::Silence,
            1 => Unknown::Block,
            _ => Unknown::Ring,
        };
        let _ = place;
        policy
    }

    fn media(&mut self) -> MediaKind {
        if self.town.random.random() { MediaKind::Audio } else { MediaKind::Video }
    }

    fn callee(&self, user: &UserId) -> Callee {
        let devices = self.town.devices.iter().filter(|it| it.me.user == *user).map(|it| it.me.device.clone());
        Callee { user: user.clone(), devices: devices.collect() }
    }

    /// Everyone but the person at this place and those in the list.
    fn strangers(&self, place: usize, inside: &[UserId]) -> Vec<UserId> {
        let me = &self.town.devices[place].me.user;
        self.users.iter().filter(|user| *user != me && !inside.contains(user)).cloned().collect()
    }
}

fn talks(call: &CallSnapshot) -> bool {
    match call.state {
        CallState::Connecting | CallState::Connected | CallState::Reconnecting => true,
        CallState::Calling | CallState::Ringing | CallState::Ended(_) => false,
    }
}
