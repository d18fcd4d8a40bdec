//! The window of Peal. Everything is in the library, so that the tests can reach it.

// A window has no console of its own on Windows.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    peal_app::run()
}
