//! From the command line to the event loop.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use peal_engine::api::{ErrorCode, PealError};
use peal_engine::log::Log;
use peal_engine::{Engine, EngineConfig, Profile};
use peal_store::Place;
use tauri::{AppHandle, Manager, RunEvent, WindowEvent};

use crate::args::Args;
use crate::follow;
use crate::graphics::{self, Graphics};
use crate::incoming::Doorway;
use crate::instance;
use crate::notification::{self, Notifications};
use crate::picture_in_picture::PICTURE_IN_PICTURE;
use crate::pictures::{self, Door};
use crate::quit::{self, Leaving, quit};
use crate::tray::{self, Tray};
use crate::windows::{self, MAIN};
use crate::words::Words;
use crate::{bindings, display};

/// Warnings, and what Peal's own crates inform about. WebRTC's own warnings are everyday events, and may name addresses.
const DEFAULT_LOG: &str = "warn,peal=info,rtc=error,webrtc=error";
/// Exit code: there is no display.
const NO_DISPLAY: u8 = 2;

/// Whose phone this is.
#[derive(Debug)]
pub struct Identity {
    /// The main window's title.
    pub title: String,
    /// The profile's directory.
    pub directory: Option<PathBuf>,
}

/// Runs Peal until it is told to quit. On the main thread.
pub fn run() -> ExitCode {
    let args = Args::parse();
    let graphics = Graphics::of(args.gpu);
    graphics::announce(graphics);
    let log = Log::start(DEFAULT_LOG);
    if !display::is_there() {
        eprintln!("Peal needs a display; for a call without one use peal-headless");
        return ExitCode::from(NO_DISPLAY);
    }
    match tauri::async_runtime::block_on(start(&args)) {
        Ok(Start::Running(engine, identity)) => {
            tauri::async_runtime::block_on(async { log.follow(&engine) });
            open(engine, identity, graphics)
        }
        Ok(Start::Elsewhere) => {
            println!("Peal is already open on the profile \"{}\": its window comes to the front.", args.profile);
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error),
    }
}

/// How a start can turn out.
enum Start {
    /// This is the profile's Peal.
    Running(Engine, Identity),
    /// Another one was, and shows its window now.
    Elsewhere,
}

async fn start(args: &Args) -> Result<Start, PealError> {
    let config = EngineConfig {
        profile: Profile::Named(args.profile.clone()),
        embedded_broker: args.embedded_broker,
        ..EngineConfig::default()
    };
    let started = Engine::start(config.clone()).await;
    // A name that has no directory was refused by the engine already, in words.
    let directory = Place::Named(args.profile.clone()).directory().ok().flatten();
    let engine = match (started, &directory) {
        (Err(error), Some(directory)) if error.code == ErrorCode::ProfileInUse => {
            if instance::ask_to_show(directory).await {
                return Ok(Start::Elsewhere);
            }
            // It may have been on its way out.
            Engine::start(config).await?
        }
        (started, _) => started?,
    };
    Ok(Start::Running(engine, Identity { title: args.title(), directory }))
}

fn open(engine: Engine, identity: Identity, graphics: Graphics) -> ExitCode {
    let border = bindings::builder();
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(border.invoke_handler())
        .manage(engine)
        .manage(identity)
        .manage(Notifications::default())
        .manage(Doorway::default())
        .manage(Leaving::default())
        .setup(move |app| {
            border.mount_events(app);
            set_up(app.handle(), graphics)?;
            Ok(())
        })
        .build(tauri::generate_context!());
    match app {
        Ok(app) => {
            app.run(handle);
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&PealError::new(ErrorCode::Internal, error.to_string())),
    }
}

fn set_up(app: &AppHandle, graphics: Graphics) -> tauri::Result<()> {
    let engine = app.state::<Engine>().inner().clone();
    let settings = engine.snapshot().settings.clone();
    notification::listen(app);
    if let Some(tray) = Tray::new(app, &app.state::<Identity>().title, Words::of(&settings.language))? {
        app.manage(tray);
    }
    open_picture_door(app, engine.clone(), graphics);
    windows::build_main(app, settings.theme)?;
    follow::spawn(app, &engine);
    tauri::async_runtime::spawn(quit::on_signal(app.clone()));
    tauri::async_runtime::spawn(open_door(app.clone()));
    Ok(())
}

/// Lets the pages see pictures; without it calls go on by voice, and say so.
fn open_picture_door(app: &AppHandle, engine: Engine, graphics: Graphics) {
    match tauri::async_runtime::block_on(Door::open(engine, pictures::origins(app), graphics.accelerated)) {
        Ok(door) => {
            app.manage(door);
        }
        Err(error) => tracing::warn!(%error, "the windows will see no pictures"),
    }
}

/// Lets another start of this profile show this one's window.
async fn open_door(app: AppHandle) {
    let Some(directory) = app.state::<Identity>().directory.clone() else {
        return;
    };
    let handle = app.clone();
    let show = move || {
        let handle = handle.clone();
        async move { windows::open_main(&handle).await }
    };
    match instance::listen(&directory, show).await {
        Ok(listening) => {
            app.manage(listening);
        }
        Err(error) => tracing::warn!(%error, "a second start can't bring this window to the front"),
    }
}

fn handle(app: &AppHandle, event: RunEvent) {
    match event {
        RunEvent::WindowEvent { label, event: WindowEvent::CloseRequested { api, .. }, .. } => {
            if label == PICTURE_IN_PICTURE {
                return;
            }
            api.prevent_close();
            if label == MAIN {
                let app = app.clone();
                tauri::async_runtime::spawn(async move { close_main(&app).await });
            }
            // The incoming-call window goes when the ringing does: by Answer, by Decline, or by itself.
        }
        // The last window is gone: say goodbye before the end.
        RunEvent::ExitRequested { code: None, api, .. } => {
            api.prevent_exit();
            quit(app);
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move { windows::open_main(&app).await });
        }
        _ => {}
    }
}

/// The main window's close button: calls must still arrive, if Peal can be found again in a tray.
async fn close_main(app: &AppHandle) {
    if app.try_state::<Tray>().is_some() && tray::is_shown().await {
        if let Some(window) = app.get_webview_window(MAIN)
            && let Err(error) = window.hide()
        {
            tracing::warn!(%error, "the main window can't be hidden");
        }
    } else {
        quit(app);
    }
}

/// Says on stderr and on the screen why Peal does not start.
fn refuse(error: &PealError) -> ExitCode {
    let words = Words::of("system");
    eprintln!("{}: {}\n{}", words.cannot_start, error.message, error.hint);
    display::show_error(words.cannot_start, &format!("{}\n\n{}", error.message, error.hint));
    ExitCode::FAILURE
}
