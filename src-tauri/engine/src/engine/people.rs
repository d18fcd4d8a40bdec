//! The handle's part about people and the history.

use super::{Engine, stopped};
use crate::api::{
    Command, ContactPatch, ContactView, ExportFormat, ExportedContacts, ExportedHistory, Group, GroupParams,
    HistoryQuery, ImportReport, PealError, Profile, ProfilePatch, RecordView, SafetyNumber,
};
use crate::message::Answer;

/// Sends a command and takes the one kind of answer that it has.
macro_rules! ask {
    ($engine:expr, $command:expr, $answer:path) => {
        match $engine.ask($command).await? {
            $answer(value) => Ok(value),
            _ => Err(stopped()),
        }
    };
}

/// Every one of these fails with [`ErrorCode::NotLoggedIn`](crate::api::ErrorCode::NotLoggedIn) before login and after
/// logout, with [`ErrorCode::StorageFailed`](crate::api::ErrorCode::StorageFailed) where the disk does, and with
/// [`ErrorCode::BadRequest`](crate::api::ErrorCode::BadRequest) or [`ErrorCode::BadName`](crate::api::ErrorCode::BadName)
/// for what makes no sense.
impl Engine {
    /// Changes what this person says of themselves and shows it to others (kits C23, D10); the profile as it is then.
    pub async fn set_profile(&self, patch: ProfilePatch) -> Result<Profile, PealError> {
        ask!(self, Command::SetProfile(patch), Answer::Profile)
    }

    /// Takes somebody into the contacts, also somebody who was never seen.
    pub async fn add_contact(&self, user_id: &str) -> Result<(), PealError> {
        self.ask(Command::AddContact { user_id: user_id.to_owned() }).await.map(drop)
    }

    /// Changes what this person says of somebody: note, favourite, silenced, blocked, friend (kit C23).
    pub async fn set_contact(&self, patch: ContactPatch) -> Result<(), PealError> {
        self.ask(Command::SetContact(patch)).await.map(drop)
    }

    /// Takes somebody out of the contacts and the groups, until they meet again: being seen online is not enough, a call
    /// that was made to them or answered is. Whoever is blocked stays so, and listed.
    pub async fn remove_contact(&self, user_id: &str) -> Result<(), PealError> {
        self.ask(Command::RemoveContact { user_id: user_id.to_owned() }).await.map(drop)
    }

    /// Saves a group of at most 15 others.
    pub async fn set_group(&self, params: GroupParams) -> Result<Group, PealError> {
        ask!(self, Command::SetGroup(params), Answer::Group)
    }

    /// Forgets a group.
    pub async fn remove_group(&self, group_id: &str) -> Result<(), PealError> {
        self.ask(Command::RemoveGroup { group_id: group_id.to_owned() }).await.map(drop)
    }

    /// The contacts in whose names, accounts, notes or profiles every word of the query is found.
    pub async fn search_contacts(&self, query: &str) -> Result<Vec<ContactView>, PealError> {
        ask!(self, Command::SearchContacts { query: query.to_owned() }, Answer::Contacts)
    }

    /// A picture that a view names, as a data URL; nothing if nobody has it any more.
    pub async fn avatar(&self, avatar_id: &str) -> Result<Option<String>, PealError> {
        ask!(self, Command::Avatar { avatar_id: avatar_id.to_owned() }, Answer::Text)
    }

    /// The contacts and groups as vCard 4.0 (RFC 6350); without those who are blocked.
    pub async fn export_contacts(&self) -> Result<ExportedContacts, PealError> {
        ask!(self, Command::ExportContacts, Answer::ExportedContacts)
    }

    /// Takes a vCard file in (4.0, 3.0 or 2.1, at most 16 MiB and 10000 cards). Cards that make no sense are refused one
    /// by one, in the report.
    pub async fn import_contacts(&self, vcard: String) -> Result<ImportReport, PealError> {
        ask!(self, Command::ImportContacts { vcard }, Answer::Imported)
    }

    /// The calls that fit, newest first.
    pub async fn search_history(&self, query: HistoryQuery) -> Result<Vec<RecordView>, PealError> {
        ask!(self, Command::SearchHistory(query), Answer::Records)
    }

    /// Deletes the calls named, or all; what is told about them later does not bring them back.
    pub async fn delete_records(&self, call_ids: Option<Vec<String>>) -> Result<(), PealError> {
        self.ask(Command::DeleteRecords { call_ids }).await.map(drop)
    }

    /// The whole history as a file's text.
    pub async fn export_history(&self, format: ExportFormat) -> Result<ExportedHistory, PealError> {
        ask!(self, Command::ExportHistory { format }, Answer::ExportedHistory)
    }

    /// The numbers to compare with somebody, one for each of their devices.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownUser`](crate::api::ErrorCode::UnknownUser) when no device of theirs has been met.
    pub async fn safety_number(&self, user_id: &str) -> Result<Vec<SafetyNumber>, PealError> {
        ask!(self, Command::SafetyNumber { user_id: user_id.to_owned() }, Answer::SafetyNumbers)
    }

    /// The numbers were compared and are the same (or that no longer counts). A key compared is believed, also where it
    /// is another than before.
    pub async fn set_verified(&self, user_id: &str, device_id: &str, verified: bool) -> Result<(), PealError> {
        let (user_id, device_id) = (user_id.to_owned(), device_id.to_owned());
        self.ask(Command::SetVerified { user_id, device_id, verified }).await.map(drop)
    }

    /// Believes a device's changed key from now on; its calls come through.
    pub async fn trust_key(&self, user_id: &str, device_id: &str) -> Result<(), PealError> {
        let (user_id, device_id) = (user_id.to_owned(), device_id.to_owned());
        self.ask(Command::TrustKey { user_id, device_id }).await.map(drop)
    }
}
