//! A call comes about and carries voice.

mod peer_support;

use peal_media::peer::{CandidateKind, Peer, PeerConfig, PeerError, PeerEvent, VoiceFrame};
use peer_support::{End, call, frame, loopback};
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn voice_arrives_both_ways_with_its_order_level_and_marker() {
    let (mut alice, mut bob) = call().await;
    let (talking, answering) = (alice.talk(), bob.talk());
    let mut previous: Option<peal_media::peer::VoicePacket> = None;
    for _ in 0..20 {
        let packet = bob.hear().await;
        assert_eq!(packet.level_dbov, Some(23));
        assert_eq!(&packet.payload[..3], &[0xf8, 0xff, 0xfe]);
        if let Some(previous) = previous {
            assert_eq!(packet.sequence, previous.sequence.wrapping_add(1));
            assert_eq!(packet.timestamp, previous.timestamp.wrapping_add(960));
            assert!(packet.arrived >= previous.arrived);
        }
        assert_eq!(packet.marker, packet.timestamp == 0);
        previous = Some(packet);
    }
    for _ in 0..20 {
        alice.hear().await;
    }
    drop((talking, answering));
    let stats = alice.peer.stats().await;
    assert!(stats.packets_sent >= 20 && stats.packets_received >= 20, "{stats:?}");
    assert!(stats.bytes_sent > 0 && stats.bytes_received > 0, "{stats:?}");
    assert_eq!((stats.local_kind, stats.remote_kind), (Some(CandidateKind::Host), Some(CandidateKind::Host)));
    assert!(stats.rtt_ms.is_some_and(|rtt| rtt < 1000.0), "{stats:?}");
    assert!(stats.dtls_cipher.contains("ECDHE"), "{stats:?}");
    assert!(stats.srtp_cipher.starts_with("SRTP_"), "{stats:?}");
    assert_eq!((stats.send_dropped, stats.receive_dropped), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_come_again_with_later_packets_if_that_is_wished_for() {
    let (alice, mut bob) = call().await;
    assert!(alice.peer.set_voice_copies(2), "Peal takes frames twice");
    let _talking = alice.talk();
    let mut first = std::collections::HashMap::new();
    let mut copies = [0; 3];
    while copies[2] < 20 {
        let packet = bob.hear().await;
        if !packet.is_copy {
            assert_eq!(packet.level_dbov, Some(23));
            first.insert(packet.sequence, packet);
            continue;
        }
        assert!(!packet.marker && packet.level_dbov.is_none());
        let Some(original) = first.get(&packet.sequence) else { continue };
        assert_eq!((packet.timestamp, &packet.payload), (original.timestamp, &original.payload));
        let newest = first.values().map(|it| it.timestamp).max().unwrap();
        copies[((newest - packet.timestamp) / 960) as usize] += 1;
    }
    assert!(copies[0] == 0 && copies[1] >= 20, "{copies:?}");
    alice.peer.set_voice_copies(0);
    let mut alone = 0;
    while alone < 10 {
        alone = if bob.hear().await.is_copy { 0 } else { alone + 1 };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_round_trip_of_descriptions_is_enough() {
    let (mut alice, mut bob) = (End::open(&loopback()).await, End::open(&loopback()).await);
    let offer = alice.peer.offer().await.unwrap();
    assert!(offer.contains("a=candidate:"), "{offer}");
    for wanted in [
        "minptime=10;useinbandfec=1;usedtx=1",
        "a=sendrecv",
        "a=setup:actpass",
        "a=fingerprint:sha-256",
        "ssrc-audio-level",
    ] {
        assert!(offer.contains(wanted), "no {wanted} in {offer}");
    }
    assert_eq!(offer.matches("m=audio").count(), 1);
    assert_eq!(offer.matches("m=application").count(), 1);
    assert_eq!(offer.matches("m=").count(), 3);
    let answer = bob.peer.answer(&offer).await.unwrap();
    assert!(answer.contains("a=setup:active"), "{answer}");
    alice.peer.accept_answer(&answer).await.unwrap();
    // Nothing was left to tell, save that it was all; and that may come before or after the connection.
    let mut wanted = vec![PeerEvent::Connected, PeerEvent::Candidates { candidates: vec![], complete: true }];
    while !wanted.is_empty() {
        let event = alice.wait("connection and end of candidates", |event| wanted.contains(event)).await;
        wanted.retain(|other| *other != event);
    }
    bob.connected().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_interfaces_of_this_machine_do_as_well_as_loopback() {
    let config = PeerConfig::default();
    let (mut alice, mut bob) = (End::open(&config).await, End::open(&config).await);
    let offer = alice.peer.offer().await.unwrap();
    let answer = bob.peer.answer(&offer).await.unwrap();
    alice.peer.accept_answer(&answer).await.unwrap();
    tokio::join!(alice.connected(), bob.connected());
    let _talking = alice.talk();
    bob.hear().await;
}

#[tokio::test]
async fn voice_before_the_connection_is_refused_not_queued() {
    let alice = End::open(&loopback()).await;
    assert!(matches!(alice.peer.send_voice(frame(0)), Err(PeerError::VoiceNotNegotiated)));
    alice.peer.offer().await.unwrap();
    assert!(matches!(alice.peer.send_voice(frame(0)), Err(PeerError::VoiceNotNegotiated)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_larger_than_a_packet_is_refused() {
    let (alice, _bob) = call().await;
    let payload = bytes::Bytes::from(vec![0; peal_media::peer::MAX_VOICE_PAYLOAD + 1]);
    let frame = VoiceFrame { payload, timestamp: 0, marker: false, level_dbov: 0 };
    assert!(matches!(alice.peer.send_voice(frame), Err(PeerError::VoiceTooLarge)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_does_not_keep_up_loses_voice_and_nothing_else() {
    let mut alice = End::open(&loopback()).await;
    let (sender, mut events) = mpsc::channel(4);
    let bob = Peer::open(&loopback(), sender).await.unwrap();
    let offer = alice.peer.offer().await.unwrap();
    let answer = bob.answer(&offer).await.unwrap();
    alice.peer.accept_answer(&answer).await.unwrap();
    alice.control_open().await;
    // Bob's four places fill with voice; what waits behind them is not lost.
    let talking = alice.talk();
    alice.peer.send_control(b"still here").await.unwrap();
    tokio::time::timeout(peer_support::PATIENCE, async {
        while bob.stats().await.receive_dropped < 10 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    drop(talking);
    let mut seen = Vec::new();
    tokio::time::timeout(peer_support::PATIENCE, async {
        while !seen.contains(&PeerEvent::Control(bytes::Bytes::from_static(b"still here"))) {
            seen.push(events.recv().await.unwrap());
        }
    })
    .await
    .unwrap();
    assert!(seen.contains(&PeerEvent::ControlOpen));
}
