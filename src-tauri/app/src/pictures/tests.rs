use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::{SinkExt as _, StreamExt as _};
use peal_engine::Frame;
use peal_engine::api::ErrorCode;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::door::Tickets;
use super::protocol::Refusal;
use super::*;

const ORIGIN: &str = "tauri://localhost";
const LARGE: Size = Size { width: 640, height: 360 };

/// Which place looks at what, and how large; without a size: it looks away.
type Look = (String, View, Option<Size>);

/// A gallery with one picture source for all views, which writes down who looks.
#[derive(Clone)]
struct Wall {
    source: Arc<Mutex<Option<watch::Sender<Picture>>>>,
    looks: mpsc::UnboundedSender<Look>,
}

impl Gallery for Wall {
    fn pictures(&self, _: &View) -> watch::Receiver<Picture> {
        match &*self.source.lock().unwrap() {
            Some(source) => source.subscribe(),
            None => watch::channel(None).1,
        }
    }

    async fn look(&self, place: &str, view: &View, size: Size) -> Result<(), PealError> {
        if *view == remote("nobody") {
            return Err(PealError::new(ErrorCode::UnknownCall, "there is no such call"));
        }
        self.looks.send((place.to_owned(), view.clone(), Some(size))).unwrap();
        Ok(())
    }

    async fn look_away(&self, place: &str, view: &View) {
        self.looks.send((place.to_owned(), view.clone(), None)).unwrap();
    }
}

struct Hall {
    door: Door,
    wall: Wall,
    looks: mpsc::UnboundedReceiver<Look>,
}

impl Hall {
    async fn open() -> Self {
        let (sender, looks) = mpsc::unbounded_channel();
        let wall = Wall { source: Arc::new(Mutex::new(Some(watch::channel(None).0))), looks: sender };
        let door = Door::open(wall.clone(), vec![ORIGIN.to_owned()], true).await.unwrap();
        Self { door, wall, looks }
    }

    fn publish(&self, picture: Picture) {
        self.wall.source.lock().unwrap().as_ref().unwrap().send_replace(picture);
    }

    /// A socket that has said what it wants to see.
    async fn enter(&self, scope: Scope, view: &View, size: Size) -> WebSocketStream<TcpStream> {
        let ticket = self.door.ticket(scope);
        let mut socket = connect(&ticket.url, Some(ORIGIN)).await.unwrap();
        say(&mut socket, &hello(&ticket.token, view, size)).await;
        socket
    }

    async fn look(&mut self) -> (View, Option<Size>) {
        let (_, view, size) = self.looks.recv().await.unwrap();
        (view, size)
    }
}

fn remote(call_id: &str) -> View {
    View::Remote { call_id: call_id.to_owned(), user_id: "bob".to_owned() }
}

fn hello(token: &str, view: &View, Size { width, height }: Size) -> Value {
    let view = match view {
        View::Local => json!({ "kind": "local" }),
        View::Remote { call_id, user_id } => json!({ "kind": "remote", "call_id": call_id, "user_id": user_id }),
    };
    json!({ "token": token, "view": view, "width": width, "height": height })
}

fn picture(luma: u8) -> Arc<Frame> {
    let mut frame = Frame::black(64, 36, Instant::now()).unwrap();
    frame.planes_mut()[0].fill(luma);
    Arc::new(frame)
}

/// Opens a socket, or answers the status with which that was refused.
async fn connect(url: &str, origin: Option<&str>) -> Result<WebSocketStream<TcpStream>, u16> {
    let mut request = url.into_client_request().unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    let address = format!("{}:{}", request.uri().host().unwrap(), request.uri().port().unwrap());
    let stream = TcpStream::connect(address).await.unwrap();
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Vec<u8> {
    socket.send(Message::text(protocol::NEXT)).await.unwrap();
    answer(socket).await
}

async fn answer(socket: &mut WebSocketStream<TcpStream>) -> Vec<u8> {
    match socket.next().await.unwrap().unwrap() {
        Message::Binary(bytes) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// With which code the other side ends it.
async fn ending(socket: &mut WebSocketStream<TcpStream>) -> u16 {
    match socket.next().await.unwrap().unwrap() {
        Message::Close(Some(frame)) => frame.code.into(),
        other => panic!("{other:?}"),
    }
}

/// A socket of a page that can read memory.
#[cfg(target_os = "linux")]
async fn reader(hall: &Hall) -> WebSocketStream<TcpStream> {
    let ticket = hall.door.ticket(Scope::All);
    let mut socket = connect(&ticket.url, Some(ORIGIN)).await.unwrap();
    let mut hello = hello(&ticket.token, &View::Local, LARGE);
    hello["reads"] = json!(true);
    say(&mut socket, &hello).await;
    socket
}

/// Asks for a picture, and is told of a place for its planes.
#[cfg(target_os = "linux")]
async fn told(socket: &mut WebSocketStream<TcpStream>) -> String {
    socket.send(Message::text(protocol::NEXT)).await.unwrap();
    let Message::Text(text) = socket.next().await.unwrap().unwrap() else { panic!("no place") };
    let place: Value = serde_json::from_str(&text).unwrap();
    place["memory"].as_str().unwrap().to_owned()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_page_that_reads_memory_gets_the_planes_there_and_a_new_place_for_a_larger_picture() {
    let hall = Hall::open().await;
    let mut socket = reader(&hall).await;
    assert!(next(&mut socket).await.is_empty(), "there is no picture yet");
    hall.publish(Some(picture(7)));
    let place = told(&mut socket).await;
    let head = answer(&mut socket).await;
    assert_eq!((head.len(), &head[..4]), (protocol::HEADER, &[64, 0, 36, 0][..]));
    let mut planes = vec![0; 64 * 36 * 3 / 2];
    for luma in 7..10 {
        peal_web_process::read(&place, &mut planes).unwrap();
        assert_eq!(planes, picture(luma).data());
        hall.publish(Some(picture(luma + 1)));
        assert_eq!(next(&mut socket).await.len(), protocol::HEADER, "the place is known");
    }
    hall.publish(Some(Arc::new(Frame::black(128, 72, Instant::now()).unwrap())));
    let larger = told(&mut socket).await;
    assert_eq!(answer(&mut socket).await[..4], [128, 0, 72, 0]);
    let mut planes = vec![1; 128 * 72 * 3 / 2];
    peal_web_process::read(&larger, &mut planes).unwrap();
    assert_eq!(planes[0], 16);
    // A small one again has room where the large one was.
    hall.publish(Some(picture(3)));
    assert_eq!(next(&mut socket).await.len(), protocol::HEADER);
    peal_web_process::read(&larger, &mut planes[..64]).unwrap();
    assert_eq!(planes[0], 3);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_page_that_can_not_read_it_after_all_is_sent_the_planes() {
    let hall = Hall::open().await;
    let mut socket = reader(&hall).await;
    hall.publish(Some(picture(7)));
    told(&mut socket).await;
    assert_eq!(answer(&mut socket).await.len(), protocol::HEADER);
    socket.send(Message::text(protocol::CARRY)).await.unwrap();
    // The same once more, though there is no newer one.
    assert_eq!(luma(&next(&mut socket).await), 7);
    hall.publish(Some(picture(8)));
    assert_eq!(luma(&next(&mut socket).await), 8);
}

fn luma(bytes: &[u8]) -> u8 {
    assert_eq!(bytes.len(), protocol::HEADER + 64 * 36 * 3 / 2);
    bytes[protocol::HEADER]
}

#[tokio::test]
async fn a_picture_comes_with_its_size_its_number_and_its_time() {
    let mut hall = Hall::open().await;
    let mut socket = hall.enter(Scope::All, &remote("a"), LARGE).await;
    assert_eq!(hall.look().await, (remote("a"), Some(LARGE)));
    hall.publish(Some(picture(77)));
    for sequence in 0..2_u32 {
        let bytes = next(&mut socket).await;
        assert_eq!(luma(&bytes), 77);
        assert_eq!(bytes[..4], [64, 0, 36, 0]);
        assert_eq!(bytes[4..8], sequence.to_le_bytes());
        let seen = f64::from_le_bytes(bytes[8..16].try_into().unwrap());
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64() * 1_000.0;
        assert!((0.0..60_000.0).contains(&(now - seen)), "{seen} at {now}");
        hall.publish(Some(picture(77)));
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let hall = Hall::open().await;
    let ticket = hall.door.ticket(Scope::All);
    for origin in [Some("https://example.org"), Some("tauri://localhost.example.org"), Some("null"), None] {
        assert_eq!(connect(&ticket.url, origin).await.err(), Some(403), "{origin:?}");
    }
    // None of that has used the ticket up.
    let mut socket = connect(&ticket.url, Some(ORIGIN)).await.unwrap();
    say(&mut socket, &hello(&ticket.token, &View::Local, LARGE)).await;
    assert!(next(&mut socket).await.is_empty());
}

#[tokio::test]
async fn another_path_is_refused() {
    let hall = Hall::open().await;
    let url = hall.door.ticket(Scope::All).url.replace("/picture", "/");
    assert_eq!(connect(&url, Some(ORIGIN)).await.err(), Some(404));
}

#[tokio::test]
async fn a_wrong_token_sees_nothing() {
    let mut hall = Hall::open().await;
    let ticket = hall.door.ticket(Scope::All);
    let mut socket = connect(&ticket.url, Some(ORIGIN)).await.unwrap();
    say(&mut socket, &hello("00000000000000000000000000000000", &View::Local, LARGE)).await;
    assert_eq!(ending(&mut socket).await, Refusal::Ticket.code());
    assert!(hall.looks.try_recv().is_err());
}

#[tokio::test]
async fn a_token_is_good_once() {
    let mut hall = Hall::open().await;
    let ticket = hall.door.ticket(Scope::All);
    let mut first = connect(&ticket.url, Some(ORIGIN)).await.unwrap();
    say(&mut first, &hello(&ticket.token, &View::Local, LARGE)).await;
    hall.look().await;
    let mut second = connect(&ticket.url, Some(ORIGIN)).await.unwrap();
    say(&mut second, &hello(&ticket.token, &View::Local, LARGE)).await;
    assert_eq!(ending(&mut second).await, Refusal::Ticket.code());
    assert!(next(&mut first).await.is_empty());
}

#[test]
fn a_token_grows_old_and_only_so_many_wait() {
    let tickets = Tickets::default();
    let begun = Instant::now();
    let old = tickets.issue(Scope::All, begun);
    assert_eq!(tickets.take(&old, begun + std::time::Duration::from_secs(31)), None);
    let first = tickets.issue(Scope::All, begun);
    let soon = begun + std::time::Duration::from_secs(1);
    let last: Vec<String> = (1..=64).map(|_| tickets.issue(Scope::Remote, soon)).collect();
    assert_eq!(tickets.take(&first, soon), None);
    assert!(last.iter().all(|token| tickets.take(token, soon) == Some(Scope::Remote)));
}

#[tokio::test]
async fn the_newest_picture_wins_and_none_comes_unasked() {
    let hall = Hall::open().await;
    let mut socket = hall.enter(Scope::All, &View::Local, LARGE).await;
    assert!(next(&mut socket).await.is_empty());
    // Asked for once; then three come while nobody asks.
    socket.send(Message::text(protocol::NEXT)).await.unwrap();
    hall.publish(Some(picture(1)));
    assert_eq!(luma(&answer(&mut socket).await), 1);
    for luma in 2..=4 {
        hall.publish(Some(picture(luma)));
    }
    assert_eq!(luma(&next(&mut socket).await), 4);
    // The next is not the same again: it comes when there is one.
    socket.send(Message::text(protocol::NEXT)).await.unwrap();
    hall.publish(Some(picture(5)));
    assert_eq!(luma(&answer(&mut socket).await), 5);
    hall.publish(None);
    assert!(next(&mut socket).await.is_empty());
}

#[tokio::test]
async fn closing_ends_the_look() {
    let mut hall = Hall::open().await;
    let mut polite = hall.enter(Scope::All, &remote("a"), LARGE).await;
    assert_eq!(hall.look().await, (remote("a"), Some(LARGE)));
    polite.close(None).await.unwrap();
    assert_eq!(hall.look().await, (remote("a"), None));

    // A page that is gone does not say goodbye.
    let gone = hall.enter(Scope::All, &remote("a"), LARGE).await;
    assert_eq!(hall.look().await, (remote("a"), Some(LARGE)));
    drop(gone);
    assert_eq!(hall.look().await, (remote("a"), None));
}

#[tokio::test]
async fn each_place_has_its_size_and_its_end() {
    let mut hall = Hall::open().await;
    let mut first = hall.enter(Scope::All, &remote("a"), LARGE).await;
    let (tile, _, size) = hall.looks.recv().await.unwrap();
    assert_eq!(size, Some(LARGE));
    let small = Size { width: 320, height: 180 };
    let second = hall.enter(Scope::Remote, &remote("a"), small).await;
    let (other, _, size) = hall.looks.recv().await.unwrap();
    assert_eq!(size, Some(small));
    assert_ne!(tile, other);
    say(&mut first, &json!({ "width": 1280, "height": 720 })).await;
    let size = Some(Size { width: 1_280, height: 720 });
    assert_eq!(hall.looks.recv().await.unwrap(), (tile.clone(), remote("a"), size));
    drop(second);
    assert_eq!(hall.looks.recv().await.unwrap(), (other, remote("a"), None));
    drop(first);
    assert_eq!(hall.looks.recv().await.unwrap(), (tile, remote("a"), None));
}

#[tokio::test]
async fn a_window_that_may_only_see_others_does_not_see_me() {
    let mut hall = Hall::open().await;
    let mut socket = hall.enter(Scope::Remote, &View::Local, LARGE).await;
    assert_eq!(ending(&mut socket).await, Refusal::Forbidden.code());
    let _socket = hall.enter(Scope::Remote, &remote("a"), LARGE).await;
    assert_eq!(hall.look().await, (remote("a"), Some(LARGE)));
}

#[tokio::test]
async fn what_the_engine_does_not_show_is_refused() {
    let hall = Hall::open().await;
    let mut socket = hall.enter(Scope::All, &remote("nobody"), LARGE).await;
    assert_eq!(ending(&mut socket).await, Refusal::View.code());
}

#[tokio::test]
async fn nonsense_ends_the_socket_and_the_look() {
    let mut hall = Hall::open().await;
    for nonsense in ["", "more", "{\"width\":-1,\"height\":2}", "{\"width\":1e99,\"height\":2}"] {
        let mut socket = hall.enter(Scope::All, &View::Local, LARGE).await;
        assert_eq!(hall.look().await, (View::Local, Some(LARGE)));
        socket.send(Message::text(nonsense)).await.unwrap();
        assert_eq!(ending(&mut socket).await, Refusal::Message.code(), "{nonsense}");
        assert_eq!(hall.look().await, (View::Local, None));
    }
    let ticket = hall.door.ticket(Scope::All);
    for first in [Message::text("hello"), Message::binary(vec![1, 2, 3])] {
        let mut socket = connect(&ticket.url, Some(ORIGIN)).await.unwrap();
        socket.send(first).await.unwrap();
        assert_eq!(ending(&mut socket).await, Refusal::Message.code());
    }
    let mut socket = connect(&ticket.url, Some(ORIGIN)).await.unwrap();
    let long = "x".repeat(protocol::LONGEST + 1);
    // The other side may close while this is on its way.
    let _ = socket.send(Message::text(long)).await;
    assert!(!matches!(socket.next().await, Some(Ok(Message::Binary(_)))));
}

#[tokio::test]
async fn a_view_that_is_over_closes_in_peace() {
    let mut hall = Hall::open().await;
    let mut socket = hall.enter(Scope::All, &View::Local, LARGE).await;
    hall.look().await;
    assert!(next(&mut socket).await.is_empty());
    socket.send(Message::text(protocol::NEXT)).await.unwrap();
    *hall.wall.source.lock().unwrap() = None;
    assert_eq!(ending(&mut socket).await, 1_000);
    assert_eq!(hall.look().await, (View::Local, None));
}
