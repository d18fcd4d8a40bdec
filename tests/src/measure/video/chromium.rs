//! Chromium's two ends: a page on either host, whose camera is the same film and whose microphone says the same.

use std::path::Path as Place;

use base64::Engine as _;
use serde_json::{Value, json};

use super::case::{Buffered, Case, Lived, MOST_KBPS, Outcome, Props, TILE_KBPS, Tiles, live, now_ms, on_clock};
use super::peal::STILLS;
use super::seen::{Seen, Sight, Still};
use crate::browser::Browser;
use crate::measure::Unmeasured;
use crate::measure::process::Family;
use crate::path::{Host, Path, Quality};

const PAGE: &str = include_str!("../../../assets/bench_video.html");

/// What a page is opened with.
struct Setting {
    camera: Option<(u32, u32)>,
    draw: Option<(u32, u32)>,
    stills: u64,
    kbps: u32,
    whole: bool,
}

/// One call, and what came of it.
pub fn run(case: &Case, props: &Props<'_>, codec: Option<&str>) -> Result<Outcome, Unmeasured> {
    let size = (props.film.width, props.film.height);
    let path = Path::lay(case.path[0].1, case.seed)?;
    let setting = |end: usize| Setting {
        camera: case.cameras[end].then_some(size),
        draw: Some(size),
        stills: if case.stills { STILLS } else { 0 },
        kbps: MOST_KBPS,
        whole: case.whole,
    };
    let mut ends = [open(path.host(0), props, &setting(0), codec)?, open(path.host(1), props, &setting(1), codec)?];
    let [ann, bob] = &mut ends;
    ann.call("connect()")?;
    bob.call("connect()")?;
    if case.cameras[0] {
        ann.call("show(0, false)")?;
    }
    let (accepted, connected) = connect(ann, bob)?;
    let begun = if case.cameras[0] { first_picture(bob, accepted)? } else { connected };
    let Lived { cpu, late } = live(case, &path, begun, [ann.pid(), bob.pid()]);
    let ended = now_ms();
    let carried = on_clock(path.take_carried());
    let sent = sights(&ann.call("sights")?, "own").into_iter().map(|(sight, _)| sight).collect();
    let came = sights(&bob.call("sights")?, "came0");
    let mut stills = Vec::new();
    for (sight, still) in came.iter().filter_map(|(sight, still)| Some((*sight, (*still)?))) {
        stills.push(Still { sight, luma: bytes(&bob.text(&format!("still({still})"))?)? });
    }
    let heard = bytes(&bob.text("voice()")?)?;
    let heard = heard.chunks_exact(2).map(|it| i16::from_le_bytes([it[0], it[1]])).collect();
    let rate = number(&bob.call("heard.rate")?);
    if !case.cameras.contains(&true) && (rate - 48_000.0).abs() > 1.0 {
        return Err(format!("Chromium plays {rate} Hz").into());
    }
    let voice = bob.call("buffered()")?;
    let [concealed, stretched, waited] = ["concealed", "stretched", "waited"].map(|key| number(&voice[key]));
    let buffered = Buffered { concealed, stretched, waited };
    let coding = ann.call("coding()")?;
    let codec = coding["codec"].as_str().map(|it| it.trim_start_matches("video/").to_owned());
    let lowered = ["cpu", "bandwidth"].map(|why| coding["lowered"][why].as_f64().unwrap_or_default());
    let seen = Seen { sent, came: came.into_iter().map(|(sight, _)| sight).collect(), stills };
    let first_picture = case.cameras[0].then_some(begun - accepted);
    Ok(Outcome { seen, begun, ended, first_picture, cpu, heard, buffered, carried, codec, late, lowered })
}

/// From each of so many times that the camera is opened in a call to the other side's first picture, ms.
pub fn opening(times: usize, props: &Props<'_>) -> Result<Vec<f64>, Unmeasured> {
    let size = (props.film.width, props.film.height);
    let path = Path::lay(Quality::default(), 1)?;
    let setting = || Setting { camera: None, draw: Some(size), stills: 0, kbps: MOST_KBPS, whole: false };
    let mut ends = [open(path.host(0), props, &setting(), None)?, open(path.host(1), props, &setting(), None)?];
    let [ann, bob] = &mut ends;
    ann.call("connect()")?;
    bob.call("connect()")?;
    ann.call("show(0, true)")?;
    connect(ann, bob)?;
    let mut took = Vec::new();
    for _ in 0..times {
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        let begun = number(&ann.call(&format!("open_camera(0, [{}, {}])", size.0, size.1))?);
        took.push(first_picture(bob, begun)? - begun);
        ann.call("close_camera(0)")?;
    }
    Ok(took)
}

/// One page that sees eight pictures, each on a connection of its own; the eight come from one other page.
pub fn tiles(seconds: f64, props: &Props<'_>, codec: Option<&str>) -> Result<Tiles, Unmeasured> {
    let size = (props.film.width, props.film.height);
    let path = Path::lay(Quality::default(), 1)?;
    let setting = |draw| Setting { camera: Some(size), draw, stills: 0, kbps: TILE_KBPS, whole: false };
    let tile = Some((size.0 / 2, size.1 / 2));
    let mut ann = open(path.host(0), props, &setting(tile), codec)?;
    let mut others = open(path.host(1), props, &setting(None), codec)?;
    // What Ann shows goes to the first alone, as a camera that is coded once for all.
    ann.call("wish.mute = true")?;
    for number in 0..8 {
        others.call("connect()")?;
        ann.call("connect()")?;
        others.call(&format!("show({number}, false)"))?;
        let offer = others.text(&format!("offer({number})"))?;
        ann.call(&format!("wish.mute = {number} > 0"))?;
        let answer = ann.text(&format!("answer({number}, {})", json!(offer)))?;
        others.call(&format!("accept({number}, {})", json!(answer)))?;
    }
    let all = "(async () => {
        const end = now() + 60000;
        for (;;) {
            if (new Set(sights.map((it) => it[0]).filter((it) => it !== 'own')).size === 8) return now();
            if (now() > end) throw new Error('some pictures never came');
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    })()";
    let begun = number(&ann.call(all)?);
    std::thread::sleep(std::time::Duration::from_secs(3));
    let families = [&ann, &others].map(|it| Family::begin(it.pid()));
    std::thread::sleep(std::time::Duration::from_secs_f64(seconds - 3.0));
    let cpu = families.map(|it| it.cpu_percent());
    let ended = now_ms();
    let all = ann.call("sights")?;
    let came = |number| sights(&all, &format!("came{number}")).into_iter().map(|(sight, _)| sight).collect();
    let seen = (0..8).map(|number| Seen { came: came(number), ..Seen::default() }).collect();
    Ok(Tiles { seen, begun, ended, cpu })
}

/// A call of which one end has a window, and draws what it sees without noting any of it.
pub struct Shown {
    page: Browser,
    _other: Browser,
    _path: Path,
}

impl Shown {
    /// Both cameras are on. The window draws the other's picture and its own as large as told.
    pub fn open(display: &str, props: &Props<'_>, tile: (u32, u32), inset: (u32, u32)) -> Result<Self, Unmeasured> {
        let size = (props.film.width, props.film.height);
        let path = Path::lay(Quality::default(), 1)?;
        let mut page = Browser::start(path.host(0), Some(display), PAGE, sources(props))?;
        let wish = json!({
            "camera": size, "draw": tile, "inset": inset, "stills": 0, "kbps": MOST_KBPS, "codec": null, "whole": true,
            "watch": false, "processed": true,
        });
        page.call(&format!("open_call({wish})"))?;
        let setting = Setting { camera: Some(size), draw: Some(size), stills: 0, kbps: MOST_KBPS, whole: true };
        let mut other = open(path.host(1), props, &setting, None)?;
        for end in [&mut page, &mut other] {
            end.call("connect()")?;
        }
        page.call("show(0, false)")?;
        let (_, connected) = connect(&mut page, &mut other)?;
        first_picture(&mut other, connected)?;
        Ok(Self { page, _other: other, _path: path })
    }

    /// The window's first process.
    pub fn pid(&self) -> u32 {
        self.page.pid()
    }

    /// How many pictures of the other side it has drawn, and how many of its own were sent.
    pub fn pictures(&mut self) -> Result<[f64; 2], Unmeasured> {
        Ok([number(&self.page.call("drawn")?), number(&self.page.call("sent(0)")?)])
    }

    /// How large it draws them, pixels.
    pub fn tile(&mut self) -> Result<(f64, f64), Unmeasured> {
        let mut side = |name: &str| -> Result<f64, Unmeasured> {
            Ok(number(&self.page.call(&format!("document.querySelector('video:not(.inset)').client{name}"))?))
        };
        Ok((side("Width")?, side("Height")?))
    }
}

fn sources(props: &Props<'_>) -> Vec<String> {
    let file = |kind: &str, file: &Place| format!("--use-file-for-fake-{kind}-capture={}", file.display());
    vec![file("video", &props.film.file), file("audio", &props.said)]
}

fn open(host: &Host, props: &Props<'_>, setting: &Setting, codec: Option<&str>) -> Result<Browser, Unmeasured> {
    let mut browser = Browser::start(host, None, PAGE, sources(props))?;
    let wish = json!({
        "camera": setting.camera, "draw": setting.draw, "inset": null, "stills": setting.stills,
        "kbps": setting.kbps, "codec": codec, "whole": setting.whole, "watch": true, "processed": false,
    });
    browser.call(&format!("open_call({wish})"))?;
    Ok(browser)
}

/// One page calls another over the connection that each has. Answers when the other was asked, and when they were connected, ms
/// since the Unix epoch.
fn connect(caller: &mut Browser, called: &mut Browser) -> Result<(f64, f64), Unmeasured> {
    let offer = caller.text("offer(0)")?;
    let accepted = now_ms();
    let answer = called.text(&format!("answer(0, {})", json!(offer)))?;
    let connected = number(&caller.call(&format!("accept(0, {})", json!(answer)))?);
    Ok((accepted, connected))
}

/// Waits for the first picture that comes after a moment, and answers when it was, ms since the Unix epoch.
fn first_picture(browser: &mut Browser, after: f64) -> Result<f64, Unmeasured> {
    let script = format!(
        "(async () => {{
            const end = now() + 40000;
            for (;;) {{
                const first = sights.find((it) => it[0] !== 'own' && it[1] >= {after});
                if (first) return first[1];
                if (now() > end) throw new Error('no picture came');
                await new Promise((resolve) => setTimeout(resolve, 20));
            }}
        }})()"
    );
    Ok(number(&browser.call(&script)?))
}

/// The pictures of somebody, and the number of each that was kept.
fn sights(all: &Value, whose: &str) -> Vec<(Sight, Option<u64>)> {
    let parsed = all.as_array().into_iter().flatten().filter(|it| it[0] == whose).filter_map(|it| {
        let side = |at: usize| it[at].as_u64().and_then(|it| u32::try_from(it).ok());
        let sight = Sight { at: it[1].as_f64()?, number: it[2].as_u64(), width: side(3)?, height: side(4)? };
        Some((sight, it[5].as_u64()))
    });
    parsed.collect()
}

fn bytes(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    base64::engine::general_purpose::STANDARD.decode(text)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}
