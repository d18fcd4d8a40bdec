//! Streams by a media server: what is published is what is played, and what goes wrong is told.

#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use peal_engine::api::{ErrorCode, Event, PublishStreamParams, SettingsPatch};
use peal_media::peer::{Bind, PeerConfig, PeerEvent, VoiceFrame};
use peal_media::stream::{PlainHttp, StreamConfig, StreamError, StreamSession, StreamUrl};
use peal_media::video::{Format, Source, SourceChoice, TouchUp, VideoEncoder, VideoQuality};
use peal_tests::eyes::{moving, sees_pattern};
use peal_tests::media_server::MediaServer;
use peal_tests::person::{Person, code, free_address, quiet};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(60);

fn config() -> StreamConfig {
    let bind = Bind::Addresses(vec!["127.0.0.1".parse().unwrap()]);
    StreamConfig { peer: PeerConfig { bind, ..PeerConfig::default() }, plain_http: PlainHttp::Loopback }
}

fn at(text: &str) -> StreamUrl {
    StreamUrl::parse(text, PlainHttp::Loopback).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn voice_and_picture_go_through_another_programs_server() {
    let server = MediaServer::start();
    let (publisher, _events) = StreamSession::publish(&config(), &at(&server.whip("a")), None).await.unwrap();
    server.has(&["a"], &[]);
    let format = Format { width: 640, height: 360, frame_rate: 15 };
    let pattern = Source::open(SourceChoice::Pattern, format, TouchUp::default());
    let encoder = Arc::new(VideoEncoder::new(VideoQuality::default()));
    encoder.set_input(Some(pattern.pictures()));
    publisher.peer().send_video(Some(&encoder));
    let peer = publisher.peer().clone();
    let talking = tokio::spawn(async move {
        let mut clock = tokio::time::interval(Duration::from_millis(20));
        for number in 0_u32.. {
            clock.tick().await;
            let mut payload = vec![0xf8, 0xff, 0xfe];
            payload.extend_from_slice(&number.to_be_bytes());
            let frame = VoiceFrame {
                payload: Bytes::from(payload),
                timestamp: number.wrapping_mul(960),
                marker: number == 0,
                level_dbov: 23,
            };
            peer.send_voice(frame).unwrap();
        }
    });

    let (player, mut events) = StreamSession::play(&config(), &at(&server.whep("a")), None).await.unwrap();
    server.has(&["a"], &["a"]);
    let mut heard = Vec::new();
    let hearing = async {
        while heard.len() < 100 {
            match events.recv().await.unwrap() {
                PeerEvent::Voice(packet) => heard.push(packet.payload),
                PeerEvent::Failed | PeerEvent::Closed => panic!("the path broke off"),
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, hearing).await.unwrap();
    let number = |payload: &Bytes| u32::from_be_bytes(payload[3..7].try_into().unwrap());
    assert!(heard.is_sorted_by_key(number), "in order");
    let (first, last) = (number(&heard[0]), number(&heard[99]));
    assert!(last - first < 120, "a fifth of them was lost on the way: {first} to {last}");
    player.peer().want_video(Some((640, 360)));
    moving(&mut player.peer().pictures(), "the pattern").await;

    player.stop().await;
    server.has(&["a"], &[]);
    talking.abort();
    publisher.stop().await;
    server.has(&[], &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirection_is_followed_and_what_is_not_there_or_taken_is_told() {
    let server = MediaServer::start();
    let moved = at(&server.url("moved/a/whip"));
    let (publisher, _events) = StreamSession::publish(&config(), &moved, None).await.unwrap();
    server.has(&["a"], &[]);
    let twice = StreamSession::publish(&config(), &at(&server.whip("a")), None).await;
    assert!(matches!(twice, Err(StreamError::NotFound)), "{twice:?}");
    let missing = StreamSession::play(&config(), &at(&server.whep("b")), None).await;
    assert!(matches!(missing, Err(StreamError::NotFound)), "{missing:?}");
    let no_endpoint = StreamSession::play(&config(), &at(&server.url("sessions")), None).await;
    assert!(matches!(no_endpoint, Err(StreamError::NotFound)), "{no_endpoint:?}");
    publisher.stop().await;
}

/// A server that answers every request with this, whatever it says. Answers where, and the requests that came.
async fn answers(answer: String) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a/whip", listener.local_addr().unwrap());
    let (sender, requests) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, sender) = (answer.clone(), sender.clone());
            tokio::spawn(async move {
                let (mut request, mut buffer) = (Vec::new(), [0; 4_096]);
                loop {
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                        body.len() >= length.and_then(|it| it.parse().ok()).unwrap_or(0)
                    });
                    if whole {
                        let _ = sender.send(text);
                        break;
                    }
                    match stream.read(&mut buffer).await {
                        Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
                        _ => return,
                    }
                }
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (url, requests)
}

fn created(headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 201 Created\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_is_refused_and_its_session_is_taken_away() {
    let sdp = "Content-Type: application/sdp\r\nLocation: /session/1\r\n";
    let large = "x".repeat(70_000);
    let plain = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
    let away = "Content-Type: application/sdp\r\nLocation: http://192.0.2.1/session\r\n";
    for (what, answer, deleted) in [
        ("no SDP", created(sdp, "hello"), true),
        ("nothing", created(sdp, ""), true),
        ("not encrypted", created(sdp, plain), true),
        ("too large", created(sdp, &large), true),
        ("no Location", created("Content-Type: application/sdp\r\n", "v=0\r\n"), false),
        ("a Location that is not allowed", created(away, "v=0\r\n"), false),
        ("another type", created("Content-Type: text/html\r\nLocation: /1\r\n", "v=0\r\n"), false),
    ] {
        let (url, mut requests) = answers(answer).await;
        let refused = StreamSession::publish(&config(), &at(&url), Some("secret")).await;
        assert!(matches!(refused, Err(StreamError::BadAnswer(_))), "{what}: {refused:?}");
        let post = requests.recv().await.unwrap();
        assert!(post.starts_with("POST /a/whip ") && post.contains("authorization: Bearer secret"), "{what}: {post}");
        assert!(post.contains("content-type: application/sdp") && post.contains("a=sendonly"), "{what}: {post}");
        assert!(!post.contains("m=application") && post.contains("a=candidate:"), "{what}: {post}");
        if deleted {
            let delete = requests.recv().await.unwrap();
            assert!(delete.starts_with("DELETE /session/1 ") && delete.contains("Bearer secret"), "{what}: {delete}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_and_silence_have_their_errors_and_a_token_stays_with_its_server() {
    let status = |line: &str| format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let publish = |url: String| async move { StreamSession::publish(&config(), &at(&url), Some("secret")).await };
    for line in ["401 Unauthorized", "403 Forbidden"] {
        assert!(matches!(publish(answers(status(line)).await.0).await, Err(StreamError::Refused)), "{line}");
    }
    let busy = status("503 Service Unavailable\r\nRetry-After: 7");
    let told = publish(answers(busy).await.0).await;
    assert!(matches!(told, Err(StreamError::Busy { retry_after: Some(after) }) if after.as_secs() == 7), "{told:?}");
    assert!(matches!(publish(answers(status("500 No")).await.0).await, Err(StreamError::Rejected(500))));
    assert!(matches!(publish(answers(String::from("what?")).await.0).await, Err(StreamError::Unreachable(_))));
    let circle = status("307 Temporary Redirect\r\nLocation: /a/whip");
    assert!(matches!(publish(answers(circle).await.0).await, Err(StreamError::Redirected)));
    let gone = format!("http://{}/a/whip", free_address());
    assert!(matches!(publish(gone).await, Err(StreamError::Unreachable(_))));

    let (elsewhere, mut requests) = answers(status("404 Not Found")).await;
    let moved = status(&format!("307 Temporary Redirect\r\nLocation: {elsewhere}"));
    assert!(matches!(publish(answers(moved).await.0).await, Err(StreamError::NotFound)));
    let post = requests.recv().await.unwrap();
    assert!(!post.contains("secret"), "another server: {post}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_asks_wrongly_is_answered_in_words() {
    let server = MediaServer::start_with(&["--token", "right"]);
    let ann = Person::new("ann", quiet(free_address())).await;
    let publish = |params: PublishStreamParams| ann.engine.publish_stream(params);
    let to = |url: &str| PublishStreamParams { url: url.to_owned(), ..PublishStreamParams::default() };
    for url in ["nonsense", "ftp://m.example/a/whip", "http://m.example/a/whip", "https://m.example/ingest"] {
        assert_eq!(code(publish(to(url)).await), ErrorCode::BadStreamUrl, "{url}");
    }
    let odd = PublishStreamParams { play_url: Some("file:///x".into()), ..server.publishing("a") };
    assert_eq!(code(publish(odd).await), ErrorCode::BadStreamUrl);
    let split = PublishStreamParams { token: Some("a\r\nb".into()), ..server.publishing("a") };
    assert_eq!(code(publish(split).await), ErrorCode::BadRequest);
    assert_eq!(code(publish(server.publishing("a")).await), ErrorCode::StreamRefused, "no token");
    let wrong = PublishStreamParams { token: Some("wrong".into()), ..server.publishing("a") };
    let refused = publish(wrong).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::StreamRefused);
    assert!(!refused.message.is_empty() && !refused.hint.is_empty());
    let gone = format!("http://{}/a/whip", free_address());
    assert_eq!(code(publish(to(&gone)).await), ErrorCode::StreamUnreachable);
    let (garbled, _requests) = answers(created("Content-Type: application/sdp\r\nLocation: /1\r\n", "hello")).await;
    assert_eq!(code(publish(to(&garbled)).await), ErrorCode::StreamFailed);
    assert_eq!(ann.engine.snapshot().published, None);
    ann.engine.stop_publishing().await.unwrap();
    let right = PublishStreamParams { token: Some("right".into()), ..server.publishing("a") };
    publish(right).await.unwrap();
    server.has(&["a"], &[]);
    ann.engine.logout().await.unwrap();
    server.has(&[], &[]);
    assert_eq!(code(publish(server.publishing("a")).await), ErrorCode::NotLoggedIn);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_dies_both_sides_are_told_and_the_call_goes_on() {
    let (server, broker) = (MediaServer::start(), free_address());
    let mut ann = Person::new("ann", sees_pattern(quiet(broker))).await;
    let mut bob = Person::new("bob", quiet(broker)).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    ann.engine.publish_stream(server.publishing("ann")).await.unwrap();
    let added = |event: &Event| matches!(event, Event::StreamAdded { play_url: Some(_), .. }).then_some(());
    bob.hears("of the stream", added).await;
    let mut of_ann = bob.looks_at(&call, "ann").await;
    server.has(&["ann"], &["ann"]);
    moving(&mut of_ann, "Ann by the server").await;
    drop(server);
    let failed =
        |event: &Event| matches!(event, Event::Error(error) if error.code == ErrorCode::StreamFailed).then_some(());
    ann.hears("that the stream broke off", failed).await;
    assert_eq!(ann.engine.snapshot().published, None);
    bob.hears("of its end", |event| matches!(event, Event::StreamRemoved { .. }).then_some(())).await;
    moving(&mut of_ann, "Ann by the call").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_play_url_that_is_not_allowed_is_never_asked() {
    let (server, broker) = (MediaServer::start(), free_address());
    let mut ann = Person::new("ann", sees_pattern(quiet(broker))).await;
    let mut bob = Person::new("bob", quiet(broker)).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    // Ann allows herself what Bob does not.
    let patch = SettingsPatch { plain_http_streams: Some(true), ..SettingsPatch::default() };
    ann.engine.set_settings(patch).await.unwrap();
    let params = PublishStreamParams { play_url: Some("http://192.0.2.77/a/whep".into()), ..server.publishing("ann") };
    ann.engine.publish_stream(params).await.unwrap();
    let added = |event: &Event| match event {
        Event::StreamAdded { play_url, .. } => play_url.clone(),
        _ => None,
    };
    assert_eq!(bob.hears("of the stream", added).await, "http://192.0.2.77/a/whep");
    let mut of_ann = bob.looks_at(&call, "ann").await;
    let refused =
        |event: &Event| matches!(event, Event::Error(error) if error.code == ErrorCode::BadStreamUrl).then_some(());
    bob.hears("that it is not allowed", refused).await;
    moving(&mut of_ann, "Ann by the call").await;
}
