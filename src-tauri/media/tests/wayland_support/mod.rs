//! A desktop without a screen: D-Bus, `PipeWire`, sway, and the portal that asks what to show.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::source_support::{PATIENCE, apart, here};

/// Tells the test that it is the one on the desktop.
const PLACE: &str = "PEAL_TEST_DESKTOP";
/// Whom a compositor runs as that refuses to be root.
const NOBODY: u32 = 65_534;

/// What the person does when the desktop asks.
#[derive(Clone, Copy)]
pub enum Chooser {
    /// Picks the screen.
    TheScreen,
    /// Picks nothing.
    Nothing,
    /// Does not come to a decision.
    Thinks,
}

/// The desktop as the test sees it.
pub struct Desktop {
    place: PathBuf,
}

/// Runs a test in a process of its own on such a desktop. The name is that of the test.
pub fn on_desktop(name: &str, chooser: Chooser, test: impl AsyncFnOnce(Desktop)) {
    if let Some(place) = std::env::var_os(PLACE) {
        // This compositor shows a screen to others only when it is drawn, and nobody moves a pointer here.
        std::thread::spawn(|| {
            while Command::new("swaymsg").args(["-q", "output", "HEADLESS-1", "enable"]).status().is_ok() {
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        return here(test(Desktop { place: place.into() }));
    }
    let session = Session::start(chooser);
    let mut child = session.command(&std::env::current_exe().unwrap().display().to_string());
    apart(name, child.env(PLACE, session.place.path()), || session.words());
}

impl Desktop {
    /// The left half of the screen has this colour from now on, the right half is blue.
    pub fn paints(&self, colour: &str) {
        let wallpaper = wallpaper(&self.place, colour);
        let painted =
            Command::new("swaymsg").args(["-q", "output", "HEADLESS-1", "bg"]).arg(wallpaper).arg("stretch").status();
        assert!(painted.unwrap().success());
    }

    /// The dialog is open.
    pub fn asks(&self) -> bool {
        self.place.join("asked").exists()
    }

    /// Somebody takes the pictures.
    pub fn is_watched() -> bool {
        says(Command::new("pw-cli").args(["ls", "Node"]), "Stream/Input/Video")
    }

    /// What shows the screen to others goes away.
    pub fn ends(&self) {
        let id = fs::read_to_string(self.place.join("portal-wlr.pid")).unwrap();
        assert!(Command::new("kill").args(["-s", "KILL", id.trim()]).status().unwrap().success());
    }
}

/// The desktop's processes. They go with it, the last first.
struct Session {
    running: Vec<(&'static str, Child)>,
    environment: Vec<(&'static str, String)>,
    place: tempfile::TempDir,
}

impl Session {
    fn start(chooser: Chooser) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let at = |name: &str| place.path().join(name).display().to_string();
        for directory in ["home/.config/xdg-desktop-portal-wlr", "home/.config/wireplumber/main.lua.d", "run", "screen"]
        {
            fs::create_dir_all(at(directory)).unwrap();
        }
        fs::set_permissions(at("run"), fs::Permissions::from_mode(0o700)).unwrap();
        let environment = vec![
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("HOME", at("home")),
            ("TMPDIR", at("home")),
            ("XDG_RUNTIME_DIR", at("run")),
            ("GSETTINGS_BACKEND", "memory".to_owned()),
            ("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", at("run/bus"))),
            ("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", at("run/no-system-bus"))),
        ];
        let mut session = Self { running: Vec::new(), environment, place };
        session.start_bus();
        session.start_pipewire();
        session.start_sway();
        session.start_portal(chooser);
        session
    }

    /// A bus that starts nothing by itself.
    fn start_bus(&mut self) {
        let bus = self.at("run/bus");
        let config = format!(
            "<busconfig><type>session</type><listen>unix:path={bus}</listen><auth>EXTERNAL</auth>
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>
             <allow own=\"*\"/></policy></busconfig>"
        );
        fs::write(self.at("bus.conf"), config).unwrap();
        let config = format!("--config-file={}", self.at("bus.conf"));
        self.run("bus", "dbus-daemon", |daemon| daemon.args([&config, "--nofork", "--nopidfile"]));
        self.until_named("org.freedesktop.DBus");
        self.run("permissions", "/usr/libexec/xdg-permission-store", |store| store);
        self.until_named("org.freedesktop.impl.portal.PermissionStore");
    }

    fn start_pipewire(&mut self) {
        self.run("pipewire", "pipewire", |pipewire| pipewire);
        until("PipeWire", || self.says("pw-cli", &["info", "0"], "id: 0"));
        // There is no hardware to look for.
        let nothing = "alsa_monitor.enabled = false\nv4l2_monitor.enabled = false\nlibcamera_monitor.enabled = false\n";
        fs::write(self.at("home/.config/wireplumber/main.lua.d/51-none.lua"), nothing).unwrap();
        self.run("wireplumber", "wireplumber", |wireplumber| wireplumber);
        until("WirePlumber", || self.says("pw-cli", &["ls", "Metadata"], "metadata.name = \"default\""));
    }

    fn start_sway(&mut self) {
        let wallpaper = wallpaper(self.place.path(), "red");
        let config = format!(
            "xwayland disable\noutput HEADLESS-1 mode --custom 800x600@60Hz\noutput HEADLESS-1 scale 1\n\
             output HEADLESS-1 bg {} stretch\nseat * hide_cursor 100\n",
            wallpaper.display()
        );
        fs::write(self.at("sway.conf"), config).unwrap();
        let (home, socket) = (self.at("screen"), self.at("screen/sway.sock"));
        let config = self.at("sway.conf");
        // It refuses to be root, and whoever becomes somebody else loses the signal that ends it.
        let is_root = rustix::process::geteuid().is_root();
        let program = if is_root { "setpriv" } else { "sway" };
        if is_root {
            chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        self.run("sway", program, |sway| {
            if is_root {
                let number = NOBODY.to_string();
                sway.args(["--reuid", &number, "--regid", &number, "--clear-groups", "--pdeathsig", "KILL", "sway"]);
            }
            sway.args(["-c", &config]).env_remove("DBUS_SESSION_BUS_ADDRESS").env("HOME", &home);
            sway.env("TMPDIR", &home).env("XDG_RUNTIME_DIR", &home).env("SWAYSOCK", &socket);
            sway.env("WLR_BACKENDS", "headless").env("WLR_HEADLESS_OUTPUTS", "1").env("WLR_RENDERER", "pixman");
            sway.env("WLR_LIBINPUT_NO_DEVICES", "1").env("LIBSEAT_BACKEND", "noop")
        });
        until("sway", || self.says("swaymsg", &["-s", &socket, "-r", "-t", "get_outputs"], "\"height\": 600"));
        let display = fs::read_dir(&home).unwrap().flatten().map(|it| it.path()).find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.strip_prefix("wayland-").is_some_and(|number| number.parse::<u32>().is_ok())
        });
        let display = display.unwrap().display().to_string();
        let desktop = "sway".to_owned();
        self.environment.extend([("WAYLAND_DISPLAY", display), ("SWAYSOCK", socket), ("XDG_CURRENT_DESKTOP", desktop)]);
    }

    fn start_portal(&mut self, chooser: Chooser) {
        let asked = self.at("asked");
        let chooser = match chooser {
            Chooser::TheScreen => "chooser_type=none".to_owned(),
            Chooser::Nothing => "chooser_type=simple\nchooser_cmd=true".to_owned(),
            // Until the desktop is gone.
            Chooser::Thinks => {
                format!("chooser_type=simple\nchooser_cmd=touch {asked}; while [ -e {asked} ]; do sleep 0.1; done")
            }
        };
        let config = format!("[screencast]\noutput_name=HEADLESS-1\nmax_fps=30\n{chooser}\n");
        fs::write(self.at("home/.config/xdg-desktop-portal-wlr/config"), config).unwrap();
        let library = self.at("screencopy.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wayland_support/screencopy.c");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o", &library]).arg(source).arg("-ldl");
        assert!(compile.status().unwrap().success(), "{library} compiles");
        self.run("portal-wlr", "/usr/libexec/xdg-desktop-portal-wlr", |portal| {
            portal.args(["-l", "INFO"]).env("LD_PRELOAD", &library)
        });
        self.until_named("org.freedesktop.impl.portal.desktop.wlr");
        self.run("portal", "/usr/libexec/xdg-desktop-portal", |portal| portal);
        self.until_named("org.freedesktop.portal.Desktop");
    }

    fn at(&self, name: &str) -> String {
        self.place.path().join(name).display().to_string()
    }

    /// A program on this desktop, which knows of no other.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run(&mut self, name: &'static str, program: &str, prepare: impl FnOnce(&mut Command) -> &mut Command) {
        let log = fs::File::create(self.at(&format!("{name}.log"))).unwrap();
        // When we are killed, nobody drops anything: then the system kills it.
        let mut command = self.command("setpriv");
        command.args(["--pdeathsig", "KILL", program]);
        prepare(&mut command);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
        fs::write(self.at(&format!("{name}.pid")), child.id().to_string()).unwrap();
        self.running.push((name, child));
    }

    fn says(&self, program: &str, arguments: &[&str], words: &str) -> bool {
        says(self.command(program).args(arguments), words)
    }

    fn until_named(&self, name: &str) {
        let arguments = ["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"];
        let question = format!("string:{name}");
        let call = [&arguments[..], &["org.freedesktop.DBus.NameHasOwner", &question]].concat();
        until(name, || self.says("dbus-send", &call, "boolean true"));
    }

    /// What its programs have said.
    fn words(&self) -> String {
        let said = |name: &str| fs::read_to_string(self.at(&format!("{name}.log"))).unwrap_or_default();
        let all: Vec<String> = self.running.iter().map(|(name, _)| format!("--- {name}\n{}", said(name))).collect();
        all.join("\n")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.at("asked"));
        for (_, child) in self.running.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A picture for the whole screen, half of it in this colour and half blue.
fn wallpaper(place: &Path, colour: &str) -> PathBuf {
    let path = place.join(format!("{colour}.png"));
    let halves = [format!("xc:rgb({})", rgb(colour)), format!("xc:rgb({})", rgb("blue"))];
    let drawn = Command::new("convert").args(["-size", "400x600"]).args(halves).arg("+append").arg(&path).status();
    assert!(drawn.unwrap().success());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

fn rgb(colour: &str) -> &'static str {
    match colour {
        "red" => "255,0,0",
        "green" => "0,255,0",
        _ => "0,0,255",
    }
}

fn says(command: &mut Command, words: &str) -> bool {
    let output = command.stdin(Stdio::null()).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(words))
}

/// Waits until something is so.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
