//! What must hold, whatever happens.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use peal_call::{Alert, CALL_LIMIT, CallId, CallSnapshot, CallState, DeviceAddress, MemberState, RecordStatus, UserId};

use super::{Kind, Storm};

/// What a phone may keep in mind at most, by its own count.
const KEPT_LIMIT: usize = 2_500;
/// After a withdrawal has been sent, a ring may go on for one delivery and this long.
const SLACK: Duration = Duration::from_millis(100);

impl Storm {
    /// What holds at every moment.
    pub(super) fn check_always(&mut self) -> Result<(), String> {
        if let Some(fault) = self.town.faults.first() {
            return Err(self.fault(fault));
        }
        let mut talking: HashMap<CallId, Vec<(DeviceAddress, bool)>> = HashMap::new();
        for place in 0..self.town.devices.len() {
            let device = &self.town.devices[place];
            if !device.alive {
                continue;
            }
            let me = device.me.clone();
            let shown = device.shown();
            let live: Vec<_> = shown.iter().filter(|call| !call.is_over()).collect();
            let open = live.iter().filter(|call| call.alert != Some(Alert::Silent)).count();
            if open > CALL_LIMIT {
                return Err(self.fault(format!("{me} is in {open} calls at once")));
            }
            let speaking = live.iter().filter(|call| !call.on_hold && talks(call)).count();
            if speaking > 1 {
                return Err(self.fault(format!("the microphone of {me} is open in {speaking} calls")));
            }
            let idle = live.iter().find(|call| call.state != CallState::Connected);
            if idle.is_some() && device.phone.poll_timeout().is_none() {
                return Err(self.fault(format!("nothing ends the wait of {me}: {idle:?}")));
            }
            for (link, _) in &device.open {
                let of = live.iter().find(|call| call.id == link.call);
                let known = of.is_some_and(|call| call.members.iter().any(|it| it.user == link.peer.user));
                if !known {
                    return Err(self.fault(format!("{me} holds a peer connection to {} without a call", link.peer)));
                }
            }
            if device.phone.kept() > KEPT_LIMIT {
                return Err(self.fault(format!("{me} keeps {} things in mind", device.phone.kept())));
            }
            for call in &live {
                if call.state == CallState::Connected {
                    talking.entry(call.id).or_default().push((me.clone(), call.members.len() > 1));
                }
            }
            let seen: Vec<_> = live.iter().filter(|call| call.inviter.is_some()).map(|call| (place, call.id)).collect();
            self.seen.extend(seen);
        }
        for (call, devices) in talking {
            self.connected.insert(call);
            if devices.iter().all(|(_, group)| !group) && devices.len() > 2 {
                return Err(self.fault(format!("{call} of two is talked in by {devices:?}")));
            }
        }
        self.check_rings()
    }

    /// Where no signal is lost, a ring ends with one delivery after the invitation behind it is gone.
    fn check_rings(&mut self) -> Result<(), String> {
        if self.kind == Kind::Rough {
            return Ok(());
        }
        let mut orphans = HashMap::new();
        for place in 0..self.town.devices.len() {
            let me = &self.town.devices[place].me;
            for call in self.town.devices[place].shown().iter() {
                if call.alert.is_none() || self.is_invited(me, call) {
                    continue;
                }
                let told = self.town.told_at.get(&(place, call.id)).copied().unwrap_or(self.town.start);
                let since = self.orphans.get(&(place, call.id)).copied().unwrap_or(self.town.now).max(told);
                let patience = Duration::from_millis(self.town.weather.delay_ms.1) + SLACK;
                if self.town.now - since > patience {
                    return Err(self.fault(format!("{me} rings for {}, which is over", call.id)));
                }
                orphans.insert((place, call.id), since);
            }
        }
        self.orphans = orphans;
        Ok(())
    }

    /// A device of the one who invited me still waits for my answer.
    fn is_invited(&self, me: &DeviceAddress, call: &CallSnapshot) -> bool {
        self.town.devices.iter().filter(|it| Some(&it.me.user) == call.inviter.as_ref()).any(|device| {
            let shown = device.shown();
            let theirs = shown.iter().find(|it| it.id == call.id && !it.is_over());
            theirs
                .and_then(|it| it.member(&me.user))
                .is_some_and(|member| matches!(member.state, MemberState::Inviting | MemberState::Ringing))
        })
    }

    /// After a calm minute all who are in a call know the same of it, and of each other.
    pub(super) fn check_converged(&self) -> Result<(), String> {
        let mut calls: HashMap<CallId, Vec<(&DeviceAddress, CallSnapshot, bool)>> = HashMap::new();
        for device in self.town.devices.iter().filter(|device| device.alive) {
            for call in device.shown().iter().filter(|call| !call.is_over() && call.alert.is_none()) {
                calls.entry(call.id).or_default().push((&device.me, call.clone(), device.phone.is_muted()));
            }
        }
        for (id, views) in &calls {
            let mut devices: BTreeMap<&UserId, &DeviceAddress> = BTreeMap::new();
            for (me, _, _) in views {
                if let Some(other) = devices.insert(&me.user, me) {
                    return Err(self.fault(format!("{id} was won by {other} and by {me}")));
                }
            }
            for (me, view, _) in views {
                for member in view.members.iter().filter(|member| member.state != MemberState::Left) {
                    let Some(device) = &member.device else {
                        return Err(self.fault(format!("{me} still waits for {} in {id}", member.user)));
                    };
                    let theirs = views.iter().find(|(it, _, _)| it.user == member.user && it.device == *device);
                    let Some((them, theirs, muted)) = theirs else {
                        return Err(self.fault(format!("{me} believes {} in {id}, who is not", member.user)));
                    };
                    if member.state != MemberState::Joined {
                        return Err(self.fault(format!("{me} does not hear {them} in {id}: {:?}", member.state)));
                    }
                    if member.muted != *muted || member.on_hold != theirs.on_hold {
                        return Err(self.fault(format!("{me} is wrong about {them}'s microphone in {id}")));
                    }
                    if view.members.len() == 1 && theirs.members.len() == 1 && view.media != theirs.media {
                        return Err(self.fault(format!("{me} and {them} disagree on the media of {id}")));
                    }
                    let mine = here(me, view);
                    let other = here(them, theirs);
                    if mine != other {
                        return Err(self.fault(format!("{id}: {me} knows {mine:?}, {them} knows {other:?}")));
                    }
                }
            }
        }
        Ok(())
    }

    /// When all have hung up, nothing is left anywhere.
    pub(super) fn check_over(&self) -> Result<(), String> {
        for device in self.town.devices.iter().filter(|device| device.alive) {
            let me = &device.me;
            let shown = device.shown();
            if !shown.is_empty() {
                return Err(self.fault(format!("{me} is stuck: {shown:?}")));
            }
            if device.phone.poll_timeout().is_some() {
                return Err(self.fault(format!("{me} still waits for something")));
            }
            if !device.open.is_empty() {
                return Err(self.fault(format!("{me} left a peer connection open")));
            }
        }
        Ok(())
    }

    /// Every call is in the history of all who saw it; where all signals came, they agree on how it went.
    pub(super) fn check_histories(&self) -> Result<(), String> {
        for (place, call) in &self.seen {
            let device = &self.town.devices[*place];
            if device.alive && !device.records.iter().any(|record| record.call == *call) {
                return Err(self.fault(format!("{call} is not in the history of {}", device.me)));
            }
        }
        if self.kind == Kind::Rough {
            return Ok(());
        }
        for ((call, user), places) in &self.town.inviters {
            let mut places = places.iter();
            let (Some(place), None) = (places.next(), places.next()) else {
                continue;
            };
            let inviter = &self.town.devices[*place];
            let Some(line) = inviter.records.iter().find(|record| record.call == *call) else {
                continue;
            };
            let Some((_, status)) = line.members.iter().find(|(it, _)| it == user) else {
                continue;
            };
            let theirs = |device: &crate::rig::Device| {
                device.records.iter().find(|record| record.call == *call).map(|record| record.status)
            };
            let devices: Vec<_> = self.town.devices.iter().filter(|device| device.me.user == *user).collect();
            if self.town.called_back.contains(&(*call, user.clone())) {
                // One line for several invitations: each device keeps what it took part in, but who talked has talked.
                let talked = devices.iter().any(|device| theirs(device) == Some(RecordStatus::Completed));
                if *status == RecordStatus::Completed && !talked {
                    return Err(self.fault(format!("{call}: {} talked with {user}, who did not", inviter.me)));
                }
                continue;
            }
            for device in devices {
                if theirs(device).is_some_and(|theirs| theirs != *status) {
                    return Err(self.fault(format!(
                        "{call}: {} says {status:?} of {user}, {} says {:?}",
                        inviter.me,
                        device.me,
                        theirs(device)
                    )));
                }
            }
        }
        Ok(())
    }
}

fn talks(call: &CallSnapshot) -> bool {
    matches!(call.state, CallState::Connected | CallState::Reconnecting)
}

/// Who is in a call by this view, its owner included.
fn here(me: &DeviceAddress, call: &CallSnapshot) -> Vec<String> {
    let mut here: Vec<_> = call
        .members
        .iter()
        .filter(|member| member.state != MemberState::Left)
        .map(|member| format!("{}/{}", member.user, member.device.as_ref().map_or("", |it| it.as_str())))
        .collect();
    here.push(me.to_string());
    here.sort_unstable();
    here
}
