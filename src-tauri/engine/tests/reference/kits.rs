//! The names that users of the five kits know.

/// One promise of a kit.
pub struct Row {
    pub id: String,
    pub known_as: String,
    pub promise: String,
    pub here: String,
}

/// The kits by their letter.
pub const KITS: [(char, &str); 5] = [
    ('A', "MQTT CallKit (mini-program)"),
    ('B', "NERTCCallkit (web)"),
    ('C', "JMRTC (React Native)"),
    ('D', "NeCallKit (mini-app component)"),
    ('E', "TRTCCalling (web)"),
];

pub fn rows(table: &str) -> Vec<Row> {
    let row = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        let mut next = || cells.next().unwrap_or_default();
        Row { id: next(), known_as: next(), promise: next(), here: next() }
    };
    table.lines().skip(1).map(row).collect()
}
