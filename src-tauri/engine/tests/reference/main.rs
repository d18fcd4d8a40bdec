//! `docs/callkit.md` is made from the types: what is not documented there, or is there and no more, fails here.
//!
//! `PEAL_WRITE_DOCS=1 cargo test -p peal-engine --test reference` writes it anew.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod api;
mod kits;
mod page;

use std::path::{Path, PathBuf};

use api::Api;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_command_and_event_is_documented_with_its_fields() {
    let api = Api::read();
    assert!(api.commands.len() > 40 && api.events.len() > 30, "the sources were not understood");
    for item in api.commands.iter().chain(&api.events) {
        assert!(!item.doc.is_empty(), "{} has no words", item.name);
        for field in &item.fields {
            assert!(!field.doc.is_empty(), "{}.{} has no words", item.name, field.name);
        }
    }
}

#[test]
fn every_command_has_its_method_and_its_typescript_function() {
    let api = Api::read();
    for command in &api.commands {
        assert!(api.methods.contains_key(&command.name), "Engine::{} is missing", command.name);
        let name = page::camel(&command.name);
        // To draw a picture is to look at it: the interface has no words of its own for that.
        if command.name.ends_with("_local_view") || command.name.ends_with("_remote_view") {
            continue;
        }
        assert!(api.functions.contains_key(&name), "ui/src/callkit has no {name}");
    }
}

#[test]
fn every_event_of_the_list_of_names_is_an_event_of_the_enum() {
    let mut names: Vec<_> = Api::read().events.into_iter().map(|event| event.name).collect();
    let mut listed: Vec<_> = peal_engine::api::Event::NAMES.iter().map(|name| (*name).to_owned()).collect();
    names.sort();
    listed.sort();
    assert_eq!(names, listed);
}

#[test]
fn the_reference_is_up_to_date() {
    let path = root().join("docs/callkit.md");
    let rows = kits::rows(&read("tests/conformance/rows.tsv"), &read("tests/conformance/missing.txt"));
    let wanted = page::render(&Api::read(), &rows);
    if std::env::var_os("PEAL_WRITE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/callkit.md is stale: PEAL_WRITE_DOCS=1 cargo test -p peal-engine --test reference");
}
