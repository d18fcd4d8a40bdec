//! Figures of Peal and Chromium side by side.

use serde_json::{Map, Value, json};

use crate::measure::{Spread, rounded};

/// All figures of a run, in sections.
#[derive(Default)]
pub struct Report {
    sections: Vec<Section>,
    remarks: Vec<String>,
    /// Whether nothing is printed before the end.
    quiet: bool,
}

/// Figures of one thing.
pub struct Section {
    key: String,
    title: String,
    rows: Vec<Row>,
}

struct Row {
    key: &'static str,
    name: &'static str,
    peal: Spread,
    chromium: Spread,
    /// Figures after the point.
    digits: usize,
}

impl Report {
    /// An empty one; unless `quiet`, each section is printed when it is there.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, ..Self::default() }
    }

    /// Adds a section.
    pub fn add(&mut self, section: Section) {
        if !self.quiet {
            section.print();
        }
        self.sections.push(section);
    }

    /// Adds a sentence.
    pub fn remark(&mut self, words: impl Into<String>) {
        let words = words.into();
        if !self.quiet {
            println!("  {words}\n");
        }
        self.remarks.push(words);
    }

    /// Every section by its key, with every figure of both, and `remarks`.
    pub fn to_json(&self) -> Value {
        let mut all: Map<_, _> = self.sections.iter().map(|it| (it.key.clone(), it.to_json())).collect();
        all.insert("remarks".to_owned(), json!(self.remarks));
        Value::Object(all)
    }
}

impl Section {
    /// Nothing yet; `key` is its name in JSON.
    pub fn new(key: impl Into<String>, title: impl Into<String>) -> Self {
        Self { key: key.into(), title: title.into(), rows: Vec::new() }
    }

    /// Adds a row; `key` ends with its unit, and `digits` after the point are shown.
    pub fn add(&mut self, key: &'static str, name: &'static str, digits: usize, [peal, chromium]: [Spread; 2]) {
        self.rows.push(Row { key, name, peal, chromium, digits });
    }

    fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let both = json!({
                "peal": row.peal.to_json(), "chromium": row.chromium.to_json(), "ratio": row.ratio().map(hundredths),
            });
            (row.key.to_owned(), both)
        });
        let mut all: Map<_, _> = rows.collect();
        all.insert("title".to_owned(), json!(self.title));
        Value::Object(all)
    }

    fn print(&self) {
        println!(
            "{:<58} {:>8} {:>16}   {:>8} {:>16}   {:>6}",
            self.title, "Peal", "5 to 95 %", "Chromium", "5 to 95 %", "ratio"
        );
        for row in &self.rows {
            let ratio = row.ratio().map_or_else(|| "-".to_owned(), |it| format!("{it:.2}"));
            let [peal, chromium] = [&row.peal, &row.chromium].map(|spread| {
                let figure =
                    |share| spread.quantile(share).map_or_else(|| "-".to_owned(), |it| format!("{it:.*}", row.digits));
                let range =
                    if spread.count() > 1 { format!("{} to {}", figure(0.05), figure(0.95)) } else { String::new() };
                format!("{:>8} {range:>16}", figure(0.5))
            });
            println!("  {:<56} {peal}   {chromium}   {ratio:>6}", row.name);
        }
        println!();
    }
}

impl Row {
    /// Peal's median as a multiple of Chromium's.
    fn ratio(&self) -> Option<f64> {
        let (peal, chromium) = (self.peal.median()?, self.chromium.median()?);
        (chromium != 0.0).then(|| peal / chromium)
    }
}

fn hundredths(value: f64) -> f64 {
    rounded(value * 10.0) / 10.0
}
