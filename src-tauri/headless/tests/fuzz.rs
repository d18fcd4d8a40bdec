//! Lines that nobody would write: each is understood or refused in words, and none stops the program.
//!
//! Seeded, from the lines under `tests/corpus` and what becomes of them when they are mutated. To search longer:
//! `PEAL_FUZZ_SECONDS=600 PEAL_FUZZ_SEED=7 cargo test -p peal-headless --test fuzz`. A line that breaks something is
//! printed; add it to the corpus, where it is replayed from then on.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "../../signalling/src/wire/fuzz/mutate.rs"]
mod mutate;

use std::fs;
use std::io::{BufReader, Cursor};
use std::path::Path;
use std::time::{Duration, Instant};

use mutate::mutate;
use peal_engine::api::{Command, ErrorCode};
use peal_headless::line::{Line, MAX_LINE, error, parse, read_line};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

/// Lines that are tried, unless `PEAL_FUZZ_SECONDS` says otherwise.
const INPUTS: usize = 20_000;
const SECONDS: u64 = 4;

/// What a line came to.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Understood,
    Refused,
    Blank,
}

fn corpus() -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/lines");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|file| fs::read_to_string(file).unwrap().lines().map(Vec::from).collect::<Vec<_>>()).collect()
}

/// One line of output: a JSON object, and nothing that would end the line too early.
fn is_one_line(text: &str) -> bool {
    !text.contains('\n') && serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object())
}

fn check(line: &Line) -> Outcome {
    let shown = || if let Line::Text(bytes) = line { bytes.escape_ascii().to_string() } else { "too long".to_owned() };
    match parse(line) {
        Ok(None) => Outcome::Blank,
        Ok(Some(request)) => {
            assert!(!request.id.is_object() && !request.id.is_array() && !request.id.is_boolean(), "{}", shown());
            // What was understood can be said, and is then understood alike.
            let said = serde_json::to_value(&request.command).unwrap();
            if matches!(&request.command, Command::SetVolume(volume) if volume.db.is_infinite()) {
                // A number beyond its type, which JSON can't say: the engine refuses it.
                return Outcome::Understood;
            }
            let again: Command = serde_json::from_value(said.clone()).unwrap_or_else(|_| panic!("{}", shown()));
            assert_eq!(serde_json::to_value(&again).unwrap(), said, "{}", shown());
            Outcome::Understood
        }
        Err(refused) => {
            assert_eq!(refused.error.code, ErrorCode::BadRequest, "{}", shown());
            assert!(!refused.error.message.is_empty() && !refused.error.hint.is_empty(), "{}", shown());
            assert!(is_one_line(&error(&refused.id, &refused.error)), "{}", shown());
            Outcome::Refused
        }
    }
}

/// The lines of a stream, each checked; how many were understood and refused.
fn check_stream(bytes: &[u8]) -> (usize, usize) {
    let mut reader = BufReader::with_capacity(4_096, Cursor::new(bytes));
    let (mut understood, mut refused) = (0, 0);
    while let Some(line) = read_line(&mut reader).unwrap() {
        if let Line::Text(text) = &line {
            assert!(text.len() <= MAX_LINE && !text.contains(&b'\n'));
        }
        match check(&line) {
            Outcome::Understood => understood += 1,
            Outcome::Refused => refused += 1,
            Outcome::Blank => {}
        }
    }
    (understood, refused)
}

#[test]
fn mutated_lines_are_understood_or_refused_in_words() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seed = number("PEAL_FUZZ_SEED").unwrap_or(20_261_121);
    let (inputs, seconds) = number("PEAL_FUZZ_SECONDS").map_or((INPUTS, SECONDS), |seconds| (usize::MAX, seconds));
    let corpus = corpus();
    let (mut understood, mut refused) = check_stream(&corpus.join(&b'\n'));
    assert!(understood > 40 && refused > 5, "the corpus: {understood} understood, {refused} refused");
    let mut random = StdRng::seed_from_u64(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tried = 0;
    while tried < inputs && Instant::now() < end {
        let (more, less) = check_stream(&mutate(&mut random, &corpus));
        (understood, refused) = (understood + more, refused + less);
        tried += 1;
    }
    println!("{tried} inputs, seed {seed}: {understood} lines understood, {refused} refused");
    assert!(understood > tried / 50 && refused > tried / 50, "mutations that all end alike test nothing");
}
