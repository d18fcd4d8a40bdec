//! The names that users of the five kits know.

/// One promise of a kit.
pub struct Row {
    pub id: String,
    pub known_as: String,
    pub promise: String,
    pub here: String,
    /// Peal keeps it: a test drives it.
    pub kept: bool,
}

/// The kits by their letter.
pub const KITS: [(char, &str); 5] = [
    ('A', "MQTT CallKit (mini-program)"),
    ('B', "NERTCCallkit (web)"),
    ('C', "JMRTC (React Native)"),
    ('D', "NeCallKit (mini-app component)"),
    ('E', "TRTCCalling (web)"),
];

/// The rows of the table; those that `missing` lists are not kept yet.
pub fn rows(table: &str, missing: &str) -> Vec<Row> {
    let row = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        let mut next = || cells.next().unwrap_or_default();
        let id = next();
        let kept = !missing.lines().any(|line| line.split_whitespace().next() == Some(&id));
        Row { id, known_as: next(), promise: next(), here: next(), kept }
    };
    table.lines().skip(1).map(row).collect()
}
