//! `cargo xtask run`: from a fresh checkout to an open window.

use std::env;

use crate::command::{Failure, command};
use crate::packages::{self, Purpose};
use crate::{call, interface, place, programs};

/// What may be said after `cargo xtask run`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The profile: a second one is a second person on this computer.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// What else Peal is started with, after `--`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds the app and stays with it until it ends.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !has_display() {
        eprintln!(
            "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window can be opened.\n\
             Instead, two Peals without windows call each other, as by `cargo xtask call`."
        );
        return call::run(&call::Arguments::default());
    }
    packages::ensure(Purpose::Run)?;
    interface::prepare()?;
    programs::build("Peal", &["peal"])?;

    let mut app = command(&programs::path("peal"));
    if let Some(profile) = &arguments.profile {
        app.args(["--profile", profile]);
    }
    app.args(&arguments.rest).current_dir(env::current_dir().unwrap_or_else(|_| place::root()));
    eprintln!("==> Peal");
    let status = app.status().map_err(|error| Failure::new(format!("Peal can't be started: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("Peal ended with {status}"))) }
}

fn has_display() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}
