CREATE TABLE identity (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    device_id     TEXT NOT NULL,
    client_random TEXT NOT NULL,
    secret_key    BLOB NOT NULL CHECK (length(secret_key) = 32),
    token         TEXT NOT NULL
) STRICT;

CREATE TABLE profile (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    account      TEXT NOT NULL,
    display_name TEXT NOT NULL,
    server       TEXT,
    token        TEXT,
    logged_in    INTEGER NOT NULL
) STRICT;

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contact (
    user_id      TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    last_seen_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pinned_key (
    server     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    device_id  TEXT NOT NULL,
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    PRIMARY KEY (server, user_id, device_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE record (
    id            INTEGER PRIMARY KEY,
    call_id       TEXT NOT NULL UNIQUE,
    user_id       TEXT NOT NULL,
    direction     TEXT NOT NULL,
    media         TEXT NOT NULL,
    status        TEXT NOT NULL,
    reason        TEXT NOT NULL,
    started_at_ms INTEGER NOT NULL,
    duration_ms   INTEGER NOT NULL,
    message       TEXT,
    seen          INTEGER NOT NULL
) STRICT;

CREATE INDEX record_by_time ON record (started_at_ms DESC, id DESC);
CREATE INDEX record_unseen ON record (seen) WHERE seen = 0;
