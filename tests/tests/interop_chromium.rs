//! A stranger at the other end: headless Chromium in a call with a [`Peer`].
//!
//! Chromium plays its fake microphone, which beeps, and its fake camera, and is driven through its debugging socket; Peal
//! plays a tone and a moving picture. Both sides must decode what the other sends. Everything stays on 127.0.0.1.

use std::f32::consts::TAU;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use opusic_c::{Application, Channels, Decoder, Encoder, SampleRate};
use peal_media::peer::{Bind, Peer, PeerConfig, PeerEvent, VoiceFrame};
use peal_media::video::{Frame, Picture, VideoEncoder, VideoQuality};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// No step takes longer, however loaded the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

const FRAME: usize = 960;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_offers_and_both_sides_hear_each_other() {
    let mut browser = Browser::start().await;
    let mut peal = Side::open().await;
    browser.call("open(true)").await;
    let offer = browser.text("offer()").await;
    let answer = peal.peer.answer(&offer).await.expect("Chromium's offer is answered");
    browser.call(&format!("accept({})", json!(answer))).await;
    peal.talks_with(&mut browser).await;
    peal.controls(&mut browser).await;
    peal.restarts_with(&mut browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_answers_and_both_sides_hear_each_other() {
    let mut browser = Browser::start().await;
    let mut peal = Side::open().await;
    browser.call("open(false)").await;
    let offer = peal.peer.offer().await.expect("an offer");
    let answer = browser.text(&format!("answer({})", json!(offer))).await;
    peal.peer.accept_answer(&answer).await.expect("Chromium's answer is taken");
    peal.talks_with(&mut browser).await;
    peal.controls(&mut browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_offers_voice_alone_without_a_control_channel() {
    let mut browser = Browser::start().await;
    let mut peal = Side::open().await;
    browser.call("open(false)").await;
    let offer = browser.text("offer()").await;
    assert!(!offer.contains("m=application"));
    let answer = peal.peer.answer(&offer).await.expect("an offer of voice alone is answered");
    assert!(!answer.contains("m=application"), "{answer}");
    browser.call(&format!("accept({})", json!(answer))).await;
    peal.talks_with(&mut browser).await;
    assert!(peal.peer.send_control(b"nobody there").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_offers_and_both_sides_see_each_other() {
    let mut browser = Browser::start().await;
    let mut peal = Side::open().await;
    peal.shows_itself();
    browser.call("open(true, true)").await;
    let offer = browser.text("offer()").await;
    let answer = peal.peer.answer(&offer).await.expect("Chromium's offer is answered");
    browser.call(&format!("accept({})", json!(answer))).await;
    peal.talks_with(&mut browser).await;
    peal.sees_and_is_seen(&mut browser).await;
    peal.restarts_with(&mut browser).await;
    peal.sees_and_is_seen(&mut browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_answers_and_both_sides_see_each_other() {
    let mut browser = Browser::start().await;
    let mut peal = Side::open().await;
    peal.shows_itself();
    browser.call("open(false, true)").await;
    let offer = peal.peer.offer().await.expect("an offer");
    let answer = browser.text(&format!("answer({})", json!(offer))).await;
    peal.peer.accept_answer(&answer).await.expect("Chromium's answer is taken");
    peal.talks_with(&mut browser).await;
    peal.sees_and_is_seen(&mut browser).await;
}

/// Peal's side, which sends a 440 Hz tone from the start.
struct Side {
    peer: Peer,
    events: mpsc::Receiver<PeerEvent>,
    tone: JoinHandle<()>,
    film: Option<JoinHandle<()>>,
}

impl Side {
    async fn open() -> Self {
        let (sender, events) = mpsc::channel(256);
        let config =
            PeerConfig { bind: Bind::Addresses(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]), ..PeerConfig::default() };
        let peer = Peer::open(&config, sender).await.expect("a peer opens");
        let tone = tokio::spawn(play_tone(peer.clone()));
        Self { peer, events, tone, film: None }
    }

    async fn wait(&mut self, what: &str, wanted: impl Fn(&PeerEvent) -> bool) -> PeerEvent {
        timeout(PATIENCE, async {
            loop {
                let event = self.events.recv().await.unwrap_or_else(|| panic!("events end before {what}"));
                if wanted(&event) {
                    return event;
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("no {what} in {PATIENCE:?}"))
    }

    /// Sends a moving picture and wants to see the other side.
    fn shows_itself(&mut self) {
        let (sender, pictures) = watch::channel(None);
        self.film = Some(tokio::spawn(play_film(sender)));
        let encoder = Arc::new(VideoEncoder::new(VideoQuality::default()));
        encoder.set_input(Some(pictures));
        self.peer.send_video(Some(&encoder));
        self.peer.want_video(Some((640, 360)));
    }

    /// Pictures are decoded at both ends, of the size they were sent at, and keep coming.
    async fn sees_and_is_seen(&mut self, browser: &mut Browser) {
        let mut pictures = self.peer.pictures();
        let mut last: Option<Arc<Frame>> = None;
        for _ in 0..30 {
            timeout(PATIENCE, pictures.changed()).await.expect("a picture of Chromium's in time").expect("it lives");
            let picture = pictures.borrow_and_update().clone();
            if let (Some(last), Some(picture)) = (&last, &picture) {
                assert!(last.data() != picture.data(), "Chromium's fake camera moves");
            }
            last = picture.or(last);
        }
        let width = last.expect("a picture").width();
        assert!((160..=640).contains(&width), "{width}");
        let count = |stats: &Value| stats["picture"]["decoded"].as_u64().unwrap_or_default();
        let before = count(&browser.call("stats()").await);
        let seen = browser
            .until("Peal's pictures at Chromium", |stats| {
                count(stats) >= before + 30 && stats["picture"]["width"].as_u64() == Some(640)
            })
            .await;
        println!("Chromium: {}", seen["picture"]);
        println!("Peal: {:?}", self.peer.stats().await.video);
    }

    /// Voice is decoded at both ends, with energy.
    async fn talks_with(&mut self, browser: &mut Browser) {
        self.wait("connection", |event| *event == PeerEvent::Connected).await;
        self.hears_beeps().await;
        browser.hears_tone().await;
    }

    async fn hears_beeps(&mut self) {
        let mut decoder = Decoder::new(Channels::Mono, SampleRate::Hz48000).expect("a decoder");
        let mut samples = vec![0.0_f32; 6 * FRAME];
        let (mut packets, mut loud) = (0, 0);
        while packets < 100 || loud < 5 {
            assert!(packets < 1500, "{packets} packets and only {loud} of them loud");
            let event = self.wait("Chromium's voice", |event| matches!(event, PeerEvent::Voice(_))).await;
            let PeerEvent::Voice(packet) = event else { continue };
            let length = decoder.decode_float_to_slice(&packet.payload, &mut samples, false).expect("Opus decodes");
            let energy = samples[..length].iter().map(|sample| sample * sample).sum::<f32>() / length as f32;
            packets += 1;
            loud += usize::from(energy.sqrt() > 0.01);
            assert!(packet.level_dbov.is_some(), "Chromium tells its level (RFC 6464)");
        }
    }

    /// The channel beside the voice works both ways.
    async fn controls(&mut self, browser: &mut Browser) {
        browser.call("tell('from the browser')").await;
        let message = self.wait("a control message", |event| matches!(event, PeerEvent::Control(_))).await;
        assert_eq!(message, PeerEvent::Control(Bytes::from_static(b"from the browser")));
        self.peer.send_control("from Peal".as_bytes()).await.expect("the channel is open");
        browser.until("the message of Peal", |stats| stats["told"] == json!(["from Peal"])).await;
    }

    /// A new path, and the voice goes on.
    async fn restarts_with(&mut self, browser: &mut Browser) {
        let offer = self.peer.restart_ice().await.expect("a restart");
        let answer = browser.text(&format!("answer({})", json!(offer))).await;
        self.peer.accept_answer(&answer).await.expect("Chromium's answer to the restart is taken");
        self.hears_beeps().await;
        browser.hears_tone().await;
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        self.tone.abort();
        if let Some(film) = &self.film {
            film.abort();
        }
    }
}

async fn play_film(sender: watch::Sender<Picture>) {
    let mut clock = tokio::time::interval(Duration::from_millis(33));
    for number in 0_usize.. {
        clock.tick().await;
        let mut frame = Frame::black(640, 360, Instant::now()).expect("a possible size");
        let [luma, _, _] = frame.planes_mut();
        for (at, pixel) in luma.iter_mut().enumerate() {
            *pixel = (40 + (at % 640 + number * 4 + at / 640) / 8 % 20 * 8) as u8;
        }
        sender.send_replace(Some(Arc::new(frame)));
    }
}

async fn play_tone(peer: Peer) {
    let mut encoder = Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip).expect("an encoder");
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    let mut output = vec![0; 1024];
    for number in 0_u32.. {
        clock.tick().await;
        let frame: Vec<f32> = (0..FRAME)
            .map(|at| 0.3 * (TAU * 440.0 * (at + number as usize % 50 * FRAME) as f32 / 48_000.0).sin())
            .collect();
        let length = encoder.encode_float_to_slice(&frame, &mut output).expect("Opus encodes");
        let payload = Bytes::copy_from_slice(&output[..length]);
        let timestamp = number.wrapping_mul(FRAME as u32);
        let _ = peer.send_voice(VoiceFrame { payload, timestamp, marker: number == 0, level_dbov: 13 });
    }
}

/// Headless Chromium with the call's page open; it dies with this value.
struct Browser {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: String,
    next: u64,
    navigated: bool,
    loaded: bool,
    _child: Child,
    _profile: TempDir,
    page: JoinHandle<()>,
}

impl Browser {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let page = tokio::spawn(serve(listener));
        let profile = TempDir::new().expect("a directory for Chromium's profile");
        let mut child = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                "--autoplay-policy=no-user-gesture-required",
                // The call stays on 127.0.0.1, named by its address.
                "--allow-loopback-in-peer-connection",
                "--disable-features=WebRtcHideLocalIpsWithMdns",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("this test needs Chromium: apt-get install chromium");
        let endpoint = timeout(PATIENCE, endpoint(&mut child)).await.expect("Chromium starts in time");
        let (socket, _) = connect_async(endpoint).await.expect("Chromium takes the DevTools connection");
        let mut browser = Self {
            socket,
            session: String::new(),
            next: 0,
            navigated: false,
            loaded: false,
            _child: child,
            _profile: profile,
            page,
        };
        browser.load(address).await;
        browser
    }

    async fn load(&mut self, address: SocketAddr) {
        let target = self.command("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.command("Target.attachToTarget", attach).await;
        attached["sessionId"].as_str().expect("a session").clone_into(&mut self.session);
        self.command("Page.enable", json!({})).await;
        self.command("Page.navigate", json!({ "url": format!("http://{address}/") })).await;
        timeout(PATIENCE, async {
            while !self.loaded {
                self.next_message().await;
            }
        })
        .await
        .expect("the page loads in time");
    }

    /// The next thing Chromium says, a reply or an event.
    async fn next_message(&mut self) -> Value {
        loop {
            let message = self.socket.next().await.expect("Chromium stays").expect("Chromium speaks WebSocket");
            let Message::Text(text) = message else { continue };
            let value: Value = serde_json::from_str(&text).expect("Chromium speaks JSON");
            // The blank page before it may tell its own end; only what follows the navigation counts.
            self.loaded |= self.navigated && value["method"] == "Page.loadEventFired";
            return value;
        }
    }

    async fn command(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        self.navigated |= method == "Page.navigate";
        let id = self.next;
        let mut request = json!({ "id": id, "method": method, "params": parameters });
        if !self.session.is_empty() {
            request["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(request.to_string())).await.expect("Chromium listens");
        timeout(PATIENCE, async {
            loop {
                let reply = self.next_message().await;
                if reply["id"] == id {
                    assert!(reply["error"].is_null(), "{method}: {}", reply["error"]);
                    return reply["result"].clone();
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("no reply to {method} in {PATIENCE:?}"))
    }

    /// Runs a script in the page and returns what it resolves to.
    async fn call(&mut self, script: &str) -> Value {
        let parameters =
            json!({ "expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let reply = self.command("Runtime.evaluate", parameters).await;
        assert!(reply["exceptionDetails"].is_null(), "{script}: {}", reply["exceptionDetails"]);
        reply["result"]["value"].clone()
    }

    async fn text(&mut self, script: &str) -> String {
        self.call(script).await.as_str().expect("a string").to_owned()
    }

    async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        timeout(PATIENCE, async {
            loop {
                let stats = self.call("stats()").await;
                if fits(&stats) {
                    return stats;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("no {what} in {PATIENCE:?}"))
    }

    async fn hears_tone(&mut self) {
        let before = self.call("stats()").await;
        let number = |stats: &Value, key: &str| stats[key].as_f64().unwrap_or_default();
        let after = self
            .until("tone at Chromium", |stats| {
                number(stats, "received") >= number(&before, "received") + 50.0
                    && number(stats, "decoded") >= number(&before, "decoded") + 24_000.0
                    // Half a second of a tone of amplitude 0.3 has 0.0225 of energy; a fifth of it is no accident.
                    && number(stats, "energy") > number(&before, "energy") + 0.0045
            })
            .await;
        assert_eq!(after["state"], "connected");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.page.abort();
    }
}

/// Where Chromium says that it can be driven. Its further words are read away, so that it never blocks on them.
async fn endpoint(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
    while let Some(line) = lines.next_line().await.expect("Chromium's words are readable") {
        if let Some(endpoint) = line.strip_prefix("DevTools listening on ") {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return endpoint.to_owned();
        }
    }
    panic!("Chromium ended before its DevTools listened")
}

/// Serves the page, which must come from 127.0.0.1 for Chromium to open the microphone.
async fn serve(listener: TcpListener) {
    let page = include_str!("../assets/interop_chromium.html");
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        tokio::spawn(async move {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                page.len()
            );
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(page.as_bytes()).await;
        });
    }
}
