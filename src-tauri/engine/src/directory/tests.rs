use peal_signalling::{DeviceKeys, DevicePublicKey, Profile};
use peal_store::Place;
use uuid::Uuid;

use super::*;
use crate::api::{ContactPatch, ContactView, ErrorCode, GroupParams, Verification};

const SERVER: &str = "mqtt://here";

/// A directory on a store in memory, as Ann sees it.
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

    /// What the next run of the program would know.
    fn restarted(self) -> Self {
        Self { directory: Directory::load(&self.store).unwrap(), ..self }
    }

    fn sees(&mut self, presence: Presence) -> Change {
        self.directory.observe(presence, &self.me, &self.store).unwrap()
    }

    fn contact(&self, user: &str) -> Option<ContactView> {
        self.directory.contacts(Some(&self.me), None).into_iter().find(|it| it.user_id == user)
    }

    fn set(&mut self, user: &str, change: impl FnOnce(&mut ContactPatch)) {
        let mut patch = ContactPatch { user_id: user.to_owned(), ..ContactPatch::default() };
        change(&mut patch);
        self.directory.set_contact(&self.store, &self.me, patch).unwrap();
    }

    fn remove(&mut self, user: &str) {
        self.directory.remove_contact(&self.store, &self.me, user).unwrap();
    }

    fn group(&mut self, id: Option<&str>, name: &str, members: &[&str]) -> Result<crate::api::Group, ErrorCode> {
        let members = members.iter().map(|it| (*it).to_owned()).collect();
        let params = GroupParams { group_id: id.map(str::to_owned), name: name.to_owned(), members };
        self.directory.set_group(&self.store, &self.me, params).map_err(|error| error.code)
    }
}

fn presence(user: &str, device: &str, name: &str, state: PresenceState) -> Presence {
    Presence {
        address: DeviceAddress { user: UserId::new(user).unwrap(), device: DeviceId::new(device).unwrap() },
        state,
        display_name: name.to_owned(),
        device_name: String::new(),
        kind: DeviceKind::Person,
        key: DevicePublicKey::from_bytes([7; 32]).unwrap(),
        boot_id: Uuid::nil(),
        capabilities: Vec::new(),
        profile: Profile::default(),
        single: false,
        claim: 1,
        order: 0,
    }
}

fn online(user: &str, name: &str) -> Presence {
    presence(user, "desk", name, PresenceState::Online)
}

fn picture(size: u8) -> Avatar {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0".to_vec();
    bytes.extend([size, 0, 0, 0, size, 8, 6, 0, 0, 0]);
    Avatar::new(bytes).unwrap()
}

fn key() -> DevicePublicKey {
    DeviceKeys::generate().public()
}

#[test]
fn everyone_who_is_seen_is_a_contact_and_stays_one() {
    let mut rig = Rig::new();
    assert_eq!(rig.sees(online("bob", "Bob")), Change::Appeared);
    assert_eq!(rig.sees(presence("bob", "desk", "Bob", PresenceState::Offline)), Change::Disappeared);
    rig.sees(online("ann", "Ann"));
    rig.sees(Presence { kind: DeviceKind::Echo, ..online("zoe", "Echo") });
    let rig = rig.restarted();
    let names: Vec<_> = rig.directory.contacts(Some(&rig.me), None).into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["Bob"]);
    assert_eq!(rig.contact("bob").unwrap().presence, PresenceView::Offline);
}

#[test]
fn echo_writes_nobody_down() {
    let mut rig = Rig::new();
    rig.directory.forgets = true;
    assert_eq!(rig.sees(online("bob", "Bob")), Change::Appeared);
    assert_eq!(rig.directory.callable(&UserId::new("bob").unwrap(), &online("ann", "").address).len(), 1);
    assert_eq!(rig.store.contacts().unwrap(), []);
}

#[test]
fn the_name_shown_is_the_note_else_the_nickname_else_the_account() {
    let mut rig = Rig::new();
    rig.sees(online("bob", ""));
    assert_eq!(rig.contact("bob").unwrap().name, "bob");
    assert_eq!(rig.directory.known_name("bob"), None);
    rig.sees(online("bob", "Bobby"));
    assert_eq!(rig.contact("bob").unwrap().name, "Bobby");
    rig.set("bob", |patch| patch.note_name = Some(" The\u{202e} builder ".to_owned()));
    let bob = rig.contact("bob").unwrap();
    assert_eq!((bob.name.as_str(), bob.nickname.as_str()), ("The builder", "Bobby"));
    rig.set("bob", |patch| patch.note_name = Some(String::new()));
    assert_eq!(rig.contact("bob").unwrap().name, "Bobby");
    assert_eq!(
        (rig.directory.name("stranger"), rig.directory.name("echo")),
        ("stranger".to_owned(), "Echo".to_owned())
    );
}

#[test]
fn what_people_say_of_themselves_is_shown_and_outlives_them() {
    let mut rig = Rig::new();
    let profile = Profile {
        revision: 1,
        gender: peal_signalling::Gender::Female,
        birthday: "--12-10".parse().ok(),
        region: "London".to_owned(),
        signature: "An engine".to_owned(),
        avatar: Some(picture(5)),
    };
    rig.sees(Presence { profile: profile.clone(), ..online("ada", "Ada") });
    let mut rig = rig.restarted();
    let ada = rig.contact("ada").unwrap();
    assert_eq!((ada.gender, ada.birthday.as_str(), ada.region.as_str()), (Gender::Female, "--12-10", "London"));
    let id = ada.avatar_id.unwrap();
    assert_eq!(id.len(), 32);
    assert_eq!(rig.store.avatar(&id).unwrap().as_deref(), Some(picture(5).bytes()));
    // She takes it back: nothing of it stays.
    rig.sees(Presence { profile: Profile { revision: 2, ..Profile::default() }, ..online("ada", "Ada") });
    let ada = rig.contact("ada").unwrap();
    assert_eq!((ada.gender, ada.birthday.as_str(), ada.avatar_id), (Gender::Unknown, "", None));
    assert_eq!(rig.store.avatar(&id).unwrap(), None);
}

#[test]
fn the_device_with_the_last_change_or_that_came_last_speaks_for_its_account() {
    let mut rig = Rig::new();
    let device =
        |device: &str, name: &str, claim| Presence { claim, ..presence("bob", device, name, PresenceState::Online) };
    rig.sees(device("phone", "Robert", 3));
    rig.sees(device("old", "Bobby", 2));
    assert_eq!(rig.contact("bob").unwrap().nickname, "Robert");
    rig.sees(device("old", "Bob", 4));
    assert_eq!(rig.contact("bob").unwrap().nickname, "Bob");
    let changed = Profile { revision: 1, ..Profile::default() };
    rig.sees(Presence { profile: changed, ..device("phone", "Robert of York", 3) });
    assert_eq!(rig.contact("bob").unwrap().nickname, "Robert of York", "a change counts more than a login");
    let devices: Vec<_> = rig.contact("bob").unwrap().devices.into_iter().map(|it| it.device_id).collect();
    assert_eq!(devices, ["old", "phone"]);
}

#[test]
fn notes_flags_and_friends_are_kept() {
    let mut rig = Rig::new();
    rig.sees(online("bob", "Bob"));
    rig.set("bob", |patch| {
        patch.note_text = Some("from work\nlikes tea".to_owned());
        (patch.is_favorite, patch.is_no_disturb) = (Some(true), Some(true));
        (patch.is_in_black_list, patch.is_friend) = (Some(true), Some(true));
    });
    rig.set("bob", |patch| patch.is_favorite = Some(false));
    // What Bob shows changes none of it.
    rig.sees(online("bob", "Robert"));
    let bob = rig.restarted().contact("bob").unwrap();
    assert_eq!(bob.note_text, "from work\nlikes tea");
    assert_eq!((bob.is_favorite, bob.is_no_disturb, bob.is_in_black_list, bob.is_friend), (false, true, true, true));
}

#[test]
fn a_contact_that_makes_no_sense_is_refused_and_nothing_changes() {
    let mut rig = Rig::new();
    let add = |rig: &mut Rig, user: &str| rig.directory.add_contact(&rig.store, &rig.me, user).unwrap_err().code;
    assert_eq!(add(&mut rig, "b#b"), ErrorCode::BadName);
    assert_eq!(add(&mut rig, "ann"), ErrorCode::BadRequest);
    assert_eq!(add(&mut rig, "echo"), ErrorCode::BadRequest);
    let long = |note_name: usize, note_text: usize| ContactPatch {
        user_id: "bob".to_owned(),
        note_name: Some("x".repeat(note_name)),
        note_text: Some("x".repeat(note_text)),
        is_favorite: Some(true),
        ..ContactPatch::default()
    };
    for patch in [long(65, 0), long(0, 2001)] {
        let error = rig.directory.set_contact(&rig.store, &rig.me, patch).unwrap_err();
        assert_eq!(error.code, ErrorCode::BadRequest);
    }
    let error = rig.directory.remove_contact(&rig.store, &rig.me, "bob").unwrap_err();
    assert_eq!(error.code, ErrorCode::UnknownUser);
    assert_eq!(rig.contact("bob"), None);
    rig.directory.set_contact(&rig.store, &rig.me, long(64, 2000)).unwrap();
    assert!(rig.contact("bob").is_some());
}

#[test]
fn somebody_never_seen_can_be_added() {
    let mut rig = Rig::new();
    rig.directory.add_contact(&rig.store, &rig.me, "bob").unwrap();
    let bob = rig.contact("bob").unwrap();
    assert_eq!((bob.name.as_str(), bob.is_friend, bob.presence), ("bob", true, PresenceView::Offline));
    rig.sees(online("bob", "Bob"));
    let bob = rig.contact("bob").unwrap();
    assert_eq!((bob.name.as_str(), bob.is_friend, bob.presence), ("Bob", true, PresenceView::Online));
}

#[test]
fn whoever_is_removed_stays_away_until_they_meet_again() {
    let mut rig = Rig::new();
    rig.sees(online("bob", "Bob"));
    rig.set("bob", |patch| (patch.note_name, patch.is_favorite) = (Some("Bobby".to_owned()), Some(true)));
    rig.remove("bob");
    assert_eq!(rig.contact("bob"), None);
    rig.sees(presence("bob", "desk", "Bob", PresenceState::Offline));
    let mut rig = rig.restarted();
    rig.sees(online("bob", "Bob"));
    assert_eq!(rig.contact("bob"), None, "being seen is not meeting");
    assert_eq!(rig.directory.name("bob"), "Bob", "the history still knows the name");
    assert!(rig.directory.met(&rig.store, "bob").unwrap());
    assert!(!rig.directory.met(&rig.store, "bob").unwrap());
    let bob = rig.contact("bob").unwrap();
    assert_eq!((bob.name.as_str(), bob.is_favorite), ("Bob", false), "what was said of them is forgotten");
    rig.remove("bob");
    rig.directory.add_contact(&rig.store, &rig.me, "bob").unwrap();
    assert!(rig.contact("bob").unwrap().is_friend);
    rig.remove("bob");
    rig.group(None, "Work", &["bob"]).unwrap();
    assert!(rig.contact("bob").is_some());
}

#[test]
fn whoever_is_blocked_stays_listed_and_blocked_when_removed() {
    let mut rig = Rig::new();
    rig.set("eve", |patch| (patch.is_in_black_list, patch.note_name) = (Some(true), Some("Trouble".to_owned())));
    rig.remove("eve");
    let eve = rig.contact("eve").unwrap();
    assert_eq!((eve.name.as_str(), eve.is_in_black_list), ("eve", true));
    rig.set("eve", |patch| patch.is_in_black_list = Some(false));
    assert_eq!(rig.contact("eve"), None);
    // To be silenced is not to be met.
    rig.set("eve", |patch| patch.is_no_disturb = Some(true));
    assert_eq!(rig.contact("eve"), None);
    rig.set("eve", |patch| patch.is_favorite = Some(true));
    assert!(rig.contact("eve").is_some());
}

#[test]
fn groups_are_saved_changed_and_forgotten() {
    let mut rig = Rig::new();
    let group = rig.group(None, " Choir ", &["bob", "ann", "ada", "bob"]).unwrap();
    assert_eq!(
        (group.name.as_str(), group.members.as_slice()),
        ("Choir", ["bob".to_owned(), "ada".to_owned()].as_slice())
    );
    let given = rig.group(Some("g-1"), "Gate", &["gate"]).unwrap();
    assert_eq!(given.group_id, "g-1");
    rig.group(Some(&group.group_id), "Band", &["zoe"]).unwrap();
    let mut rig = rig.restarted();
    let names: Vec<_> = rig.directory.groups().into_iter().map(|it| (it.name, it.members)).collect();
    assert_eq!(names, [("Band".to_owned(), vec!["zoe".to_owned()]), ("Gate".to_owned(), vec!["gate".to_owned()])]);
    rig.directory.remove_group(&rig.store, "g-1").unwrap();
    assert_eq!(rig.directory.remove_group(&rig.store, "g-1").unwrap_err().code, ErrorCode::BadRequest);
    assert_eq!(rig.restarted().directory.groups().len(), 1);
}

#[test]
fn a_group_that_makes_no_sense_is_refused() {
    let mut rig = Rig::new();
    let many: Vec<String> = (0..16).map(|number| format!("user-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(rig.group(None, "All", &many), Err(ErrorCode::BadRequest));
    assert!(rig.group(None, "All", &many[..15]).is_ok());
    assert_eq!(rig.group(None, " \u{200b} ", &["bob"]), Err(ErrorCode::BadRequest));
    assert_eq!(rig.group(None, "Me", &["ann"]), Err(ErrorCode::BadRequest));
    assert_eq!(rig.group(None, "Echo", &["echo"]), Err(ErrorCode::BadRequest));
    assert_eq!(rig.group(None, "Bad", &["b/b"]), Err(ErrorCode::BadName));
    assert_eq!(rig.group(Some("a b"), "Bad", &["bob"]), Err(ErrorCode::BadName));
    assert_eq!(rig.directory.groups().len(), 1);
}

#[test]
fn whoever_is_removed_leaves_the_groups() {
    let mut rig = Rig::new();
    rig.directory.add_contact(&rig.store, &rig.me, "bob").unwrap();
    rig.group(Some("g"), "Choir", &["bob", "ada"]).unwrap();
    rig.remove("bob");
    assert_eq!(rig.restarted().directory.groups()[0].members, ["ada"]);
}

#[test]
fn known_are_those_taken_in_by_hand_and_those_called_and_not_those_seen() {
    let mut rig = Rig::new();
    for user in ["seen", "friend", "favorite", "gone", "noted"] {
        rig.sees(online(user, ""));
    }
    rig.set("friend", |patch| patch.is_friend = Some(true));
    rig.set("favorite", |patch| patch.is_favorite = Some(true));
    rig.set("noted", |patch| patch.note_name = Some("X".to_owned()));
    rig.set("gone", |patch| patch.is_friend = Some(true));
    rig.remove("gone");
    rig.group(None, "Choir", &["singer"]).unwrap();
    rig.directory.called(["called"]);
    let known: Vec<_> = rig.directory.known_users().into_iter().collect();
    assert_eq!(known, ["called", "favorite", "friend", "singer"]);
}

#[test]
fn contacts_are_found_by_every_word_in_any_case() {
    let mut rig = Rig::new();
    rig.sees(online("bob", "\u{d6}zil Bobby"));
    rig.sees(online("abby", "Abby Zander"));
    rig.set("bob", |patch| patch.note_text = Some("plays the FLUTE".to_owned()));
    let echo = online("ann", "Echo").address;
    let found = |query: &str| -> Vec<String> {
        let found = rig.directory.search(query, Some(&rig.me), Some(&echo));
        found.into_iter().map(|it| it.user_id).collect()
    };
    assert_eq!(found(""), ["echo", "abby", "bob"]);
    assert_eq!(found("\u{f6}ZIL"), ["bob"]);
    assert_eq!(found("flute bobby"), ["bob"]);
    assert_eq!(found("flute abby"), [""; 0]);
    assert_eq!(found("z"), ["abby", "bob"]);
    assert_eq!(found("Echo"), ["echo"]);
    // Both have it; the name that begins with it comes first.
    assert_eq!(found("ab"), ["abby"]);
    assert_eq!(found("b"), ["abby", "bob"]);
    assert_eq!(rig.directory.named("BOBB"), ["bob"]);
}

#[test]
fn a_device_is_new_until_its_number_is_compared_and_changed_when_its_key_is() {
    let mut rig = Rig::new();
    let (first, second) = (key(), key());
    let bob = Presence { key: first, ..online("bob", "Bob") };
    let verified = |rig: &Rig| rig.contact("bob").unwrap().verified;
    rig.sees(bob.clone());
    assert_eq!(verified(&rig), Verification::Unknown, "nobody has talked with it");
    rig.directory.keys.pin(&rig.store, SERVER, &bob.address, first).unwrap();
    assert_eq!(verified(&rig), Verification::New);
    rig.directory.keys.set_verified(&rig.store, SERVER, &bob.address, Some(first)).unwrap();
    assert_eq!(verified(&rig), Verification::Verified);

    rig.sees(Presence { key: second, ..bob.clone() });
    assert_eq!(verified(&rig), Verification::Changed, "another key than the one believed");
    rig.directory.keys.pin(&rig.store, SERVER, &bob.address, second).unwrap();
    assert_eq!(verified(&rig), Verification::Changed, "believed, but not the one compared");
    let state = rig.directory.key_states(&bob.address.user).remove(0);
    assert_eq!((state.key, state.pinned, state.verified, state.changed), (second, true, false, true));
    rig.directory.keys.set_verified(&rig.store, SERVER, &bob.address, Some(second)).unwrap();
    assert_eq!(verified(&rig), Verification::Verified);
    rig.directory.keys.set_verified(&rig.store, SERVER, &bob.address, None).unwrap();
    assert_eq!(verified(&rig), Verification::New);

    rig.directory.forget_presence();
    rig.directory.keys = Keys::load(&rig.store, SERVER).unwrap();
    assert_eq!(verified(&rig), Verification::New, "the next login knows the same");
    rig.directory.keys = Keys::load(&rig.store, "mqtt://elsewhere").unwrap();
    assert_eq!(verified(&rig), Verification::Unknown, "elsewhere Bob is somebody else");
}

#[test]
fn the_least_believed_device_counts() {
    let mut rig = Rig::new();
    let keys = [key(), key()];
    for (device, key) in ["desk", "phone"].into_iter().zip(keys) {
        let presence = Presence { key, ..presence("bob", device, "Bob", PresenceState::Online) };
        rig.directory.keys.pin(&rig.store, SERVER, &presence.address, key).unwrap();
        rig.sees(presence);
    }
    let address = |device: &str| presence("bob", device, "", PresenceState::Online).address;
    rig.directory.keys.set_verified(&rig.store, SERVER, &address("desk"), Some(keys[0])).unwrap();
    assert_eq!(rig.contact("bob").unwrap().verified, Verification::New);
    rig.directory.keys.set_verified(&rig.store, SERVER, &address("phone"), Some(keys[1])).unwrap();
    assert_eq!(rig.contact("bob").unwrap().verified, Verification::Verified);
    rig.sees(Presence { key: key(), ..presence("bob", "tablet", "Bob", PresenceState::Online) });
    assert_eq!(rig.contact("bob").unwrap().verified, Verification::New, "a device that nobody knows yet");
}
