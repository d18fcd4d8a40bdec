//! What a bench has to show: named spreads, and words about them.

use serde_json::{Map, Value, json};

use super::Spread;

/// The outcome of one bench.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    title: String,
    rows: Vec<Row>,
    remarks: Vec<String>,
}

#[derive(Debug, Clone)]
struct Row {
    key: &'static str,
    name: String,
    spread: Spread,
}

impl Figures {
    /// Nothing yet, under this title.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds a row; `key` is its name in JSON and ends with its unit.
    pub fn add(&mut self, key: &'static str, name: impl Into<String>, spread: Spread) {
        self.rows.push(Row { key, name: name.into(), spread });
    }

    /// Adds a sentence.
    pub fn remark(&mut self, words: impl Into<String>) {
        self.remarks.push(words.into());
    }

    /// All rows by their keys, and `remarks`.
    pub fn to_json(&self) -> Value {
        let mut all: Map<_, _> = self.rows.iter().map(|row| (row.key.to_owned(), row.spread.to_json())).collect();
        all.insert("remarks".to_owned(), json!(self.remarks));
        Value::Object(all)
    }

    /// A table with its remarks.
    pub fn print(&self) {
        if self.rows.is_empty() {
            println!("{}", self.title);
        } else {
            println!("{}", Spread::head(&self.title));
        }
        for row in &self.rows {
            println!("  {}", row.spread.row(&row.name));
        }
        for remark in &self.remarks {
            println!("  {remark}");
        }
        println!();
    }
}
