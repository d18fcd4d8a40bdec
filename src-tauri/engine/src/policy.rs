//! Who gets through: the settings and the contacts, as the rules of a call need them.

#[cfg(test)]
mod tests;

use jiff::{Timestamp, Zoned};
use peal_call::{Input, Policy, Unknown, UserId};

use crate::api::{ContactKind, PealError, QuietView, Settings, UnknownCallers};
use crate::directory::Directory;
use crate::echo::ECHO;
use crate::phone::Softphone;
use crate::schedule;

/// What the rules were told last, and whether that may be old.
#[derive(Debug, Default)]
pub(crate) struct Screening {
    /// Whether nothing rings now, as the snapshot shows it.
    pub quiet: QuietView,
    told: Option<Policy>,
    changed: bool,
}

impl Softphone {
    /// Settings, contacts, groups or the history are others now.
    pub fn screening_changed(&mut self) {
        self.screening.changed = true;
    }

    /// Somebody has logged in: the rules know nothing yet.
    pub fn begin_screening(&mut self) {
        self.screening.told = None;
        self.screening_changed();
    }

    /// Whether the schedule says otherwise than last time. Looked at every second rather than waited for: a computer that
    /// slept, or whose clock or time zone was set, is right at once.
    pub fn look_at_the_clock(&mut self) {
        let schedule = &self.settings.do_not_disturb;
        let on = schedule.on || schedule::is_quiet(&schedule.schedule, Zoned::now().datetime());
        let passed = self.screening.quiet.until.is_some_and(|until| until <= Timestamp::now().as_millisecond() as f64);
        if passed || on != self.screening.quiet.on {
            self.screening_changed();
        }
    }

    /// Tells the rules what has changed, before they hear of anything else.
    pub fn settle_screening(&mut self) {
        if !std::mem::take(&mut self.screening.changed) {
            return;
        }
        self.screening.quiet = quiet(&self.settings, &Zoned::now());
        let Some(session) = &self.session else { return };
        let policy = policy(&self.settings, &self.directory, self.screening.quiet.on, &session.me.user);
        if self.screening.told.as_ref() != Some(&policy) {
            self.screening.told = Some(policy.clone());
            self.input(Input::PolicyChanged(policy));
        }
    }

    /// What another line of the history means for the contacts: somebody whom the person called, or talked with, is met.
    pub fn met(&mut self, row: &peal_store::RecordRow) -> Result<(), PealError> {
        let outgoing = row.direction == "outgoing";
        let members = row.members.iter().map(|member| (member.user_id.as_str(), member.status.as_str()));
        let all: Vec<_> = [(row.user_id.as_str(), row.status.as_str())].into_iter().chain(members).collect();
        for (user, status) in &all {
            if outgoing || *status == "completed" {
                self.directory.met(&self.store, user)?;
            }
        }
        if outgoing {
            self.directory.called(all.iter().map(|(user, _)| *user));
        }
        self.screening_changed();
        Ok(())
    }
}

/// Whether nothing rings at this moment, by hand or by the schedule, and until when.
pub(crate) fn quiet(settings: &Settings, now: &Zoned) -> QuietView {
    let wish = &settings.do_not_disturb;
    let until = schedule::next_change(&wish.schedule, now).filter(|_| !wish.on);
    QuietView {
        on: wish.on || schedule::is_quiet(&wish.schedule, now.datetime()),
        until: until.map(|at| at.as_millisecond() as f64),
    }
}

/// The rules' view of settings and contacts.
pub(crate) fn policy(settings: &Settings, directory: &Directory, quiet: bool, me: &UserId) -> Policy {
    // What was kept once and is no account by the rule of today can't call either; Echo is known as oneself.
    let user = |user: &str| UserId::new(user).ok().filter(|user| user.as_str() != ECHO);
    let (silenced, blocked) = directory.screened();
    let known: std::collections::BTreeSet<UserId> =
        directory.known_users().into_iter().filter_map(user).chain([me.clone()]).collect();
    let previewable = known.iter().filter(|user| directory.kind(user.as_str()) == ContactKind::Device);
    Policy {
        call_waiting: settings.call_waiting,
        do_not_disturb: quiet,
        ring_here: settings.ring_here,
        silenced: silenced.filter_map(user).collect(),
        blocked: blocked.filter_map(user).collect(),
        unknown: match settings.unknown_callers {
            UnknownCallers::Ring => Unknown::Ring,
            UnknownCallers::Silence => Unknown::Silence,
            UnknownCallers::Block => Unknown::Block,
        },
        previewable: previewable.cloned().collect(),
        known,
    }
}
