use super::*;
use crate::api::QuietHours;
use crate::api::screening::QUIET_HOURS;

fn hours(days: &[u8], from_min: u16, until_min: u16) -> SettingsPatch {
    let schedule = vec![QuietHours { days: days.to_vec(), from_min, until_min }];
    SettingsPatch { do_not_disturb: Some(DoNotDisturb { on: false, schedule }), ..SettingsPatch::default() }
}

fn code(patch: &SettingsPatch) -> Option<ErrorCode> {
    patch.check().err().map(|error| error.code)
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let before = Settings { theme: Theme::Dark, hold_music: false, ..Settings::default() };
    assert_eq!(SettingsPatch::default().apply(before.clone()), before);
    let patch = SettingsPatch {
        audio_quality: Some(AudioQuality::High),
        do_not_disturb: Some(DoNotDisturb { on: true, schedule: Vec::new() }),
        ..SettingsPatch::default()
    };
    let after = patch.apply(before.clone());
    let quiet = DoNotDisturb { on: true, schedule: Vec::new() };
    assert_eq!(after, Settings { audio_quality: AudioQuality::High, do_not_disturb: quiet, ..before });
}

#[test]
fn every_setting_can_be_changed_and_is_kept() {
    let changed = Settings {
        language: "zh-CN".to_owned(),
        theme: Theme::Light,
        microphone: "m".to_owned(),
        speaker: "s".to_owned(),
        device_name: "Kitchen".to_owned(),
        call_timeout_ms: 5_000,
        echo_cancellation: false,
        noise_suppression: false,
        gain_control: false,
        ice_servers: vec![IceServer { url: "stun:example.org".to_owned(), ..IceServer::default() }],
        call_waiting: true,
        hold_music: false,
        ring_here: false,
        do_not_disturb: DoNotDisturb {
            on: true,
            schedule: vec![QuietHours { days: vec![0, 6], from_min: 1_320, until_min: 420 }],
        },
        unknown_callers: UnknownCallers::Block,
        single_device: true,
        open_microphone: false,
        audio_quality: AudioQuality::Voice,
        camera: "c".to_owned(),
        open_camera: false,
        video_width: 1_280,
        video_height: 720,
        frame_rate: 15,
        min_bitrate: 700,
        max_bitrate: 2_500,
        whiteness_level: 3,
        beauty_level: 9,
        mirror_preview: false,
        plain_http_streams: true,
        check_sum: false,
        debug: true,
    };
    let kept = serde_json::to_value(&changed).unwrap();
    let fields = kept.as_object().unwrap();
    let untouched = serde_json::to_value(Settings::default()).unwrap();
    assert!(fields.iter().all(|(name, value)| untouched[name] != *value), "one of them is as it was");
    assert_eq!(SettingsPatch::from_kept(kept).apply(Settings::default()), changed);
}

#[test]
fn what_another_version_kept_does_no_harm_to_the_rest() {
    let kept = serde_json::json!({
        "theme": "sepia", "hold_music": false, "invented_later": [1], "call_timeout_ms": 5,
        "do_not_disturb": { "on": true }, "audio_quality": null,
    });
    let settings = SettingsPatch::from_kept(kept).apply(Settings::default());
    let quiet = DoNotDisturb { on: true, schedule: Vec::new() };
    assert_eq!(settings, Settings { hold_music: false, do_not_disturb: quiet, ..Settings::default() });
    assert_eq!(SettingsPatch::from_kept(serde_json::json!(7)).apply(Settings::default()), Settings::default());
}

#[test]
fn a_schedule_that_makes_no_sense_is_refused() {
    for good in [hours(&[0], 0, 0), hours(&[0, 1, 2, 3, 4, 5, 6], 1_439, 1_440), hours(&[6], 1_320, 420)] {
        assert_eq!(code(&good), None, "{good:?}");
    }
    for bad in [hours(&[], 0, 60), hours(&[7], 0, 60), hours(&[1, 1], 0, 60), hours(&[1], 1_440, 60)] {
        assert_eq!(code(&bad), Some(ErrorCode::BadRequest), "{bad:?}");
    }
    assert_eq!(code(&hours(&[1], 0, 1_441)), Some(ErrorCode::BadRequest));
    let mut many = hours(&[1], 0, 60);
    if let Some(quiet) = &mut many.do_not_disturb {
        quiet.schedule = vec![quiet.schedule[0].clone(); QUIET_HOURS + 1];
    }
    assert_eq!(code(&many), Some(ErrorCode::BadRequest));
}

#[test]
fn servers_and_times_that_make_no_sense_are_refused() {
    let server = |url: &str| SettingsPatch {
        ice_servers: Some(vec![IceServer { url: url.to_owned(), ..IceServer::default() }]),
        ..SettingsPatch::default()
    };
    assert_eq!(code(&server("turn:example.org:3478")), None);
    for url in ["", "stun:", "http://example.org", &format!("stun:{}", "x".repeat(256))] {
        assert_eq!(code(&server(url)), Some(ErrorCode::BadServer), "{url}");
    }
    for (ms, refused) in [(999, true), (1_000, false), (120_000, false), (120_001, true)] {
        let patch = SettingsPatch { call_timeout_ms: Some(ms), ..SettingsPatch::default() };
        assert_eq!(code(&patch).is_some(), refused, "{ms}");
    }
    let name = |length| SettingsPatch { display_name: Some("\u{4e2d}".repeat(length)), ..SettingsPatch::default() };
    assert_eq!(code(&name(64)), None);
    assert_eq!(code(&name(65)), Some(ErrorCode::BadRequest));
}

#[test]
fn the_qualities_are_24_32_and_64_kbit() {
    let rates = [AudioQuality::Voice, AudioQuality::Balanced, AudioQuality::High].map(AudioQuality::bitrate);
    assert_eq!(rates, [24_000, 32_000, 64_000]);
}

#[test]
fn a_credential_is_never_shown_and_stays_with_its_server() {
    let server = |username: &str, credential: &str| IceServer {
        url: "turn:example.org".to_owned(),
        username: username.to_owned(),
        credential: credential.to_owned(),
        has_credential: false,
    };
    let patch = |server: IceServer| SettingsPatch { ice_servers: Some(vec![server]), ..SettingsPatch::default() };
    let kept = patch(server("ann", "secret")).apply(Settings::default());
    let shown = kept.shown();
    assert!(!serde_json::to_string(&shown).unwrap().contains("secret"));
    assert!(shown.ice_servers[0].has_credential);
    // What a window shows comes back as it was shown.
    let again = patch(shown.ice_servers[0].clone()).apply(kept.clone());
    assert_eq!(again.ice_servers[0].credential, "secret");
    // Another name is another person; an empty credential without the flag is none.
    let other = patch(IceServer { has_credential: true, ..server("bob", "") }).apply(kept.clone());
    assert_eq!((other.ice_servers[0].credential.as_str(), other.ice_servers[0].has_credential), ("", false));
    let none = patch(server("ann", "")).apply(kept);
    assert!(!none.ice_servers[0].has_credential);
}

#[test]
fn a_picture_that_makes_no_sense_is_refused() {
    let none = SettingsPatch::default;
    let good = [
        SettingsPatch { video_width: Some(1_920), video_height: Some(1_080), ..none() },
        SettingsPatch { frame_rate: Some(5), min_bitrate: Some(50), max_bitrate: Some(50), ..none() },
        SettingsPatch { whiteness_level: Some(9), beauty_level: Some(0), ..none() },
    ];
    assert!(good.iter().all(|patch| code(patch).is_none()), "{good:?}");
    let bad = [
        SettingsPatch { video_width: Some(1_922), ..none() },
        SettingsPatch { video_height: Some(88), ..none() },
        SettingsPatch { frame_rate: Some(0), ..none() },
        SettingsPatch { min_bitrate: Some(49), ..none() },
        SettingsPatch { min_bitrate: Some(900), max_bitrate: Some(600), ..none() },
        SettingsPatch { beauty_level: Some(10), ..none() },
        SettingsPatch { whiteness_level: Some(10), ..none() },
    ];
    for patch in bad {
        assert_eq!(code(&patch), Some(ErrorCode::BadRequest), "{patch:?}");
    }
}

#[test]
fn of_the_two_bitrates_the_one_that_is_not_named_gives_way() {
    let rates = |patch: SettingsPatch| {
        let settings = patch.apply(Settings::default());
        (settings.min_bitrate, settings.max_bitrate)
    };
    assert_eq!(rates(SettingsPatch { max_bitrate: Some(300), ..SettingsPatch::default() }), (300, 300));
    assert_eq!(rates(SettingsPatch { min_bitrate: Some(1_200), ..SettingsPatch::default() }), (1_200, 1_200));
    assert_eq!(rates(SettingsPatch { min_bitrate: Some(100), ..SettingsPatch::default() }), (100, 900));
}
