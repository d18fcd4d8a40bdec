//! What tests of sources share: patience, and cameras that are played (see v4l2.c).
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its own part; a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use peal_media::video::{Format, Frame, Picture, Source, SourceEvent, pattern};
use tokio::sync::{mpsc, watch};

/// Far more than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The wish of most tests.
pub const FORMAT: Format = Format { width: 640, height: 360, frame_rate: 30 };

/// Cameras that are played to this very process.
pub struct Cameras {
    directory: PathBuf,
}

/// Runs a test in a process of its own, to which the cameras of the directory are played. The name is that of the test.
pub fn with_cameras(name: &str, test: impl AsyncFnOnce(Cameras)) {
    if let Some(directory) = std::env::var_os("PEAL_V4L2") {
        return here(test(Cameras { directory: directory.into() }));
    }
    let directory = tempfile::tempdir().unwrap();
    let library = directory.path().join("v4l2.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/source_support/v4l2.c");
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").arg("-lpthread");
    assert!(compile.status().unwrap().success(), "the played camera compiles");
    let dev = directory.path().join("dev");
    fs::create_dir(&dev).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.env("LD_PRELOAD", &library).env("PEAL_V4L2", &dev);
    apart(name, &mut child, String::new);
}

/// Runs a test of this file once more, in a process of its own that is prepared for it. Where it fails, `more` is said too.
pub fn apart(name: &str, child: &mut Command, more: impl FnOnce() -> String) {
    let output = child.args(["--exact", name, "--nocapture", "--test-threads", "1"]).output().unwrap();
    let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && words.contains("1 passed"), "{words}\n{}", more());
    print!("{words}");
}

/// What [`apart`] has prepared a process for.
pub fn here(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(test);
}

impl Cameras {
    /// Plugs a camera in, or changes what it does.
    pub fn plug(&self, number: u32, description: &str) {
        // Whoever reads it sees the whole of it.
        let new = self.directory.join("new");
        fs::write(&new, description).unwrap();
        fs::rename(new, self.directory.join(format!("video{number}"))).unwrap();
    }

    /// Pulls a camera out.
    pub fn unplug(&self, number: u32) {
        fs::remove_file(self.directory.join(format!("video{number}"))).unwrap();
    }

    /// Whether the light beside the camera is on.
    pub fn is_light_on(&self, number: u32) -> bool {
        self.directory.join(format!("light{number}")).exists()
    }

    /// Waits until the light is on, or off.
    pub async fn light(&self, number: u32, on: bool) -> Duration {
        let start = Instant::now();
        while self.is_light_on(number) != on {
            assert!(start.elapsed() < PATIENCE, "the light stays {}", if on { "off" } else { "on" });
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        start.elapsed()
    }

    /// What a camera sends in a format: each picture made into bytes.
    pub fn frames(&self, code: &str, width: u32, height: u32, bytes: impl Fn(&Frame) -> Vec<u8>) {
        for (index, time_code) in time_codes().enumerate() {
            let (even_width, even_height) = (width.next_multiple_of(2), height.next_multiple_of(2));
            let frame = pattern::picture(even_width, even_height, time_code, Instant::now()).unwrap();
            let path = self.directory.join(format!("{code}-{width}x{height}-{index}"));
            fs::write(path, bytes(&frame)).unwrap();
        }
    }
}

/// The time codes of the frames that are played, round and round.
pub fn time_codes() -> impl Iterator<Item = u64> {
    (0..5).map(|index| 1_790_000_000_000 + index * 333)
}

/// YUYV of a frame.
pub fn yuyv(frame: &Frame) -> Vec<u8> {
    let (width, [luma, blue, red]) = (frame.width() as usize, frame.planes());
    let mut bytes = Vec::with_capacity(luma.len() * 2);
    for (index, pair) in luma.chunks_exact(2).enumerate() {
        let (row, column) = (index / (width / 2), index % (width / 2));
        let colour = row / 2 * (width / 2) + column;
        bytes.extend([pair[0], blue[colour], pair[1], red[colour]]);
    }
    bytes
}

/// NV12 of a frame.
pub fn nv12(frame: &Frame) -> Vec<u8> {
    let [luma, blue, red] = frame.planes();
    luma.iter().copied().chain(blue.iter().zip(red).flat_map(|(blue, red)| [*blue, *red])).collect()
}

/// The next thing that happens.
pub async fn next(events: &mut mpsc::UnboundedReceiver<SourceEvent>) -> SourceEvent {
    tokio::time::timeout(PATIENCE, events.recv())
        .await
        .expect("something happens")
        .expect("the source tells how it ends")
}

/// The next new picture.
pub async fn next_picture(pictures: &mut watch::Receiver<Picture>) -> std::sync::Arc<Frame> {
    tokio::time::timeout(PATIENCE, async {
        loop {
            pictures.changed().await.expect("the source lives");
            if let Some(frame) = pictures.borrow_and_update().clone() {
                return frame;
            }
        }
    })
    .await
    .expect("a picture comes")
}

/// Opens a source and waits for its first picture.
pub async fn opened(source: &mut Source) -> (SourceEvent, mpsc::UnboundedReceiver<SourceEvent>) {
    let mut events = source.events();
    (next(&mut events).await, events)
}

/// Eight bits each of red, green and blue.
pub const RED: u32 = 0xFF_00_00;
/// Likewise.
pub const GREEN: u32 = 0x00_FF_00;
/// Likewise.
pub const BLUE: u32 = 0x00_00_FF;
/// Likewise.
pub const WHITE: u32 = 0xFF_FF_FF;

/// Luma, blue and red of a place.
pub fn pixel(frame: &Frame, x: u32, y: u32) -> [u8; 3] {
    let at = |plane: &[u8], shift: u32| plane[((y >> shift) * (frame.width() >> shift) + (x >> shift)) as usize];
    let [luma, blue, red] = frame.planes();
    [at(luma, 0), at(blue, 1), at(red, 1)]
}

/// Whether a place has this colour, as BT.601 has it in limited range.
pub fn is(frame: &Frame, x: u32, y: u32, colour: u32) -> bool {
    let expected = match colour {
        RED => [82, 90, 240],
        GREEN => [145, 54, 34],
        BLUE => [41, 240, 110],
        WHITE => [235, 128, 128],
        _ => [16, 128, 128],
    };
    pixel(frame, x, y).iter().zip(expected).all(|(is, expected)| is.abs_diff(expected) <= 2)
}
