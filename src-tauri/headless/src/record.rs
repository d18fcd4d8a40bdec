//! What is to be seen of the others, written into a Y4M file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use peal_engine::api::{CallState, MemberState, PealError, PhoneView, StartRemoteViewParams};
use peal_engine::{Engine, Fit, Frame, Picture, Scaler};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// Pictures a second in the file.
const RATE: u32 = 30;
/// The name of this view among the others.
const VIEW: &str = "record";

/// Records in the background until the engine has stopped; then the file is whole.
///
/// # Errors
/// The file can't be made.
pub fn start(engine: Engine, path: &Path) -> io::Result<JoinHandle<()>> {
    let mut film = Film::new(BufWriter::new(File::create(path)?));
    Ok(tokio::spawn(async move {
        let mut view = engine.watch();
        loop {
            let seen = view.wait_for(|view| first_picture(view).is_some()).await.map(|view| first_picture(&view));
            let (call_id, user_id) = match seen {
                Ok(Some(who)) => who,
                Ok(None) => continue,
                Err(_) => return,
            };
            if look(&engine, &call_id, &user_id).await.is_err() {
                // They have just gone.
                if view.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let pictures = engine.remote_pictures(&call_id, &user_id);
            if let Err(error) = follow(&mut film, &mut view, pictures, (&call_id, &user_id)).await {
                return tracing::error!(%error, "the pictures can't be written any more");
            }
        }
    }))
}

async fn look(engine: &Engine, call_id: &str, user_id: &str) -> Result<(), PealError> {
    let (call_id, user_id, view) = (call_id.to_owned(), user_id.to_owned(), Some(VIEW.to_owned()));
    let params = StartRemoteViewParams { call_id, user_id, view, ..StartRemoteViewParams::default() };
    engine.start_remote_view(params).await
}

/// Writes the pictures of one person until they are gone.
async fn follow(
    film: &mut Film<impl Write>,
    view: &mut watch::Receiver<std::sync::Arc<PhoneView>>,
    pictures: watch::Receiver<Picture>,
    who: (&str, &str),
) -> io::Result<()> {
    let mut beat = tokio::time::interval(Duration::from_secs(1) / RATE);
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        tokio::select! {
            changed = view.changed() => {
                if changed.is_err() || !is_there(&view.borrow_and_update(), who) {
                    return film.flush();
                }
            }
            _ = beat.tick() => {
                let picture = pictures.borrow().clone();
                film.show(picture.as_deref())?;
            }
        }
    }
}

/// The first one who shows a picture: the call and the account.
fn first_picture(view: &PhoneView) -> Option<(String, String)> {
    let shows = view.calls.iter().filter(|call| call.state != CallState::Ended);
    let mut shows = shows.flat_map(|call| call.members.iter().map(move |member| (call, member)));
    let (call, member) = shows.find(|(_, member)| member.video && member.state != MemberState::Left)?;
    Some((call.call_id.clone(), member.user_id.clone()))
}

/// Whether that one still is in that call.
fn is_there(view: &PhoneView, (call_id, user_id): (&str, &str)) -> bool {
    let call = view.calls.iter().find(|call| call.call_id == call_id && call.state != CallState::Ended);
    call.is_some_and(|call| {
        call.members.iter().any(|member| member.user_id == user_id && member.state != MemberState::Left)
    })
}

/// A Y4M file in the making: all pictures have the size of the first one.
struct Film<W: Write> {
    to: W,
    size: Option<(u32, u32)>,
    scaler: Scaler,
}

impl<W: Write> Film<W> {
    fn new(to: W) -> Self {
        Self { to, size: None, scaler: Scaler::smooth() }
    }

    /// One more picture; none: black, once there was one.
    fn show(&mut self, picture: Option<&Frame>) -> io::Result<()> {
        let (width, height) = match (self.size, picture) {
            (Some(size), _) => size,
            (None, Some(first)) => {
                let (width, height) = (first.width(), first.height());
                writeln!(self.to, "YUV4MPEG2 W{width} H{height} F{RATE}:1 Ip A1:1 C420jpeg")?;
                *self.size.insert((width, height))
            }
            (None, None) => return Ok(()),
        };
        self.to.write_all(b"FRAME\n")?;
        match picture {
            Some(frame) if (frame.width(), frame.height()) == (width, height) => self.to.write_all(frame.data()),
            Some(frame) => {
                let scaled = self.scaler.scale(frame, width, height, Fit::Contain).map_err(io::Error::other)?;
                self.to.write_all(scaled.data())
            }
            None => {
                let black = Frame::black(width, height, Instant::now()).map_err(io::Error::other)?;
                self.to.write_all(black.data())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: u32, height: u32) -> Frame {
        let bytes = Frame::bytes(width, height).unwrap();
        Frame::new(width, height, vec![100; bytes], Instant::now()).unwrap()
    }

    #[test]
    fn a_film_keeps_the_size_of_its_first_picture() {
        let mut film = Film::new(Vec::new());
        film.show(None).unwrap();
        assert!(film.to.is_empty(), "nothing before the first picture");
        film.show(Some(&grey(32, 16))).unwrap();
        film.show(Some(&grey(64, 32))).unwrap();
        film.show(None).unwrap();
        let header = b"YUV4MPEG2 W32 H16 F30:1 Ip A1:1 C420jpeg\n";
        assert!(film.to.starts_with(header));
        let frames: Vec<_> = film.to[header.len()..].chunks(b"FRAME\n".len() + 32 * 16 * 3 / 2).collect();
        assert_eq!(frames.len(), 3);
        assert!(frames.iter().all(|frame| frame.starts_with(b"FRAME\n")));
        assert!(frames[1][6..].iter().all(|sample| sample.abs_diff(100) <= 1));
        assert!(frames[2][6..6 + 32 * 16].iter().all(|sample| *sample == 16));
    }
}
