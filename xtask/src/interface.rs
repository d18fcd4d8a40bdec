//! What npm installs and builds: the interface, and the media server that tests start; each done anew only when needed.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::command::{Failure, Step, find};
use crate::place;

/// The step that installs the interface's packages; none if the lock file is the one they were installed from.
pub fn install() -> Result<Option<Step>, Failure> {
    packages("Installing the interface's packages", &place::interface())
}

/// To be called after the step of [`install`]: notes what was installed.
pub fn installed() -> Result<(), Failure> {
    note(&place::interface())
}

/// Installs the packages of the media server that tests start, unless they are there.
pub fn ensure_media_server() -> Result<(), Failure> {
    let home = place::root().join("tests").join("media-server");
    if let Some(step) = packages("Installing the tests' media server", &home)? {
        step.run()?;
        note(&home)?;
    }
    Ok(())
}

fn packages(title: &str, home: &Path) -> Result<Option<Step>, Failure> {
    if find("node").is_none() || (cfg!(unix) && find("npm").is_none()) {
        return Err(Failure::new("Node.js 20.19 or newer is needed, with npm: https://nodejs.org"));
    }
    let lock = home.join("package-lock.json");
    let current =
        fs::read(&lock).map_err(|error| Failure::new(format!("{} can't be read: {error}", lock.display())))?;
    if current == fs::read(stamp(home)).unwrap_or_default() {
        return Ok(None);
    }
    let step = Step::new(title, "npm").may_take("up to a minute");
    Ok(Some(step.args(["ci", "--no-audit", "--no-fund"]).within(home)))
}

fn note(home: &Path) -> Result<(), Failure> {
    let stamp = stamp(home);
    fs::copy(home.join("package-lock.json"), &stamp)
        .map(|_| ())
        .map_err(|error| Failure::new(format!("{} can't be written: {error}", stamp.display())))
}

/// The step that builds the interface; none if nothing is newer than the last build.
pub fn build() -> Option<Step> {
    let ui = place::interface();
    if is_current(&ui) { None } else { Some(script("Building the interface", "build")) }
}

/// A step that runs a script of ui/package.json.
pub fn script(title: &str, name: &str) -> Step {
    Step::new(title, "npm").args(["run", "--silent", name]).within(&place::interface())
}

/// Installs and builds what is not current.
pub fn prepare() -> Result<(), Failure> {
    if let Some(step) = install()? {
        step.run()?;
        installed()?;
    }
    if let Some(step) = build() {
        step.run()?;
    }
    Ok(())
}

/// It lies in `node_modules`, and so is gone when they are.
fn stamp(home: &Path) -> std::path::PathBuf {
    home.join("node_modules").join(".installed-package-lock.json")
}

fn is_current(ui: &Path) -> bool {
    let built = fs::metadata(ui.join("dist").join("index.html")).and_then(|file| file.modified());
    let Ok(built) = built else { return false };
    let entries = fs::read_dir(ui).into_iter().flatten().flatten();
    let sources = entries.filter(|entry| !["dist", "node_modules"].iter().any(|name| entry.file_name() == *name));
    sources.filter_map(|entry| newest(&entry.path())).all(|changed| changed <= built)
}

/// When the newest file or directory below was changed: a directory's time tells of files that went away.
fn newest(path: &Path) -> Option<SystemTime> {
    let own = fs::symlink_metadata(path).ok()?;
    let below = own.is_dir().then(|| fs::read_dir(path).ok()).flatten();
    let below = below.into_iter().flatten().flatten().filter_map(|entry| newest(&entry.path()));
    below.chain(own.modified().ok()).max()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    /// Sets the time of the last change, in seconds since some moment.
    fn touch(path: &Path, second: u64) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + second);
        File::open(path).unwrap().set_modified(time).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_interface_is_built_again_only_after_a_change() {
        let ui = std::env::temp_dir().join(format!("peal-xtask-{}", std::process::id()));
        fs::create_dir_all(ui.join("src").join("parts")).unwrap();
        fs::create_dir_all(ui.join("dist")).unwrap();
        let source = ui.join("src").join("parts").join("Button.svelte");
        let built = ui.join("dist").join("index.html");
        assert!(!is_current(&ui), "it was never built");
        for file in [&source, &built, &ui.join("package.json")] {
            fs::write(file, "x").unwrap();
        }
        let old = [&source, &ui.join("package.json"), &ui.join("src").join("parts"), &ui.join("src")];
        for path in old {
            touch(path, 10);
        }
        touch(&built, 20);
        assert!(is_current(&ui));
        touch(&source, 30);
        assert!(!is_current(&ui), "a source was changed");
        touch(&source, 10);
        touch(source.parent().unwrap(), 30);
        assert!(!is_current(&ui), "a source was taken away");
        fs::remove_dir_all(&ui).unwrap();
    }
}
