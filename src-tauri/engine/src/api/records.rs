//! The history: what to look for in it, and how it leaves.

use serde::{Deserialize, Serialize};

use super::{Direction, RecordStatus};

/// Somebody else in a call of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RecordMember {
    /// The account.
    pub user_id: String,
    /// Their name now; of somebody no longer known, the one of then.
    pub name: String,
    /// How it went with them.
    pub status: RecordStatus,
}

/// What to look for in the history: everything that is given must be so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(default)]
pub struct HistoryQuery {
    /// Found in a name, an account, the group's name or the message, in capitals or not.
    pub query: Option<String>,
    /// How it ended.
    pub status: Option<RecordStatus>,
    /// Somebody who was in it, or called in it.
    pub user_id: Option<String>,
    /// Who began it.
    pub direction: Option<Direction>,
    /// Not before, ms since 1970.
    pub from: Option<f64>,
    /// Before, ms since 1970.
    pub until: Option<f64>,
    /// At most so many, newest first: 1 to 1000, absent: 100.
    pub limit: Option<u32>,
    /// So many of the newest are left out.
    pub offset: Option<u32>,
}

/// How the history leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// A table for spreadsheets: RFC 4180 in UTF-8 with a byte order mark; a text that a spreadsheet would take for a
    /// formula has an apostrophe before it.
    Csv,
    /// The list as [`super::RecordView`] writes it.
    Json,
}

/// The whole history as a file's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ExportedHistory {
    /// The text.
    pub text: String,
}
