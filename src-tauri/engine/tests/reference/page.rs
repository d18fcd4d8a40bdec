//! The page itself.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::api::{Api, Entry, Field};
use crate::kits::{KITS, Row};

const HEAD: &str = "# Peal for programmers

One phone, three ways to it, with the same names: the Rust crate `peal-engine` (`engine.set_muted(true).await`), the JSON
lines of `peal-headless` (`{\"id\":1,\"command\":\"set_muted\",\"params\":{\"muted\":true}}`), and TypeScript in
`ui/src/callkit` (`await setMuted(true)`).

Nothing but `login`, `snapshot`, `current_user`, the settings and the sound engine works before a login or after a logout:
everything else fails with `not_logged_in`. Every error is `{\"code\", \"message\", \"hint\"}`. An event is listened to
with `on(event, handler)`, which returns its unsubscribe; `peal-headless` writes all of them as
`{\"event\":\"invited\",\"data\":{…}}`.

This page is made from the types; a test fails when it is not up to date.
";

pub fn render(api: &Api, rows: &[Row]) -> String {
    let mut out = HEAD.to_owned();
    out.push_str("\n- [Commands](#commands)\n- [Events](#events)\n- [Types](#types)\n- [Coming from another kit](#coming-from-another-kit)\n");
    out.push_str("\n## Commands\n");
    for command in &api.commands {
        self::command(&mut out, api, command);
    }
    out.push_str("\n## Events\n");
    for event in &api.events {
        write!(out, "\n### `{}`\n\n{}\n", event.name, words(&event.doc)).unwrap();
        if let Some(whole) = event.whole.as_ref().filter(|_| event.fields.is_empty()) {
            writeln!(out, "\nData: {}.", linked(whole)).unwrap();
        }
        table(&mut out, &event.fields, "field");
    }
    types(&mut out, api);
    out.push_str("\n## Coming from another kit\n");
    for (letter, kit) in KITS {
        write!(out, "\n### {kit}\n\n| row | known as | here | what it promises |\n| --- | --- | --- | --- |\n")
            .unwrap();
        for row in rows.iter().filter(|row| row.id.starts_with(letter)) {
            let promise = if row.promise.is_empty() { "the same" } else { &row.promise };
            let promise = if row.kept { promise.to_owned() } else { format!("**not there yet**: {promise}") };
            writeln!(out, "| {} | `{}` | {} | {} |", row.id, row.known_as, code_names(&row.here), cell(&promise))
                .unwrap();
        }
    }
    out
}

fn command(out: &mut String, api: &Api, command: &Entry) {
    let (words_of_method, answer) = &api.methods[&command.name];
    write!(out, "\n### `{}`\n\n{}\n", command.name, words(&command.doc)).unwrap();
    if let Some((_, errors)) = words_of_method.split_once("# Errors") {
        writeln!(out, "\nErrors: {}", words(errors)).unwrap();
    }
    table(out, &command.fields, "parameter");
    let result = if answer == "()" || answer == "value" { "null" } else { answer };
    writeln!(out, "\nAnswers {}.\n", linked(result)).unwrap();
    let params: Vec<_> = command
        .fields
        .iter()
        .filter(|it| !it.optional)
        .map(|it| format!("\"{}\":{}", it.name, sample(it, api)))
        .collect();
    let params = if params.is_empty() { String::new() } else { format!(",\"params\":{{{}}}", params.join(",")) };
    writeln!(out, "```json\n{{\"id\":1,\"command\":\"{}\"{params}}}\n```\n", command.name).unwrap();
    match api.functions.get(&camel(&command.name)) {
        Some(function) => writeln!(out, "```ts\n{function}\n```").unwrap(),
        None => writeln!(out, "In the interface a picture that is drawn is a view that is on.").unwrap(),
    }
}

fn types(out: &mut String, api: &Api) {
    // What commands and events name, and what that names in turn.
    let mut named = BTreeSet::new();
    let mut open: Vec<String> = api.methods.values().map(|(_, answer)| base(answer)).collect();
    for entry in api.commands.iter().chain(&api.events) {
        open.extend(entry.whole.iter().map(|it| base(it)));
        open.extend(entry.fields.iter().map(|it| base(&it.kind)));
    }
    while let Some(name) = open.pop() {
        if (api.structs.contains_key(&name) || api.words.contains_key(&name)) && named.insert(name.clone()) {
            open.extend(api.structs.get(&name).into_iter().flat_map(|(_, fields)| fields).map(|it| base(&it.kind)));
        }
    }
    out.push_str("\n## Types\n");
    for name in named {
        if let Some((doc, fields)) = api.structs.get(&name) {
            write!(out, "\n### {name}\n\n{}\n", words(doc)).unwrap();
            table(out, fields, "field");
        }
        if let Some((doc, variants)) = api.words.get(&name) {
            write!(out, "\n### {name}\n\n{}\n\n| word | meaning |\n| --- | --- |\n", words(doc)).unwrap();
            for (word, doc) in variants {
                writeln!(out, "| `{word}` | {} |", cell(&words(doc))).unwrap();
            }
        }
    }
}

fn table(out: &mut String, fields: &[Field], title: &str) {
    if fields.is_empty() {
        return;
    }
    write!(out, "\n| {title} | type | meaning |\n| --- | --- | --- |\n").unwrap();
    for field in fields {
        let optional = if field.optional { ", optional" } else { "" };
        writeln!(out, "| `{}` | {}{optional} | {} |", field.name, linked(&field.kind), cell(&words(&field.doc)))
            .unwrap();
    }
}

/// An example value.
fn sample(field: &Field, api: &Api) -> String {
    match field.kind.as_str() {
        "text" => match field.name.as_str() {
            "call_id" | "to_call_id" | "into" => "\"0192f0c1-…\"".to_owned(),
            "user_id" => "\"bob\"".to_owned(),
            _ => "\"…\"".to_owned(),
        },
        "list of text" => "[\"bob\"]".to_owned(),
        "true or false" => "true".to_owned(),
        "number" if field.name == "ms" => "30000".to_owned(),
        "number" => "0".to_owned(),
        other => match api.words.get(other).and_then(|(_, variants)| variants.first()) {
            Some((word, _)) => format!("\"{word}\""),
            None => "{}".to_owned(),
        },
    }
}

fn base(kind: &str) -> String {
    kind.trim_start_matches("list of ").trim_end_matches(" or null").to_owned()
}

fn linked(kind: &str) -> String {
    let name = base(kind);
    if name.starts_with(|c: char| c.is_ascii_uppercase()) {
        kind.replace(&name, &format!("[{name}](#{})", name.to_lowercase()))
    } else {
        kind.to_owned()
    }
}

/// Rust's links become plain code.
fn words(doc: &str) -> String {
    let mut out = String::new();
    let mut rest = doc;
    while let Some((before, after)) = rest.split_once("[`") {
        out.push_str(before);
        let Some((name, tail)) = after.split_once("`]") else { break };
        let target = tail.strip_prefix('(').and_then(|tail| tail.split_once(')'));
        let last = name.rsplit("::").next().unwrap_or(name);
        write!(out, "`{last}`").unwrap();
        rest = target.map_or(tail, |(_, tail)| tail);
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The names in a cell of the table, as code.
fn code_names(here: &str) -> String {
    let word = |part: &str| {
        let is_name = part.contains('_') || part.chars().all(|c| c.is_ascii_lowercase());
        if is_name && !part.is_empty() && !part.contains(' ') { format!("`{part}`") } else { part.to_owned() }
    };
    here.split(", ")
        .map(|part| part.split(" / ").map(word).collect::<Vec<_>>().join(" / "))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `set_muted` as TypeScript has it.
pub fn camel(name: &str) -> String {
    let mut out = String::new();
    let mut up = false;
    for c in name.chars() {
        if c == '_' {
            up = true;
        } else if std::mem::take(&mut up) {
            out.push(c.to_ascii_uppercase());
        } else {
            out.push(c);
        }
    }
    out
}
