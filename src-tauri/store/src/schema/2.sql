-- Contacts with every field of a user (kit C23): first what they say of themselves, then what the person here says of
-- them. An empty text is a field that nobody has filled in.
ALTER TABLE contact ADD COLUMN gender           TEXT NOT NULL DEFAULT 'unknown';
ALTER TABLE contact ADD COLUMN birthday         TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN region           TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN signature        TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN address          TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN avatar_id        TEXT;
ALTER TABLE contact ADD COLUMN note_name        TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN note_text        TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN is_favorite      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contact ADD COLUMN is_no_disturb    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contact ADD COLUMN is_in_black_list INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contact ADD COLUMN is_friend        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contact ADD COLUMN is_removed       INTEGER NOT NULL DEFAULT 0;

-- Somebody without a name was kept under their account.
UPDATE contact SET name = '' WHERE name = user_id;

-- What an account says of itself; the display name stays in the login.
CREATE TABLE own_profile (
    account   TEXT PRIMARY KEY,
    revision  INTEGER NOT NULL,
    gender    TEXT NOT NULL,
    birthday  TEXT NOT NULL,
    region    TEXT NOT NULL,
    signature TEXT NOT NULL,
    address   TEXT NOT NULL,
    avatar_id TEXT
) STRICT, WITHOUT ROWID;

-- Pictures, named by what is in them.
CREATE TABLE avatar (
    id    TEXT NOT NULL UNIQUE,
    image BLOB NOT NULL CHECK (length(image) BETWEEN 1 AND 32768)
) STRICT;

CREATE INDEX contact_by_avatar ON contact (avatar_id) WHERE avatar_id IS NOT NULL;

-- A picture that nobody has any more is gone.
CREATE TRIGGER contact_avatar_replaced AFTER UPDATE OF avatar_id ON contact
WHEN old.avatar_id IS NOT NULL AND old.avatar_id IS NOT new.avatar_id
BEGIN
    DELETE FROM avatar WHERE id = old.avatar_id
        AND NOT EXISTS (SELECT 1 FROM contact WHERE avatar_id = old.avatar_id)
        AND NOT EXISTS (SELECT 1 FROM own_profile WHERE avatar_id = old.avatar_id);
END;

CREATE TRIGGER own_avatar_replaced AFTER UPDATE OF avatar_id ON own_profile
WHEN old.avatar_id IS NOT NULL AND old.avatar_id IS NOT new.avatar_id
BEGIN
    DELETE FROM avatar WHERE id = old.avatar_id
        AND NOT EXISTS (SELECT 1 FROM contact WHERE avatar_id = old.avatar_id)
        AND NOT EXISTS (SELECT 1 FROM own_profile WHERE avatar_id = old.avatar_id);
END;

-- Saved groups; the members are a JSON list of accounts.
CREATE TABLE contact_group (
    group_id TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    members  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The key that a device had when two people compared its safety number.
CREATE TABLE verified_key (
    server     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    device_id  TEXT NOT NULL,
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    PRIMARY KEY (server, user_id, device_id)
) STRICT, WITHOUT ROWID;

-- Everyone else in a call as a JSON list of {user_id, name, status}.
ALTER TABLE record ADD COLUMN members    TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(members));
ALTER TABLE record ADD COLUMN group_id   TEXT;
ALTER TABLE record ADD COLUMN group_name TEXT;

-- Calls that were deleted, so that a belated message about one does not bring it back.
CREATE TABLE deleted_record (
    call_id       TEXT PRIMARY KEY,
    deleted_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
