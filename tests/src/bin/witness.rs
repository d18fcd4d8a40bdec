//! `peal-headless` with a witness: it looks at everybody's picture, and writes down when it saw which.
//!
//! `witness DIARY SIZE STILLS [peal-headless's arguments]`: each line of the file DIARY is one picture: whose it is (`own` is
//! the phone's own), when it was there to be drawn (µs since the Unix epoch), its time code (`-`: none), its width and
//! height. Others are looked at as large as SIZE says (`640x360`). Every STILLS milliseconds (0: never) the luma of a picture of theirs
//! goes to the file DIARY.luma, and its line ends with `still`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use peal_engine::api::{CallState, LocalViewParams, MemberState, StartRemoteViewParams};
use peal_engine::{Engine, Frame, Picture};
use peal_headless::options::Options;
use peal_headless::program;
use peal_media::video::pattern::read_time_code;
use tokio::sync::watch;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(diary), Some(size), Some(stills)) = (arguments.next(), arguments.next(), arguments.next()) else {
        eprintln!("usage: witness DIARY WIDTHxHEIGHT STILLS_MS [peal-headless's arguments]");
        return ExitCode::from(2);
    };
    let size = size.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let (Some(size), Ok(stills)) = (size, stills.parse().map(Duration::from_millis)) else {
        eprintln!("a size is WIDTHxHEIGHT, and the time between stills a number");
        return ExitCode::from(2);
    };
    let options = Options::parse_from(std::iter::once("witness".to_owned()).chain(arguments));
    match Diary::open(&diary, stills) {
        Ok(book) => program::run(options, |engine| {
            tokio::spawn(watch_own(engine.clone(), Arc::clone(&book)));
            tokio::spawn(watch_others(engine.clone(), book, size));
        }),
        Err(error) => {
            eprintln!("{diary}: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Diary {
    pages: Mutex<Pages>,
    stills: Duration,
}

struct Pages {
    lines: BufWriter<File>,
    luma: BufWriter<File>,
    last_still: Option<Instant>,
}

impl Diary {
    fn open(path: &str, stills: Duration) -> std::io::Result<Arc<Self>> {
        let lines = BufWriter::new(File::create(path)?);
        let luma = BufWriter::new(File::create(format!("{path}.luma"))?);
        Ok(Arc::new(Self { pages: Mutex::new(Pages { lines, luma, last_still: None }), stills }))
    }

    fn write(&self, whose: &str, picture: &Frame) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        let code = read_time_code(picture).map_or_else(|| "-".to_owned(), |code| code.to_string());
        let Ok(mut pages) = self.pages.lock() else { return };
        let due = pages.last_still.is_none_or(|last| last.elapsed() >= self.stills);
        let still = whose != "own" && !self.stills.is_zero() && due;
        let mut kept = "";
        if still && pages.luma.write_all(picture.planes()[0]).is_ok() {
            pages.last_still = Some(Instant::now());
            kept = " still";
        }
        let line = format!("{whose} {at} {code} {} {}{kept}", picture.width(), picture.height());
        // Whoever reads it finds out what is missing.
        let _ = writeln!(pages.lines, "{line}").and_then(|()| pages.lines.flush());
    }

    /// Writes down every picture, until there will be none.
    async fn follow(&self, whose: &str, mut pictures: watch::Receiver<Picture>) {
        while pictures.changed().await.is_ok() {
            let picture = pictures.borrow_and_update().clone();
            if let Some(picture) = picture {
                self.write(whose, &picture);
            }
        }
    }
}

/// A person sees themselves during a video call.
async fn watch_own(engine: Engine, book: Arc<Diary>) {
    let mut view = engine.watch();
    let talks = |view: &watch::Ref<'_, Arc<peal_engine::api::PhoneView>>| {
        view.calls.iter().any(|call| call.state == CallState::Connected && call.my_video)
    };
    while view.changed().await.is_ok() {
        if talks(&view.borrow_and_update()) {
            if let Err(error) = engine.start_local_view(LocalViewParams::default()).await {
                eprintln!("the own picture can't be looked at: {error:?}");
            }
            return book.follow("own", engine.local_pictures()).await;
        }
    }
}

async fn watch_others(engine: Engine, book: Arc<Diary>, (width, height): (u32, u32)) {
    let mut view = engine.watch();
    let mut known = Vec::new();
    while view.changed().await.is_ok() {
        let shown: Vec<_> = {
            let view = view.borrow_and_update();
            let running = view.calls.iter().filter(|call| call.state == CallState::Connected);
            let members = running.flat_map(|call| call.members.iter().map(move |member| (call, member)));
            let there = members.filter(|(_, member)| member.state == MemberState::Joined);
            there.map(|(call, member)| (call.call_id.clone(), member.user_id.clone())).collect()
        };
        for who in shown {
            if known.contains(&who) {
                continue;
            }
            let (call_id, user_id) = who.clone();
            let (width, height) = (Some(width), Some(height));
            let params = StartRemoteViewParams { call_id, user_id, width, height, view: None };
            if engine.start_remote_view(params).await.is_err() {
                // They have just gone.
                continue;
            }
            let (book, pictures) = (Arc::clone(&book), engine.remote_pictures(&who.0, &who.1));
            let user = who.1.clone();
            known.push(who);
            tokio::spawn(async move { book.follow(&user, pictures).await });
        }
    }
}
