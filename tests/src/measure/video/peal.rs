//! Peal's two ends: `peal-headless` on either host, with a witness in it.

use std::path::Path as Place;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::case::{Buffered, Case, Lived, MOST_KBPS, Outcome, Props, TILE_KBPS, Tiles, live, now_ms, on_clock};
use super::film::RATE;
use super::seen::{Seen, Sight, Still};
use crate::ears;
use crate::headless::{Headless, HeadlessError, PATIENCE, arguments, binary};
use crate::measure::process::Family;
use crate::measure::{Unmeasured, conversation};
use crate::path::{Host, Path, Quality};
use crate::person::free_address;

/// Between two stills, ms.
pub const STILLS: u64 = 500;

/// Two people on two hosts, and the broker that both reach.
pub struct Pair {
    ends: [Headless; 2],
    path: Path,
    place: TempDir,
    // The last to go.
    _broker: Headless,
}

/// What an end is started with.
pub struct Setting<'a> {
    /// The camera's file, if it has a camera.
    pub camera: Option<&'a Place>,
    /// What it says, as for `--microphone`.
    pub microphone: &'a str,
    /// How large its picture is, pixels.
    pub size: (u32, u32),
    /// How large it draws others, pixels.
    pub tile: (u32, u32),
    /// ms between stills; 0: none.
    pub stills: u64,
    /// kbit/s that its picture may take.
    pub kbps: u32,
    /// Whether it looks at the others.
    pub looks: bool,
}

/// A call of a pair.
pub struct Call {
    /// Its id.
    pub id: String,
    /// When the answer was given, ms since the Unix epoch.
    pub accepted: f64,
}

/// One call, and what came of it.
pub fn run(case: &Case, props: &Props<'_>) -> Result<Outcome, Unmeasured> {
    let size = (props.film.width, props.film.height);
    let path = Path::lay(case.path[0].1, case.seed)?;
    let said = props.said.display().to_string();
    let settings = case.cameras.map(|on| Setting {
        camera: on.then_some(props.film.file.as_path()),
        microphone: &said,
        size,
        tile: size,
        stills: if case.stills { STILLS } else { 0 },
        kbps: MOST_KBPS,
        looks: true,
    });
    let mut pair = Pair::start(path, &settings)?;
    let media = if case.cameras.contains(&true) { "video" } else { "audio" };
    let call = pair.connect(media)?;
    let begun = if case.cameras[0] { pair.first_picture("ann", call.accepted)? } else { now_ms() };
    let pids = pair.ends.each_ref().map(Headless::pid);
    let Lived { cpu, late } = live(case, &pair.path, begun, pids);
    let ended = now_ms();
    let carried = on_clock(pair.path.take_carried());
    let buffered = pair.buffered(&call)?;
    pair.hang_up(&call)?;
    for end in &mut pair.ends {
        end.close()?;
    }
    let seen = pair.seen("ann");
    Ok(Outcome {
        seen,
        begun,
        ended,
        first_picture: case.cameras[0].then_some(begun - call.accepted),
        cpu,
        heard: ears::read_wav(&pair.file("heard-bob.wav")),
        buffered,
        carried,
        codec: Some("H264".to_owned()),
        late,
        lowered: [f64::NAN; 2],
    })
}

/// From each of so many `open_camera` to the other side's first picture, ms.
pub fn opening(times: usize, props: &Props<'_>) -> Result<Vec<f64>, Unmeasured> {
    let size = (props.film.width, props.film.height);
    let path = Path::lay(Quality::default(), 1)?;
    let setting =
        |camera| Setting { camera, microphone: "silence", size, tile: size, stills: 0, kbps: MOST_KBPS, looks: true };
    let mut pair = Pair::start(path, &[setting(Some(props.film.file.as_path())), setting(None)])?;
    pair.ends[0].ask("set_settings", &json!({ "open_camera": false }))?;
    let call = pair.connect("video")?;
    let mut took = Vec::new();
    for _ in 0..times {
        // Whatever is under way from the last time has come.
        std::thread::sleep(Duration::from_millis(1_500));
        let begun = now_ms();
        pair.ends[0].ask("open_camera", &json!({}))?;
        took.push(pair.first_picture("ann", begun)? - begun);
        pair.ends[0].ask("close_camera", &json!({}))?;
    }
    pair.hang_up(&call)?;
    Ok(took)
}

/// One who sees eight others, each 360 lines high.
pub fn tiles(seconds: f64, props: &Props<'_>) -> Result<Tiles, Unmeasured> {
    let size = (props.film.width, props.film.height);
    let path = Path::lay(Quality::default(), 1)?;
    let place = tempfile::tempdir()?;
    let address = free_address();
    let _broker = conversation::broker(address, place.path())?;
    path.host(0).reach(address)?;
    path.host(1).reach(address)?;
    let said = props.said.display().to_string();
    let setting = |looks| Setting {
        camera: Some(props.film.file.as_path()),
        microphone: &said,
        size,
        tile: size,
        stills: 0,
        kbps: TILE_KBPS,
        looks,
    };
    let names: Vec<String> = (1..=8).map(|number| format!("bob{number}")).collect();
    let start = |name: &String| start_end(name, path.host(1), address, place.path(), &setting(false));
    let mut others = names.iter().map(start).collect::<Result<Vec<_>, _>>()?;
    let mut ann = start_end("ann", path.host(0), address, place.path(), &setting(true))?;
    for name in &names {
        ann.sees_online(name)?;
    }
    let session = ann.ask("call", &json!({ "to": names, "media": "video" }))?;
    let id = session["call_id"].as_str().unwrap_or_default().to_owned();
    for other in &mut others {
        other.event_where("invited", |data| data["call_id"] == id.as_str())?;
        other.ask("accept", &json!({ "call_id": id }))?;
    }
    let diary = place.path().join("diary-ann");
    let seen = |name: &String| sights(&diary, name).into_iter().map(|(sight, _)| sight).collect::<Vec<_>>();
    let deadline = Instant::now() + PATIENCE;
    while !names.iter().all(|name| !seen(name).is_empty()) {
        if Instant::now() > deadline {
            let missing: Vec<_> = names.iter().filter(|name| seen(name).is_empty()).collect();
            return Err(format!("the pictures of {missing:?} never came").into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let begun = now_ms();
    std::thread::sleep(Duration::from_secs(3));
    let families = [vec![Family::begin(ann.pid())], others.iter().map(|it| Family::begin(it.pid())).collect()];
    std::thread::sleep(Duration::from_secs_f64(seconds - 3.0));
    let cpu = families.map(|all| all.iter().map(Family::cpu_percent).sum());
    let ended = now_ms();
    ann.ask("hangup", &json!({ "call_id": id }))?;
    let seen = names.iter().map(|name| Seen { came: seen(name), ..Seen::default() }).collect();
    Ok(Tiles { seen, begun, ended, cpu })
}

impl Pair {
    /// Starts Ann on the first host and Bob on the second; both are online and see each other.
    pub fn start(path: Path, settings: &[Setting<'_>; 2]) -> Result<Self, Unmeasured> {
        let place = tempfile::tempdir()?;
        let address = free_address();
        let broker = conversation::broker(address, place.path())?;
        let start = |end: usize, name: &str| -> Result<Headless, Unmeasured> {
            path.host(end).reach(address)?;
            Ok(start_end(name, path.host(end), address, place.path(), &settings[end])?)
        };
        let mut ends = [start(0, "ann")?, start(1, "bob")?];
        ends[0].sees_online("bob")?;
        ends[1].sees_online("ann")?;
        Ok(Self { ends, path, place, _broker: broker })
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.place.path().join(name)
    }

    /// Ann calls Bob, who answers at once.
    pub fn connect(&mut self, media: &str) -> Result<Call, HeadlessError> {
        let [ann, bob] = &mut self.ends;
        let session = ann.ask("call", &json!({ "to": ["bob"], "media": media }))?;
        let id = session["call_id"].as_str().unwrap_or_default().to_owned();
        let mine = |data: &Value| data["call_id"] == id.as_str();
        bob.event_where("invited", mine)?;
        let accepted = now_ms();
        bob.ask("accept", &json!({ "call_id": id }))?;
        for end in [ann, bob] {
            end.event_where("connected", mine)?;
        }
        Ok(Call { id, accepted })
    }

    fn buffered(&mut self, call: &Call) -> Result<Buffered, HeadlessError> {
        let stats = self.ends[1].ask("call_stats", &json!({ "call_id": call.id }))?;
        let of = |key: &str| stats[key].as_f64().unwrap_or(f64::NAN);
        Ok(Buffered { concealed: of("concealed_ms"), stretched: of("stretched_ms"), waited: of("buffer_ms") })
    }

    fn hang_up(&mut self, call: &Call) -> Result<(), HeadlessError> {
        self.ends[0].ask("hangup", &json!({ "call_id": call.id }))?;
        for end in &mut self.ends {
            end.event_where("call_ended", |data| data["call_id"] == call.id.as_str())?;
        }
        Ok(())
    }

    /// Waits for the first picture of somebody that Bob sees after a moment, and answers when it was, ms since the Unix
    /// epoch.
    fn first_picture(&self, whose: &str, after: f64) -> Result<f64, HeadlessError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let sights = sights(&self.file("diary-bob"), whose);
            if let Some((sight, _)) = sights.iter().find(|(sight, _)| sight.at >= after) {
                return Ok(sight.at);
            }
            if Instant::now() > deadline {
                return Err(HeadlessError::Missing(format!("{whose}'s picture never came")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whose picture was sent, and what Bob saw of it.
    fn seen(&self, whose: &str) -> Seen {
        let sent = sights(&self.file(&format!("diary-{whose}")), "own").into_iter().map(|(sight, _)| sight).collect();
        let came = sights(&self.file("diary-bob"), whose);
        let luma = std::fs::read(self.file("diary-bob.luma")).unwrap_or_default();
        let mut at = 0;
        let mut stills = Vec::new();
        for (sight, _) in came.iter().filter(|(_, still)| *still) {
            let end = at + sight.width as usize * sight.height as usize;
            if let Some(luma) = luma.get(at..end) {
                stills.push(Still { sight: *sight, luma: luma.to_vec() });
            }
            at = end;
        }
        Seen { sent, came: came.into_iter().map(|(sight, _)| sight).collect(), stills }
    }
}

/// Starts an end on a host; it is online and has its settings.
pub fn start_end(
    name: &str,
    host: &Host,
    broker: std::net::SocketAddr,
    place: &Place,
    setting: &Setting<'_>,
) -> Result<Headless, HeadlessError> {
    let file = |kind: &str| place.join(format!("{kind}-{name}")).display().to_string();
    let (width, height) = setting.size;
    let mut command = Command::new(binary(if setting.looks { "witness" } else { "peal-headless" })?);
    if setting.looks {
        command.args([file("diary"), format!("{}x{}", setting.tile.0, setting.tile.1), setting.stills.to_string()]);
    }
    command.args(arguments(name, broker, place));
    command.args(["--microphone", setting.microphone, "--loop", "--speaker", &format!("{}.wav", file("heard"))]);
    let camera = setting.camera.map_or_else(|| "none".to_owned(), |file| file.display().to_string());
    command.args(["--camera", &camera]);
    let spawned = |mut command: Command| {
        let spawned = host.run(move || command.spawn());
        spawned.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    };
    let mut end = Headless::spawn(name, command, spawned)?;
    end.online()?;
    let wish = json!({
        "video_width": width, "video_height": height, "frame_rate": RATE,
        "min_bitrate": setting.kbps.min(600), "max_bitrate": setting.kbps,
    });
    end.ask("set_settings", &wish)?;
    Ok(end)
}

/// The pictures of somebody in a diary, and whether each was kept.
pub fn sights(diary: &Place, whose: &str) -> Vec<(Sight, bool)> {
    let text = std::fs::read_to_string(diary).unwrap_or_default();
    // The last line may still be written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parsed = whole.lines().filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, at, number, width, height, rest @ ..] = words.as_slice() else { return None };
        let at = at.parse::<f64>().ok()? / 1_000.0;
        let (number, width, height) = (number.parse().ok(), width.parse().ok()?, height.parse().ok()?);
        (*name == whose).then_some((Sight { at, number, width, height }, !rest.is_empty()))
    });
    parsed.collect()
}
