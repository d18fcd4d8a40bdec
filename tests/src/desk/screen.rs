//! The screen as it is seen: Xvfb keeps its pixels in a file, so that they can be read at any moment, and at once.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

/// Between two looks at the screen: a quarter of a frame.
const GLANCE: Duration = Duration::from_millis(4);

/// The pixels of a screen of 24 bits in 32.
#[derive(Debug, Clone)]
pub struct Screen {
    file: Arc<File>,
    /// Where the first pixel lies, and how far the next line is from it, bytes.
    start: u64,
    line: u64,
}

/// A part of the screen, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// From the screen's left edge.
    pub x: u32,
    /// From the screen's top.
    pub y: u32,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// What an area looked like.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    /// Blue, green, red and one byte of nothing for each pixel.
    bytes: Vec<u8>,
}

impl Screen {
    /// Opens the file of Xvfb's first screen in the directory that it was given by `-fbdir`. It begins with the header of
    /// an X window dump (`XWDFile.h`): big-endian words, then the colour map with 12 bytes for each entry.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let file = File::open(directory.join("Xvfb_screen0"))?;
        let mut header = [0; 80];
        file.read_exact_at(&mut header, 0)?;
        let word = |at: usize| {
            u32::from_be_bytes([header[at * 4], header[at * 4 + 1], header[at * 4 + 2], header[at * 4 + 3]])
        };
        let (size, bits, line, colours) = (word(0), word(11), word(12), word(19));
        if bits != 32 {
            return Err(io::Error::other(format!("{bits} bits for each pixel are not read here")));
        }
        Ok(Self { file: Arc::new(file), start: u64::from(size) + u64::from(colours) * 12, line: u64::from(line) })
    }

    /// What an area looks like now.
    pub fn look(&self, area: Area) -> io::Result<Picture> {
        let length = area.width as usize * 4;
        let mut bytes = vec![0; length * area.height as usize];
        for (row, part) in bytes.chunks_exact_mut(length).enumerate() {
            let at = self.start + (u64::from(area.y) + row as u64) * self.line + u64::from(area.x) * 4;
            self.file.read_exact_at(part, at)?;
        }
        Ok(Picture { width: area.width, bytes })
    }

    /// Watches an area from now on, until [`Watching::done`].
    pub fn watch(&self, area: Area) -> Watching {
        let (screen, stop) = (self.clone(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen: Vec<(SystemTime, Picture)> = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let now = SystemTime::now();
                let picture = screen.look(area)?;
                if seen.last().is_none_or(|(_, last)| *last != picture) {
                    seen.push((now, picture));
                }
                std::thread::sleep(GLANCE);
            }
            Ok(seen)
        });
        Watching { stop, thread: Some(thread) }
    }
}

impl Picture {
    /// Red, green and blue of one pixel.
    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y as usize * self.width as usize + x as usize) * 4;
        [self.bytes[at + 2], self.bytes[at + 1], self.bytes[at]]
    }

    /// True if all of it has one colour.
    pub fn is_blank(&self) -> bool {
        self.bytes.chunks_exact(4).all(|it| it[..3] == self.bytes[..3])
    }

    /// A part of it.
    #[must_use]
    pub fn part(&self, area: Area) -> Self {
        let (line, from, length) = (self.width as usize * 4, area.x as usize * 4, area.width as usize * 4);
        let rows = self.bytes.chunks_exact(line).skip(area.y as usize).take(area.height as usize);
        Self { width: area.width, bytes: rows.flat_map(|row| &row[from..from + length]).copied().collect() }
    }

    /// Writes it as a portable pixmap.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let height = self.bytes.len() / 4 / self.width as usize;
        let mut file = format!("P6\n{} {height}\n255\n", self.width).into_bytes();
        file.extend(self.bytes.chunks_exact(4).flat_map(|it| [it[2], it[1], it[0]]));
        std::fs::write(path, file)
    }
}

/// What was seen, and when.
type Pictures = Vec<(SystemTime, Picture)>;

/// Somebody who watches. They stop when dropped.
pub struct Watching {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<Pictures>>>,
}

impl Watching {
    /// Stops, and answers everything that was seen, each time that it changed.
    pub fn done(mut self) -> Vec<(SystemTime, Picture)> {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.thread.take().and_then(|thread| thread.join().ok());
        match seen {
            Some(Ok(seen)) => seen,
            Some(Err(error)) => panic!("the screen can't be read: {error}"),
            None => panic!("whoever watched the screen has panicked"),
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
