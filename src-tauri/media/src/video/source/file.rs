//! A video file as a source: Y4M (YUV4MPEG2), as ffmpeg and mjpegtools write it, with 8 bits and any subsampling.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::worker::{Beat, Control, Next, Opened, Reel};
use super::{FileProblem, Format, VideoError};
use crate::video::convert::{Fit, Planar, Scaler, Subsampling};

/// No header and no line between frames is longer.
const LONGEST_LINE: u64 = 1_024;
/// The largest side, in pixels.
const LARGEST: usize = 8_192;

/// A file that is open.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    reader: BufReader<std::fs::File>,
    header: Header,
    /// Where the first frame begins, in bytes.
    start: u64,
    looped: bool,
    format: Format,
    beat: Beat,
    /// How many frames were read.
    read: u64,
    buffer: Vec<u8>,
    planar: Planar,
    scaler: Scaler,
}

/// What the first line of a Y4M file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    width: usize,
    height: usize,
    /// Frames in a second, as a fraction.
    rate: (u32, u32),
    subsampling: Subsampling,
    full_range: bool,
}

impl File {
    pub(super) fn open(path: &Path, looped: bool, format: Format) -> Result<Self, VideoError> {
        let open = || -> Result<_, FileProblem> {
            let file = std::fs::File::open(path).map_err(|error| FileProblem::Io(error.kind()))?;
            let mut reader = BufReader::with_capacity(1 << 16, file);
            let line = line(&mut reader)?.ok_or(FileProblem::Format("it is empty"))?;
            let header = Header::parse(&line)?;
            Ok((reader, header, line.len() as u64 + 1))
        };
        let (reader, header, start) = open().map_err(|problem| VideoError::File { path: path.to_owned(), problem })?;
        let beat = Beat::new(header.rate.0, header.rate.1);
        let buffer = vec![0; header.bytes()];
        let (planar, scaler) = (Planar::default(), Scaler::smooth());
        let path = path.to_owned();
        Ok(Self { path, reader, header, start, looped, format, beat, read: 0, buffer, planar, scaler })
    }

    /// Reads the next frame into the buffer; false at the end.
    fn read(&mut self) -> Result<bool, FileProblem> {
        let Some(line) = line(&mut self.reader)? else {
            return Ok(false);
        };
        if line != b"FRAME" && !line.starts_with(b"FRAME ") {
            return Err(FileProblem::Format("a frame is missing where one should be"));
        }
        match self.reader.read_exact(&mut self.buffer) {
            Ok(()) => Ok(true),
            // A file that is cut off ends with its last whole frame.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(FileProblem::Io(error.kind())),
        }
    }

    fn next_frame(&mut self) -> Result<bool, FileProblem> {
        if self.read()? {
            self.read += 1;
            return Ok(true);
        }
        if self.read == 0 {
            return Err(FileProblem::Format("there is no frame in it"));
        }
        if !self.looped {
            return Ok(false);
        }
        self.reader.seek(SeekFrom::Start(self.start)).map_err(|error| FileProblem::Io(error.kind()))?;
        if !self.read()? {
            return Err(FileProblem::Format("its frames are gone"));
        }
        self.read += 1;
        Ok(true)
    }

    /// Whether the frame that was read last is shown, at the rate that is wished for.
    fn is_wanted(&self) -> bool {
        let shown = |frames: u64| {
            let wished = u128::from(self.format.frame_rate) * u128::from(self.header.rate.1);
            (u128::from(frames) * wished).div_ceil(u128::from(self.header.rate.0))
        };
        let faster = u64::from(self.header.rate.0) > u64::from(self.format.frame_rate) * u64::from(self.header.rate.1);
        !faster || shown(self.read) > shown(self.read - 1)
    }
}

impl Reel for File {
    fn opened(&self) -> Opened {
        let rate = self.header.rate.0.div_ceil(self.header.rate.1).min(self.format.frame_rate);
        let name = self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Opened { name, frame_rate: rate }
    }

    fn next(&mut self, control: &Control) -> Result<Next, VideoError> {
        let failed = |path: &Path, problem| VideoError::File { path: path.to_owned(), problem };
        if !self.next_frame().map_err(|problem| failed(&self.path, problem))? {
            return Ok(Next::End);
        }
        if !self.beat.wait(control) || !self.is_wanted() {
            return Ok(Next::Nothing);
        }
        let now = Instant::now();
        let Header { width, height, subsampling, full_range, .. } = self.header;
        let filled = self.planar.set_planes(&self.buffer, width, height, subsampling, full_range);
        let (width, height) = self.planar.turned(self.format.width, self.format.height);
        match filled.and_then(|()| self.scaler.planar(&self.planar, width, height, Fit::Cover, now)) {
            Ok(frame) => Ok(Next::Picture(frame)),
            Err(_) => Err(failed(&self.path, FileProblem::Format("its pictures have no size"))),
        }
    }
}

impl Header {
    fn parse(line: &[u8]) -> Result<Self, FileProblem> {
        let line = std::str::from_utf8(line).map_err(|_| FileProblem::Format("it does not begin as one"))?;
        let mut words = line.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(FileProblem::Format("it does not begin as one"));
        }
        let (mut width, mut height) = (0, 0);
        let mut header = Self { width, height, rate: (30, 1), subsampling: Subsampling::Both, full_range: false };
        for word in words.filter(|word| !word.is_empty()) {
            let (tag, value) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
            match tag {
                "W" => width = value.parse().unwrap_or(0),
                "H" => height = value.parse().unwrap_or(0),
                "F" => {
                    let rate = value.split_once(':').and_then(|(n, d)| Some((n.parse().ok()?, d.parse().ok()?)));
                    // Nothing between one frame in ten seconds and 1000 in one is a rate; 0:0 means unknown.
                    header.rate = match rate {
                        Some((n, d)) if d > 0 && u64::from(n) * 10 >= u64::from(d) && n / d <= 1_000 => (n, d),
                        Some((0, _)) => (30, 1),
                        _ => return Err(FileProblem::Format("its frame rate is none")),
                    };
                }
                "C" => {
                    header.subsampling = match value {
                        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Subsampling::Both,
                        "422" => Subsampling::Across,
                        "444" => Subsampling::None,
                        "mono" => Subsampling::Grey,
                        _ => return Err(FileProblem::Format("its colours are not of 8 bits, 4:2:0, 4:2:2 or 4:4:4")),
                    };
                }
                "X" => header.full_range |= value == "COLORRANGE=FULL",
                // Interlacing is played as it is, and a pixel counts as square.
                _ => {}
            }
        }
        if !(2..=LARGEST).contains(&width) || !(2..=LARGEST).contains(&height) {
            return Err(FileProblem::Format("its pictures have no size"));
        }
        Ok(Self { width, height, ..header })
    }

    /// The size of a frame.
    fn bytes(&self) -> usize {
        self.subsampling.bytes(self.width, self.height)
    }
}

/// Reads a line without its end; none at the end of the file.
fn line(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>, FileProblem> {
    let mut line = Vec::new();
    reader.take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(|error| FileProblem::Io(error.kind()))?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(FileProblem::Format("it does not begin as one"));
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read() {
        let header = Header::parse(b"YUV4MPEG2 W641 H361 F30000:1001 Ip A1:1 C422 XCOLORRANGE=FULL").unwrap();
        assert_eq!((header.width, header.height, header.rate), (641, 361, (30_000, 1_001)));
        assert_eq!((header.subsampling, header.full_range), (Subsampling::Across, true));
        assert_eq!(header.bytes(), 641 * 361 + 2 * 321 * 361);
    }

    #[test]
    fn a_header_without_sense_is_refused() {
        for line in [
            "",
            "RIFF",
            "YUV4MPEG2",
            "YUV4MPEG2 W640",
            "YUV4MPEG2 W640 H-3",
            "YUV4MPEG2 W640 H99999999999999999999",
            "YUV4MPEG2 W9000 H9000",
            "YUV4MPEG2 W64 H64 F1:0",
            "YUV4MPEG2 W64 H64 F4000000000:1",
            "YUV4MPEG2 W64 H64 F1:4000000000",
            "YUV4MPEG2 W64 H64 Fx",
            "YUV4MPEG2 W64 H64 C420p10",
            "YUV4MPEG2 W64 H64 Ж",
        ] {
            let parsed = Header::parse(line.as_bytes());
            assert_eq!(parsed.is_err(), !line.ends_with('Ж'), "{line}");
        }
    }
}
