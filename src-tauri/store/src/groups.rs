//! Saved groups of people, to be called at once.

use crate::{Store, StoreError};

/// A saved group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Which.
    pub group_id: String,
    /// What the person calls it.
    pub name: String,
    /// The accounts in it, in the person's order.
    pub members: Vec<String>,
}

impl Store {
    /// Every saved group, by its id.
    pub fn groups(&self) -> Result<Vec<GroupRow>, StoreError> {
        self.with(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT group_id, name, members FROM contact_group ORDER BY group_id")?;
            let rows = statement.query_map([], |row| {
                let members: String = row.get(2)?;
                // A list that can't be read is an empty group rather than none: its name is still there.
                let members = serde_json::from_str(&members).unwrap_or_default();
                Ok(GroupRow { group_id: row.get(0)?, name: row.get(1)?, members })
            })?;
            rows.collect()
        })
    }

    /// Saves a group, in place of the one with its id.
    pub fn upsert_group(&self, group: &GroupRow) -> Result<(), StoreError> {
        let members = serde_json::Value::from(group.members.clone()).to_string();
        self.with(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO contact_group (group_id, name, members) VALUES (?, ?, ?)",
                (&group.group_id, &group.name, members),
            )
        })?;
        Ok(())
    }

    /// Forgets a group; false if there is none of that id.
    pub fn remove_group(&self, group_id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM contact_group WHERE group_id = ?";
        self.with(|connection| connection.execute(sql, [group_id])).map(|rows| rows > 0)
    }
}
