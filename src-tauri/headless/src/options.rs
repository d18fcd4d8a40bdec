//! What the program is started with.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Parser};
use peal_engine::api::{ContactKind, LoginParams, VideoSource};
use peal_engine::{CameraChoice, DEFAULT_BROKER, EngineConfig, MicrophoneChoice, Profile, SpeakerChoice};

/// Peal without a window, for devices, bots and tests.
#[derive(Parser, Clone)]
#[command(name = "peal-headless", version, about, after_long_help = LINES)]
#[command(group = ArgGroup::new("files").args(["microphone", "camera"]).multiple(true))]
pub struct Options {
    /// Log in as this account at the start. Without it, send the command `login`.
    #[arg(long)]
    pub account: Option<String>,

    /// What proves the account to the server; better given by the environment, where no list of programs shows it.
    #[arg(long, requires = "account", env = "PEAL_TOKEN", hide_env_values = true)]
    pub token: Option<String>,

    /// The server: mqtt://, mqtts://, ws:// or wss://. Without it, Peal's own broker on this computer, which is started
    /// if it does not run yet.
    #[arg(long, requires = "account", value_name = "URL")]
    pub server: Option<String>,

    /// The name that others see; without it, the account.
    #[arg(long, requires = "account", value_name = "NAME")]
    pub display_name: Option<String>,

    /// The application: only those who share it see each other.
    #[arg(long, default_value = "peal", value_name = "KEY")]
    pub app_key: String,

    /// This device's name among the account's devices; without it, one that was drawn at random and kept.
    #[arg(long, value_name = "ID")]
    pub device_id: Option<String>,

    /// Be shown as a device (a doorbell, an intercom, a bot) and not as a person: those it calls may hear it before they
    /// answer.
    #[arg(long)]
    pub device: bool,

    /// Be the account's only device: the others are kicked out.
    #[arg(long, requires = "account")]
    pub single_device: bool,

    /// Where contacts, keys and history are kept; one program at a time. Without it, the profile `headless` of this
    /// user of the computer.
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,

    /// What is spoken into: a device's name, a WAV file (played in real time), `tone:440` (a tone in Hz), or `silence`.
    /// Without it, the device in the settings.
    #[arg(long, value_name = "SOURCE", value_parser = microphone)]
    pub microphone: Option<MicrophoneChoice>,

    /// Begin the microphone's WAV file and the camera's Y4M file again at their ends; without it, silence follows, and no
    /// picture.
    #[arg(long = "loop", requires = "files")]
    pub looped: bool,

    /// Where the others are heard: a device's name, a WAV file (which is written), or `null`. Without it, the device in
    /// the settings.
    #[arg(long, value_name = "SINK", value_parser = |text: &str| Ok::<_, Infallible>(speaker(text)))]
    pub speaker: Option<SpeakerChoice>,

    /// What is seen: a camera's name, a Y4M file (played in real time), `screen:ID` or `window:ID` (as `video_sources` lists
    /// them), `pattern` (a moving test picture with the time in it), or `none`. Without it, the camera in the settings.
    #[arg(long, value_name = "SOURCE", value_parser = |text: &str| Ok::<_, Infallible>(camera(text)))]
    pub camera: Option<CameraChoice>,

    /// Write what is to be seen of the others into this Y4M file, at 30 pictures a second: of whoever shows the first
    /// picture, until they are gone; then of the next.
    #[arg(long, value_name = "FILE.y4m")]
    pub record_video: Option<PathBuf>,

    /// Cancel echo, suppress noise and even the level also where the microphone is a file or a tone.
    #[arg(long)]
    pub force_processing: bool,

    /// Answer every call at once.
    #[arg(long)]
    pub auto_answer: bool,

    /// Offer the contact `echo`, which plays back what it hears.
    #[arg(long)]
    pub echo: bool,

    /// Where Peal's own broker listens. It is started (or joined, if one runs there) even with --server.
    #[arg(long, value_name = "ADDR:PORT")]
    pub embedded_broker: Option<SocketAddr>,

    /// Where Peal's own broker listens unless `embedded_broker` says it.
    #[arg(long, hide = true, env = "PEAL_BROKER", default_value_t = DEFAULT_BROKER)]
    pub default_broker: SocketAddr,
}

impl Options {
    /// The login to begin with, if an account was given.
    pub fn login(&self) -> Option<LoginParams> {
        self.account.as_ref()?;
        Some(LoginParams {
            account: self.account.clone(),
            token: self.token.clone(),
            server: self.server.clone(),
            display_name: self.display_name.clone(),
            single_device: self.single_device.then_some(true),
        })
    }

    /// The engine that the options describe.
    pub fn engine_config(self) -> EngineConfig {
        let mut microphone = self.microphone;
        if let Some(MicrophoneChoice::Wav { looped, .. }) = &mut microphone {
            *looped = self.looped;
        }
        let mut camera = self.camera.unwrap_or_default();
        if let CameraChoice::Source(VideoSource::File { looped, .. }) = &mut camera {
            *looped = self.looped;
        }
        EngineConfig {
            profile: self.data_dir.map_or_else(|| Profile::Named("headless".to_owned()), Profile::At),
            app_key: self.app_key,
            device_id: self.device_id,
            kind: if self.device { ContactKind::Device } else { ContactKind::Person },
            microphone,
            speaker: self.speaker,
            camera,
            force_processing: self.force_processing,
            auto_answer: self.auto_answer,
            embedded_broker: self.embedded_broker.unwrap_or(self.default_broker),
            always_start_broker: self.embedded_broker.is_some(),
            echo: self.echo,
            // What this program does is said on its command line and on its input alone.
            resume: false,
        }
    }
}

fn microphone(text: &str) -> Result<MicrophoneChoice, String> {
    if let Some(hertz) = text.strip_prefix("tone:") {
        return match hertz.parse() {
            Ok(hertz) if (20.0..=20_000.0).contains(&hertz) => Ok(MicrophoneChoice::Tone { hertz }),
            _ => Err("a tone is 20 to 20000 Hz, such as tone:440".to_owned()),
        };
    }
    Ok(match text {
        "silence" => MicrophoneChoice::Silence,
        "default" => MicrophoneChoice::Default,
        file if is_wave_file(file) => MicrophoneChoice::Wav { path: file.into(), looped: false },
        device => MicrophoneChoice::Device(device.to_owned()),
    })
}

fn speaker(text: &str) -> SpeakerChoice {
    match text {
        "null" => SpeakerChoice::Null,
        "default" => SpeakerChoice::Default,
        file if is_wave_file(file) => SpeakerChoice::Wav { path: file.into() },
        device => SpeakerChoice::Device(device.to_owned()),
    }
}

fn camera(text: &str) -> CameraChoice {
    CameraChoice::Source(match text {
        "none" => return CameraChoice::Nothing,
        "default" => return CameraChoice::Settings,
        "pattern" => VideoSource::Pattern,
        file if has_extension(file, "y4m") => VideoSource::File { path: file.to_owned(), looped: false },
        other => match (other.strip_prefix("screen:"), other.strip_prefix("window:")) {
            (Some(id), _) => VideoSource::Screen { id: id.to_owned() },
            (_, Some(id)) => VideoSource::Window { id: id.to_owned() },
            (None, None) => VideoSource::Camera { id: Some(other.to_owned()) },
        },
    })
}

fn is_wave_file(text: &str) -> bool {
    has_extension(text, "wav")
}

fn has_extension(text: &str, wanted: &str) -> bool {
    PathBuf::from(text).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

const LINES: &str = r#"THE LINES
  Every line of the input is a command, and every line of the output an answer or an event: one JSON object each, of at
  most 64 KiB on the way in. Commands begin in the order of their lines and run side by side; an answer repeats its
  command's id (a number or a text).

    > {"id":1,"command":"call","params":{"to":["front-gate"],"media":"audio"}}
    < {"id":1,"result":{"call_id":"...","media":"audio","inviter":"ada","inviting_members":["front-gate"],...}}
    < {"event":"ringing","data":{"call_id":"...","user_id":"front-gate"}}
    < {"event":"connected","data":{"call_id":"...",...}}
    > {"id":2,"command":"hangup","params":{"call_id":"..."}}
    < {"event":"call_ended","data":{"call_id":"...","reason":"hangup","duration_ms":4021}}
    < {"id":2,"result":null}
    > {"id":3,"command":"hangup","params":{"call_id":"gone"}}
    < {"id":3,"error":{"code":"unknown_call","message":"...","hint":"..."}}

  Commands (a question mark: may be left out; where all may, so may "params"):
    login                {"account"?, "token"?, "server"?, "display_name"?, "single_device"?: false}
    logout               current_user            snapshot
    call                 {"to": ["bob"], "media"?: "audio", "message"?, "timeout_ms"?, "group_id"?}; with a group, "to"
                         may be left out
    invite               {"call_id", "to": ["cat"], "message"?, "timeout_ms"?}
    accept               {"call_id", "media"?, "meanwhile"?: "hold" (or "end")}
    reject               {"call_id", "message"?, "busy"?: false}
    cancel               {"call_id", "record"?: true}
    leave  hangup  dismiss  hold  resume         {"call_id"}
    switch_media         {"call_id", "media": "video" (or "audio")}
    answer_switch        {"call_id", "accept": true}
    transfer             {"call_id", "to": "cat"} or {"call_id", "to_call_id"}
    merge                {"call_id", "into": another call's id}
    set_muted            {"muted": true}         is_muted
    set_speaker_enabled  {"enabled": true}       is_speaker_enabled
    set_volume           {"user_id", "db": -6}
    init_engine          release_engine
    open_camera          {"source"?}: my picture on, from {"kind":"camera","id"?}, {"kind":"screen","id"},
                         {"kind":"window","id"}, {"kind":"file","path","looped"?: false} or {"kind":"pattern"}
    close_camera         video_sources
    publish_stream       {"url": "https://media.example/live/whip", "token"?, "play_url"?, "play_token"?}: my voice and
                         picture to a media server (WHIP), from where the others play them (WHEP)
    stop_publishing
    start_local_view     stop_local_view         {"view"?}
    start_remote_view    {"call_id", "user_id", "width"?, "height"?, "view"?}
    stop_remote_view     {"call_id", "user_id", "view"?}
    set_call_timeout     {"ms": 30000}
    set_settings         {"display_name"?, "device_name"?, "microphone"?, "speaker"?, "call_timeout_ms"?,
                          "echo_cancellation"?, "noise_suppression"?, "gain_control"?, "audio_quality"?,
                          "open_microphone"?, "call_waiting"?, "hold_music"?, "ring_here"?, "do_not_disturb"?,
                          "unknown_callers"?, "camera"?, "open_camera"?, "video_width"?, "video_height"?,
                          "frame_rate"?, "min_bitrate"?, "max_bitrate"?, "whiteness_level"?, "beauty_level"?,
                          "mirror_preview"?, "plain_http_streams"?, "single_device"?, "check_sum"?, "ice_servers"?,
                          "debug"?, "language"?, "theme"?}
    call_stats           {"call_id", "user_id"?}

    set_profile          {"nickname"?, "gender"?, "birthday"?, "region"?, "signature"?, "address"?, "avatar"?}
    add_contact  remove_contact  safety_number   {"user_id"}
    set_contact          {"user_id", "note_name"?, "note_text"?, "is_favorite"?, "is_no_disturb"?,
                          "is_in_black_list"?, "is_friend"?}
    set_group            {"group_id"?, "name": "Family", "members": ["bob", "cat"]}
    remove_group         {"group_id"}
    search_contacts      {"query"}
    avatar               {"avatar_id"}
    export_contacts      import_contacts         {"vcard": the file's text}
    set_verified         {"user_id", "device_id", "verified": true}
    trust_key            {"user_id", "device_id"}
    search_history       {"query"?, "status"?, "user_id"?, "direction"?, "from"?, "until"?, "limit"?: 100, "offset"?}
    delete_records       {"call_ids"?}; without, all
    export_history       {"format": "csv" (or "json")}
    mark_history_seen

  Events: connection_changed session_ended kicked_out outgoing ringing invited connecting connected user_accepted
    user_rejected user_busy user_no_response user_cancelled call_timed_out user_entered user_left user_disconnected
    users_invited held media_disconnected media_change_requested media_changed media_change_refused transferring
    transferred transfer_failed stream_added stream_removed audio_available audio_muted video_available video_muted
    accepted_elsewhere rejected_elsewhere call_ended call_recorded presence_changed key_changed voice_volume error

  A line that makes no sense is answered with the error "bad_request", and the next one is read. When the first login
  fails, an event "error" says why, and "login" tries again.

THE END
  It ends when the input ends and its commands are answered, when nobody reads the output, or by SIGINT or SIGTERM: calls
  are hung up, and the server is told. The exit status is 0; it is 1 if it could not start, and 2 for bad options.

EXAMPLES
  A doorbell that answers by itself, is heard before somebody answers it, and speaks through the default speaker:
    peal-headless --account front-gate --device --auto-answer --microphone tone:440 < fifo

  Two on one computer, without any server:
    peal-headless --account ada --data-dir /tmp/ada --microphone hello.wav --speaker heard-by-ada.wav
    peal-headless --account bob --data-dir /tmp/bob --microphone silence --speaker heard-by-bob.wav --auto-answer

ENVIRONMENT
  PEAL_TOKEN     as --token
  PEAL_DATA_DIR  the root of all profiles, instead of the system's place
  PEAL_BROKER    where Peal's own broker listens, unless --embedded-broker says it
  PEAL_LOG       what is logged to the standard error, such as info or peal_signalling=debug (default: warn)
"#;

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn options(arguments: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from(std::iter::once(&"peal-headless").chain(arguments))
    }

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn help_explains_every_command_and_event_of_the_engine() {
        let help = Options::command().render_long_help().to_string();
        // Serde's own message lists every variant's name.
        let names =
            |message: String| -> Vec<String> { message.split('`').skip(3).step_by(2).map(str::to_owned).collect() };
        let unknown = serde_json::json!({ "command": "-", "event": "-" });
        let commands = serde_json::from_value::<peal_engine::api::Command>(unknown.clone()).unwrap_err().to_string();
        let events = serde_json::from_value::<peal_engine::api::Event>(unknown).unwrap_err().to_string();
        let (commands, events) = (names(commands), names(events));
        assert!(commands.len() > 10 && events.len() > 20, "{commands:?} {events:?}");
        for name in commands.iter().chain(&events) {
            assert!(help.split_whitespace().any(|word| word == name), "{name} is not in the help");
        }
    }

    #[test]
    fn a_microphone_is_a_device_a_file_a_tone_or_silence() {
        let microphone =
            |text| options(&["--microphone", text]).map(|options| options.engine_config().microphone.unwrap());
        assert!(matches!(microphone("silence"), Ok(MicrophoneChoice::Silence)));
        assert!(matches!(microphone("default"), Ok(MicrophoneChoice::Default)));
        assert_eq!(microphone("tone:440").ok(), Some(MicrophoneChoice::Tone { hertz: 440.0 }));
        let file = microphone("a/b.WAV").unwrap();
        assert!(matches!(&file, MicrophoneChoice::Wav { path, looped: false } if path.ends_with("b.WAV")), "{file:?}");
        assert!(matches!(microphone("USB mic"), Ok(MicrophoneChoice::Device(name)) if name == "USB mic"));
        for wrong in ["tone:", "tone:x", "tone:5", "tone:NaN", "tone:1e9"] {
            assert!(microphone(wrong).is_err(), "{wrong}");
        }
        let looped = options(&["--microphone", "a.wav", "--loop"]).unwrap().engine_config().microphone;
        assert!(matches!(looped, Some(MicrophoneChoice::Wav { looped: true, .. })), "{looped:?}");
        assert!(options(&["--loop"]).is_err());
    }

    #[test]
    fn a_camera_is_a_device_a_file_a_screen_the_pattern_or_nothing() {
        let camera = |text: &str| options(&["--camera", text]).unwrap().engine_config().camera;
        assert_eq!(options(&[]).unwrap().engine_config().camera, CameraChoice::Settings);
        assert_eq!(camera("none"), CameraChoice::Nothing);
        assert_eq!(camera("pattern"), CameraChoice::Source(VideoSource::Pattern));
        let named = |id: &str| CameraChoice::Source(VideoSource::Camera { id: Some(id.to_owned()) });
        assert_eq!(camera("USB camera"), named("USB camera"));
        assert_eq!(camera("screen:0"), CameraChoice::Source(VideoSource::Screen { id: "0".to_owned() }));
        assert_eq!(camera("window:7"), CameraChoice::Source(VideoSource::Window { id: "7".to_owned() }));
        let file = |looped| CameraChoice::Source(VideoSource::File { path: "a/b.Y4M".to_owned(), looped });
        assert_eq!(camera("a/b.Y4M"), file(false));
        assert_eq!(options(&["--camera", "a/b.Y4M", "--loop"]).unwrap().engine_config().camera, file(true));
        let recording = options(&["--record-video", "seen.y4m"]).unwrap().record_video;
        assert_eq!(recording, Some("seen.y4m".into()));
    }

    #[test]
    fn a_speaker_is_a_device_a_file_or_null() {
        let speaker = |text| options(&["--speaker", text]).unwrap().engine_config().speaker.unwrap();
        assert!(matches!(speaker("null"), SpeakerChoice::Null));
        assert!(matches!(speaker("default"), SpeakerChoice::Default));
        let file = speaker("heard.wav");
        assert!(matches!(&file, SpeakerChoice::Wav { path } if path.ends_with("heard.wav")), "{file:?}");
        assert!(matches!(speaker("Headphones"), SpeakerChoice::Device(name) if name == "Headphones"));
    }

    #[test]
    fn a_device_says_what_it_is_and_where_it_lives() {
        let config = options(&["--device", "--device-id", "gate-1", "--data-dir", "/srv/gate", "--auto-answer"]);
        let config = config.unwrap().engine_config();
        assert_eq!(config.kind, ContactKind::Device);
        assert_eq!(config.device_id.as_deref(), Some("gate-1"));
        assert_eq!(config.profile, Profile::At("/srv/gate".into()));
        assert!(config.auto_answer && !config.echo && !config.resume);
        assert_eq!(options(&[]).unwrap().engine_config().profile, Profile::Named("headless".to_owned()));
    }

    #[test]
    fn an_account_is_logged_in_with_everything_given() {
        let all =
            ["--account", "ada", "--token", "t", "--server", "ws://h", "--display-name", "Ada", "--single-device"];
        let login = options(&all).unwrap().login().unwrap();
        assert_eq!(login.account.as_deref(), Some("ada"));
        assert_eq!(login.token.as_deref(), Some("t"));
        assert_eq!(login.server.as_deref(), Some("ws://h"));
        assert_eq!(login.display_name.as_deref(), Some("Ada"));
        assert_eq!(login.single_device, Some(true));
        assert!(options(&[]).unwrap().login().is_none());
        assert!(options(&["--token", "t"]).is_err());
    }

    #[test]
    fn the_broker_needs_an_address_and_a_port() {
        let config = options(&["--embedded-broker", "127.0.0.1:18831"]).unwrap().engine_config();
        assert_eq!(config.embedded_broker, SocketAddr::from(([127, 0, 0, 1], 18_831)));
        assert!(config.always_start_broker);
        assert!(!options(&[]).unwrap().engine_config().always_start_broker);
        assert!(options(&["--embedded-broker", "18831"]).is_err());
    }
}
