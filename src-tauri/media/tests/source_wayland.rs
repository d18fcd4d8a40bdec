//! What a person picks under Wayland: a real compositor without a screen, its portal, and `PipeWire`, started for each test.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod source_support;
mod wayland_support;

use peal_media::video::{Picture, Source, SourceChoice, SourceEvent, TouchUp, VideoError, screens, windows};
use source_support::{BLUE, FORMAT, GREEN, RED, is, next, next_picture, opened};
use tokio::sync::watch;
use wayland_support::{Chooser, Desktop, on_desktop, until};

#[test]
fn what_the_person_picks_is_shown_and_followed() {
    on_desktop("what_the_person_picks_is_shown_and_followed", Chooser::TheScreen, async |desktop| {
        let all = tokio::task::spawn_blocking(screens).await.unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(windows().is_empty(), "the desktop asks for both at once");
        let mut source = open(&all[0].id);
        let mut pictures = source.pictures();
        let (first, _events) = opened(&mut source).await;
        assert!(matches!(first, SourceEvent::Opened { width: 800, height: 600, .. }), "{first:?}");
        // Before its wallpaper the screen is grey.
        until_seen(&mut pictures, RED).await;
        desktop.paints("green");
        until_seen(&mut pictures, GREEN).await;
        assert!(Desktop::is_watched());
        drop(source);
        until("nobody watches", || !Desktop::is_watched());
    });
}

#[test]
fn who_picks_nothing_shows_nothing() {
    on_desktop("who_picks_nothing_shows_nothing", Chooser::Nothing, async |_| {
        let mut source = open("picked");
        assert_eq!(next(&mut source.events()).await, SourceEvent::Failed(VideoError::NotPicked));
    });
}

#[test]
fn who_gives_up_while_the_desktop_asks_is_not_shown() {
    on_desktop("who_gives_up_while_the_desktop_asks_is_not_shown", Chooser::Thinks, async |desktop| {
        let mut source = open("picked");
        let mut events = source.events();
        until("the desktop asks", || desktop.asks());
        drop(source);
        assert_eq!(next(&mut events).await, SourceEvent::Failed(VideoError::NotPicked));
    });
}

#[test]
fn what_the_desktop_ends_is_over() {
    on_desktop("what_the_desktop_ends_is_over", Chooser::TheScreen, async |desktop| {
        let mut source = open("picked");
        let (first, mut events) = opened(&mut source).await;
        assert!(matches!(first, SourceEvent::Opened { .. }), "{first:?}");
        desktop.ends();
        match next(&mut events).await {
            SourceEvent::Failed(VideoError::WindowClosed | VideoError::Unusable(_)) => {}
            other => panic!("{other:?}"),
        }
    });
}

/// Waits until the left half has this colour, and the right half is blue.
async fn until_seen(pictures: &mut watch::Receiver<Picture>, colour: u32) {
    loop {
        let frame = next_picture(pictures).await;
        if is(&frame, 200, 300, colour) && is(&frame, 600, 300, BLUE) {
            return;
        }
    }
}

fn open(id: &str) -> Source {
    Source::open(SourceChoice::Screen { id: id.to_owned() }, FORMAT, TouchUp::default())
}
