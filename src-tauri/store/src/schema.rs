//! The tables, and how an older database becomes a present one.

use rusqlite::{Connection, TransactionBehavior};

/// `Peal` in ASCII: the mark in the header of every database of ours.
pub(crate) const APPLICATION_ID: i32 = 0x5065_616c;

/// One script per format; the database's `user_version` says how many have run. A script that has been released is
/// never edited: the next change is the next script.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// Runs every script that has not run yet, each with its version in one transaction.
pub(crate) fn migrate(connection: &mut Connection, scripts: &[&str], from: u32) -> rusqlite::Result<()> {
    for (version, script) in (1_u32..).zip(scripts).skip(from as usize) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> u32 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn only_what_has_not_run_is_run() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);";
        migrate(&mut connection, &[first], 0).unwrap();
        migrate(&mut connection, &[first, "ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 7;"], 1).unwrap();
        assert_eq!(version(&connection), 2);
        let row = connection.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(row.unwrap(), (1, 7));
    }

    #[test]
    fn a_script_that_fails_leaves_everything_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = "CREATE TABLE b (x INTEGER); INSERT INTO missing VALUES (1);";
        assert!(migrate(&mut connection, &["CREATE TABLE a (x INTEGER);", broken], 0).is_err());
        assert_eq!(version(&connection), 1);
        assert!(connection.query_row("SELECT count(*) FROM b", [], |row| row.get::<_, i64>(0)).is_err());
    }
}
