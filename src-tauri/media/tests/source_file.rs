//! Video files and the test pattern as sources.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod source_support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use peal_media::video::{FileProblem, Format, Frame, Source, SourceChoice, SourceEvent, TouchUp, VideoError, pattern};
use source_support::{FORMAT, next, next_picture, opened, time_codes};

fn open(path: &Path, looped: bool) -> Source {
    Source::open(SourceChoice::File { path: path.to_owned(), looped }, FORMAT, TouchUp::default())
}

/// Writes the frames of the time codes as a Y4M file, with planes made of each frame's.
fn write(
    directory: &tempfile::TempDir,
    name: &str,
    header: &str,
    frames: impl Iterator<Item = u64>,
    bytes: impl Fn(&Frame) -> Vec<u8>,
) -> PathBuf {
    let mut file = format!("YUV4MPEG2 {header}\n").into_bytes();
    for time_code in frames {
        file.extend(b"FRAME\n");
        file.extend(bytes(&pattern::picture(640, 360, time_code, Instant::now()).unwrap()));
    }
    let path = directory.path().join(name);
    std::fs::write(&path, file).unwrap();
    path
}

/// Both colours with as many columns and rows as luma.
fn full_colours(frame: &Frame, across: usize, down: usize) -> Vec<u8> {
    let [luma, blue, red] = frame.planes();
    let mut bytes = luma.to_vec();
    for plane in [blue, red] {
        for line in plane.chunks(320) {
            let line: Vec<u8> = line.iter().flat_map(|colour| vec![*colour; across]).collect();
            (0..down).for_each(|_| bytes.extend(&line));
        }
    }
    bytes
}

async fn failure(path: &Path) -> FileProblem {
    let mut source = open(path, false);
    match opened(&mut source).await.0 {
        SourceEvent::Failed(VideoError::File { path: of, problem }) if of == path => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_subsampling_is_played_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let once = || time_codes().take(1);
    let first = pattern::picture(640, 360, once().next().unwrap(), Instant::now()).unwrap();
    let files = [
        write(&directory, "420.y4m", "W640 H360 F30:1 C420jpeg", once(), |frame| frame.data().to_vec()),
        write(&directory, "none.y4m", "W640 H360 F30:1 Ip A1:1", once(), |frame| frame.data().to_vec()),
        write(&directory, "422.y4m", "W640 H360 F30:1 C422", once(), |frame| full_colours(frame, 1, 2)),
        write(&directory, "444.y4m", "W640 H360 F30:1 C444", once(), |frame| full_colours(frame, 2, 2)),
    ];
    for path in files {
        let mut source = open(&path, true);
        let (event, _events) = opened(&mut source).await;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(event, SourceEvent::Opened { name, width: 640, height: 360, frame_rate: 30 });
        let frame = next_picture(&mut source.pictures()).await;
        assert_eq!(frame.data(), first.data(), "{path:?}");
    }
}

#[tokio::test]
async fn grey_and_full_range_become_what_calls_carry() {
    let directory = tempfile::tempdir().unwrap();
    let once = || time_codes().take(1);
    let grey = write(&directory, "grey.y4m", "W640 H360 F30:1 Cmono", once(), |frame| frame.planes()[0].to_vec());
    let frame = next_picture(&mut open(&grey, true).pictures()).await;
    assert!(frame.planes()[1].iter().chain(frame.planes()[2]).all(|colour| *colour == 128));
    let full = write(&directory, "full.y4m", "W640 H360 F30:1 XCOLORRANGE=FULL", once(), |frame| {
        let luma = frame.planes()[0].len();
        [vec![255; luma / 2], vec![0; luma / 2], vec![255; luma / 4], vec![0; luma / 4]].concat()
    });
    let frame = next_picture(&mut open(&full, true).pictures()).await;
    let [luma, blue, red] = frame.planes();
    assert_eq!([luma[0], luma[luma.len() - 1], blue[0], red[0]], [235, 16, 240, 16]);
}

#[tokio::test]
async fn a_file_is_played_at_its_own_pace_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    let all = (0..20).map(|index| 1_000 + index);
    let path = write(&directory, "slow.y4m", "W640 H360 F10:1", all, |frame| frame.data().to_vec());
    let start = Instant::now();
    let mut source = open(&path, false);
    let (event, mut events) = opened(&mut source).await;
    assert!(matches!(event, SourceEvent::Opened { frame_rate: 10, .. }), "{event:?}");
    let mut pictures = source.pictures();
    let mut last = 0;
    for _ in 0..5 {
        let time_code = pattern::read_time_code(&*next_picture(&mut pictures).await).unwrap();
        assert!(time_code > last, "in their order");
        last = time_code;
    }
    assert_eq!(next(&mut events).await, SourceEvent::Ended);
    assert!(start.elapsed() >= Duration::from_millis(1_850), "20 frames at 10 in a second took {:?}", start.elapsed());
    assert!(pictures.borrow().is_none());
    assert!(events.recv().await.is_none(), "nothing comes after the end");
}

#[tokio::test]
async fn a_fast_file_is_thinned_to_what_is_wished_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = write(&directory, "fast.y4m", "W640 H360 F60:1", 0..60, |frame| frame.data().to_vec());
    let format = Format { frame_rate: 20, ..FORMAT };
    let choice = SourceChoice::File { path, looped: false };
    let mut source = Source::open(choice, format, TouchUp::default());
    let (event, _events) = opened(&mut source).await;
    assert!(matches!(event, SourceEvent::Opened { frame_rate: 20, .. }), "{event:?}");
    let mut pictures = source.pictures();
    for _ in 0..8 {
        let time_code = pattern::read_time_code(&*next_picture(&mut pictures).await).unwrap();
        assert_eq!(time_code % 3, 0, "every third");
    }
}

#[tokio::test]
async fn a_looped_file_begins_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = write(&directory, "loop.y4m", "W640 H360 F30:1", 0..3, |frame| frame.data().to_vec());
    let mut source = open(&path, true);
    let (_, mut events) = opened(&mut source).await;
    let mut pictures = source.pictures();
    let (mut last, mut again) = (u64::MAX, 0);
    while again < 3 {
        let time_code = pattern::read_time_code(&*next_picture(&mut pictures).await).unwrap();
        again += u32::from(time_code <= last);
        last = time_code;
    }
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn odd_sizes_and_portraits_become_pictures_of_a_possible_size() {
    let directory = tempfile::tempdir().unwrap();
    for (width, height, expected) in
        [(641, 361, (640, 360)), (3, 3, (640, 360)), (361, 641, (360, 640)), (4_096, 2_304, (640, 360))]
    {
        let size = width * height + 2 * usize::div_ceil(width, 2) * usize::div_ceil(height, 2);
        let header = format!("W{width} H{height} F30:1");
        let path = write(&directory, "odd.y4m", &header, 0..1, |_| vec![90; size]);
        let frame = next_picture(&mut open(&path, true).pictures()).await;
        assert_eq!((frame.width(), frame.height()), expected);
        assert!(frame.data().iter().all(|byte| *byte == 90));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    assert_eq!(failure(&path).await, FileProblem::Io(std::io::ErrorKind::NotFound));
    let whole = write(&directory, "whole.y4m", "W640 H360 F30:1", 0..1, |frame| frame.data().to_vec());
    let whole = std::fs::read(whole).unwrap();
    for bytes in [
        &b""[..],
        b"RIFF",
        b"YUV4MPEG2 W640 H360 F30:1\n",
        b"YUV4MPEG2 W640 H360 F30:1\nFRAME\n",
        b"YUV4MPEG2 W640 H360 F30:1\nFRAMES\n",
        &b"Y".repeat(100_000),
        &whole[..whole.len() - 1],
    ] {
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(failure(&path).await, FileProblem::Format(_)));
    }
    // A file that is cut off in its second frame plays its first.
    let cut = [&whole[..], b"FRAME\n", &[0; 1_000]].concat();
    std::fs::write(&path, cut).unwrap();
    let mut source = open(&path, false);
    let (event, mut events) = opened(&mut source).await;
    assert!(matches!(event, SourceEvent::Opened { .. }));
    assert_eq!(next(&mut events).await, SourceEvent::Ended);
}

#[tokio::test]
async fn a_person_in_a_file_is_touched_up_while_it_runs() {
    let directory = tempfile::tempdir().unwrap();
    let skin = |_: &Frame| [vec![120; 640 * 360], vec![108; 320 * 180], vec![152; 320 * 180]].concat();
    let path = write(&directory, "skin.y4m", "W640 H360 F30:1", 0..2, skin);
    let source = open(&path, true);
    let mut pictures = source.pictures();
    assert_eq!(next_picture(&mut pictures).await.planes()[0][0], 120);
    source.set_touch_up(TouchUp { beauty: 0, whiteness: 9 });
    let start = Instant::now();
    while next_picture(&mut pictures).await.planes()[0][0] < 140 {
        assert!(start.elapsed() < source_support::PATIENCE);
    }
    source.set_touch_up(TouchUp::default());
    while next_picture(&mut pictures).await.planes()[0][0] != 120 {
        assert!(start.elapsed() < source_support::PATIENCE);
    }
}

#[tokio::test]
async fn the_pattern_shows_the_time_at_the_rate_that_is_wished_for() {
    let format = Format { width: 1_280, height: 720, frame_rate: 25 };
    let asked = Instant::now();
    let mut source = Source::open(SourceChoice::Pattern, format, TouchUp { beauty: 9, whiteness: 9 });
    let (event, _events) = opened(&mut source).await;
    println!("the first picture came after {:?}", asked.elapsed());
    let name = "Test pattern".to_owned();
    assert_eq!(event, SourceEvent::Opened { name, width: 1_280, height: 720, frame_rate: 25 });
    let mut pictures = source.pictures();
    let mut codes = Vec::new();
    for _ in 0..26 {
        let frame = next_picture(&mut pictures).await;
        codes.push(pattern::read_time_code(&frame).expect("it has the time"));
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(now - codes[25] < 10_000 && codes[25] <= now, "the clock's time");
    assert!(codes[25] - codes[0] >= 900, "25 pictures take a second");
}

#[tokio::test]
async fn impossible_wishes_become_possible_ones() {
    for (width, height, expected) in [(0, 0, (16, 16)), (641, 361, (640, 360)), (u32::MAX, u32::MAX, (1_920, 1_920))] {
        for frame_rate in [0, u32::MAX] {
            let format = Format { width, height, frame_rate };
            let source = Source::open(SourceChoice::Pattern, format, TouchUp::default());
            let frame = next_picture(&mut source.pictures()).await;
            assert_eq!((frame.width(), frame.height()), expected);
        }
    }
}

#[tokio::test]
async fn a_source_that_is_dropped_tells_that_it_is_over() {
    let mut source = Source::open(SourceChoice::Pattern, FORMAT, TouchUp::default());
    let (_, mut events) = opened(&mut source).await;
    let mut pictures = source.pictures();
    drop(source);
    assert_eq!(next(&mut events).await, SourceEvent::Ended);
    assert!(pictures.borrow_and_update().is_none(), "no picture stays");
    assert!(pictures.changed().await.is_err(), "and none comes");
}
