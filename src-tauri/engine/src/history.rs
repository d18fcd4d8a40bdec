//! One line per call, kept in the store.

use peal_call::CallRecord;
use peal_store::{RecordRow, Store, StoreError};

use crate::api::{Direction, EndReason, Media, RecordStatus, RecordView};
use crate::directory::Directory;
use crate::translate::{from_word, ms, word};

/// The history shows this many calls.
const SHOWN: usize = 500;

/// Writes a call down. `seen`: the person knows already. Answers the line if it is news.
pub(crate) fn keep(
    store: &Store,
    record: &CallRecord,
    user: String,
    seen: bool,
) -> Result<Option<RecordRow>, StoreError> {
    let row = RecordRow {
        call_id: record.call.to_string(),
        user_id: user,
        direction: word(Direction::from(record.direction)),
        media: word(Media::from(record.media)),
        status: word(RecordStatus::from(record.status)),
        reason: word(EndReason::from(record.reason)),
        started_at_ms: record.started_at.cast_signed(),
        duration_ms: ms(record.duration) as i64,
        message: record.message.clone(),
        seen,
        group_id: record.group.clone(),
        group_name: None,
        members: Vec::new(),
    };
    Ok(store.upsert_record(&row)?.then_some(row))
}

/// The history as it is shown.
pub(crate) fn shown(store: &Store, directory: &Directory) -> Result<Vec<RecordView>, StoreError> {
    Ok(store.records(SHOWN)?.into_iter().map(|row| view(row, directory)).collect())
}

pub(crate) fn view(row: RecordRow, directory: &Directory) -> RecordView {
    RecordView {
        call_id: row.call_id,
        name: if row.user_id == crate::echo::ECHO { "Echo".to_owned() } else { directory.name(&row.user_id) },
        user_id: row.user_id,
        direction: from_word(&row.direction, Direction::Incoming),
        media: from_word(&row.media, Media::Audio),
        status: from_word(&row.status, RecordStatus::Missed),
        reason: from_word(&row.reason, EndReason::Error),
        started_at: row.started_at_ms as f64,
        duration_ms: row.duration_ms as f64,
        seen: row.seen,
    }
}
