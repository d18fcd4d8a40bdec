//! Cameras through nokhwa, played by a library that is preloaded.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod source_support;

use std::time::{Duration, Instant};

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use peal_media::video::{Frame, Source, SourceChoice, SourceEvent, TouchUp, VideoError, cameras, pattern};
use source_support::{FORMAT, next, next_picture, nv12, opened, time_codes, with_cameras, yuyv};

const ONE: &str = "card HD Camera\nbus usb-1\n";

fn open(id: Option<&str>) -> Source {
    Source::open(SourceChoice::Camera { id: id.map(str::to_owned) }, FORMAT, TouchUp::default())
}

/// The failure that a source tells.
async fn failure(mut source: Source) -> VideoError {
    match opened(&mut source).await.0 {
        SourceEvent::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

/// How far two pictures are apart, as the mean difference of luma and of colours.
fn difference(one: &Frame, other: &Frame) -> (f64, f64) {
    let mean = |one: &[u8], other: &[u8]| {
        one.iter().zip(other).map(|(one, other)| f64::from(one.abs_diff(*other))).sum::<f64>() / one.len() as f64
    };
    let luma = one.planes()[0].len();
    (mean(one.planes()[0], other.planes()[0]), mean(&one.data()[luma..], &other.data()[luma..]))
}

/// JPEG of a frame, in the colours that it has in full range.
fn jpeg(frame: &Frame, with_tables: bool) -> Vec<u8> {
    let (width, [luma, blue, red]) = (frame.width() as usize, frame.planes());
    let mut pixels = Vec::with_capacity(luma.len() * 3);
    for (index, luma) in luma.iter().enumerate() {
        let at = index / width / 2 * (width / 2) + index % width / 2;
        let luma = (f32::from(*luma) - 16.0) * 255.0 / 219.0;
        let (blue, red) = ((f32::from(blue[at]) - 128.0) * 255.0 / 224.0, (f32::from(red[at]) - 128.0) * 255.0 / 224.0);
        let rgb = [luma + 1.402 * red, luma - 0.344_14 * blue - 0.714_14 * red, luma + 1.772 * blue];
        pixels.extend(rgb.map(|value| value.round() as u8));
    }
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.encode(&pixels, frame.width(), frame.height(), ExtendedColorType::Rgb8).unwrap();
    if with_tables { bytes } else { without_tables(&bytes) }
}

/// The JPEG without its Huffman tables, which are the usual ones.
fn without_tables(jpeg: &[u8]) -> Vec<u8> {
    let (mut bytes, mut at) = (jpeg[..2].to_vec(), 2);
    while jpeg[at + 1] != 0xDA {
        let length = 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] != 0xC4 {
            bytes.extend_from_slice(&jpeg[at..at + length]);
        }
        at += length;
    }
    assert!(at + jpeg[at..].len() > bytes.len());
    bytes.extend_from_slice(&jpeg[at..]);
    bytes
}

/// Looks at as many pictures as the camera has, and compares them with what was played.
async fn expect_the_pattern(source: &mut Source, worst: (f64, f64)) {
    let (first, _events) = opened(source).await;
    assert_eq!(first, SourceEvent::Opened { name: "HD Camera".to_owned(), width: 640, height: 360, frame_rate: 30 });
    let mut pictures = source.pictures();
    let mut seen = Vec::new();
    while !time_codes().all(|time_code| seen.contains(&time_code)) {
        let frame = next_picture(&mut pictures).await;
        assert_eq!((frame.width(), frame.height()), (640, 360));
        let time_code = pattern::read_time_code(&frame).expect("the time code is there");
        assert!(time_codes().any(|played| played == time_code));
        let played = pattern::picture(640, 360, time_code, Instant::now()).unwrap();
        let (luma, colour) = difference(&frame, &played);
        assert!(luma <= worst.0 && colour <= worst.1, "off by {luma} and {colour}");
        seen.push(time_code);
    }
}

#[test]
fn yuyv_is_shown_as_it_is() {
    with_cameras("yuyv_is_shown_as_it_is", async |cameras| {
        cameras.frames("YUYV", 640, 360, yuyv);
        cameras.plug(0, &format!("{ONE}format YUYV 640 360 30"));
        expect_the_pattern(&mut open(None), (0.0, 0.0)).await;
    });
}

#[test]
fn nv12_is_shown_as_it_is() {
    with_cameras("nv12_is_shown_as_it_is", async |cameras| {
        cameras.frames("NV12", 640, 360, nv12);
        cameras.plug(0, &format!("{ONE}format NV12 640 360 30"));
        expect_the_pattern(&mut open(None), (0.0, 0.0)).await;
    });
}

#[test]
fn mjpeg_is_unpacked() {
    with_cameras("mjpeg_is_unpacked", async |cameras| {
        cameras.frames("MJPG", 640, 360, |frame| jpeg(frame, true));
        cameras.plug(0, &format!("{ONE}format MJPG 640 360 30"));
        expect_the_pattern(&mut open(None), (1.6, 1.6)).await;
    });
}

#[test]
fn mjpeg_without_tables_is_unpacked() {
    with_cameras("mjpeg_without_tables_is_unpacked", async |cameras| {
        cameras.frames("MJPG", 640, 360, |frame| jpeg(frame, false));
        cameras.plug(0, &format!("{ONE}format MJPG 640 360 30"));
        expect_the_pattern(&mut open(None), (1.6, 1.6)).await;
    });
}

#[test]
fn damaged_frames_are_left_out() {
    with_cameras("damaged_frames_are_left_out", async |cameras| {
        cameras.frames("MJPG", 640, 360, |frame| {
            let whole = jpeg(frame, true);
            if pattern::read_time_code(frame) == time_codes().next() { whole[..300].to_vec() } else { whole }
        });
        cameras.plug(0, &format!("{ONE}format MJPG 640 360 30"));
        let mut source = open(None);
        let (first, _events) = opened(&mut source).await;
        assert!(matches!(first, SourceEvent::Opened { .. }), "{first:?}");
        let mut pictures = source.pictures();
        for _ in 0..10 {
            next_picture(&mut pictures).await;
        }
    });
}

#[test]
fn odd_sizes_and_other_shapes_become_the_size_that_is_wished_for() {
    with_cameras("odd_sizes_and_other_shapes_become_the_size_that_is_wished_for", async |cameras| {
        for (number, (width, height)) in
            [(800, 600), (350, 287), (176, 144), (1_280, 962), (362, 641)].into_iter().enumerate()
        {
            let number = number as u32;
            cameras.frames("YUYV", width, height, |frame| {
                // Of odd sizes the bytes are those of a frame that is one line shorter.
                let mut bytes = yuyv(frame);
                bytes.truncate((width.next_multiple_of(2) * 2 * height) as usize);
                bytes
            });
            cameras.plug(number, &format!("card Camera {number}\nbus usb-1\nformat YUYV {width} {height} 30"));
            let mut source = open(Some(&format!("Camera {number}@usb-1")));
            let (first, _events) = opened(&mut source).await;
            let (wide, high) = if width > height { (640, 360) } else { (360, 640) };
            let name = format!("Camera {number}");
            assert_eq!(first, SourceEvent::Opened { name, width: wide, height: high, frame_rate: 30 });
        }
    });
}

#[test]
fn the_best_format_is_chosen_and_a_strange_state_is_left() {
    with_cameras("the_best_format_is_chosen_and_a_strange_state_is_left", async |cameras| {
        cameras.frames("YUYV", 640, 360, yuyv);
        // Another program left the camera in a format that nokhwa does not know, and at 7.5 pictures in a second.
        let formats =
            "format YUYV 160 120 30\nformat YUYV 640 360 30\nformat YUYV 1280 720 10\nformat H264 1280 720 30";
        cameras.plug(0, &format!("{ONE}{formats}\nnow H264 1280 720 2 15"));
        expect_the_pattern(&mut open(None), (0.0, 0.0)).await;
    });
}

#[test]
fn the_light_is_off_at_once_when_the_source_is_dropped() {
    with_cameras("the_light_is_off_at_once_when_the_source_is_dropped", async |cameras| {
        cameras.frames("YUYV", 640, 360, yuyv);
        cameras.plug(0, &format!("{ONE}format YUYV 640 360 30"));
        let mut source = open(None);
        opened(&mut source).await;
        assert!(cameras.is_light_on(0));
        drop(source);
        let off = cameras.light(0, false).await;
        println!("the light was off after {off:?}");

        // Also while the camera gives nothing.
        let mut source = open(None);
        opened(&mut source).await;
        cameras.plug(0, &format!("{ONE}format YUYV 640 360 30\ninterval 0"));
        let mut pictures = source.pictures();
        // One frame may be on its way.
        while tokio::time::timeout(Duration::from_millis(300), pictures.changed()).await.is_ok() {}
        drop(source);
        let off = cameras.light(0, false).await;
        println!("the light of a camera that hangs was off after {off:?}");
        assert!(off < Duration::from_secs(3));
    });
}

#[test]
fn a_source_that_is_dropped_makes_room_for_the_next() {
    with_cameras("a_source_that_is_dropped_makes_room_for_the_next", async |cameras| {
        cameras.frames("YUYV", 640, 360, yuyv);
        cameras.plug(0, &format!("{ONE}format YUYV 640 360 30"));
        for _ in 0..5 {
            let mut source = open(None);
            let (first, _events) = opened(&mut source).await;
            assert!(matches!(first, SourceEvent::Opened { .. }), "{first:?}");
        }
        // A camera that is in use, on the other hand, is busy.
        let mut first = open(None);
        opened(&mut first).await;
        assert_eq!(failure(open(None)).await, VideoError::Busy);
    });
}

#[test]
fn what_is_wrong_is_said() {
    with_cameras("what_is_wrong_is_said", async |cameras| {
        assert_eq!(failure(open(None)).await, VideoError::NoCamera);
        assert_eq!(failure(open(Some("HD Camera@usb-1"))).await, VideoError::NoCamera);
        cameras.frames("YUYV", 640, 360, yuyv);
        // Another program has it: EBUSY once buffers are asked for.
        cameras.plug(0, &format!("{ONE}format YUYV 640 360 30\nstart 16"));
        assert_eq!(failure(open(None)).await, VideoError::Busy);
        assert_eq!(failure(open(Some("Other@usb-9"))).await, VideoError::UnknownDevice("Other@usb-9".to_owned()));
        // The system keeps it from us: EACCES.
        cameras.unplug(0);
        cameras.plug(1, &format!("{ONE}format YUYV 640 360 30\nopen 13"));
        assert_eq!(failure(open(None)).await, VideoError::Denied);
    });
}

#[test]
fn a_camera_that_is_unplugged_while_it_is_open_says_so() {
    with_cameras("a_camera_that_is_unplugged_while_it_is_open_says_so", async |cameras| {
        cameras.frames("YUYV", 640, 360, yuyv);
        cameras.plug(0, &format!("{ONE}format YUYV 640 360 30"));
        let mut source = open(None);
        let (_, mut events) = opened(&mut source).await;
        cameras.unplug(0);
        assert_eq!(next(&mut events).await, SourceEvent::Failed(VideoError::Unplugged));
        assert!(source.pictures().borrow().is_none(), "the last picture does not stay");
        // And it works when it is plugged in again.
        cameras.plug(0, &format!("{ONE}format YUYV 640 360 30"));
        expect_the_pattern(&mut open(None), (0.0, 0.0)).await;
    });
}

#[test]
fn slow_frames_in_the_dark_are_shown_as_they_come() {
    with_cameras("slow_frames_in_the_dark_are_shown_as_they_come", async |cameras| {
        cameras.frames("YUYV", 640, 360, yuyv);
        cameras.plug(0, &format!("{ONE}format YUYV 640 360 30"));
        let mut source = open(None);
        let (_, mut events) = opened(&mut source).await;
        cameras.plug(0, &format!("{ONE}format YUYV 640 360 30\ninterval 500"));
        let mut pictures = source.pictures();
        let start = Instant::now();
        for _ in 0..6 {
            let frame = next_picture(&mut pictures).await;
            assert!(frame.captured_at().elapsed() < Duration::from_secs(2));
        }
        assert!(start.elapsed() > Duration::from_millis(1_500), "it got dark");
        assert!(events.try_recv().is_err(), "nothing is wrong with it");
        // And light again.
        cameras.plug(0, &format!("{ONE}format YUYV 640 360 30"));
        for _ in 0..10 {
            next_picture(&mut pictures).await;
        }
    });
}

#[test]
fn cameras_come_and_go_in_the_list() {
    with_cameras("cameras_come_and_go_in_the_list", async |played| {
        assert!(cameras().is_empty());
        played.plug(0, "card Front\nbus usb-1\nformat YUYV 640 480 30");
        played.plug(1, "card Front\nbus usb-1\nmetadata");
        played.plug(10, "card Back\nbus usb-2\nformat MJPG 640 480 30");
        let names = || cameras().into_iter().map(|camera| (camera.id, camera.name)).collect::<Vec<_>>();
        let camera = |id: &str, name: &str| (id.to_owned(), name.to_owned());
        assert_eq!(names(), [camera("Front@usb-1", "Front"), camera("Back@usb-2", "Back")]);
        played.unplug(0);
        assert_eq!(names(), [camera("Back@usb-2", "Back")]);
        played.plug(4, "card Front\nbus usb-1\nformat YUYV 640 480 30");
        assert_eq!(names(), [camera("Front@usb-1", "Front"), camera("Back@usb-2", "Back")]);
        let start = Instant::now();
        for _ in 0..100 {
            cameras();
        }
        println!("a look at the list takes {:?}", start.elapsed() / 100);
    });
}
