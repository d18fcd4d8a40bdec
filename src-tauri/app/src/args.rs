//! What can be said on the command line.

use std::net::SocketAddr;

use clap::Parser;
use peal_engine::DEFAULT_BROKER;

use crate::graphics::Gpu;

/// A softphone: call people and doorbells over any MQTT broker, or over Peal's own.
#[derive(Debug, Clone, Parser)]
#[command(name = "peal", version, about)]
pub struct Args {
    /// The profile: an account, its contacts, its history. Two profiles are two people on one computer.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROFILE)]
    pub profile: String,

    /// Where Peal's own broker listens. It is joined if one runs there, started if not, and left alone with a server.
    #[arg(long, value_name = "ADDR:PORT", env = "PEAL_BROKER", default_value_t = DEFAULT_BROKER)]
    pub embedded_broker: SocketAddr,

    /// Who draws the windows: "on" where a graphics card is not recognised, "off" where it draws badly.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub gpu: Gpu,
}

/// The profile of those who never heard of profiles.
pub const DEFAULT_PROFILE: &str = "default";

impl Args {
    /// The main window's title: two profiles side by side can be told apart.
    pub fn title(&self) -> String {
        if self.profile == DEFAULT_PROFILE { "Peal".to_owned() } else { format!("Peal ({})", self.profile) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_arguments_the_default_profile_runs() {
        let args = Args::try_parse_from(["peal"]).unwrap();
        assert_eq!(args.profile, "default");
        assert_eq!(args.title(), "Peal");
    }

    #[test]
    fn another_profile_is_named_in_the_title() {
        let args = Args::try_parse_from(["peal", "--profile", "second"]).unwrap();
        assert_eq!(args.title(), "Peal (second)");
    }
}
