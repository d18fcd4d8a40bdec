use peal_store::Place;

use super::*;
use crate::api::ContactView;

struct Rig {
    directory: Directory,
    store: Store,
    me: UserId,
}

impl Rig {
    fn new() -> Self {
        let store = Store::open(&Place::Temporary).unwrap();
        Self { directory: Directory::load(&store).unwrap(), store, me: UserId::new("ann").unwrap() }
    }

    fn import(&mut self, file: &str) -> ImportReport {
        imported(&mut self.directory, &self.store, &self.me, file).unwrap()
    }

    fn export(&self) -> String {
        exported(&self.directory, &self.store, &self.me).unwrap()
    }

    fn contacts(&self) -> Vec<ContactView> {
        self.directory.contacts(Some(&self.me), None)
    }

    fn set(&mut self, patch: ContactPatch) {
        self.directory.set_contact(&self.store, &self.me, patch).unwrap();
    }
}

fn card(lines: &str) -> String {
    format!("BEGIN:VCARD\nVERSION:4.0\n{lines}\nEND:VCARD\n")
}

/// A PNG of three by four pixels, in base64.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAMAAAAECAYAAAA=";

#[test]
fn everything_that_a_file_carries_arrives_on_another_computer() {
    let mut here = Rig::new();
    let ada = format!(
        "FN:The Countess\nNICKNAME:Ada\nIMPP:peal:ada\nNOTE:writes\\nprograms\nGENDER:F\nBDAY:--1210\n\
         ADR:;;St James's Square;;London;;\nX-PEAL-SIGNATURE:An engine\nPHOTO:data:image/png;base64,{PICTURE}"
    );
    let report = here.import(&[card(&ada), card("KIND:device\nFN:Gate\nIMPP:peal:gate")].concat());
    assert_eq!((report.imported, report.updated, report.refused.len()), (2, 0, 0));
    let group =
        GroupParams { group_id: None, name: "Home".to_owned(), members: vec!["gate".to_owned(), "ada".to_owned()] };
    here.directory.set_group(&here.store, &here.me, group).unwrap();

    let mut there = Rig::new();
    let report = there.import(&here.export());
    assert_eq!((report.imported, report.updated, report.refused.len(), report.without_picture), (3, 0, 0, 0));
    assert_eq!(there.contacts(), here.contacts());
    assert_eq!(there.directory.groups(), here.directory.groups());
    let ada = &there.contacts()[1];
    assert_eq!((ada.name.as_str(), ada.nickname.as_str(), ada.birthday.as_str()), ("The Countess", "Ada", "--12-10"));
    assert_eq!((ada.region.as_str(), ada.address.as_str()), ("London", "St James's Square"));
    assert!(ada.is_friend);
    let picture = there.store.avatar(ada.avatar_id.as_deref().unwrap()).unwrap().unwrap();
    assert_eq!(STANDARD.encode(picture), PICTURE);
    // Once more: nothing new, and nothing lost.
    let before = there.contacts();
    let report = there.import(&here.export());
    assert_eq!((report.imported, report.updated), (0, 3));
    assert_eq!(there.contacts(), before);
}

#[test]
fn what_one_thinks_of_others_stays_out_of_the_file_and_so_do_the_blocked() {
    let mut rig = Rig::new();
    let flags = |user_id: &str, is_in_black_list: bool| ContactPatch {
        user_id: user_id.to_owned(),
        is_favorite: Some(true),
        is_no_disturb: Some(true),
        is_in_black_list: Some(is_in_black_list),
        ..ContactPatch::default()
    };
    rig.set(flags("bob", false));
    rig.set(flags("eve", true));
    let file = rig.export();
    assert_eq!(file, "BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:individual\r\nFN:bob\r\nIMPP:peal:bob\r\nEND:VCARD\r\n");
}

#[test]
fn a_file_does_not_change_what_people_say_of_themselves() {
    let mut rig = Rig::new();
    let row = ContactRow {
        user_id: "bob".to_owned(),
        name: "Bob".to_owned(),
        kind: "person".to_owned(),
        region: "Oslo".to_owned(),
        last_seen_ms: 1,
        ..ContactRow::default()
    };
    rig.store.upsert_contact(&row).unwrap();
    rig.directory = Directory::load(&rig.store).unwrap();
    let file = card("FN:Boss\nNICKNAME:Nobody\nKIND:device\nIMPP:peal:bob\nADR:;;Main Street;;Rome;;\nNOTE:tea");
    let report = rig.import(&file);
    assert_eq!((report.imported, report.updated), (0, 1));
    let bob = rig.contacts().remove(0);
    assert_eq!((bob.name.as_str(), bob.nickname.as_str(), bob.region.as_str()), ("Boss", "Bob", "Oslo"));
    assert_eq!((bob.address.as_str(), bob.note_text.as_str(), bob.is_friend), ("Main Street", "tea", true));
    // A card without a note takes none away, and its name is no note when it is theirs already.
    rig.import(&card("FN:Bob\nIMPP:peal:bob"));
    let bob = rig.contacts().remove(0);
    assert_eq!((bob.name.as_str(), bob.note_text.as_str()), ("Boss", "tea"));
}

#[test]
fn cards_of_oneself_of_echo_and_of_overfull_groups_are_refused_and_the_rest_is_taken() {
    let mut rig = Rig::new();
    let members: Vec<String> = (0..16).map(|number| format!("\nMEMBER:peal:user-{number}")).collect();
    let file = [
        card("FN:Myself\nIMPP:peal:ann"),
        card(&format!("KIND:group\nFN:All{}", members.concat())),
        card("FN:Echo\nIMPP:peal:echo"),
        card("FN:Bob\nIMPP:peal:bob\nPHOTO:http://example.org/bob.png"),
        card("FN:Bob again\nIMPP:peal:bob"),
        card("FN:Nobody"),
    ]
    .concat();
    let report = rig.import(&file);
    assert_eq!((report.imported, report.updated, report.without_picture), (1, 1, 1));
    let refused: Vec<_> = report.refused.iter().map(|it| (it.card, it.name.as_str())).collect();
    assert_eq!(refused, [(1, "Myself"), (2, "All"), (3, "Echo"), (6, "Nobody")]);
    assert!(report.refused.iter().all(|it| !it.message.is_empty()));
    assert_eq!(rig.contacts().len(), 1);
    assert_eq!(rig.contacts()[0].name, "Bob again");
}

#[test]
fn a_removed_contact_comes_back_with_its_card() {
    let mut rig = Rig::new();
    rig.import(&card("FN:Bob\nIMPP:peal:bob"));
    rig.directory.remove_contact(&rig.store, &rig.me, "bob").unwrap();
    let report = rig.import(&card("FN:Bob\nIMPP:peal:bob"));
    assert_eq!((report.imported, report.updated), (1, 0));
    assert_eq!(rig.contacts().len(), 1);
}

#[test]
fn a_profile_changes_in_what_the_patch_names() {
    let row =
        OwnProfileRow { region: "Oslo".to_owned(), avatar_id: Some("old".to_owned()), ..OwnProfileRow::default() };
    let patch = ProfilePatch {
        gender: Some(Gender::Male),
        birthday: Some(" 1990-12-31 ".to_owned()),
        signature: Some("one\nline".to_owned()),
        ..ProfilePatch::default()
    };
    let (row, avatar) = patched(row, &patch).unwrap();
    assert!(avatar.is_none());
    assert_eq!((row.gender.as_str(), row.birthday.as_str(), row.signature.as_str()), ("male", "1990-12-31", "oneline"));
    assert_eq!((row.region.as_str(), row.avatar_id.as_deref()), ("Oslo", Some("old")));
    let empty = || Some(String::new());
    let patch = ProfilePatch { birthday: empty(), region: empty(), avatar: empty(), ..ProfilePatch::default() };
    let (row, _) = patched(row, &patch).unwrap();
    assert_eq!((row.birthday.as_str(), row.region.as_str(), row.avatar_id), ("", "", None));
    assert_eq!(row.gender, "male");
}

#[test]
fn a_picture_is_taken_bare_or_as_a_data_url_and_refused_in_words() {
    let patch = |text: &str| ProfilePatch { avatar: Some(text.to_owned()), ..ProfilePatch::default() };
    let taken = |text: &str| patched(OwnProfileRow::default(), &patch(text));
    for text in [PICTURE.to_owned(), format!("data:image/png;base64,{PICTURE}")] {
        let (row, avatar) = taken(&text).unwrap();
        assert_eq!(STANDARD.encode(avatar.unwrap().bytes()), PICTURE);
        assert_eq!(row.avatar_id.unwrap().len(), 32);
    }
    let mut large = STANDARD.decode(PICTURE).unwrap();
    large.resize(AVATAR_LIMIT, 1);
    taken(&format!("data:image/jpeg;base64,{}", STANDARD.encode(&large))).unwrap();
    large.push(1);
    let wide = format!("{}{}", &PICTURE[..22], "AAEAAAAAAA");
    for bad in [STANDARD.encode(&large), "x".repeat(100_000), "not base64".to_owned(), STANDARD.encode("GIF89a"), wide]
    {
        let error = taken(&bad).unwrap_err();
        assert_eq!(error.code, ErrorCode::BadRequest, "{error}");
    }
}

#[test]
fn a_profile_that_makes_no_sense_is_refused() {
    for patch in [
        ProfilePatch { birthday: Some("1990-02-30".to_owned()), ..ProfilePatch::default() },
        ProfilePatch { region: Some("x".repeat(65)), ..ProfilePatch::default() },
        ProfilePatch { signature: Some("x".repeat(257)), ..ProfilePatch::default() },
        ProfilePatch { address: Some("x".repeat(257)), ..ProfilePatch::default() },
    ] {
        assert_eq!(patched(OwnProfileRow::default(), &patch).unwrap_err().code, ErrorCode::BadRequest);
    }
    assert_eq!(display_name(" \u{200b} ").unwrap_err().code, ErrorCode::BadRequest);
    assert_eq!(display_name(&"x".repeat(65)).unwrap_err().code, ErrorCode::BadRequest);
    assert_eq!(display_name(" Ann ").unwrap(), "Ann");
}

#[test]
fn others_see_everything_but_the_address() {
    let store = Store::open(&Place::Temporary).unwrap();
    let patch = ProfilePatch {
        gender: Some(Gender::Female),
        birthday: Some("--12-10".to_owned()),
        region: Some("London".to_owned()),
        signature: Some("An engine".to_owned()),
        address: Some("St James's Square".to_owned()),
        avatar: Some(PICTURE.to_owned()),
        ..ProfilePatch::default()
    };
    let (row, avatar) =
        patched(OwnProfileRow { account: "ann".to_owned(), ..OwnProfileRow::default() }, &patch).unwrap();
    store.keep_avatar(row.avatar_id.as_deref().unwrap(), avatar.unwrap().bytes()).unwrap();
    store.set_own_profile(&row).unwrap();
    let public = public_profile(&store, "ann").unwrap();
    assert_eq!((public.gender, public.region.as_str()), (peal_signalling::Gender::Female, "London"));
    assert_eq!(public.birthday.map(|day| day.to_string()).as_deref(), Some("--12-10"));
    assert!(public.avatar.is_some());
    assert!(!format!("{public:?}").contains("Square"));
    assert_eq!(public_profile(&store, "bob").unwrap(), peal_signalling::Profile::default());
    assert_eq!(profile(row, "Ann".to_owned()).address, "St James's Square");
}
