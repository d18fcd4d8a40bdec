//! A desk with a screen, a sound card and a message bus of its own, where the real Peal is used by mouse and keyboard.
//!
//! Everything on it is a child of the test: Xvfb with openbox, a D-Bus session with dunst, PulseAudio with null sinks, and
//! for each Peal a `WebKitWebDriver`. All of it is killed when the desk is dropped.

pub mod http;
pub mod page;
pub mod process;
pub mod screen;
pub mod sound;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use self::page::{Page, id, key};
use self::process::{Running, descendant, until};
use self::screen::Screen;
use crate::person::free_address;
use crate::sound_server::SoundServer;

/// What the desk is.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The screen, pixels.
    pub screen: (u32, u32),
    /// Pixels for each logical pixel, in each direction.
    pub scale: u32,
    /// The desktop is dark.
    pub dark: bool,
    /// What Peal is told about a graphics card: its `--gpu`.
    pub gpu: &'static str,
}

impl Default for Plan {
    fn default() -> Self {
        Self { screen: (1500, 1000), scale: 1, dark: false, gpu: "auto" }
    }
}

/// The sound devices: what each sink is, and what the settings call it. What is played into a microphone's sink comes
/// out of that microphone.
const DEVICES: [(&str, &str); 4] =
    [("mic_a", "Headset microphone"), ("spk_a", "Headset"), ("mic_b", "Desk microphone"), ("spk_b", "Desk speaker")];

/// One desk. Whoever sits there shares a broker, and has a data directory for all profiles.
pub struct Desk {
    /// The sound server: its sinks are `mic_a`, `spk_a`, `mic_b`, `spk_b`.
    pub sound: SoundServer,
    /// Where Peal's own broker is.
    pub broker: SocketAddr,
    /// What is seen.
    pub screen: Screen,
    plan: Plan,
    is_silent: bool,
    display: String,
    bus: String,
    // In this order: whoever draws goes before the screen does.
    _notifications: Running,
    _windows: Running,
    _bus: Running,
    display_server: Running,
    home: tempfile::TempDir,
}

/// A running Peal, its windows under WebDriver.
pub struct Peal {
    /// Its windows.
    pub page: Page,
    /// The main window's handle.
    pub main: String,
    /// Its process id.
    pub id: u32,
    driver: Running,
}

impl Desk {
    /// Sets everything up.
    pub fn new() -> Self {
        Self::with(Plan::default())
    }

    /// Sets everything up, as planned.
    pub fn with(plan: Plan) -> Self {
        let home = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        let sound = SoundServer::with_modules(DEVICES.into_iter().flat_map(modules))
            .unwrap_or_else(|error| panic!("no sound server: {error}"));
        let (width, height) = plan.screen;
        let mut screen = Running::start("Xvfb", &home.path().join("xvfb.log"), |command| {
            let size = format!("{width}x{height}x24");
            command.args(["-displayfd", "1", "-screen", "0", &size, "-nolisten", "tcp"]).stdout(Stdio::piped());
            command.arg("-fbdir").arg(home.path());
        });
        let display = format!(":{}", screen.first_line());
        let pixels = Screen::open(home.path()).unwrap_or_else(|error| panic!("the screen can't be read: {error}"));
        let mut session = Running::start("dbus-daemon", &home.path().join("bus.log"), |command| {
            command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]).stdout(Stdio::piped());
        });
        let bus = session.first_line();
        let windows = Running::start("openbox", &home.path().join("openbox.log"), |command| {
            command.env("DISPLAY", &display).env("HOME", home.path());
        });
        let notifications = start_dunst(home.path(), &display, &bus);
        let broker = free_address();
        Self {
            sound,
            broker,
            screen: pixels,
            plan,
            is_silent: false,
            display,
            bus,
            _notifications: notifications,
            _windows: windows,
            _bus: session,
            display_server: screen,
            home,
        }
    }

    /// Sets everything up, but that no program finds a sound device.
    pub fn without_sound() -> Self {
        Self { is_silent: true, ..Self::new() }
    }

    /// The display's name.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The display server's process.
    pub fn screen_pid(&self) -> u32 {
        self.display_server.id()
    }

    /// The directory of everything on the desk.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A file's place on the desk.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Opens Peal on a profile.
    pub fn opens(&self, profile: &str) -> Peal {
        let address = free_address();
        // Straight to WebKit's own driver: tauri-driver in between would only rename a capability and set this variable,
        // and it drops a call now and then.
        let driver = Running::start("WebKitWebDriver", &self.file(&format!("{profile}.log")), |command| {
            command.arg(format!("--port={}", address.port())).env("TAURI_WEBVIEW_AUTOMATION", "true");
            self.dress(command);
        });
        let mut page = Page::open(profile, address, &program(), &["--profile", profile, "--gpu", self.plan.gpu]);
        page.look_at_main();
        let main = page.window();
        let id = until("the program itself", || descendant(driver.id(), "peal"));
        Peal { page, main, id, driver }
    }

    /// Opens Peal on a profile, and gives it a name at the first start.
    pub fn opens_as(&self, profile: &str, name: &str) -> Peal {
        let mut peal = self.opens(profile);
        peal.page.types(&id("name-field"), name);
        peal.page.click(&id("start-button"));
        peal.page.sees(&format!("{}[data-state=\"online\"]", id("connection")));
        peal
    }

    /// Starts Peal as a shell would, without WebDriver; its output is a pipe.
    pub fn starts(&self, profile: &str, prepare: impl FnOnce(&mut Command)) -> Running {
        let program = program();
        Running::start(&program.display().to_string(), &self.file(&format!("{profile}.again.log")), |command| {
            self.dress(command);
            command.args(["--profile", profile]).stdout(Stdio::piped());
            prepare(command);
        })
    }

    /// Runs a small program of the desktop, and answers what it says.
    pub fn runs(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        self.dress(&mut command);
        let output = command.args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What was picked from the next notification's buttons: a word of it.
    pub fn will_pick(&self, button: &str) {
        std::fs::write(self.file("choice"), button).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Puts a picture of the whole screen into `$PEAL_PICTURES`, if that is set.
    pub fn picture(&self, name: &str) {
        let Some(directory) = std::env::var_os("PEAL_PICTURES").map(PathBuf::from) else { return };
        std::thread::sleep(Duration::from_millis(400));
        let path = directory.join(format!("{name}.png"));
        self.runs("import", &["-window", "root", &path.display().to_string()]);
    }

    /// The environment of every program on the desk.
    fn dress(&self, command: &mut Command) {
        for variable in
            ["WAYLAND_DISPLAY", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "LANGUAGE", "PULSE_SINK"]
        {
            command.env_remove(variable);
        }
        command.env("DISPLAY", &self.display).env("DBUS_SESSION_BUS_ADDRESS", &self.bus);
        let sound =
            if self.is_silent { format!("unix:{}", self.file("no-sound").display()) } else { self.sound.address() };
        command.env("PULSE_SERVER", sound).env("PEAL_BROKER", self.broker.to_string());
        command.env("PEAL_DATA_DIR", self.file("data")).env("HOME", self.home()).env("XDG_RUNTIME_DIR", self.home());
        command.env("GTK_THEME", if self.plan.dark { "Adwaita:dark" } else { "Adwaita" });
        command.env("LC_ALL", "C.UTF-8").env("NO_AT_BRIDGE", "1").env("GDK_SCALE", self.plan.scale.to_string());
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

impl Peal {
    /// Chooses microphone and speaker in the settings, by their sinks' names.
    pub fn chooses_sound(&mut self, microphone: &str, speaker: &str) {
        self.page.click(&id("open-settings"));
        let devices = [("microphone", format!("{microphone}_source")), ("speaker-device", speaker.to_owned())];
        for (select, device) in devices {
            let option = format!("{} option[value=\"pulseaudio:{device}\"]", id(select));
            self.page.click(&option);
            self.page.until(&format!("document.querySelector('{option}').selected"));
        }
        self.page.press(&[key::ESCAPE]);
        self.page.misses(&id("settings"));
    }

    /// Waits until a contact is there, and answers its account.
    pub fn sees_contact(&mut self, name: &str) -> String {
        let row = format!(
            "[...document.querySelectorAll('{}')].find(it => it.dataset.presence === 'online' && it.innerText.includes('{name}'))",
            id("contact")
        );
        self.page.until(&format!("{row}?.dataset.userId")).as_str().unwrap_or_default().to_owned()
    }

    /// Chooses a contact, and clicks on Call.
    pub fn calls(&mut self, user: &str) {
        self.page.click(&format!("{}[data-user-id=\"{user}\"]", id("contact")));
        self.page.sees(&format!("{}[data-user-id=\"{user}\"]", id("detail")));
        self.page.click(&id("call-button"));
    }

    /// Waits for the incoming-call window, and looks at it. It is there all the time, hidden.
    pub fn rings(&mut self) {
        let main = self.main.clone();
        self.page.look_at_new_window(&main);
        self.page.until(&format!(
            "document.visibilityState === 'visible' && !!document.querySelector('{}')",
            id("incoming")
        ));
    }

    /// Clicks in the incoming-call window, and looks at the main window again.
    pub fn picks(&mut self, button: &str) {
        self.page.click_away(&id(button));
        let main = self.main.clone();
        self.page.look_at(&main);
    }

    /// Waits until the incoming-call window is gone, and looks at the main window.
    pub fn stops_ringing(&mut self) {
        let main = self.main.clone();
        self.page.look_at_new_window(&main);
        self.page
            .until(&format!("document.visibilityState === 'hidden' && !document.querySelector('{}')", id("incoming")));
        self.page.look_at(&main);
    }

    /// True while the incoming-call window, which is looked at, is on the screen.
    pub fn is_rung(&mut self) -> bool {
        self.page.value("document.visibilityState === 'visible'").as_bool().unwrap_or_default()
    }

    /// Waits until the call on the stage is in `state`.
    pub fn sees_call(&mut self, state: &str) {
        self.page.sees(&format!("{}[data-state=\"{state}\"]", id("call")));
    }

    /// Waits for the call's end, and answers the reason and its words.
    pub fn sees_end(&mut self) -> (String, String) {
        let reason = self.page.attribute(&id("end-reason"), "data-reason");
        (reason, self.page.text(&id("end-reason")))
    }

    /// Leaves the end's screen, and waits for the contacts.
    pub fn goes_back(&mut self) {
        self.page.click(&id("back"));
        self.page.misses(&id("ended"));
        self.page.until(&format!("!document.querySelector('{}').inert", id("home")));
    }

    /// The newest call of the history: its id, status and direction.
    pub fn last_record(&mut self) -> Value {
        self.page.click(&id("tab-recent"));
        self.page.sees(&id("record"));
        let data = format!("({{ ...document.querySelector('{}').dataset }})", id("record"));
        let record = self.page.value(&data);
        self.page.click(&id("tab-people"));
        json!({ "call": record["callId"], "status": record["status"], "direction": record["direction"] })
    }

    /// Remembers in the page when a button is clicked; ask [`clicked`](Self::clicked).
    pub fn notes_clicks_on(&mut self, button: &str) {
        self.page.run(&format!(
            "window.clicked = 0;
             document.addEventListener('click', (event) => {{
               if (event.target.closest('{}')) window.clicked = Date.now();
             }}, {{ capture: true, once: false }});",
            id(button)
        ));
    }

    /// When the button was clicked last.
    pub fn clicked(&mut self) -> SystemTime {
        moment(&self.page.value("window.clicked"))
    }

    /// Kills the program, as a crash would.
    pub fn crashes(&mut self) {
        process::signal("KILL", &self.id.to_string());
        let started = Instant::now();
        while Path::new(&format!("/proc/{}/exe", self.id)).exists() {
            assert!(started.elapsed() < process::PATIENCE, "it survives");
            std::thread::sleep(process::GLANCE);
        }
    }

    /// What the program has said on stderr.
    pub fn log(&self) -> String {
        self.driver.log()
    }
}

impl Drop for Peal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- what it said ---\n{}", self.log());
        }
        self.page.close();
        process::signal("KILL", &self.id.to_string());
    }
}

/// A moment that JavaScript names, milliseconds since 1970.
pub fn moment(value: &Value) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs_f64(value.as_f64().unwrap_or_default() / 1_000.0)
}

/// The app, as `cargo build -p peal` leaves it above this test.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let found = here.ancestors().skip(1).take(2).map(|it| it.join("peal")).find(|it| it.is_file());
    found.unwrap_or_else(|| panic!("there is no peal beside {}: cargo build -p peal makes it", here.display()))
}

/// The PulseAudio modules of a device.
fn modules((name, said): (&str, &str)) -> Vec<String> {
    let called = |what: &str| format!("{what}_properties=device.description=\"{}\"", said.replace(' ', "\\ "));
    let sink = format!("module-null-sink sink_name={name} rate=48000 channels=1 {}", called("sink"));
    let source = format!("module-remap-source source_name={name}_source master={name}.monitor {}", called("source"));
    if name.starts_with("mic") { vec![sink, source] } else { vec![sink] }
}

/// Notifications whose buttons are picked by [`Desk::will_pick`]: dunst shows them in a menu, and the menu is a script.
fn start_dunst(home: &Path, display: &str, bus: &str) -> Running {
    let (script, settings) = (home.join("pick.sh"), home.join("dunstrc"));
    let place = home.display();
    let pick = format!("#!/bin/sh\ntee {place}/menu | grep -m 1 \"$(cat {place}/choice)\"\n");
    let written = std::fs::write(&script, pick)
        .and_then(|()| std::fs::write(&settings, format!("[global]\n dmenu = {}\n", script.display())))
        .and_then(|()| std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)));
    written.unwrap_or_else(|error| panic!("{error}"));
    Running::start("dunst", &home.join("dunst.log"), |command| {
        command.arg("-config").arg(&settings);
        command.env("DISPLAY", display).env("DBUS_SESSION_BUS_ADDRESS", bus).env("HOME", home);
    })
}
