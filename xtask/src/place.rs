//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    // Cargo says it at run time too, for a binary that was built in another clone with the same target directory.
    let package =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map(Path::to_owned).unwrap_or(package)
}

/// The interface's directory.
pub fn interface() -> PathBuf {
    root().join("ui")
}

/// Cargo's target directory: the one that this program was built in (`<target>/debug/xtask`).
pub fn target() -> PathBuf {
    let built = env::current_exe().ok().and_then(|program| program.ancestors().nth(2).map(Path::to_owned));
    // A test of this program lies one deeper, in `deps`.
    match built {
        Some(built) if built.ends_with("debug") => built.parent().map(Path::to_owned).unwrap_or(built),
        Some(built) => built,
        None => root().join("target"),
    }
}

/// A binary of this workspace, as `cargo build` leaves it.
pub fn binary(name: &str) -> PathBuf {
    target().join("debug").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}
