//! Mutations: of bytes, and of JSON as a tree.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

/// What parsers stumble over.
const TOKENS: [&str; 24] = [
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "9007199254740993",
    "\"\"",
    "{}",
    "[]",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\u{202e}",
    "\u{feff}",
    ",",
    ":",
    "\\",
    "\"kind\"",
    "\"call\"",
    "\"v\":1",
    "\"roster\":[",
    "\"standing\":\"joined\"",
    "+/#",
    "~",
];

/// Most bytes of an input: a little more than anything that is read.
const LONGEST: usize = 80 * 1024;

/// One of the corpus, changed in one to five places.
pub(super) fn mutate(rng: &mut StdRng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus.choose(rng).cloned().unwrap_or_default();
    for _ in 0..rng.random_range(1..=5) {
        // Repeated repetitions would fill the memory.
        bytes.truncate(LONGEST);
        let tree = if rng.random_bool(0.5) { serde_json::from_slice::<Value>(&bytes).ok() } else { None };
        if let Some(mut tree) = tree {
            mutate_tree(rng, &mut tree);
            bytes = tree.to_string().into_bytes();
        } else {
            mutate_bytes(rng, &mut bytes, corpus);
        }
    }
    bytes
}

fn mutate_bytes(rng: &mut StdRng, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = rng.random_range(0..=bytes.len());
    let until = rng.random_range(at..=bytes.len().min(at + 64));
    match rng.random_range(0..8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
        1 if at < bytes.len() => bytes[at] = rng.random(),
        2 => drop(bytes.drain(at..until)),
        3 => bytes.insert(at, rng.random()),
        4 => {
            let token = TOKENS.choose(rng).copied().unwrap_or_default();
            drop(bytes.splice(at..until.min(at + 8), token.bytes()));
        }
        5 => {
            let again: Vec<u8> = bytes[at..until].repeat(rng.random_range(1..9));
            drop(bytes.splice(at..at, again));
        }
        6 => {
            let other = corpus.choose(rng).map_or(&[][..], |other| &other[rng.random_range(0..=other.len())..]);
            bytes.truncate(at);
            bytes.extend_from_slice(other);
        }
        _ => bytes.truncate(at),
    }
}

/// Changes one node, found by chance from the root.
fn mutate_tree(rng: &mut StdRng, tree: &mut Value) {
    let goes_deeper = rng.random_bool(0.75);
    match tree {
        Value::Object(fields) if goes_deeper && !fields.is_empty() => {
            let at = rng.random_range(0..fields.len());
            let name = fields.keys().nth(at).cloned().unwrap_or_default();
            match rng.random_range(0..6) {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert(format!("{name}_"), json!(1))),
                _ => {
                    if let Some(field) = fields.get_mut(&name) {
                        mutate_tree(rng, field);
                    }
                }
            }
        }
        Value::Array(items) if goes_deeper && !items.is_empty() => {
            let at = rng.random_range(0..items.len());
            match rng.random_range(0..6) {
                0 => drop(items.remove(at)),
                1 => {
                    let item = items[at].clone();
                    let times = rng.random_range(1..100_usize).min(1 + 1000 / items.len());
                    items.extend(std::iter::repeat_n(item, times));
                }
                _ => mutate_tree(rng, &mut items[at]),
            }
        }
        Value::String(text) if goes_deeper => match rng.random_range(0..4) {
            0 => *text = text.repeat(rng.random_range(2..300).min(1 + LONGEST / text.len().max(1))),
            1 => text.push(*['\u{202e}', '\0', '/', '~', '"', '\u{1f600}', '=', 'A'].choose(rng).unwrap_or(&'x')),
            2 => drop(text.pop()),
            _ => text.insert(0, ' '),
        },
        _ => *tree = any_value(rng),
    }
}

fn any_value(rng: &mut StdRng) -> Value {
    match rng.random_range(0..10) {
        0 => Value::Null,
        1 => json!(rng.random::<bool>()),
        2 => json!(rng.random::<u64>()),
        3 => json!(-1),
        4 => json!(f64::MAX),
        5 => json!(""),
        6 => json!("left"),
        7 => json!([[[[[]]]]]),
        8 => json!({"kind": "roster", "standing": "left", "reason": "blocked"}),
        _ => json!("0192f3a4-5b6c-7d8e-9f01-23456789abcd"),
    }
}
