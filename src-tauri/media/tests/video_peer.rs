//! Two peers that see each other.

mod peer_support;
mod video_support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use peal_media::peer::PeerEvent;
use peal_media::video::{Direction, Picture, VideoEncoder, VideoQuality};
use peer_support::{End, PATIENCE, call};
use tokio::sync::watch;
use tokio::time::timeout;
use video_support::{Player, code, now_ms};

async fn next_picture(pictures: &mut watch::Receiver<Picture>) -> Arc<peal_media::video::Frame> {
    timeout(PATIENCE, async {
        loop {
            pictures.changed().await.expect("the stream lives");
            if let Some(picture) = pictures.borrow_and_update().clone() {
                return picture;
            }
        }
    })
    .await
    .expect("a picture in time")
}

async fn no_picture(pictures: &mut watch::Receiver<Picture>) {
    timeout(PATIENCE, pictures.wait_for(Option::is_none)).await.expect("the picture goes in time").expect("it lives");
}

fn encoder(player: &Player, quality: VideoQuality) -> Arc<VideoEncoder> {
    let encoder = Arc::new(VideoEncoder::new(quality));
    encoder.set_input(Some(player.pictures.clone()));
    encoder
}

async fn started(end: &mut End) {
    end.wait("the peer's picture", |event| *event == PeerEvent::VideoStarted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_peers_see_each_other_move() {
    let (mut alice, mut bob) = call().await;
    let player = Player::start(640, 360, 30);
    let (hers, his) = (encoder(&player, VideoQuality::default()), encoder(&player, VideoQuality::default()));
    alice.peer.send_video(Some(&hers));
    bob.peer.send_video(Some(&his));
    tokio::join!(started(&mut alice), started(&mut bob));
    let mut ends = [(&alice, alice.peer.pictures()), (&bob, bob.peer.pictures())];
    for (end, _) in &ends {
        end.peer.want_video(Some((640, 360)));
    }
    for (end, pictures) in &mut ends {
        let mut last = 0;
        for _ in 0..20 {
            let picture = next_picture(pictures).await;
            let seen = code(&picture);
            assert!(seen > last || seen == 0, "the pictures move on: {seen} after {last}");
            last = seen;
            let age = (now_ms() & 0xffff_ffff).saturating_sub(seen);
            assert!(age < 2_000, "{age} ms old");
        }
        let stats = end.peer.stats().await.video;
        assert!(stats.frames_decoded >= 20 && stats.packets_received > 20 && stats.frames_sent > 0, "{stats:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_encoded_or_sent_until_the_peer_wants_it_and_no_more_when_it_does_not() {
    let (alice, mut bob) = call().await;
    let player = Player::start(640, 360, 30);
    let hers = encoder(&player, VideoQuality::default());
    alice.peer.send_video(Some(&hers));
    started(&mut bob).await;
    assert_eq!(alice.peer.stats().await.video.packets_sent, 0);
    assert!(hers.stats().layers.is_empty());
    let mut pictures = bob.peer.pictures();
    bob.peer.want_video(Some((640, 360)));
    next_picture(&mut pictures).await;
    bob.peer.want_video(None);
    let asked = Instant::now();
    no_picture(&mut pictures).await;
    timeout(PATIENCE, async {
        while !hers.stats().layers.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the encoder rests");
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    bob.peer.want_video(Some((640, 360)));
    next_picture(&mut pictures).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_goes_off_takes_the_picture_away_and_comes_back_without_negotiation() {
    let (alice, mut bob) = call().await;
    let player = Player::start(640, 360, 30);
    let hers = encoder(&player, VideoQuality::default());
    alice.peer.send_video(Some(&hers));
    bob.peer.want_video(Some((640, 360)));
    let mut pictures = bob.peer.pictures();
    started(&mut bob).await;
    next_picture(&mut pictures).await;
    hers.set_input(None);
    bob.wait("the end of the picture", |event| *event == PeerEvent::VideoStopped).await;
    no_picture(&mut pictures).await;
    hers.set_input(Some(player.pictures.clone()));
    started(&mut bob).await;
    next_picture(&mut pictures).await;
    alice.peer.send_video(None);
    bob.wait("the end of the picture", |event| *event == PeerEvent::VideoStopped).await;
    no_picture(&mut pictures).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_tile_gets_the_small_layer_and_a_large_one_the_large() {
    let (alice, mut bob) = call().await;
    let player = Player::start(640, 360, 30);
    let hers = encoder(&player, VideoQuality::default());
    alice.peer.send_video(Some(&hers));
    bob.peer.want_video(Some((320, 180)));
    let mut pictures = bob.peer.pictures();
    assert_eq!(next_picture(&mut pictures).await.width(), 320);
    bob.peer.want_video(Some((640, 360)));
    timeout(PATIENCE, async { while next_picture(&mut pictures).await.width() != 640 {} }).await.expect("it grows");
    let quality = bob
        .wait("word of the picture", |event| {
            matches!(event, PeerEvent::VideoQuality { direction: Direction::Received, quality } if quality.width == 640)
        })
        .await;
    let PeerEvent::VideoQuality { quality, .. } = quality else { unreachable!() };
    assert_eq!((quality.height, quality.lowered), (360, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_picture_comes_soon() {
    let (alice, bob) = call().await;
    let player = Player::start(640, 360, 30);
    bob.peer.want_video(Some((640, 360)));
    let mut pictures = bob.peer.pictures();
    let start = Instant::now();
    alice.peer.send_video(Some(&encoder(&player, VideoQuality::default())));
    next_picture(&mut pictures).await;
    println!("first picture after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_layer_is_encoded_once_for_all_who_take_it() {
    let ((to_bob, bob), (to_carol, carol)) = tokio::join!(call(), call());
    let player = Player::start(640, 360, 30);
    let hers = encoder(&player, VideoQuality::default());
    to_bob.peer.send_video(Some(&hers));
    to_carol.peer.send_video(Some(&hers));
    bob.peer.want_video(Some((640, 360)));
    carol.peer.want_video(Some((200, 112)));
    let (mut large, mut small) = (bob.peer.pictures(), carol.peer.pictures());
    // A busy computer begins with a smaller one.
    timeout(PATIENCE, async { while next_picture(&mut large).await.width() != 640 {} }).await.expect("it grows");
    assert_eq!(next_picture(&mut small).await.width(), 320);
    let layers = hers.stats().layers;
    assert_eq!(layers.iter().map(|layer| (layer.width, layer.takers)).collect::<Vec<_>>(), [(640, 1), (320, 1)]);
    carol.peer.want_video(Some((640, 360)));
    timeout(PATIENCE, async { while next_picture(&mut small).await.width() != 640 {} }).await.expect("it grows");
    timeout(PATIENCE, async {
        while hers.stats().layers.iter().map(|layer| layer.takers).collect::<Vec<_>>() != [2] {
            next_picture(&mut large).await;
        }
    })
    .await
    .expect("one layer is left, for both");
}
