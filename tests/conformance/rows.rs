//! The list of rows and the tests agree.

use std::collections::BTreeSet;

const ROWS: &str = include_str!("rows.tsv");
const MISSING: &str = include_str!("missing.txt");
const SOURCES: [&str; 5] = [
    include_str!("device.rs"),
    include_str!("web.rs"),
    include_str!("group.rs"),
    include_str!("mini.rs"),
    include_str!("trtc.rs"),
];

fn ids(text: &str) -> BTreeSet<String> {
    let id = |line: &str| line.split_whitespace().next().map(str::to_owned);
    text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("id\t")).filter_map(id).collect()
}

#[test]
fn every_row_has_its_test_or_its_reason_and_no_test_is_without_a_row() {
    let rows = ids(ROWS);
    assert_eq!(rows.len(), 117);
    let missing = ids(MISSING);
    let names = SOURCES.iter().flat_map(|source| source.lines()).filter_map(|line| line.strip_prefix("async fn "));
    let tested: BTreeSet<String> = names
        .filter(|name| name.as_bytes()[1..3].iter().all(u8::is_ascii_digit))
        .map(|name| name[..3].to_uppercase())
        .collect();
    let both: Vec<_> = tested.intersection(&missing).collect();
    assert!(both.is_empty(), "tested, and listed as missing: {both:?}");
    let covered: BTreeSet<String> = tested.union(&missing).cloned().collect();
    let open: Vec<_> = rows.symmetric_difference(&covered).collect();
    assert!(open.is_empty(), "rows without test and reason, or the other way round: {open:?}");
}
