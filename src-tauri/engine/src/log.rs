//! What a program over this engine logs to its standard error, and how the setting `debug` changes it (kit D09).

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use crate::Engine;

/// Says what is logged, in the words of [`EnvFilter`]; it then counts alone.
const VARIABLE: &str = "PEAL_LOG";
/// What `debug` adds: all that Peal's own crates have to say.
const DEBUG: &str = "peal=debug";

/// The running log.
#[derive(Debug)]
pub struct Log {
    usual: String,
    filter: Option<Handle<EnvFilter, Registry>>,
}

impl Log {
    /// Begins to log what `usual` says ([`EnvFilter`]'s words), unless the environment's `PEAL_LOG` says otherwise. Once
    /// in a program: a second log is the first one.
    pub fn start(usual: &str) -> Self {
        let fixed = EnvFilter::try_from_env(VARIABLE).ok();
        let follows = fixed.is_none();
        let (filter, handle) = reload::Layer::new(fixed.unwrap_or_else(|| EnvFilter::new(usual)));
        let colours = std::io::stderr().is_terminal();
        let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
        let begun = tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok();
        Self { usual: usual.to_owned(), filter: Some(handle).filter(|_| begun && follows) }
    }

    /// Logs more while the engine's setting `debug` is on. Must be called within a tokio runtime.
    pub fn follow(self, engine: &Engine) {
        let mut views = engine.watch();
        tokio::spawn(async move {
            let mut debug = false;
            loop {
                let wanted = views.borrow_and_update().settings.debug;
                if wanted != debug {
                    debug = wanted;
                    self.set_debug(debug);
                }
                if views.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    fn set_debug(&self, debug: bool) {
        let Some(filter) = &self.filter else { return };
        let words = if debug { format!("{},{DEBUG}", self.usual) } else { self.usual.clone() };
        // It fails only once the log itself is gone.
        let _ = filter.reload(EnvFilter::new(words));
        tracing::debug!("debug messages are logged from here on");
    }
}
