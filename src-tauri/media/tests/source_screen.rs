//! Screens and windows of a real X server, which is started for each test.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod source_support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use peal_media::video::{Frame, Source, SourceChoice, SourceEvent, TouchUp, VideoError, pattern, screens, windows};
use source_support::{BLUE, FORMAT, RED, WHITE, apart, here, is, next, next_picture, opened, pixel};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConfigureWindowAux, ConnectionExt as _, CreateGCAux, CreateWindowAux,
    ImageFormat, PropMode, StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// An X server that goes with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a test in a process of its own on a display of this size. The name is that of the test.
fn on_display(name: &str, size: &str, test: impl AsyncFnOnce(Desk)) {
    if std::env::var_os("PEAL_TEST_DISPLAY").is_some() {
        return here(test(Desk::connect()));
    }
    let mut server = Command::new("Xvfb");
    server.args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-screen", "0", size]);
    let mut server = Server(server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Xvfb is installed"));
    let mut display = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut display).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.env_remove("WAYLAND_DISPLAY").env("DISPLAY", format!(":{}", display.trim())).env("PEAL_TEST_DISPLAY", "1");
    apart(name, &mut child, String::new);
}

/// What a person does on the display.
struct Desk {
    connection: RustConnection,
    root: Window,
}

impl Desk {
    fn connect() -> Self {
        let (connection, screen) = x11rb::connect(None).unwrap();
        let root = connection.setup().roots[screen].root;
        Self { connection, root }
    }

    /// A window without a frame.
    fn window(&self, name: &str, place: (i16, i16), size: (u16, u16), colour: u32) -> Window {
        let window = self.connection.generate_id().unwrap();
        let aux = CreateWindowAux::new().background_pixel(colour);
        let (class, depth, visual) =
            (WindowClass::INPUT_OUTPUT, x11rb::COPY_DEPTH_FROM_PARENT, x11rb::COPY_FROM_PARENT);
        let created = self
            .connection
            .create_window(depth, window, self.root, place.0, place.1, size.0, size.1, 0, class, visual, &aux);
        created.unwrap().check().unwrap();
        let (key, kind) = (AtomEnum::WM_NAME, AtomEnum::STRING);
        self.connection.change_property8(PropMode::REPLACE, window, key, kind, name.as_bytes()).unwrap();
        self.connection.map_window(window).unwrap().check().unwrap();
        self.connection.sync().unwrap();
        window
    }

    fn colour(&self, window: Window, colour: u32) {
        let aux = ChangeWindowAttributesAux::new().background_pixel(colour);
        self.connection.change_window_attributes(window, &aux).unwrap();
        self.connection.clear_area(false, window, 0, 0, 0, 0).unwrap().check().unwrap();
    }

    fn configure(&self, window: Window, aux: &ConfigureWindowAux) {
        self.connection.configure_window(window, aux).unwrap().check().unwrap();
    }

    /// Draws a picture into a window.
    fn draw(&self, window: Window, frame: &Frame) {
        let gc = self.connection.generate_id().unwrap();
        self.connection.create_gc(gc, window, &CreateGCAux::new()).unwrap();
        let (width, [luma, ..]) = (frame.width() as usize, frame.planes());
        // In grey, as light as it is.
        let lines = luma.chunks(width).flat_map(|line| line.iter().flat_map(|luma| [*luma, *luma, *luma, 0]));
        let bytes: Vec<u8> = lines.collect();
        let size = (frame.width() as u16, frame.height() as u16);
        let put = self.connection.put_image(ImageFormat::Z_PIXMAP, window, gc, size.0, size.1, 0, 0, 0, 24, &bytes);
        put.unwrap().check().unwrap();
    }

    /// Puts the pointer where it is in nobody's way.
    fn hide_pointer(&self, at: (i16, i16)) {
        self.connection.warp_pointer(x11rb::NONE, self.root, 0, 0, 0, 0, at.0, at.1).unwrap().check().unwrap();
    }
}

/// The next picture in which this is so.
async fn picture_where(source: &Source, so: impl Fn(&Frame) -> bool) -> Arc<Frame> {
    let mut pictures = source.pictures();
    if let Some(frame) = pictures.borrow_and_update().clone().filter(|frame| so(frame)) {
        return frame;
    }
    let start = Instant::now();
    loop {
        let frame = next_picture(&mut pictures).await;
        if so(&frame) {
            return frame;
        }
        assert!(start.elapsed() < source_support::PATIENCE, "it never comes to be so");
    }
}

fn show_window(window: Window) -> Source {
    Source::open(SourceChoice::Window { id: window.to_string() }, FORMAT, TouchUp::default())
}

#[test]
fn a_screen_is_shown_in_its_colours() {
    on_display("a_screen_is_shown_in_its_colours", "1280x800x24", async |desk| {
        desk.hide_pointer((1_279, 799));
        let window = desk.window("Red", (100, 50), (400, 300), RED);
        let all = screens();
        assert_eq!(all.len(), 1);
        let choice = SourceChoice::Screen { id: all[0].id.clone() };
        // Touching up is for people.
        let mut source = Source::open(choice, FORMAT, TouchUp { beauty: 9, whiteness: 9 });
        let name = all[0].name.clone();
        let (first, _events) = opened(&mut source).await;
        assert_eq!(first, SourceEvent::Opened { name, width: 1_280, height: 800, frame_rate: 30 });
        let frame = picture_where(&source, |frame| is(frame, 300, 200, RED)).await;
        assert!(is(&frame, 50, 200, 0) && is(&frame, 101, 51, RED) && is(&frame, 600, 200, 0));
        desk.colour(window, BLUE);
        let asked = Instant::now();
        picture_where(&source, |frame| is(frame, 300, 200, BLUE)).await;
        println!("a change was seen after {:?}", asked.elapsed());
    });
}

#[test]
fn a_large_screen_is_made_smaller() {
    on_display("a_large_screen_is_made_smaller", "2560x1600x24", async |desk| {
        desk.window("White", (0, 0), (1_280, 1_600), WHITE);
        let mut source = Source::open(SourceChoice::Screen { id: screens()[0].id.clone() }, FORMAT, TouchUp::default());
        let (first, _events) = opened(&mut source).await;
        assert!(matches!(first, SourceEvent::Opened { width: 1_728, height: 1_080, .. }), "{first:?}");
        let frame = picture_where(&source, |frame| is(frame, 800, 500, WHITE)).await;
        assert!(is(&frame, 900, 500, 0), "the right half is black");
    });
}

#[test]
fn a_window_is_shown_without_what_covers_it() {
    on_display("a_window_is_shown_without_what_covers_it", "1280x800x24", async |desk| {
        desk.hide_pointer((1_279, 799));
        let window = desk.window("Slides", (100, 100), (400, 300), RED);
        desk.window("Secret", (150, 150), (600, 500), WHITE);
        let listed: Vec<_> = windows().into_iter().map(|window| window.name).collect();
        assert_eq!(listed, ["Slides", "Secret"]);
        let mut source = show_window(window);
        let (first, mut events) = opened(&mut source).await;
        let name = "Slides".to_owned();
        assert_eq!(first, SourceEvent::Opened { name, width: 400, height: 300, frame_rate: 30 });
        // What was under the other window is drawn once the window has memory of its own.
        desk.colour(window, RED);
        picture_where(&source, |frame| is(frame, 10, 10, RED) && is(frame, 390, 290, RED)).await;
        desk.colour(window, BLUE);
        picture_where(&source, |frame| is(frame, 390, 290, BLUE)).await;
        // Made larger, to an odd size: the picture gets larger.
        desk.configure(window, &ConfigureWindowAux::new().width(501).height(333));
        desk.colour(window, BLUE);
        picture_where(&source, |frame| (frame.width(), frame.height()) == (500, 332) && is(frame, 498, 330, BLUE))
            .await;
        // Out of sight it stays as it was; in sight again it goes on.
        desk.connection.unmap_window(window).unwrap().check().unwrap();
        assert!(windows().iter().all(|device| device.name != "Slides"));
        desk.connection.map_window(window).unwrap().check().unwrap();
        desk.configure(window, &ConfigureWindowAux::new().stack_mode(StackMode::ABOVE));
        desk.colour(window, RED);
        picture_where(&source, |frame| is(frame, 250, 150, RED)).await;
        assert!(events.try_recv().is_err());
        desk.connection.destroy_window(window).unwrap().check().unwrap();
        assert_eq!(next(&mut events).await, SourceEvent::Failed(VideoError::WindowClosed));
        assert!(source.pictures().borrow().is_none());
    });
}

#[test]
fn what_is_drawn_can_be_read_back() {
    on_display("what_is_drawn_can_be_read_back", "1280x800x24", async |desk| {
        desk.hide_pointer((1_279, 799));
        let window = desk.window("Pattern", (3, 5), (640, 360), 0);
        let source = show_window(window);
        for time_code in [5, 1_790_000_000_000, 1_790_000_000_033] {
            // The server may have given the window new memory meanwhile, so it is drawn until it is seen.
            let mut pictures = source.pictures();
            let start = Instant::now();
            loop {
                desk.draw(window, &pattern::picture(640, 360, time_code, Instant::now()).unwrap());
                if pattern::read_time_code(&*next_picture(&mut pictures).await) == Some(time_code) {
                    break;
                }
                assert!(start.elapsed() < source_support::PATIENCE);
            }
        }
    });
}

#[test]
fn the_pointer_is_in_the_picture() {
    on_display("the_pointer_is_in_the_picture", "640x400x24", async |desk| {
        let window = desk.window("Blue", (0, 0), (640, 400), BLUE);
        let cursor = desk.connection.generate_id().unwrap();
        let font = desk.connection.generate_id().unwrap();
        desk.connection.open_font(font, b"cursor").unwrap().check().unwrap();
        // The thick cross of the cursor font, in white.
        let (all, none) = (u16::MAX, 0);
        let made = desk.connection.create_glyph_cursor(cursor, font, font, 34, 35, all, all, all, none, none, none);
        made.unwrap().check().unwrap();
        desk.connection.change_window_attributes(window, &ChangeWindowAttributesAux::new().cursor(cursor)).unwrap();
        desk.hide_pointer((200, 100));
        let source = Source::open(SourceChoice::Screen { id: screens()[0].id.clone() }, FORMAT, TouchUp::default());
        let bright = |frame: &Frame, x: u32, y: u32| {
            (x - 8..x + 8).flat_map(|x| (y - 8..y + 8).map(move |y| (x, y))).any(|(x, y)| pixel(frame, x, y)[0] > 150)
        };
        picture_where(&source, |frame| bright(frame, 200, 100)).await;
        desk.hide_pointer((400, 300));
        picture_where(&source, |frame| bright(frame, 400, 300) && !bright(frame, 200, 100)).await;
    });
}

#[test]
fn a_screen_that_stays_the_same_is_seldom_shown() {
    on_display("a_screen_that_stays_the_same_is_seldom_shown", "1280x800x24", async |desk| {
        desk.hide_pointer((1_279, 799));
        let mut source = Source::open(SourceChoice::Screen { id: screens()[0].id.clone() }, FORMAT, TouchUp::default());
        let (_, _events) = opened(&mut source).await;
        let mut pictures = source.pictures();
        let (start, mut count) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_secs(3) {
            next_picture(&mut pictures).await;
            count += 1;
        }
        // Once in a second for whoever joins late.
        assert!((2..=5).contains(&count), "{count} pictures in 3 s");
    });
}

#[test]
fn what_is_not_there_is_said() {
    on_display("what_is_not_there_is_said", "640x400x24", async |_desk| {
        for choice in [
            SourceChoice::Screen { id: "none".to_owned() },
            SourceChoice::Window { id: "none".to_owned() },
            SourceChoice::Window { id: "4294967".to_owned() },
        ] {
            let mut source = Source::open(choice.clone(), FORMAT, TouchUp::default());
            let (first, _events) = opened(&mut source).await;
            assert!(matches!(first, SourceEvent::Failed(VideoError::UnknownDevice(_))), "{choice:?}: {first:?}");
        }
    });
}
