use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use peal_signalling::clean_text;
use peal_signalling::{Avatar, Birthday};
use proptest::prelude::*;

use super::*;
use crate::api::RefusedCard;

fn picture(width: u8, height: u8) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0".to_vec();
    bytes.extend([width, 0, 0, 0, height, 8, 6, 0, 0, 0]);
    bytes
}

fn contact(user_id: &str) -> ContactCard {
    ContactCard {
        user_id: user_id.to_owned(),
        name: user_id.to_owned(),
        nickname: String::new(),
        kind: ContactKind::Person,
        gender: Gender::Unknown,
        birthday: None,
        region: String::new(),
        signature: String::new(),
        address: String::new(),
        note: String::new(),
        avatar: None,
        lost_avatar: false,
    }
}

fn full() -> ContactCard {
    ContactCard {
        name: "The Countess; \"Ada\"".to_owned(),
        nickname: "Ada, K.".to_owned(),
        kind: ContactKind::Device,
        gender: Gender::Female,
        birthday: Birthday::new(Some(1815), 12, 10),
        region: "London, \u{82f1}\u{56fd}".to_owned(),
        signature: "An engine\\nothing: more".to_owned(),
        address: "12, St James's Square; London".to_owned(),
        note: "writes\nprograms\n\n\u{1f600}".repeat(9),
        avatar: Avatar::new(picture(3, 4)).ok(),
        ..contact("ada@example.org")
    }
}

/// The one contact of a file.
fn one(text: &str) -> Result<ContactCard, String> {
    let mut read = cards(text).unwrap();
    assert_eq!(read.len(), 1, "{read:?}");
    match read.remove(0) {
        Ok(Card::Contact(card)) => Ok(*card),
        Ok(Card::Group(group)) => panic!("{group:?}"),
        Err(refused) => Err(refused.message),
    }
}

fn card(lines: &str) -> String {
    format!("BEGIN:VCARD\r\nVERSION:4.0\r\n{}\r\nEND:VCARD\r\n", lines.replace('\n', "\r\n"))
}

#[test]
fn a_contact_is_written_as_rfc_6350_wants_it() {
    let ada = ContactCard { note: "writes\nprograms".to_owned(), ..full() };
    let text = write(&[Card::Contact(Box::new(ada))]);
    let unfolded = text.replace("\r\n ", "");
    let lines: Vec<&str> = unfolded.lines().collect();
    assert_eq!((lines[0], lines[1], lines[lines.len() - 1]), ("BEGIN:VCARD", "VERSION:4.0", "END:VCARD"));
    for line in [
        "KIND:device",
        "FN:The Countess\\; \"Ada\"",
        "IMPP:peal:ada@example.org",
        "NICKNAME:Ada\\, K.",
        "NOTE:writes\\nprograms",
        "GENDER:F",
        "BDAY:18151210",
        "ADR:;;12\\, St James's Square\\; London;;London\\, \u{82f1}\u{56fd};;",
    ] {
        assert!(lines.contains(&line), "{line} is missing in {text}");
    }
    assert!(lines.iter().any(|line| line.starts_with("PHOTO:data:image/png;base64,iVBORw0KGgo")), "{text}");
    assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
}

#[test]
fn what_is_written_is_read_again() {
    let choir = GroupCard {
        group_id: Some("g-1".to_owned()),
        name: "Choir, all".to_owned(),
        members: vec!["ada".to_owned(), "bob".to_owned()],
    };
    let nobody = GroupCard { group_id: None, ..choir.clone() };
    let cards_out = [
        Card::Contact(Box::new(full())),
        Card::Contact(Box::new(contact("bob"))),
        Card::Group(choir),
        Card::Group(nobody),
    ];
    let read: Result<Vec<Card>, RefusedCard> = cards(&write(&cards_out)).unwrap().into_iter().collect();
    assert_eq!(read.unwrap(), cards_out);
}

#[test]
fn cards_of_other_programs_and_older_versions_are_read() {
    let text = "BEGIN:VCARD\nVERSION:3.0\nN:Lovelace;Ada;;;\nFN:Ada Lovelace\n\
        item1.IMPP;X-SERVICE-TYPE=Peal;type=HOME:PEAL:ada\nBDAY;value=date:1815-12-10\n\
        ADR;TYPE=HOME:;;12 St James's Sq;London;England;SW1;UK\nTEL:+44 1\nX-SOMETHING;A=b:c\n\
        PHOTO;ENCODING=b;TYPE=PNG:iVBORw0KGgoAAAANSUhEUgAAAAMAAAAECAYAAAA=\nEND:VCARD\n";
    let ada = one(text).unwrap();
    assert_eq!((ada.user_id.as_str(), ada.name.as_str()), ("ada", "Ada Lovelace"));
    assert_eq!(ada.birthday, Birthday::new(Some(1815), 12, 10));
    assert_eq!((ada.address.as_str(), ada.region.as_str()), ("12 St James's Sq, London, SW1, UK", "England"));
    assert_eq!(ada.avatar.unwrap().bytes(), picture(3, 4));

    let text = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E7=8E=8B;=E5=B0=8F=E6=98=8E\r\n\
        X-PEAL-ACCOUNT:wang\r\nEND:VCARD\r\n";
    let wang = one(text).unwrap();
    assert_eq!((wang.user_id.as_str(), wang.name.as_str()), ("wang", "\u{5c0f}\u{660e} \u{738b}"));
}

#[test]
fn a_card_that_makes_no_sense_is_refused_in_words_and_the_next_is_read() {
    let file = [
        card("FN:No account\nTEL:+1 555"),
        card("FN:Bad account\nIMPP:peal:a b"),
        "BEGIN:VCARD\nVERSION:4.0\nFN:No end\nIMPP:peal:c\n".to_owned(),
        "BEGIN:VCARD\nVERSION:9\nFN:Future\nIMPP:peal:d\nEND:VCARD\n".to_owned(),
        card("FN:Garbage\nthis is no line\nIMPP:peal:e"),
        card("KIND:group\nFN:Empty"),
        card("KIND:group\nMEMBER:peal:f"),
        card("FN:Good\nIMPP:xmpp:g@example.org\nIMPP:peal:g"),
    ]
    .concat();
    let read = cards(&file).unwrap();
    let refused: Vec<(u32, &str, &str)> = read
        .iter()
        .filter_map(|card| card.as_ref().err())
        .map(|it| (it.card, it.name.as_str(), it.message.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            (1, "No account", "it has no account of Peal (IMPP:peal:\u{2026})"),
            (2, "Bad account", "its account can't be one: a name can't contain ' '"),
            (3, "", "it has no end (END:VCARD)"),
            (4, "", "it says no version that is known (VERSION:4.0, 3.0 or 2.1)"),
            (5, "", "it has a line that makes no sense: this is no line"),
            (6, "Empty", "the group has no members with an account of Peal (MEMBER:peal:\u{2026})"),
            (7, "", "the group has no name (FN)"),
        ]
    );
    assert!(matches!(&read[7], Ok(Card::Contact(good)) if good.user_id == "g"), "{:?}", read[7]);
}

#[test]
fn what_is_no_vcard_file_is_refused_as_a_whole() {
    let many = card("IMPP:peal:a").repeat(10_001);
    let large = format!("{}{}", card("IMPP:peal:a"), " ".repeat(16 * 1024 * 1024));
    for file in ["", "hello", "BEGIN:VCALENDAR\nEND:VCALENDAR\n", &many, &large] {
        let error = cards(file).unwrap_err();
        assert_eq!(error.code, crate::api::ErrorCode::BadRequest);
    }
    assert_eq!(cards(&card("IMPP:peal:a").repeat(10_000)).unwrap().len(), 10_000);
}

#[test]
fn texts_are_cut_and_cleaned_and_pictures_that_cannot_be_taken_are_told() {
    let long = "\u{4e2d}".repeat(5000);
    let text =
        card(&format!("FN:\u{202e}{long}\nIMPP:peal:a\nNOTE:{long}\nX-PEAL-SIGNATURE:{long}\nADR:;;{long};;{long};;"));
    let read = one(&text).unwrap();
    let lengths = [&read.name, &read.note, &read.signature, &read.address, &read.region].map(|it| it.chars().count());
    assert_eq!(lengths, [64, 2000, 256, 256, 64]);
    assert!(read.name.starts_with('\u{4e2d}'));

    let wide = STANDARD.encode([picture(255, 255), vec![0; 40_000]].concat());
    for photo in ["http://example.org/spy.png", "data:image/png;base64,AAAA", "data:image/svg+xml,<svg/>", "!", &wide] {
        let read = one(&card(&format!("IMPP:peal:a\nPHOTO:{photo}"))).unwrap();
        assert!(read.avatar.is_none() && read.lost_avatar, "{photo}");
    }
}

#[test]
fn only_whole_days_are_birthdays() {
    for (text, day) in [
        ("19960415", Birthday::new(Some(1996), 4, 15)),
        ("--0415", Birthday::new(None, 4, 15)),
        ("19531015T231000Z", Birthday::new(Some(1953), 10, 15)),
        ("1996-04", None),
        ("20230229", None),
        ("circa 1800", None),
    ] {
        assert_eq!(one(&card(&format!("IMPP:peal:a\nBDAY:{text}"))).unwrap().birthday, day, "{text}");
    }
}

fn any_line(limit: usize) -> impl Strategy<Value = String> {
    "[\\PC;,:\\\\\"=nN\u{4e2d}\u{1f600}]{0,60}".prop_map(move |text| clean_text(&text, limit))
}

fn any_contact() -> impl Strategy<Value = ContactCard> {
    let texts = (any_line(64), any_line(64), any_line(64), any_line(256), any_line(256), "[\\PC\n;,\\\\]{0,200}");
    let kinds = prop_oneof![Just(ContactKind::Person), Just(ContactKind::Device)];
    let genders = prop_oneof![Just(Gender::Unknown), Just(Gender::Female), Just(Gender::Male)];
    let day = (proptest::option::of(1_u16..=9999), 1_u8..=12, 1_u8..=28);
    let birthday = proptest::option::of(day.prop_map(|(year, month, day)| Birthday::new(year, month, day).unwrap()));
    let rest = proptest::option::of((1_u8..=255, 1_u8..=255, proptest::collection::vec(any::<u8>(), 0..200)));
    ("[A-Za-z0-9._@-]{1,64}", texts, kinds, genders, birthday, rest).prop_map(
        |(user_id, (name, nickname, region, signature, address, note), kind, gender, birthday, avatar)| ContactCard {
            name: if name.is_empty() { user_id.clone() } else { name },
            user_id,
            // Of spaces in a row in this list the crate reads one where something before them is escaped.
            nickname: nickname.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "),
            kind,
            gender,
            birthday,
            region,
            signature,
            address,
            note: crate::text::clean_lines(&note, 2000),
            avatar: avatar.map(|(w, h, rest)| Avatar::new([picture(w, h), rest].concat()).unwrap()),
            lost_avatar: false,
        },
    )
}

proptest! {
    #[test]
    fn every_contact_survives_the_file(contacts in proptest::collection::vec(any_contact(), 1..4)) {
        let written: Vec<Card> = contacts.into_iter().map(|card| Card::Contact(Box::new(card))).collect();
        let text = write(&written);
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 75));
        let read: Result<Vec<Card>, RefusedCard> = cards(&text).unwrap().into_iter().collect();
        prop_assert_eq!(read.unwrap(), written);
    }

    #[test]
    fn nothing_that_a_file_may_be_makes_the_reader_fail(
        lines in proptest::collection::vec(prop_oneof![
            "\\PC{0,30}",
            "(BEGIN|END|VERSION|FN|N|IMPP|PHOTO|BDAY|GENDER|ADR|NOTE|KIND|MEMBER|UID)(;[A-Z]{1,8}=?[a-zA-Z0-9\"]{0,8}){0,2}:\\PC{0,30}",
            "(BEGIN|END):V(CARD|CALENDAR|EVENT)",
            "(NOTE|PHOTO);ENCODING=(QUOTED-PRINTABLE|b|base64):[A-Fa-f0-9=]{0,30}",
            "VERSION:[234].[01]", "IMPP:peal:[a-z]{1,5}", " \\PC{0,20}",
        ], 0..20),
        end in prop_oneof![Just("\r\n"), Just("\n")],
    ) {
        let _ = cards(&lines.join(end));
        let _ = cards(&format!("BEGIN:VCARD{end}{}", lines.join(end)));
    }
}
