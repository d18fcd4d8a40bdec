//! Cards in. Nothing in them is trusted: not their number, not their size, not that they are cards at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calcard::vcard::{VCard, VCardKind, VCardProperty, VCardSex, VCardValue};
use calcard::{Entry, Parser};
use peal_call::UserId;
use peal_signalling::{AVATAR_LIMIT, Avatar, Birthday, REGION_LIMIT, SIGNATURE_LIMIT, clean_text};

use super::{ACCOUNT, Card, ContactCard, GroupCard, SCHEME, SIGNATURE, other};
use crate::api::{ContactKind, ErrorCode, Gender, PealError, RefusedCard};
use crate::directory::{ADDRESS_LIMIT, NAME_LIMIT, NOTE_LIMIT};
use crate::text::clean_lines;

/// Largest file that is read, in bytes.
const FILE_LIMIT: usize = 16 * 1024 * 1024;
/// Most cards of a file.
const CARDS: usize = 10_000;
/// Longest base64 of a picture that is decoded, in bytes, with the line breaks that some programs leave in it.
const PICTURE_TEXT: usize = AVATAR_LIMIT * 2;

/// Every card of a file, or why it is refused.
///
/// # Errors
/// [`ErrorCode::BadRequest`] for a file that is too large, has too many cards, or none.
pub(crate) fn cards(file: &str) -> Result<Vec<Result<Card, RefusedCard>>, PealError> {
    let bad = |words: &str| Err(PealError::new(ErrorCode::BadRequest, words));
    if file.len() > FILE_LIMIT {
        return bad("a vCard file has at most 16 MiB");
    }
    let texts = split(file);
    match texts.len() {
        0 => bad("that is no vCard file: no card begins in it"),
        1..=CARDS => Ok((1..).zip(texts).map(|(number, text)| read(number, text)).collect()),
        _ => bad("a vCard file has at most 10000 cards"),
    }
}

/// The file, cut where cards begin: a broken one can't swallow the next.
fn split(file: &str) -> Vec<&str> {
    let file = file.strip_prefix('\u{feff}').unwrap_or(file);
    let mut starts = Vec::new();
    let mut at = 0;
    for line in file.split_inclusive('\n') {
        // Not within a folded line, which begins with a blank.
        if line.trim_end().eq_ignore_ascii_case("BEGIN:VCARD") {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([file.len()]);
    starts.iter().zip(ends).map(|(start, end)| &file[*start..end]).collect()
}

fn read(number: u32, text: &str) -> Result<Card, RefusedCard> {
    let refused = |name: String, message: String| RefusedCard { card: number, name, message };
    let card = parse(text).map_err(|message| refused(String::new(), message))?;
    let read = if has_kind(&card, VCardKind::Group) {
        group(&card).map(Card::Group)
    } else {
        contact(&card).map(Box::new).map(Card::Contact)
    };
    read.map_err(|message| refused(shown_name(&card), message))
}

fn parse(text: &str) -> Result<VCard, String> {
    let card = match Parser::new(text).strict().entry() {
        Entry::VCard(card) => card,
        Entry::UnterminatedComponent(_) | Entry::Eof => return Err("it has no end (END:VCARD)".to_owned()),
        Entry::InvalidLine(line) => {
            return Err(format!("it has a line that makes no sense: {}", clean_text(&line, NAME_LIMIT)));
        }
        _ => return Err("it is no vCard".to_owned()),
    };
    match card.version() {
        Some(_) => Ok(card),
        None => Err("it says no version that is known (VERSION:4.0, 3.0 or 2.1)".to_owned()),
    }
}

fn contact(card: &VCard) -> Result<ContactCard, String> {
    let accounts = values(card, &VCardProperty::Impp).filter_map(account);
    let user_id = accounts
        .chain(values(card, &other(ACCOUNT)).map(|value| UserId::new(value.trim()).map_err(|error| error.to_string())))
        .next()
        .ok_or("it has no account of Peal (IMPP:peal:…)")?
        .map_err(|error| format!("its account can't be one: {error}"))?;
    let (avatar, lost_avatar) = avatar(card);
    let (address, region) = address(card);
    Ok(ContactCard {
        user_id: user_id.to_string(),
        name: shown_name(card),
        nickname: line(card, &VCardProperty::Nickname, NAME_LIMIT),
        kind: if has_kind(card, VCardKind::Device) { ContactKind::Device } else { ContactKind::Person },
        gender: gender(card),
        birthday: birthday(card),
        region,
        signature: line(card, &other(SIGNATURE), SIGNATURE_LIMIT),
        address,
        note: clean_lines(values(card, &VCardProperty::Note).next().unwrap_or_default(), NOTE_LIMIT),
        avatar,
        lost_avatar,
    })
}

fn group(card: &VCard) -> Result<GroupCard, String> {
    let name = shown_name(card);
    if name.is_empty() {
        return Err("the group has no name (FN)".to_owned());
    }
    let members = values(card, &VCardProperty::Member).filter_map(account);
    let members: Result<Vec<String>, String> = members.map(|member| member.map(|it| it.to_string())).collect();
    let members = members.map_err(|error| format!("the account of a member can't be one: {error}"))?;
    if members.is_empty() {
        return Err("the group has no members with an account of Peal (MEMBER:peal:…)".to_owned());
    }
    let id = values(card, &VCardProperty::Uid).next().and_then(|uid| uid.strip_prefix(SCHEME));
    let group_id = id.filter(|id| UserId::new(*id).is_ok()).map(str::to_owned);
    Ok(GroupCard { group_id, name, members })
}

/// The account in an address of Peal; none in another's.
fn account(uri: &str) -> Option<Result<UserId, String>> {
    let uri = uri.trim();
    let scheme = uri.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME))?;
    Some(UserId::new(&uri[scheme.len()..]).map_err(|error| error.to_string()))
}

fn values<'a>(card: &'a VCard, name: &'a VCardProperty) -> impl Iterator<Item = &'a str> {
    card.properties(name).filter_map(|entry| entry.values.first()?.as_text())
}

fn line(card: &VCard, name: &VCardProperty, limit: usize) -> String {
    clean_text(values(card, name).next().unwrap_or_default(), limit)
}

/// `FN`; of cards that have none, the parts of `N` in the order of most of the world's exports: given names first.
fn shown_name(card: &VCard) -> String {
    let name = line(card, &VCardProperty::Fn, NAME_LIMIT);
    if !name.is_empty() {
        return name;
    }
    let parts = card.property(&VCardProperty::N).map(|entry| entry.values.as_slice()).unwrap_or_default();
    let part = |at: usize| parts.get(at).and_then(VCardValue::as_text).unwrap_or_default().trim();
    clean_text(&format!("{} {}", part(1), part(0)), NAME_LIMIT)
}

fn has_kind(card: &VCard, kind: VCardKind) -> bool {
    let kinds = [VCardProperty::Kind, other("X-ADDRESSBOOKSERVER-KIND")];
    let is = |value: &VCardValue| match value {
        VCardValue::Kind(it) => *it == kind,
        value => kind == VCardKind::Group && value.as_text().is_some_and(|it| it.eq_ignore_ascii_case("group")),
    };
    kinds.iter().filter_map(|name| card.property(name)?.values.first()).any(is)
}

fn gender(card: &VCard) -> Gender {
    match card.property(&VCardProperty::Gender).and_then(|entry| entry.values.first()) {
        Some(VCardValue::Sex(VCardSex::Female)) => Gender::Female,
        Some(VCardValue::Sex(VCardSex::Male)) => Gender::Male,
        _ => Gender::Unknown,
    }
}

fn birthday(card: &VCard) -> Option<Birthday> {
    let Some(VCardValue::PartialDateTime(date)) = card.property(&VCardProperty::Bday)?.values.first() else {
        return None;
    };
    Birthday::new(date.year, date.month?, date.day?)
}

/// The address in one line, and the region beside it.
fn address(card: &VCard) -> (String, String) {
    let parts = card.property(&VCardProperty::Adr).map(|entry| entry.values.as_slice()).unwrap_or_default();
    let part = |at: usize| match parts.get(at) {
        Some(VCardValue::Component(parts)) => parts.join(", "),
        Some(value) => value.as_text().unwrap_or_default().trim().to_owned(),
        None => String::new(),
    };
    let filled: Vec<String> = [0, 1, 2, 3, 5, 6].map(part).into_iter().filter(|part| !part.is_empty()).collect();
    (clean_text(&filled.join(", "), ADDRESS_LIMIT), clean_text(&part(4), REGION_LIMIT))
}

/// The picture, and whether one was there that can't be taken. Nothing is fetched from anywhere.
fn avatar(card: &VCard) -> (Option<Avatar>, bool) {
    let Some(value) = card.property(&VCardProperty::Photo).and_then(|entry| entry.values.first()) else {
        return (None, false);
    };
    let bytes = match value {
        VCardValue::Binary(data) => Some(data.data.clone()),
        value => value.as_text().and_then(decode),
    };
    let avatar = bytes.and_then(|bytes| Avatar::new(bytes).ok());
    let lost = avatar.is_none();
    (avatar, lost)
}

/// A data URL, or bare base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let base64 = match text.split_once(";base64,") {
        Some((media_type, base64)) if media_type.starts_with("data:") => base64,
        _ => text,
    };
    if base64.len() > PICTURE_TEXT {
        return None;
    }
    let base64: String = base64.split_ascii_whitespace().collect();
    STANDARD.decode(base64).ok()
}
