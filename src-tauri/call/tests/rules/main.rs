//! What a person expects of a phone, on a virtual clock.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "../rig/mod.rs"]
mod rig;

mod devices;
mod found;
mod groups;
mod histories;
mod losses;
mod media;
mod screening;
mod transfer;
mod two;
mod waiting;

use std::time::Duration;

use peal_call::{CallId, CallState, EndReason, MemberState, Notice, RecordStatus, Refusal};
use rig::{Town, accept, user};

const SECOND: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(200);

fn pair() -> Town {
    Town::new(&["ann/desk", "bob/desk"], 1)
}

/// People with one device each.
fn people(names: &[&str]) -> Town {
    let names: Vec<String> = names.iter().map(|name| format!("{name}/desk")).collect();
    Town::new(&names.iter().map(String::as_str).collect::<Vec<_>>(), 1)
}

fn connected(town: &mut Town) -> CallId {
    talk(town, "ann/desk", "bob/desk")
}

/// A call between two devices that has been answered and connects.
fn talk(town: &mut Town, from: &str, to: &str) -> CallId {
    let call = town.call(from, to.split_once('/').unwrap().0);
    town.run(STEP);
    town.wish(to, accept(call));
    town.run(STEP);
    assert_eq!(town.state(from, call), Some(CallState::Connected));
    assert_eq!(town.state(to, call), Some(CallState::Connected));
    call
}

/// A group's call that all have answered.
fn conference(town: &mut Town, host: &str, guests: &[&str]) -> CallId {
    let call = town.call_all(host, guests);
    town.run(STEP);
    for guest in guests {
        town.wish(&format!("{guest}/desk"), accept(call));
        town.run(STEP);
    }
    town.run(SECOND);
    call
}

fn statuses(town: &Town, name: &str) -> Vec<RecordStatus> {
    town.device(name).records.iter().map(|record| record.status).collect()
}

/// The status of this call in this device's history.
fn status(town: &Town, name: &str, call: CallId) -> Option<RecordStatus> {
    town.device(name).records.iter().find(|record| record.call == call).map(|record| record.status)
}

/// How it went with this person by this device's history.
fn went(town: &Town, name: &str, call: CallId, member: &str) -> Option<RecordStatus> {
    let record = town.device(name).records.iter().find(|record| record.call == call)?;
    record.members.iter().find(|(it, _)| *it == user(member)).map(|(_, status)| *status)
}

fn ended(town: &Town, name: &str, call: CallId) -> Option<EndReason> {
    town.device(name).notices.iter().find_map(|notice| match notice {
        Notice::Ended(it, reason, _) if *it == call => Some(*reason),
        _ => None,
    })
}

fn member(town: &Town, name: &str, call: CallId, of: &str) -> Option<(MemberState, Option<EndReason>)> {
    town.snapshot(name, call)?.member(&user(of)).map(|member| (member.state, member.reason))
}

/// Everyone hears everyone.
fn all_hear(town: &Town, call: CallId, names: &[&str]) -> bool {
    names.iter().all(|me| {
        names
            .iter()
            .filter(|it| *it != me)
            .all(|it| member(town, &format!("{me}/desk"), call, it) == Some((MemberState::Joined, None)))
    })
}

fn refusals(town: &Town, name: &str) -> Vec<Refusal> {
    town.device(name).refusals.clone()
}
