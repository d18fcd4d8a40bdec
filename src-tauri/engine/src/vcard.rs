//! Contacts and groups as vCard (RFC 6350), by the crate calcard.
//!
//! Written is 4.0. Read is whatever programs export: 4.0, 3.0 and 2.1. A contact needs an account: `IMPP:peal:<account>`
//! (or `X-PEAL-ACCOUNT`), since no telephone number or mail address can be called by Peal.
//!
//! | Peal | vCard |
//! | --- | --- |
//! | account | `IMPP:peal:<account>` |
//! | the name shown | `FN` |
//! | nickname | `NICKNAME` |
//! | kind | `KIND:individual`, `KIND:device` (RFC 6869) |
//! | gender | `GENDER:F`, `GENDER:M` |
//! | birthday | `BDAY` |
//! | picture | `PHOTO`, as a data URL |
//! | region, address | the region and the street of `ADR` |
//! | signature | `X-PEAL-SIGNATURE` |
//! | note | `NOTE` |
//! | group | a card of its own: `KIND:group`, `FN`, `UID`, `MEMBER:peal:<account>` |
//!
//! What the person thinks of somebody (favourite, silenced) is nobody else's business and stays out of the file.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::{cards, decode};
pub(crate) use write::write;

use calcard::vcard::VCardProperty;
use peal_signalling::{Avatar, Birthday};

use crate::api::{ContactKind, Gender};

/// The scheme of an account in `IMPP` and `MEMBER`.
const SCHEME: &str = "peal:";
const SIGNATURE: &str = "X-PEAL-SIGNATURE";
const ACCOUNT: &str = "X-PEAL-ACCOUNT";

/// A card that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Card {
    Contact(Box<ContactCard>),
    Group(GroupCard),
}

/// A contact's card. Every text is clean and within its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContactCard {
    pub user_id: String,
    /// The name shown; empty if the card has none.
    pub name: String,
    pub nickname: String,
    pub kind: ContactKind,
    pub gender: Gender,
    pub birthday: Option<Birthday>,
    pub region: String,
    pub signature: String,
    pub address: String,
    pub note: String,
    pub avatar: Option<Avatar>,
    /// There is a picture, but none that can be taken.
    pub lost_avatar: bool,
}

/// A group's card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupCard {
    /// Absent: another program's group, which gets an id here.
    pub group_id: Option<String>,
    pub name: String,
    pub members: Vec<String>,
}

fn other(name: &str) -> VCardProperty {
    VCardProperty::Other(name.to_owned())
}
