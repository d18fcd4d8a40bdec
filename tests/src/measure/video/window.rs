//! What a call costs with the window that draws it: the app on a desk of its own, and somebody without windows.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use super::case::{MOST_KBPS, Props};
use super::film::RATE;
use crate::desk::page::id;
use crate::desk::{Desk, Peal};
use crate::headless::{Headless, arguments};
use crate::measure::Unmeasured;
use crate::measure::process::Family;

/// How long the beginning takes, which the figures leave out.
const SETTLED: Duration = Duration::from_secs(5);

/// What came of it.
pub struct Drawn {
    /// Percent of a core: the app with all its processes, and the display server, which draws for it without a graphics
    /// card.
    pub cpu: [f64; 2],
    /// Pictures a second that the window drew of the other side.
    pub fps: f64,
    /// Lines of what it drew of them.
    pub lines: f64,
}

/// Both cameras are on; one side has a window.
pub fn run(seconds: f64, props: &Props<'_>) -> Result<Drawn, Unmeasured> {
    // The desk's own complaints are panics: it belongs to the tests.
    std::thread::scope(|scope| {
        scope.spawn(|| call(seconds, props)).join().unwrap_or_else(|_| Err("the window could not be measured".into()))
    })
}

fn call(seconds: f64, props: &Props<'_>) -> Result<Drawn, Unmeasured> {
    let desk = Desk::new();
    let film = props.film.file.display().to_string();
    let mut ann = desk.opens_as("default", "Ann");
    ann.page.place(0, 0, 1_400, 900);
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
    ann.page.sees(&format!("{} canvas", id("tile")));
    ann.page.sees(&format!("{} canvas", id("inset")));
    sleep(SETTLED);
    let families = [ann.id, desk.screen_pid()].map(Family::begin);
    let (begun, before) = (Instant::now(), drawn(&mut ann));
    sleep(Duration::from_secs_f64(seconds).saturating_sub(SETTLED));
    let frames = drawn(&mut ann) - before;
    let cpu = families.map(|it| it.cpu_percent());
    let fps = frames / begun.elapsed().as_secs_f64();
    let lines = ann.page.value(&format!("document.querySelector('{} canvas').height", id("tile")));
    ann.page.click(&id("hang-up"));
    Ok(Drawn { cpu, fps, lines: lines.as_f64().unwrap_or(f64::NAN) })
}

/// How many pictures of the other side the window has drawn.
fn drawn(person: &mut Peal) -> f64 {
    let frames = format!("Number(document.querySelector('{} canvas').dataset.frames ?? 0)", id("tile"));
    person.page.value(&frames).as_f64().unwrap_or_default()
}
