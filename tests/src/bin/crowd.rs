//! `cargo xtask bench crowd`: how many people one embedded broker holds, and what that costs.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use peal_tests::crowd::bench::{Crowd, run};
use peal_tests::crowd::broker;
use peal_tests::measure::{Unmeasured, machine};
use serde_json::json;

const HELP: &str = "\
Many users on one embedded broker, some of them calling: signals only, no sound.

Usage: crowd [--json] [--users N] [--calling N] [--seconds N] [--talk N] [--picture KIB]

      --json     Print one JSON object instead of a table
      --users    How many are logged in (1000)
      --calling  How many of them call (a tenth)
      --seconds  How long nothing happens, and then how long they call (60)
      --talk     How long each call is, in seconds (10)
      --picture  How large everybody's picture is, in KiB, at most 32 (none)
  -h, --help     Print this
";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [alone, directory] if alone == broker::ALONE => broker::run(Path::new(directory)).await,
        arguments => match options(arguments) {
            Ok(Some((crowd, json))) => measure(crowd, json).await,
            Ok(None) => {
                print!("{HELP}");
                Ok(())
            }
            Err(words) => {
                eprintln!("{words}\n\n{HELP}");
                return ExitCode::from(2);
            }
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the crowd was not measured: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(crowd: Crowd, json: bool) -> Result<(), Unmeasured> {
    let machine = machine();
    let outcome = run(crowd).await?;
    if json {
        let mut all = outcome.to_json();
        all["machine"] = json!(machine);
        println!("{all}");
    } else {
        println!("{machine}");
        outcome.print();
    }
    Ok(())
}

/// None: help is wanted.
fn options(arguments: &[String]) -> Result<Option<(Crowd, bool)>, String> {
    let (mut json, mut users, mut calling, mut seconds, mut talk, mut picture) = (false, 1000, None, 60, 10, 0);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let number = arguments.next().and_then(|it| it.parse::<usize>().ok()).filter(|it| *it > 0);
            number.ok_or_else(|| format!("{argument} takes a number"))
        };
        match argument.as_str() {
            "--json" => json = true,
            "-h" | "--help" => return Ok(None),
            "--users" => users = number()?,
            "--calling" => calling = Some(number()?),
            "--seconds" => seconds = number()?,
            "--talk" => talk = number()?,
            "--picture" => picture = number()? * 1024,
            other => return Err(format!("{other} is no option")),
        }
    }
    let calling = calling.unwrap_or(users / 10).max(2);
    if users < calling + 10 {
        return Err("ten users at least don't call: they are measured too".to_owned());
    }
    let time = |seconds: usize| Duration::from_secs(seconds as u64);
    Ok(Some((Crowd { users, calling, stretch: time(seconds), talk: time(talk), picture }, json)))
}
