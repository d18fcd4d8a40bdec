//! Peal without a window: the engine, and JSON lines on the standard streams.

use std::process::ExitCode;

use clap::Parser as _;
use peal_headless::options::Options;
use peal_headless::program;

fn main() -> ExitCode {
    program::run(Options::parse(), |_| {})
}
