//! What a program may ask about the history.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use peal_store::RecordQuery;

use crate::api::{ErrorCode, ExportFormat, ExportedHistory, HistoryQuery, PealError, RecordView};
use crate::directory::Directory;
use crate::history;
use crate::message::Answer;
use crate::phone::Softphone;
use crate::translate::word;

/// Most lines that one search answers, and what it answers if nothing is said.
const SEARCH_LIMIT: u32 = 1000;
const SEARCH_DEFAULT: u32 = 100;

impl Softphone {
    pub fn search_history(&self, query: HistoryQuery) -> Result<Answer, PealError> {
        self.me()?;
        let query = store_query(query, &self.directory)?;
        let rows = self.store.search_records(&query)?;
        Ok(Answer::Records(rows.into_iter().map(|row| history::view(row, &self.directory)).collect()))
    }

    /// Deletes the calls named, or all. One that is not there is none the worse.
    pub fn delete_records(&mut self, calls: Option<&[String]>) -> Result<Answer, PealError> {
        self.me()?;
        self.store.delete_records(calls)?;
        self.directory.recall_called(&self.store)?;
        self.screening_changed();
        self.history = history::shown(&self.store, &self.directory)?;
        Ok(Answer::Nothing)
    }

    pub fn export_history(&self, format: ExportFormat) -> Result<Answer, PealError> {
        self.me()?;
        let rows = self.store.search_records(&RecordQuery::default())?;
        let records: Vec<RecordView> = rows.into_iter().map(|row| history::view(row, &self.directory)).collect();
        let text = match format {
            ExportFormat::Csv => csv(&records, &TimeZone::system()),
            ExportFormat::Json => serde_json::to_string_pretty(&records).map_err(|error| error.to_string()),
        };
        let text = text.map_err(|error| PealError::new(ErrorCode::Internal, error))?;
        Ok(Answer::ExportedHistory(ExportedHistory { text }))
    }

    pub fn mark_seen(&mut self) -> Result<Answer, PealError> {
        self.me()?;
        self.store.mark_seen()?;
        self.history = history::shown(&self.store, &self.directory)?;
        Ok(Answer::Nothing)
    }
}

fn store_query(query: HistoryQuery, directory: &Directory) -> Result<RecordQuery, PealError> {
    let bad = |words: &str| Err(PealError::new(ErrorCode::BadRequest, words));
    let limit = query.limit.unwrap_or(SEARCH_DEFAULT);
    if !(1..=SEARCH_LIMIT).contains(&limit) {
        return bad("a search answers 1 to 1000 calls");
    }
    if [query.from, query.until].into_iter().flatten().any(|ms| !ms.is_finite()) {
        return bad("a time is a number of ms since 1970");
    }
    let text = query.query.unwrap_or_default();
    Ok(RecordQuery {
        named: if text.trim().is_empty() { Vec::new() } else { directory.named(&text) },
        text,
        status: query.status.map(word),
        user_id: query.user_id,
        direction: query.direction.map(word),
        // Rounded up: a call at 5 ms is not before 5.5 ms.
        from_ms: query.from.map(|ms| ms.ceil() as i64),
        until_ms: query.until.map(|ms| ms.ceil() as i64),
        limit: Some(limit as usize),
        offset: query.offset.unwrap_or(0) as usize,
    })
}

const COLUMNS: [&str; 11] = [
    "started_at",
    "direction",
    "media",
    "status",
    "reason",
    "duration_s",
    "user_id",
    "name",
    "members",
    "group",
    "message",
];

/// A table (RFC 4180) with the beginning of each call in the time of `zone`. With a byte order mark, without which
/// spreadsheets take UTF-8 for something else.
fn csv(records: &[RecordView], zone: &TimeZone) -> Result<String, String> {
    let mut writer =
        ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(b"\xef\xbb\xbf".to_vec());
    let write = |error: ::csv::Error| error.to_string();
    writer.write_record(COLUMNS).map_err(write)?;
    for record in records {
        let at = Timestamp::from_millisecond(record.started_at as i64).map_err(|error| error.to_string())?;
        let member = |it: &crate::api::RecordMember| format!("{} <{}>: {}", it.name, it.user_id, word(it.status));
        let members: Vec<String> = record.members.iter().map(member).collect();
        let texts = [
            at.to_zoned(zone.clone()).strftime("%FT%T%:z").to_string(),
            word(record.direction),
            word(record.media),
            word(record.status),
            word(record.reason),
            (record.duration_ms / 1000.0).to_string(),
            record.user_id.clone(),
            record.name.clone(),
            members.join("; "),
            record.group_name.clone().unwrap_or_default(),
            record.message.clone().unwrap_or_default(),
        ];
        writer.write_record(texts.map(inert)).map_err(write)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// The text, with an apostrophe before what a spreadsheet would take for a formula (OWASP, "CSV injection"): a caller
/// chooses the words of an invite.
fn inert(text: String) -> String {
    let starts = |text: &str| {
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
    };
    if starts(&text) || starts(text.trim_start()) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::{Direction, EndReason, Media, RecordMember, RecordStatus};

    fn record(name: &str, message: &str) -> RecordView {
        RecordView {
            call_id: "1".to_owned(),
            user_id: "ada".to_owned(),
            name: name.to_owned(),
            direction: Direction::Incoming,
            media: Media::Audio,
            status: RecordStatus::Completed,
            reason: EndReason::Hangup,
            started_at: 1_774_746_000_000.0,
            duration_ms: 61_500.0,
            seen: true,
            members: vec![RecordMember {
                user_id: "ada".to_owned(),
                name: name.to_owned(),
                status: RecordStatus::Completed,
            }],
            group_id: None,
            group_name: None,
            message: Some(message.to_owned()),
        }
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    /// Reads a table as another program would.
    fn rows(text: &str) -> Vec<Vec<String>> {
        let text = text.strip_prefix('\u{feff}').unwrap();
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn a_table_has_a_line_per_call_in_local_time() {
        let text = csv(&[record("Ada \"the\" Countess", "a,b\r\nc")], &berlin()).unwrap();
        let line = "2026-03-29T03:00:00+02:00,incoming,audio,completed,hangup,61.5,ada,\"Ada \"\"the\"\" Countess\",\
                    \"Ada \"\"the\"\" Countess <ada>: completed\",,\"a,b\r\nc\"\r\n";
        assert_eq!(text, format!("\u{feff}{}\r\n{line}", COLUMNS.join(",")));
    }

    #[test]
    fn no_text_is_a_formula() {
        for evil in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1", "\n=1", "\u{ff1d}1"] {
            let cells = rows(&csv(&[record("Ada", evil)], &berlin()).unwrap()).remove(1);
            assert_eq!(cells[10], format!("'{evil}"));
        }
        assert_eq!(inert("3 - 2 = 1".to_owned()), "3 - 2 = 1");
        assert_eq!(inert(String::new()), "");
    }

    #[test]
    fn a_search_says_what_it_cannot_do() {
        let directory = Directory::default();
        let refused = |query: HistoryQuery| store_query(query, &directory).is_err();
        assert!(!refused(HistoryQuery { limit: Some(1000), ..HistoryQuery::default() }));
        assert!(refused(HistoryQuery { limit: Some(1001), ..HistoryQuery::default() }));
        assert!(refused(HistoryQuery { limit: Some(0), ..HistoryQuery::default() }));
        assert!(refused(HistoryQuery { from: Some(f64::NAN), ..HistoryQuery::default() }));
        assert_eq!(store_query(HistoryQuery::default(), &directory).unwrap().limit, Some(100));
    }

    proptest! {
        #[test]
        fn every_text_arrives_in_its_own_cell_and_none_is_a_formula(
            name in "[\\PC\t\r\n\"',;=+@-]{0,20}",
            message in "[\\PC\t\r\n\"',;=+@-]{0,40}",
        ) {
            let text = csv(&[record(&name, &message), record(&message, &name)], &berlin()).unwrap();
            let rows = rows(&text);
            prop_assert_eq!(rows.len(), 3);
            for (row, (name, message)) in rows[1..].iter().zip([(&name, &message), (&message, &name)]) {
                prop_assert_eq!(row.len(), COLUMNS.len());
                for (cell, text) in [(&row[7], name), (&row[10], message)] {
                    prop_assert!(cell == text || *cell == format!("'{text}"), "{:?} {:?}", cell, text);
                    prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{:?}", cell);
                }
            }
        }
    }
}
