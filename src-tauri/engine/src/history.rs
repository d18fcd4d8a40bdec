//! One line per call, kept in the store.

use peal_call::CallRecord;
use peal_store::{MemberRow, RecordRow, Store, StoreError};

use crate::api::{Direction, EndReason, Media, RecordMember, RecordStatus, RecordView};
use crate::directory::Directory;
use crate::translate::{from_word, ms, word};
use crate::view::Surroundings;

/// The history shows this many calls.
const SHOWN: usize = 500;

/// Writes a call down. `seen`: the person knows already. Answers the line if it is news.
pub(crate) fn keep(
    store: &Store,
    record: &CallRecord,
    around: &Surroundings<'_>,
    seen: bool,
) -> Result<Option<RecordRow>, StoreError> {
    let member = |(user, status): &(peal_call::UserId, peal_call::RecordStatus)| {
        let user_id = around.shown_user(user);
        MemberRow { name: around.directory.name(&user_id), user_id, status: word(RecordStatus::from(*status)) }
    };
    let row = RecordRow {
        call_id: record.call.to_string(),
        user_id: around.shown_user(&record.peer),
        direction: word(Direction::from(record.direction)),
        media: word(Media::from(record.media)),
        status: word(RecordStatus::from(record.status)),
        reason: word(EndReason::from(record.reason)),
        started_at_ms: record.started_at.cast_signed(),
        duration_ms: ms(record.duration) as i64,
        message: record.message.clone(),
        seen,
        members: record.members.iter().map(member).collect(),
        group_id: record.group.clone(),
        group_name: record.group.as_deref().and_then(|id| around.directory.group(id)).map(|group| group.name.clone()),
    };
    Ok(store.upsert_record(&row)?.then_some(row))
}

/// The history as it is shown.
pub(crate) fn shown(store: &Store, directory: &Directory) -> Result<Vec<RecordView>, StoreError> {
    Ok(store.records(SHOWN)?.into_iter().map(|row| view(row, directory)).collect())
}

pub(crate) fn view(row: RecordRow, directory: &Directory) -> RecordView {
    let member = |member: MemberRow| RecordMember {
        name: directory.known_name(&member.user_id).unwrap_or(member.name),
        user_id: member.user_id,
        status: from_word(&member.status, RecordStatus::Missed),
    };
    let group = row.group_id.as_deref().and_then(|id| directory.group(id));
    RecordView {
        call_id: row.call_id,
        name: directory.name(&row.user_id),
        user_id: row.user_id,
        direction: from_word(&row.direction, Direction::Incoming),
        media: from_word(&row.media, Media::Audio),
        status: from_word(&row.status, RecordStatus::Missed),
        reason: from_word(&row.reason, EndReason::Error),
        started_at: row.started_at_ms as f64,
        duration_ms: row.duration_ms as f64,
        seen: row.seen,
        members: row.members.into_iter().map(member).collect(),
        group_name: group.map(|group| group.name.clone()).or(row.group_name),
        group_id: row.group_id,
        message: row.message,
    }
}
