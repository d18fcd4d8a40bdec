//! The calls that were.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// How a call ended when they talked; nothing that is told later takes that back.
const COMPLETED: &str = "completed";
/// How long a deleted call is remembered as deleted, in days: longer than any message about it is under way.
const DELETED_DAYS: u32 = 30;

/// One call in the history. Its words are the engine's (`incoming`, `audio`, `completed`, `hangup`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordRow {
    /// The call.
    pub call_id: String,
    /// The other side's account; of a group the one who began it, or the first who was called.
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
    /// Everyone else who was called or was in it.
    pub members: Vec<MemberRow>,
    /// The saved group that was called, as the caller names it.
    pub group_id: Option<String>,
    /// What the group was called then.
    pub group_name: Option<String>,
}

/// Somebody else in a call, and how it went with them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// The account.
    pub user_id: String,
    /// What they were called then.
    pub name: String,
    /// As [`RecordRow::status`].
    pub status: String,
}

impl Store {
    /// Writes a call down; true if the history is another one now.
    ///
    /// A call has one record, however often it is told. The later one holds, but that a completed call (or member)
    /// stays completed (a caller's belated "missed" may come from a device that did not know), what was seen stays seen,
    /// the time of its beginning stays the one first heard, on this computer's clock, and words, group and members that
    /// the later one does not know are kept. A call that was deleted stays deleted.
    pub fn upsert_record(&self, record: &RecordRow) -> Result<bool, StoreError> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            let sql = "SELECT 1 FROM deleted_record WHERE call_id = ?";
            if transaction.prepare_cached(sql)?.exists([&record.call_id])? {
                return Ok(false);
            }
            let sql = "SELECT * FROM record WHERE call_id = ?";
            let before = transaction.prepare_cached(sql)?.query_row([&record.call_id], read).optional()?;
            let after = before.as_ref().map_or_else(|| record.clone(), |before| merge(before, record));
            let changed = before.as_ref() != Some(&after);
            if changed {
                write(&transaction, &after)?;
            }
            transaction.commit()?;
            Ok(changed)
        })
    }

    /// The newest calls, newest first, at most `limit`.
    pub fn records(&self, limit: usize) -> Result<Vec<RecordRow>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT * FROM record ORDER BY started_at_ms DESC, id DESC LIMIT ?";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], read)?;
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

    /// Deletes the calls named, or all; the number of those that were there. What is told about them later is not
    /// written down again.
    pub fn delete_records(&self, calls: Option<&[String]>) -> Result<usize, StoreError> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            let forget = "INSERT OR REPLACE INTO deleted_record (call_id, deleted_at_ms)
                          SELECT call_id, unixepoch() * 1000 FROM record";
            let deleted = match calls {
                None => {
                    transaction.execute(forget, [])?;
                    transaction.execute("DELETE FROM record", [])?
                }
                Some(calls) => {
                    let mut forget = transaction.prepare_cached(&format!("{forget} WHERE call_id = ?"))?;
                    let mut delete = transaction.prepare_cached("DELETE FROM record WHERE call_id = ?")?;
                    let mut deleted = 0;
                    for call in calls {
                        forget.execute([call])?;
                        deleted += delete.execute([call])?;
                    }
                    deleted
                }
            };
            let sql = "DELETE FROM deleted_record WHERE deleted_at_ms < (unixepoch() - ? * 86400) * 1000";
            transaction.execute(sql, [DELETED_DAYS])?;
            transaction.commit()?;
            Ok(deleted)
        })
    }

    /// Everyone whom this profile has called, alone or among others.
    pub fn called_users(&self) -> Result<Vec<String>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT user_id FROM record WHERE direction = 'outgoing'
                 UNION SELECT json_extract(member.value, '$.user_id') FROM record, json_each(record.members) AS member
                       WHERE direction = 'outgoing'",
            )?;
            let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0))?;
            rows.filter_map(Result::transpose).collect()
        })
    }
}

fn merge(before: &RecordRow, told: &RecordRow) -> RecordRow {
    let mut after = before.clone();
    if before.status != COMPLETED || told.status == COMPLETED {
        after.media.clone_from(&told.media);
        after.status.clone_from(&told.status);
        after.reason.clone_from(&told.reason);
        after.duration_ms = told.duration_ms;
        after.message = told.message.clone().or(after.message);
        after.seen |= told.seen;
    }
    after.group_id = after.group_id.or_else(|| told.group_id.clone());
    after.group_name = after.group_name.or_else(|| told.group_name.clone());
    for member in &told.members {
        match after.members.iter_mut().find(|known| known.user_id == member.user_id) {
            Some(known) if known.status == COMPLETED => {}
            Some(known) => known.status.clone_from(&member.status),
            None => after.members.push(member.clone()),
        }
    }
    after
}

pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<RecordRow> {
    let members: String = row.get("members")?;
    Ok(RecordRow {
        call_id: row.get("call_id")?,
        user_id: row.get("user_id")?,
        direction: row.get("direction")?,
        media: row.get("media")?,
        status: row.get("status")?,
        reason: row.get("reason")?,
        started_at_ms: row.get("started_at_ms")?,
        duration_ms: row.get("duration_ms")?,
        message: row.get("message")?,
        seen: row.get("seen")?,
        // The call's line is worth more than the list beside it.
        members: serde_json::from_str(&members).unwrap_or_default(),
        group_id: row.get("group_id")?,
        group_name: row.get("group_name")?,
    })
}

fn write(connection: &Connection, record: &RecordRow) -> rusqlite::Result<()> {
    let members = serde_json::to_string(&record.members).unwrap_or_else(|_| "[]".to_owned());
    let mut statement = connection.prepare_cached(
        "INSERT INTO record (call_id, user_id, direction, media, status, reason, started_at_ms, duration_ms, message, seen,
                             members, group_id, group_name)
         VALUES (:call_id, :user_id, :direction, :media, :status, :reason, :started_at_ms, :duration_ms, :message, :seen,
                 :members, :group_id, :group_name)
         ON CONFLICT (call_id) DO UPDATE SET
             media = excluded.media, status = excluded.status, reason = excluded.reason,
             duration_ms = excluded.duration_ms, message = excluded.message, seen = excluded.seen,
             members = excluded.members, group_id = excluded.group_id, group_name = excluded.group_name",
    )?;
    statement.execute(named_params! {
        ":call_id": record.call_id,
        ":user_id": record.user_id,
        ":direction": record.direction,
        ":media": record.media,
        ":status": record.status,
        ":reason": record.reason,
        ":started_at_ms": record.started_at_ms,
        ":duration_ms": record.duration_ms,
        ":message": record.message,
        ":seen": record.seen,
        ":members": members,
        ":group_id": record.group_id,
        ":group_name": record.group_name,
    })?;
    Ok(())
}
