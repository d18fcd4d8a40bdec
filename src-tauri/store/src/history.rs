//! The calls that were.

use crate::{Store, StoreError};

/// One call in the history. Its words are the engine's (`incoming`, `audio`, `completed`, `hangup`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// The call.
    pub call_id: String,
    /// The other side's account.
    pub user_id: String,
    /// Who began it.
    pub direction: String,
    /// Voice or picture.
    pub media: String,
    /// How it ended: `completed`, `cancelled`, `rejected`, `missed`, `busy` (kit D14 to D18).
    pub status: String,
    /// Why it ended.
    pub reason: String,
    /// When it began, ms since 1970.
    pub started_at_ms: i64,
    /// How long they talked, ms.
    pub duration_ms: i64,
    /// The words that came with it.
    pub message: Option<String>,
    /// False: missed, and not yet looked at.
    pub seen: bool,
}

impl Store {
    /// Writes a call down; true if the history is another one now.
    ///
    /// A call has one record, however often it is told. The later one holds, but that a completed call stays completed
    /// (a caller's belated "missed" may come from a device that did not know), what was seen stays seen, and the time
    /// of its beginning stays the one first heard, on this computer's clock.
    pub fn upsert_record(&self, record: &RecordRow) -> Result<bool, StoreError> {
        let changed = self.with(|connection| {
            connection.execute(
                "INSERT INTO record (call_id, user_id, direction, media, status, reason, started_at_ms, duration_ms, message, seen)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (call_id) DO UPDATE SET
                     media = excluded.media, status = excluded.status, reason = excluded.reason,
                     duration_ms = excluded.duration_ms, message = coalesce(excluded.message, message),
                     seen = max(seen, excluded.seen)
                 WHERE (status <> 'completed' OR excluded.status = 'completed')
                   AND (media, status, reason, duration_ms, message, seen)
                       IS NOT (excluded.media, excluded.status, excluded.reason, excluded.duration_ms,
                               coalesce(excluded.message, message), max(seen, excluded.seen))",
                (
                    &record.call_id,
                    &record.user_id,
                    &record.direction,
                    &record.media,
                    &record.status,
                    &record.reason,
                    record.started_at_ms,
                    record.duration_ms,
                    &record.message,
                    record.seen,
                ),
            )
        })?;
        Ok(changed > 0)
    }

    /// The newest calls, newest first, at most `limit`.
    pub fn records(&self, limit: usize) -> Result<Vec<RecordRow>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT call_id, user_id, direction, media, status, reason, started_at_ms, duration_ms, message, seen
                 FROM record ORDER BY started_at_ms DESC, id DESC LIMIT ?",
            )?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok(RecordRow {
                    call_id: row.get(0)?,
                    user_id: row.get(1)?,
                    direction: row.get(2)?,
                    media: row.get(3)?,
                    status: row.get(4)?,
                    reason: row.get(5)?,
                    started_at_ms: row.get(6)?,
                    duration_ms: row.get(7)?,
                    message: row.get(8)?,
                    seen: row.get(9)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Everything has been looked at; the number of records that had not been.
    pub fn mark_seen(&self) -> Result<usize, StoreError> {
        self.with(|connection| connection.execute("UPDATE record SET seen = 1 WHERE seen = 0", []))
    }

    /// How many records nobody has looked at.
    pub fn missed_count(&self) -> Result<u32, StoreError> {
        self.with(|connection| connection.query_row("SELECT count(*) FROM record WHERE seen = 0", [], |row| row.get(0)))
    }
}
