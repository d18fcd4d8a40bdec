//! `cargo xtask bench`: the figures, printed and never asserted.

use std::process::ExitCode;

use peal_tests::measure::figures::Figures;
use peal_tests::measure::process::Host;
#[cfg(target_os = "linux")]
use peal_tests::measure::video;
use peal_tests::measure::{Unmeasured, devices, machine, rounded, stall, start, voice};
use serde_json::{Map, Value, json};

const HELP: &str = "\
How fast, how late and how dear a call is, on this machine, now.

Usage: bench [--json] [--calls N] [NAME]...

  voice         Calls between two processes: ringing, first audio, processor, memory; mouth to ear without devices
  stall         Many quick calls: how many took more than 500 ms to connect or to be heard
  devices       Calls through sound devices: mouth to ear, processor (needs pulseaudio, paplay and parec)
  start         From the start of a program to its being ready
  video         Pictures through good and bad paths, Peal beside Chromium (Linux; needs chromium, and root or a user
                namespace: unshare --map-root-user --net)
                Without a name: all of them but video

      --json    Print one JSON object instead of tables
      --quick   video: in under ten minutes
      --only    video: this section alone (may be repeated)
      --codec   video: what Chromium codes pictures with, such as h264, instead of what it likes best
      --calls   How many calls (or starts) instead of 20 (stall: 200, start: 10)
  -h, --help    Print this
";

const NAMES: [&str; 5] = ["voice", "stall", "devices", "start", "video"];

/// Seconds of speech whose way is measured.
const WAY: f64 = 20.0;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(words) => {
            eprintln!("{words}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let mut all = Map::new();
    let mut failed = false;
    let machine = machine();
    let host = Host::begin();
    if options.json {
        all.insert("machine".to_owned(), json!(machine));
    } else {
        println!("{machine}\n");
    }
    for name in &options.names {
        let measured = match *name {
            "video" => measure_video(&options).await,
            name => measure(name, options.calls).await.map(|figures| shown(&figures, options.json)),
        };
        match measured {
            Ok(figures) => {
                all.insert((*name).to_owned(), figures);
            }
            Err(error) => {
                eprintln!("{name} was not measured: {error}");
                failed = true;
            }
        }
    }
    let taken = host.and_then(|it| it.taken_percent());
    if options.json {
        all.insert("taken_by_host_percent".to_owned(), json!(taken.map(rounded)));
        println!("{}", Value::Object(all));
    } else if let Some(taken) = taken {
        println!("the machine's host gave {taken:.1} % of its processors to others meanwhile");
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Prints them, unless JSON is wanted, and answers them as JSON.
fn shown(figures: &Figures, json: bool) -> Value {
    if !json {
        figures.print();
    }
    figures.to_json()
}

struct Options {
    json: bool,
    quick: bool,
    only: Vec<String>,
    codec: Option<String>,
    calls: Option<usize>,
    names: Vec<&'static str>,
}

impl Options {
    /// None: help is wanted.
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options =
            Self { json: false, quick: false, only: Vec::new(), codec: None, calls: None, names: Vec::new() };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                "--only" => options.only.push(arguments.next().ok_or("--only takes a section")?),
                "--codec" => options.codec = Some(arguments.next().ok_or("--codec takes a name")?.to_lowercase()),
                "-h" | "--help" => return Ok(None),
                "--calls" => {
                    let calls = arguments.next().and_then(|it| it.parse().ok()).filter(|calls| *calls > 0);
                    options.calls = Some(calls.ok_or("--calls takes a number")?);
                }
                other => {
                    let known = NAMES.into_iter().find(|name| *name == other);
                    options.names.push(known.ok_or_else(|| format!("{other} is no bench"))?);
                }
            }
        }
        if options.names.is_empty() {
            options.names = NAMES.into_iter().filter(|name| *name != "video").collect();
        }
        Ok(Some(options))
    }
}

async fn measure(name: &str, calls: Option<usize>) -> Result<Figures, Unmeasured> {
    match name {
        "voice" => {
            let mut figures = blocking(move || voice::measure(calls.unwrap_or(20))).await?;
            let way = voice::measure_way(WAY).await?;
            figures.add("mouth_to_ear_ms", "mouth to ear without devices (pieces of a call), ms", way);
            Ok(figures)
        }
        "stall" => stall::measure(calls.unwrap_or(200)).await,
        "devices" => blocking(move || devices::measure(calls.unwrap_or(20))).await,
        _ => blocking(move || start::measure(calls.unwrap_or(10))).await,
    }
}

#[cfg(target_os = "linux")]
async fn measure_video(options: &Options) -> Result<Value, Unmeasured> {
    let (quick, quiet, only, codec) = (options.quick, options.json, options.only.clone(), options.codec.clone());
    let wished = video::Options { quick, quiet, only, codec };
    tokio::task::spawn_blocking(move || video::measure(&wished).map(|report| report.to_json())).await?
}

#[cfg(not(target_os = "linux"))]
async fn measure_video(_: &Options) -> Result<Value, Unmeasured> {
    Err("it needs network namespaces, which Linux has".into())
}

async fn blocking(work: impl FnOnce() -> Result<Figures, Unmeasured> + Send + 'static) -> Result<Figures, Unmeasured> {
    tokio::task::spawn_blocking(work).await?
}
