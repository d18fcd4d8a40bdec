//! Cards out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calcard::common::PartialDateTime;
use calcard::vcard::{VCard, VCardEntry, VCardProperty, VCardSex, VCardValue, VCardVersion};

use super::{Card, ContactCard, GroupCard, SCHEME, SIGNATURE, other};
use crate::api::{ContactKind, Gender};

/// The file's text.
pub(crate) fn write(cards: &[Card]) -> String {
    let mut text = String::new();
    for card in cards {
        let entries = match card {
            Card::Contact(card) => contact(card),
            Card::Group(card) => group(card),
        };
        // Writing into a String can't fail.
        let _ = VCard { entries }.write_to(&mut text, VCardVersion::V4_0);
    }
    text
}

fn contact(card: &ContactCard) -> Vec<VCardEntry> {
    let kind = match card.kind {
        ContactKind::Device => "device",
        ContactKind::Person | ContactKind::Echo => "individual",
    };
    let mut entries = vec![
        entry(VCardProperty::Kind, text(kind)),
        entry(VCardProperty::Fn, text(&card.name)),
        entry(VCardProperty::Impp, text(&format!("{SCHEME}{}", card.user_id))),
    ];
    let filled = [
        (VCardProperty::Nickname, &card.nickname),
        (other(SIGNATURE), &card.signature),
        (VCardProperty::Note, &card.note),
    ];
    entries.extend(
        filled.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| entry(name, text(value))),
    );
    let sex = match card.gender {
        Gender::Female => Some(VCardSex::Female),
        Gender::Male => Some(VCardSex::Male),
        Gender::Unknown => None,
    };
    entries.extend(sex.map(|sex| entry(VCardProperty::Gender, VCardValue::Sex(sex))));
    entries.extend(card.birthday.map(|day| {
        let (year, month, day) = day.parts();
        let date = PartialDateTime { year, month: Some(month), day: Some(day), ..PartialDateTime::default() };
        entry(VCardProperty::Bday, VCardValue::PartialDateTime(date))
    }));
    if !card.address.is_empty() || !card.region.is_empty() {
        // Post box, extension, street, locality, region, code, country (RFC 6350, 6.3.1).
        let parts = ["", "", &card.address, "", &card.region, "", ""].map(text);
        entries.push(VCardEntry::new(VCardProperty::Adr).with_values(parts.into()));
    }
    entries.extend(card.avatar.as_ref().map(|avatar| {
        // As text: the crate would put a backslash before the comma of its own data URL, which RFC 6350 does not.
        let url = format!("data:{};base64,{}", avatar.media_type(), STANDARD.encode(avatar.bytes()));
        entry(VCardProperty::Photo, text(&url))
    }));
    entries
}

fn group(card: &GroupCard) -> Vec<VCardEntry> {
    let mut entries = vec![entry(VCardProperty::Kind, text("group")), entry(VCardProperty::Fn, text(&card.name))];
    entries.extend(card.group_id.as_ref().map(|id| entry(VCardProperty::Uid, text(&format!("{SCHEME}{id}")))));
    let members = card.members.iter().map(|member| entry(VCardProperty::Member, text(&format!("{SCHEME}{member}"))));
    entries.extend(members);
    entries
}

fn entry(name: VCardProperty, value: VCardValue) -> VCardEntry {
    VCardEntry::new(name).with_value(value)
}

fn text(value: &str) -> VCardValue {
    VCardValue::Text(value.to_owned())
}
