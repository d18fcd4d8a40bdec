//! What the system must have. On Debian and Ubuntu it is installed; elsewhere a person is told what to install.

use std::env;
use std::fs;

use crate::command::{Failure, Step, find, output};

/// What is needed depends on what is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Building what has no window.
    Call,
    /// Building and running the app.
    Run,
    /// Testing it all with servers, sound, a display and a browser that are made for the test.
    Test,
    /// Measuring pictures and voices beside a browser's.
    Measure,
}

/// One package of Debian and Ubuntu.
struct Package {
    name: &'static str,
    purpose: Purpose,
    /// Programs that do as well, from wherever they come.
    or: &'static [&'static str],
}

const fn package(purpose: Purpose, name: &'static str) -> Package {
    Package { name, purpose, or: &[] }
}

/// The one list of packages: what builds, what the app needs, what the tests need.
const PACKAGES: &[Package] = &[
    package(Purpose::Call, "build-essential"),
    package(Purpose::Call, "cmake"),
    package(Purpose::Call, "nasm"),
    package(Purpose::Call, "pkg-config"),
    package(Purpose::Call, "libclang-dev"),
    package(Purpose::Call, "libasound2-dev"),
    package(Purpose::Call, "libpulse-dev"),
    package(Purpose::Call, "libpipewire-0.3-dev"),
    package(Purpose::Run, "libwebkit2gtk-4.1-dev"),
    package(Purpose::Run, "libayatana-appindicator3-dev"),
    package(Purpose::Run, "librsvg2-dev"),
    package(Purpose::Test, "webkit2gtk-driver"),
    package(Purpose::Test, "xvfb"),
    package(Purpose::Test, "xdotool"),
    package(Purpose::Test, "openbox"),
    package(Purpose::Test, "imagemagick"),
    package(Purpose::Test, "dbus-x11"),
    package(Purpose::Test, "dunst"),
    package(Purpose::Test, "fonts-noto-cjk"),
    package(Purpose::Test, "pulseaudio"),
    package(Purpose::Test, "pulseaudio-utils"),
    // A Wayland desktop without a screen, whose portal is asked for one.
    package(Purpose::Test, "dbus-bin"),
    package(Purpose::Test, "pipewire"),
    package(Purpose::Test, "wireplumber"),
    package(Purpose::Test, "sway"),
    package(Purpose::Test, "swaybg"),
    package(Purpose::Test, "xdg-desktop-portal"),
    package(Purpose::Test, "xdg-desktop-portal-wlr"),
    package(Purpose::Test, "espeak-ng"),
    package(Purpose::Test, "sox"),
    // By which the bench's own measure of pictures is judged.
    package(Purpose::Test, "ffmpeg"),
    package(Purpose::Test, "mosquitto"),
    package(Purpose::Test, "openssl"),
    // What rmqttd is built with.
    package(Purpose::Test, "libssl-dev"),
    package(Purpose::Test, "protobuf-compiler"),
    // Ubuntu has it as a snap, which a test can't start as it likes.
    Package { name: "chromium", purpose: Purpose::Test, or: &["google-chrome", "google-chrome-stable"] },
    package(Purpose::Test, "iproute2"),
    package(Purpose::Test, "ethtool"),
    // What scores voices is a Python module that is built here.
    package(Purpose::Measure, "python3-venv"),
    package(Purpose::Measure, "python3-dev"),
];

/// Sees to it that the system has what the purpose needs.
pub fn ensure(purpose: Purpose) -> Result<(), Failure> {
    match env::consts::OS {
        "linux" if is_debian() => ensure_debian(purpose),
        "linux" => ensure_linux(purpose),
        "macos" => ensure_programs(&["cc", "cmake", "nasm"], "xcode-select --install; brew install cmake nasm"),
        "windows" => ensure_programs(
            &["cmake", "nasm"],
            "winget install Kitware.CMake NASM.NASM LLVM.LLVM, and Visual Studio's build tools for C++",
        ),
        other => {
            eprintln!("xtask: {other} is unknown here; the build will say what it misses.");
            Ok(())
        }
    }
}

fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    names_debian(&release) && find("dpkg-query").is_some() && find("apt-get").is_some()
}

fn names_debian(release: &str) -> bool {
    release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .any(|ids| ids.trim_matches('"').split_whitespace().any(|id| id == "debian" || id == "ubuntu"))
}

fn ensure_debian(purpose: Purpose) -> Result<(), Failure> {
    let wanted = wanted(purpose);
    let missing = missing(&wanted, &installed(&wanted));
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    eprintln!("The system lacks these packages: {list}");
    let by_hand = format!("apt-get install --no-install-recommends {list}");
    let root = output("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    if !root {
        if find("sudo").is_none() {
            return Err(Failure::new(format!("only root may install them: {by_hand}")));
        }
        eprintln!(
            "Only root may install them, so sudo may ask for your password. As root it does this alone: apt-get update; {by_hand}"
        );
    }
    let apt = |title: &str| {
        let program = if root { "env" } else { "sudo" };
        let step = Step::new(title, program).args(if root { &[][..] } else { &["env"] });
        // Another installation may be under way: wait for it.
        step.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"])
    };
    // A mirror that fails now may still have given its lists before.
    let listed = apt("Asking for the lists of packages").may_take("up to a minute").args(["update"]).run();
    let install = ["install", "--yes", "--no-install-recommends"];
    let done = apt("Installing the system's packages").may_take("a minute or two").args(install).args(&missing).run();
    done.map(|_| ()).map_err(|failure| match listed {
        Ok(_) => Failure::new(format!("{failure}; by hand: {by_hand}")),
        Err(update) => Failure::new(format!("{update}, and {failure}; by hand: {by_hand}")),
    })
}

fn wanted(purpose: Purpose) -> Vec<&'static str> {
    let other = |package: &Package| package.or.iter().any(|program| find(program).is_some());
    PACKAGES
        .iter()
        .filter(|package| package.purpose <= purpose && !other(package))
        .map(|package| package.name)
        .collect()
}

/// The lines of `dpkg-query`: a package and its state. It fails for packages that it never heard of, and tells the rest.
fn installed(wanted: &[&str]) -> String {
    let output = crate::command::command("dpkg-query")
        .args(["--show", "--showformat", "${Package} ${db:Status-Status}\\n"])
        .args(wanted)
        .stderr(std::process::Stdio::null())
        .output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

fn missing<'a>(wanted: &[&'a str], installed: &str) -> Vec<&'a str> {
    let has = |name: &str| installed.lines().any(|line| line.strip_prefix(name) == Some(" installed"));
    wanted.iter().copied().filter(|name| !has(name)).collect()
}

/// Another Linux: its own packages can't be known, but whether what they hold is there can.
fn ensure_linux(purpose: Purpose) -> Result<(), Failure> {
    let mut programs = vec!["cc", "c++", "make", "cmake", "nasm", "pkg-config"];
    let mut libraries = vec!["alsa", "libpulse"];
    if purpose >= Purpose::Run {
        libraries.extend(["webkit2gtk-4.1", "ayatana-appindicator3-0.1", "librsvg-2.0"]);
    }
    if purpose >= Purpose::Test {
        programs.extend([
            "WebKitWebDriver",
            "Xvfb",
            "xdotool",
            "import",
            "dbus-launch",
            "dunst",
            "pulseaudio",
            "pactl",
        ]);
        programs.extend(["espeak-ng", "sox", "ffmpeg", "mosquitto", "openssl", "protoc", "ip", "ethtool"]);
    }
    if purpose >= Purpose::Measure {
        programs.extend(["chromium", "python3"]);
    }
    programs.retain(|program| find(program).is_none());
    libraries.retain(|library| output("pkg-config", &["--exists", library]).is_none());
    if programs.is_empty() && libraries.is_empty() {
        return Ok(());
    }
    let list = |kind: &str, names: &[&str]| {
        if names.is_empty() { String::new() } else { format!("\n  {kind}: {}", names.join(", ")) }
    };
    Err(Failure::new(format!(
        "this system lacks what Peal is built with:{}{}{ELSEWHERE}",
        list("programs", &programs),
        list("libraries with their headers", &libraries),
    )))
}

const ELSEWHERE: &str = "
  Fedora: dnf install gcc-c++ make cmake nasm clang-devel alsa-lib-devel pulseaudio-libs-devel webkit2gtk4.1-devel \
libayatana-appindicator-gtk3-devel librsvg2-devel
  Arch: pacman -S base-devel cmake nasm clang alsa-lib libpulse webkit2gtk-4.1 libayatana-appindicator librsvg";

fn ensure_programs(programs: &[&str], advice: &str) -> Result<(), Failure> {
    let missing: Vec<_> = programs.iter().copied().filter(|program| find(program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("these programs are needed: {}. Install them with: {advice}", missing.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_but_not_installed_is_missing() {
        let installed = "cmake installed\nnasm config-files\nlibpulse-dev-doc installed\n";
        assert_eq!(missing(&["cmake", "nasm", "libpulse-dev"], installed), ["nasm", "libpulse-dev"]);
        assert_eq!(missing(&["cmake"], installed), [""; 0]);
    }

    #[test]
    fn a_test_needs_what_a_run_needs_and_a_run_what_a_call_needs() {
        let (call, run, test) = (wanted(Purpose::Call), wanted(Purpose::Run), wanted(Purpose::Test));
        assert!(test.iter().all(|name| wanted(Purpose::Measure).contains(name)));
        assert!(call.len() < run.len() && run.len() < test.len());
        assert!(call.iter().all(|name| run.contains(name)) && run.iter().all(|name| test.contains(name)));
        assert!(!call.contains(&"libwebkit2gtk-4.1-dev"), "a call has no window");
    }

    #[test]
    fn debian_and_what_is_like_it_are_recognised() {
        assert!(names_debian("NAME=\"Debian GNU/Linux\"\nID=debian\n"));
        assert!(names_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!names_debian("ID=fedora\nHOME_URL=\"https://debian.example/debian\"\n"));
    }
}
