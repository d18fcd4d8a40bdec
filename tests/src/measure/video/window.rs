//! What a call costs with the window that draws it: each program on the same desk, in a window as large, and somebody without
//! windows at the other end.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use super::case::{MOST_KBPS, Props};
use super::chromium;
use super::film::RATE;
use crate::desk::page::id;
use crate::desk::{Desk, Peal};
use crate::headless::{Headless, arguments};
use crate::measure::Unmeasured;
use crate::measure::process::Family;

/// How long the beginning takes, which the figures leave out.
const SETTLED: Duration = Duration::from_secs(5);
/// The window, pixels.
const WINDOW: (u32, u32) = (1_400, 900);

/// What came of it.
pub struct Drawn {
    /// Percent of a core: the program with all its processes, and the display server, which draws for it without a graphics
    /// card.
    pub cpu: [f64; 2],
    /// Pictures a second that the window drew of the other side, and that it sent.
    pub fps: [f64; 2],
    /// How large it drew them, pixels.
    pub tile: (f64, f64),
}

/// Both cameras are on; one side has a window. Peal's, then Chromium's with pictures as large.
pub fn run(seconds: f64, props: &Props<'_>) -> Result<[Drawn; 2], Unmeasured> {
    // The desk's own complaints are panics: it belongs to the tests.
    std::thread::scope(|scope| {
        scope.spawn(|| both(seconds, props)).join().unwrap_or_else(|_| Err("the window could not be measured".into()))
    })
}

fn both(seconds: f64, props: &Props<'_>) -> Result<[Drawn; 2], Unmeasured> {
    let desk = Desk::new();
    let span = Duration::from_secs_f64(seconds).saturating_sub(SETTLED);
    let (peal, inset) = peal(&desk, span, props)?;
    let [tile, inset] = [peal.tile, inset].map(|(width, height)| (width.round() as u32, height.round() as u32));
    let mut page = chromium::Shown::open(desk.display(), props, tile, inset)?;
    sleep(SETTLED);
    let (load, before) = (Load::begin(page.pid(), &desk), page.pictures()?);
    sleep(span);
    let (fps, cpu) = load.end(before, page.pictures()?);
    Ok([peal, Drawn { cpu, fps, tile: page.tile()? }])
}

/// What it drew, and how large it drew the own picture, pixels.
fn peal(desk: &Desk, span: Duration, props: &Props<'_>) -> Result<(Drawn, (f64, f64)), Unmeasured> {
    let film = props.film.file.display().to_string();
    let mut ann = desk.opens_as("default", "Ann");
    ann.page.place(0, 0, WINDOW.0, WINDOW.1);
    let said = props.said.display().to_string();
    let mut options = arguments("bob", desk.broker, desk.home());
    let more = ["--microphone", &said, "--loop", "--speaker", "null", "--camera", &film, "--auto-answer"];
    options.extend(more.map(str::to_owned));
    let mut bob = Headless::start("bob", options)?;
    bob.online()?;
    let wish = json!({
        "video_width": props.film.width, "video_height": props.film.height, "frame_rate": RATE,
        "min_bitrate": 600, "max_bitrate": MOST_KBPS,
    });
    bob.ask("set_settings", &wish)?;
    ann.page.invoke("set_settings", &json!({ "patch": wish }));
    let bobs = ann.sees_contact("bob");
    ann.page.invoke("call", &json!({ "params": { "to": [bobs], "media": "video" } }));
    ann.sees_call("connected");
    let source = json!({ "kind": "file", "path": film, "looped": true });
    ann.page.invoke("open_camera", &json!({ "params": { "source": source } }));
    // Ann's picture is coded only if somebody looks.
    let call = bob.ask("snapshot", &json!({}))?["calls"][0].clone();
    let looks = json!({
        "call_id": call["call_id"], "user_id": call["members"][0]["user_id"],
        "width": props.film.width, "height": props.film.height,
    });
    bob.ask("start_remote_view", &looks)?;
    ann.page.sees(&format!("{} canvas", id("tile")));
    ann.page.sees(&format!("{} canvas", id("inset")));
    sleep(SETTLED);
    let (load, before) = (Load::begin(ann.id, desk), pictures(&mut ann));
    sleep(span);
    let (fps, cpu) = load.end(before, pictures(&mut ann));
    let [tile, inset] = ["tile", "inset"].map(|place| size_of(&mut ann, place));
    ann.page.click(&id("hang-up"));
    Ok((Drawn { cpu, fps, tile }, inset))
}

/// A program and its display server under way.
struct Load {
    families: [Family; 2],
    begun: Instant,
}

impl Load {
    fn begin(program: u32, desk: &Desk) -> Self {
        Self { families: [program, desk.screen_pid()].map(Family::begin), begun: Instant::now() }
    }

    /// So many pictures had been drawn and sent before, and so many are now: how many a second, and at what cost.
    fn end(self, before: [f64; 2], now: [f64; 2]) -> ([f64; 2], [f64; 2]) {
        let seconds = self.begun.elapsed().as_secs_f64();
        ([0, 1].map(|at| (now[at] - before[at]) / seconds), self.families.map(|it| it.cpu_percent()))
    }
}

/// How many pictures of the other side the window has drawn, and how many of its own were sent.
fn pictures(person: &mut Peal) -> [f64; 2] {
    let frames = format!("Number(document.querySelector('{} canvas').dataset.frames ?? 0)", id("tile"));
    let drawn = person.page.value(&frames).as_f64().unwrap_or_default();
    let call = person.page.invoke("snapshot", &json!({}))["calls"][0]["call_id"].clone();
    let stats = person.page.invoke("call_stats", &json!({ "params": { "call_id": call, "user_id": null } }));
    [drawn, stats["frames_sent"].as_f64().unwrap_or_default()]
}

fn size_of(person: &mut Peal, place: &str) -> (f64, f64) {
    let mut side = |name: &str| {
        let script = format!("document.querySelector('{} canvas').client{name}", id(place));
        person.page.value(&script).as_f64().unwrap_or_default()
    };
    (side("Width"), side("Height"))
}
