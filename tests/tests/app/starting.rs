//! The start, the settings, and what is said where there is no starting.

use std::process::Command;

use peal_tests::desk::page::{id, key};
use peal_tests::desk::process::until;
use peal_tests::desk::{Desk, Peal};

use crate::turn;

#[test]
fn a_second_start_of_one_profile_brings_the_first_to_the_front() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    alice.page.minimize();
    alice.page.until("document.visibilityState === 'hidden'");
    let mut again = desk.starts("default", |_| {});
    let sentence = again.first_line();
    assert_eq!(again.ends(), 0);
    assert!(sentence.contains("already open"), "{sentence}");
    alice.page.until("document.visibilityState === 'visible'");
    until("the keyboard in the first window", || alice.page.value("document.hasFocus()").as_bool().filter(|it| *it));
    assert_eq!(alice.page.text(&id("my-name")), "Alice Lindqvist");
}

#[test]
fn a_data_directory_that_cannot_be_written_is_said_and_ends_the_start() {
    let _turn = turn();
    let desk = Desk::new();
    std::fs::write(desk.file("taken"), "a file, where a directory should be").unwrap();
    let mut peal = desk.starts("default", |command| {
        command.env("PEAL_DATA_DIR", desk.file("taken").join("data"));
    });
    until("words on stderr", || (peal.log().lines().count() >= 2).then_some(()));
    println!("{}", peal.log());
    assert!(peal.log().contains("Peal can’t start") || peal.log().contains("Peal can't start"), "{}", peal.log());
    // The same words are in a dialog, which waits to be closed.
    until("the dialog", || {
        (!desk.runs("xdotool", &["search", "--onlyvisible", "--name", "^Peal$"]).is_empty()).then_some(())
    });
    desk.picture("cannot-start");
    until("the end", || {
        desk.runs("xdotool", &["key", "Escape"]);
        (!peal.runs()).then_some(())
    });
    assert_eq!(peal.ends(), 1);
}

#[test]
fn without_a_display_it_says_so_and_exits_with_2() {
    let _turn = turn();
    let home = tempfile::tempdir().unwrap();
    let desk = Desk::new();
    for display in ["", ":4242"] {
        let mut peal = desk.starts("default", |command: &mut Command| {
            command.env("DISPLAY", display).env("PEAL_DATA_DIR", home.path());
        });
        assert_eq!(peal.ends(), 2);
        assert!(peal.log().contains("needs a display"), "{}", peal.log());
    }
}

#[test]
fn language_and_theme_follow_the_settings() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    let ground = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)";
    alice.page.click(&id("open-settings"));
    desk.picture("settings");

    // Whoever opened and closed them with the mouse sees no ring of the keyboard.
    alice.page.click(&id("close-settings"));
    alice.page.misses(&id("settings"));
    let ring = "getComputedStyle(document.activeElement).outlineStyle";
    let focused = format!("document.activeElement.matches('{}') && {ring}", id("open-settings"));
    assert_eq!(alice.page.value(&focused), "none");
    alice.page.press(&[key::ENTER]);
    alice.page.sees(&id("settings"));
    alice.page.press(&[key::ESCAPE]);
    alice.page.misses(&id("settings"));
    assert_eq!(alice.page.value(&focused), "solid");
    alice.page.click(&id("open-settings"));

    choose(&mut alice, "theme", "dark");
    alice.page.until(&format!("Math.max(...{ground}) < 60"));
    desk.picture("settings-dark");
    choose(&mut alice, "theme", "light");
    alice.page.until(&format!("Math.min(...{ground}) > 200"));

    choose(&mut alice, "language", "zh-CN");
    alice.page.until(&format!("document.querySelector('{} h1').innerText === '设置'", id("settings")));
    alice.page.until("document.documentElement.lang === 'zh-CN'");
    desk.picture("settings-chinese");
    alice.page.click(&id("close-settings"));
    desk.picture("contacts-chinese");

    // It stays so.
    alice.page.close();
    drop(alice);
    let mut alice = desk.opens("default");
    alice.page.until(&format!("document.querySelector('{}').textContent.trim() === '在线'", id("connection")));
}

fn choose(person: &mut Peal, choices: &str, value: &str) {
    person.page.click(&format!("{} label:has(input[value=\"{value}\"])", id(choices)));
    person.page.until(&format!("document.querySelector('{} input[value=\"{value}\"]').checked", id(choices)));
}
