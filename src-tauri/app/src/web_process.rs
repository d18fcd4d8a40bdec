//! The library that WebKit loads into its web process, and where it is.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// As cargo names it.
const LIBRARY: &str = "libpeal_web_process.so";

/// The directory whose libraries WebKit loads, if it is there: without it pictures take the long way, and calls are the same.
/// Looked for once: every window asks, and one that rings shall not wait for the disk.
pub fn directory() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let program = std::env::current_exe().ok()?;
        let found = beside(program.parent()?);
        if found.is_none() {
            tracing::info!("pictures take the long way into the windows: {LIBRARY} is not installed");
        }
        found
    };
    FOUND.get_or_init(find).as_deref()
}

/// Where a package puts it, or where cargo does.
fn beside(programs: &Path) -> Option<PathBuf> {
    let installed = programs.parent()?.join("lib/peal/web-process");
    if installed.join(LIBRARY).is_file() {
        return Some(installed);
    }
    let built = programs.join("deps").join(LIBRARY);
    if !built.is_file() {
        return None;
    }
    // WebKit loads every library of the directory, and cargo's is full of others.
    let alone = programs.join("web-process");
    match fs::create_dir(&alone) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return None,
        _ => {}
    }
    match symlink(&built, alone.join(LIBRARY)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => None,
        _ => Some(alone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_found_where_a_package_puts_it() {
        let root = tempfile::tempdir().unwrap();
        let (programs, place) = (root.path().join("bin"), root.path().join("lib/peal/web-process"));
        fs::create_dir_all(&programs).unwrap();
        fs::create_dir_all(&place).unwrap();
        assert_eq!(beside(&programs), None);
        fs::write(place.join(LIBRARY), "").unwrap();
        assert_eq!(beside(&programs), Some(place));
    }

    #[test]
    fn what_cargo_built_lies_alone_in_a_directory_however_often_peal_starts() {
        let root = tempfile::tempdir().unwrap();
        let programs = root.path().join("debug");
        fs::create_dir_all(programs.join("deps")).unwrap();
        for library in [LIBRARY, "libother.so"] {
            fs::write(programs.join("deps").join(library), "it").unwrap();
        }
        for _ in 0..2 {
            let place = beside(&programs).unwrap();
            let names: Vec<_> = place.read_dir().unwrap().map(|it| it.unwrap().file_name()).collect();
            assert_eq!(names, [LIBRARY]);
            assert_eq!(fs::read(place.join(LIBRARY)).unwrap(), b"it");
        }
    }
}
