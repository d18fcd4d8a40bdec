//! The language of the lines: one JSON object each, ended by a line feed.
//!
//! In: `{"id":1,"command":"call","params":{"to":["front-gate"],"media":"audio"}}`. Out: `{"id":1,"result":{…}}`,
//! `{"id":1,"error":{"code":"…","message":"…","hint":"…"}}` or `{"event":"invited","data":{…}}`.

use std::io::{self, BufRead, Read};

use peal_engine::api::{Command, ErrorCode, Event, PealError};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The longest line that is read, in bytes, its end not counted.
pub const MAX_LINE: usize = 64 * 1024;

/// One wish.
#[derive(Debug, Clone)]
pub struct Request {
    /// A number or a text that the answer repeats; null if there was none.
    pub id: Value,
    /// What to do.
    pub command: Command,
}

/// A line that is no wish.
#[derive(Debug, Clone, PartialEq)]
pub struct Malformed {
    /// Its id, as far as it could be read; null otherwise.
    pub id: Value,
    /// What is wrong with it, with the code `bad_request`.
    pub error: PealError,
}

impl Malformed {
    fn new(id: Value, message: impl Into<String>) -> Self {
        Self { id, error: PealError::new(ErrorCode::BadRequest, message) }
    }
}

/// What was read from the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A line without its end.
    Text(Vec<u8>),
    /// A line of more than [`MAX_LINE`] bytes. It was skipped.
    TooLong,
}

/// Reads the next line; none at the end of the input. A last line without an end counts. Never holds more than
/// [`MAX_LINE`] bytes.
pub fn read_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let limit = MAX_LINE as u64 + 1;
    if Read::take(&mut *input, limit).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    } else if bytes.len() > MAX_LINE {
        input.skip_until(b'\n')?;
        return Ok(Some(Line::TooLong));
    }
    Ok(Some(Line::Text(bytes)))
}

/// Understands a line; none if it is blank.
pub fn parse(line: &Line) -> Result<Option<Request>, Malformed> {
    let Line::Text(bytes) = line else {
        return Err(Malformed::new(Value::Null, format!("a line may be {MAX_LINE} bytes long")));
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Malformed::new(Value::Null, format!("this is not JSON: {error}")))?;
    let Value::Object(mut object) = value else {
        return Err(Malformed::new(Value::Null, "a line is one JSON object"));
    };
    let id = match object.remove("id") {
        Some(id @ (Value::Number(_) | Value::String(_) | Value::Null)) => id,
        None => Value::Null,
        Some(_) => return Err(Malformed::new(Value::Null, "an id is a number or a text")),
    };
    match command(object) {
        Ok(command) => Ok(Some(Request { id, command })),
        Err(message) => Err(Malformed::new(id, message)),
    }
}

/// The line of what a command answered.
pub fn result(id: &Value, result: &Value) -> String {
    to_line(&Answer::Result { id, result })
}

/// The line of why a command failed.
pub fn error(id: &Value, error: &PealError) -> String {
    to_line(&Answer::Error { id, error })
}

/// The line of an event.
pub fn event(event: &Event) -> String {
    let line = to_line(event);
    // Every event has data, also one that says everything by its name: `{"event":"kicked_out"}`.
    match line.strip_suffix("\"}") {
        Some(name) if !line.contains(',') => format!("{name}\",\"data\":{{}}}}"),
        _ => line,
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Result { id: &'a Value, result: &'a Value },
    Error { id: &'a Value, error: &'a PealError },
}

/// The types of the API always serialise; should one not, its reader is told instead of left waiting.
fn to_line(line: &impl Serialize) -> String {
    serde_json::to_string(line).unwrap_or_else(|error| {
        let message = error.to_string();
        json!({ "event": "error", "data": { "code": "internal", "message": message, "hint": "" } }).to_string()
    })
}

fn command(mut object: Map<String, Value>) -> Result<Command, String> {
    let Some(name) = object.remove("command") else { return Err("there is no \"command\"".to_owned()) };
    if !name.is_string() {
        return Err("a command is a text".to_owned());
    }
    let params = object.remove("params");
    if let Some(unknown) = object.keys().next() {
        return Err(format!("\"{unknown}\" means nothing beside id, command and params"));
    }
    let read = |value: Value| serde_json::from_value::<Command>(value).map_err(|error| error.to_string());
    match params {
        Some(params) if !is_empty(&params) => read(json!({ "command": name, "params": params })),
        // None at all: either the command has none, or all of its own are optional.
        _ => read(json!({ "command": name })).or_else(|_| read(json!({ "command": name, "params": {} }))),
    }
}

fn is_empty(params: &Value) -> bool {
    params.is_null() || params.as_object().is_some_and(Map::is_empty)
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use peal_engine::api::{CallParams, Media};

    use super::*;

    fn text(line: &str) -> Line {
        Line::Text(line.as_bytes().to_vec())
    }

    fn request(line: &str) -> Request {
        parse(&text(line)).unwrap().unwrap()
    }

    fn refused(line: &str) -> (Value, String) {
        let Malformed { id, error } = parse(&text(line)).unwrap_err();
        assert_eq!(error.code, ErrorCode::BadRequest);
        assert!(!error.hint.is_empty());
        (id, error.message)
    }

    fn lines(input: &[u8]) -> Vec<Line> {
        // A small buffer, so that lines span several reads.
        let mut reader = BufReader::with_capacity(7, Cursor::new(input));
        std::iter::from_fn(|| read_line(&mut reader).unwrap()).collect()
    }

    #[test]
    fn a_call_is_read_with_its_params() {
        let Request { id, command } =
            request(r#"{"id":1,"command":"call","params":{"to":["front-gate"],"media":"audio"}}"#);
        assert_eq!(id, json!(1));
        let Command::Call(CallParams { to, media, message, timeout_ms, group_id }) = command else {
            panic!("{command:?}")
        };
        assert_eq!((to, media, message), (vec!["front-gate".to_owned()], Media::Audio, None));
        assert_eq!((timeout_ms, group_id), (None, None));
    }

    #[test]
    fn params_may_be_absent_null_or_empty_where_none_are_needed() {
        for params in ["", r#","params":null"#, r#","params":{}"#] {
            let logout = request(&format!(r#"{{"id":"x","command":"logout"{params}}}"#));
            assert!(matches!(logout.command, Command::Logout), "{params}");
            let login = request(&format!(r#"{{"id":"x","command":"login"{params}}}"#));
            assert!(matches!(login.command, Command::Login(login) if login.account.is_none()), "{params}");
        }
    }

    #[test]
    fn params_that_are_needed_are_named_when_absent() {
        let (id, message) = refused(r#"{"id":7,"command":"accept"}"#);
        assert_eq!(id, json!(7));
        assert!(message.contains("call_id"), "{message}");
        let (_, message) = refused(r#"{"id":7,"command":"invite","params":{"call_id":"c"}}"#);
        assert!(message.contains("`to`"), "{message}");
    }

    #[test]
    fn an_id_is_a_number_a_text_or_nothing() {
        assert_eq!(request(r#"{"id":"a-1","command":"snapshot"}"#).id, json!("a-1"));
        assert_eq!(request(r#"{"id":1.5,"command":"snapshot"}"#).id, json!(1.5));
        assert_eq!(request(r#"{"command":"snapshot"}"#).id, Value::Null);
        assert_eq!(refused(r#"{"id":{"a":1},"command":"snapshot"}"#).0, Value::Null);
        assert_eq!(refused(r#"{"id":[1],"command":"snapshot"}"#).0, Value::Null);
    }

    #[test]
    fn a_malformed_line_is_refused_with_its_id_where_it_has_one() {
        for (line, id, word) in [
            (r#"{"id":3"#, Value::Null, "JSON"),
            ("hello", Value::Null, "JSON"),
            ("[1]", Value::Null, "object"),
            (r#"{"id":3}"#, json!(3), "command"),
            (r#"{"id":3,"command":5}"#, json!(3), "text"),
            (r#"{"id":3,"command":"fly"}"#, json!(3), "fly"),
            (r#"{"id":3,"command":"logout","params":{"now":true}}"#, json!(3), "map"),
            (r#"{"id":3,"command":"set_muted","params":{"muted":"yes"}}"#, json!(3), "yes"),
            (r#"{"id":3,"command":"set_muted","param":{"muted":true}}"#, json!(3), "param"),
        ] {
            let (refused, message) = refused(line);
            assert_eq!(refused, id, "{line}");
            assert!(message.contains(word), "{line}: {message}");
        }
        assert_eq!(parse(&Line::Text(b"{\"id\":\"\xff\"}".to_vec())).unwrap_err().id, Value::Null);
        let deep = format!(r#"{{"id":1,"command":{}}}"#, "[".repeat(30_000));
        assert_eq!(refused(&deep).0, Value::Null);
    }

    #[test]
    fn blank_lines_mean_nothing() {
        assert!(parse(&text("")).unwrap().is_none());
        assert!(parse(&text("  \r")).unwrap().is_none());
    }

    #[test]
    fn lines_end_with_a_line_feed_or_with_the_input() {
        assert_eq!(lines(b"one\ntwo words\n\nlast"), [text("one"), text("two words"), text(""), text("last")]);
        assert_eq!(lines(b""), []);
        assert_eq!(request("{\"command\":\"snapshot\"}\r").id, Value::Null);
    }

    #[test]
    fn a_line_too_long_is_skipped_and_the_next_one_read() {
        let longest = "x".repeat(MAX_LINE);
        let input = format!("{longest}\n{longest}x\nnext\n{}", "y".repeat(3 * MAX_LINE));
        assert_eq!(lines(input.as_bytes()), [text(&longest), Line::TooLong, text("next"), Line::TooLong]);
        let refused = parse(&Line::TooLong).unwrap_err();
        assert_eq!((refused.id, refused.error.code), (Value::Null, ErrorCode::BadRequest));
    }

    #[test]
    fn answers_and_events_are_one_line_each() {
        assert_eq!(result(&json!(1), &json!({ "call_id": "a\nb" })), r#"{"id":1,"result":{"call_id":"a\nb"}}"#);
        let failed = PealError { code: ErrorCode::Busy, message: "m".to_owned(), hint: "h".to_owned() };
        assert_eq!(error(&json!("x"), &failed), r#"{"id":"x","error":{"code":"busy","message":"m","hint":"h"}}"#);
        let lost = Event::MediaDisconnected { call_id: "c".to_owned() };
        assert_eq!(event(&lost), r#"{"event":"media_disconnected","data":{"call_id":"c"}}"#);
        assert_eq!(event(&Event::KickedOut), r#"{"event":"kicked_out","data":{}}"#);
    }
}
