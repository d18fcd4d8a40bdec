//! Looking for calls.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, named_params};

use crate::history::read;
use crate::{RecordRow, Store, StoreError};

/// What to look for: everything that is set must be so. With nothing set it is the whole history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordQuery {
    /// Found in an account, a name at the time, the group's name or the message, in capitals or not; empty: anything.
    pub text: String,
    /// Accounts whose present names have the text in them, beside those found by it.
    pub named: Vec<String>,
    /// How it ended.
    pub status: Option<String>,
    /// Somebody who was in it, or called in it.
    pub user_id: Option<String>,
    /// Who began it.
    pub direction: Option<String>,
    /// Not before, ms since 1970.
    pub from_ms: Option<i64>,
    /// Before, ms since 1970.
    pub until_ms: Option<i64>,
    /// At most so many; none: all of them.
    pub limit: Option<usize>,
    /// So many of the newest are left out.
    pub offset: usize,
}

impl Store {
    /// The calls that fit, newest first.
    pub fn search_records(&self, query: &RecordQuery) -> Result<Vec<RecordRow>, StoreError> {
        let text = folded(query.text.trim());
        let named = serde_json::Value::from(query.named.clone()).to_string();
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM record
                 WHERE (:status IS NULL OR status = :status)
                   AND (:direction IS NULL OR direction = :direction)
                   AND (:from_ms IS NULL OR started_at_ms >= :from_ms)
                   AND (:until_ms IS NULL OR started_at_ms < :until_ms)
                   AND (:user_id IS NULL OR user_id = :user_id
                        OR EXISTS (SELECT 1 FROM json_each(members) AS member
                                   WHERE json_extract(member.value, '$.user_id') = :user_id))
                   AND (:text = '' OR instr(folded(user_id), :text) OR instr(folded(coalesce(message, '')), :text)
                        OR instr(folded(coalesce(group_name, '')), :text)
                        OR user_id IN (SELECT value FROM json_each(:named))
                        OR EXISTS (SELECT 1 FROM json_each(members) AS member
                                   WHERE instr(folded(json_extract(member.value, '$.user_id')), :text)
                                      OR instr(folded(json_extract(member.value, '$.name')), :text)
                                      OR json_extract(member.value, '$.user_id') IN
                                         (SELECT value FROM json_each(:named))))
                 ORDER BY started_at_ms DESC, id DESC LIMIT :limit OFFSET :offset",
            )?;
            let rows = statement.query_map(
                named_params! {
                    ":status": query.status,
                    ":direction": query.direction,
                    ":from_ms": query.from_ms,
                    ":until_ms": query.until_ms,
                    ":user_id": query.user_id,
                    ":text": text,
                    ":named": named,
                    // -1 is no limit.
                    ":limit": query.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX)),
                    ":offset": i64::try_from(query.offset).unwrap_or(i64::MAX),
                },
                read,
            )?;
            rows.collect()
        })
    }
}

/// Text without capitals, in every script that has them; `SQLite`'s own LIKE knows those of ASCII alone. Letter by letter,
/// so that a part of a text is folded as within the whole (a final sigma would not be).
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Gives the SQL of this connection the function `folded(text)`.
pub(crate) fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let fold = |context: &Context<'_>| Ok(context.get::<Option<String>>(0)?.map(|text| folded(&text)));
    connection.create_scalar_function("folded", 1, flags, fold)
}
