//! Makes the README's pictures: each screen of the real app, light and dark, into `docs/screens/`.
//!
//! `cargo build -p peal && cargo run -p peal-tests --bin screenshots`

#[cfg(unix)]
mod album;

#[cfg(unix)]
fn main() {
    album::make();
}

#[cfg(not(unix))]
fn main() -> std::process::ExitCode {
    eprintln!("the pictures are made under Xvfb, which only Unix has");
    std::process::ExitCode::from(2)
}
