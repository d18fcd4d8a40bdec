//! Chromium with one page open, headless or on a display, driven through its debugging socket, on a host of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

use crate::path::{Host, PathError};

/// No step takes longer, however loaded the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// The names that it goes by.
const NAMES: [&str; 4] = ["chromium", "google-chrome-stable", "google-chrome", "chromium-browser"];

/// Why a browser did not do as told.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// It can't be started or reached.
    #[error("Chromium: {0}")]
    Process(#[from] std::io::Error),
    /// Its host can't start it.
    #[error(transparent)]
    Host(#[from] PathError),
    /// It speaks otherwise than expected, or too late.
    #[error("Chromium: {0}")]
    Talk(String),
    /// A script in the page failed.
    #[error("in Chromium's page, {0}")]
    Script(String),
}

/// A running browser; it dies when dropped.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    next: u64,
    _profile: TempDir,
}

impl Browser {
    /// Starts it on a host with this page, whose camera and microphone are these arguments' (`--use-file-for-fake-…`); with a
    /// window if it is told a display.
    pub fn start(
        host: &Host,
        display: Option<&str>,
        page: &'static str,
        arguments: Vec<String>,
    ) -> Result<Self, BrowserError> {
        let listener = host.listen(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = listener.local_addr()?;
        std::thread::spawn(move || serve(&listener, page));
        let profile = tempfile::tempdir()?;
        let home = profile.path().display().to_string();
        let display = display.map(str::to_owned);
        let mut child = host.run(move || spawn(display.as_deref(), &home, arguments))??;
        let endpoint = endpoint(&mut child).and_then(|endpoint| {
            let at = endpoint.strip_prefix("ws://").and_then(|it| it.split('/').next()).and_then(|it| it.parse().ok());
            Ok((at.ok_or_else(|| BrowserError::Talk(format!("it listens at {endpoint}")))?, endpoint))
        });
        let (at, endpoint) = match endpoint {
            Ok(found) => found,
            Err(error) => {
                end(&mut child);
                return Err(error);
            }
        };
        let stream = host.connect(at)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let config = tungstenite::protocol::WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let socket = tungstenite::client::client_with_config(endpoint, stream, Some(config));
        let (socket, _) = socket.map_err(|error| BrowserError::Talk(error.to_string()))?;
        let mut browser = Self { child, socket, session: None, next: 0, _profile: profile };
        browser.load(address)?;
        Ok(browser)
    }

    /// Its first process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs a script in the page and returns what it resolves to.
    pub fn call(&mut self, script: &str) -> Result<Value, BrowserError> {
        let parameters =
            json!({ "expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let reply = self.command("Runtime.evaluate", &parameters)?;
        let exception = &reply["exceptionDetails"];
        if exception.is_null() {
            return Ok(reply["result"]["value"].clone());
        }
        let script: String = script.chars().take(60).collect();
        let words = exception["exception"]["description"].as_str().or(exception["text"].as_str());
        Err(BrowserError::Script(format!("{script}: {}", words.unwrap_or("an error"))))
    }

    /// [`call`](Self::call)s a script that resolves to a string.
    pub fn text(&mut self, script: &str) -> Result<String, BrowserError> {
        match self.call(script)? {
            Value::String(text) => Ok(text),
            other => Err(BrowserError::Script(format!("{script}: {other} is no text"))),
        }
    }

    fn load(&mut self, address: SocketAddr) -> Result<(), BrowserError> {
        let target = self.command("Target.createTarget", &json!({ "url": format!("http://{address}/") }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.command("Target.attachToTarget", &attach)?;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        let deadline = Instant::now() + PATIENCE;
        while self.call("document.readyState === 'complete' && typeof open_call === 'function'")? != json!(true) {
            if Instant::now() > deadline {
                return Err(BrowserError::Talk("the page does not load".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn command(&mut self, method: &str, parameters: &Value) -> Result<Value, BrowserError> {
        let talk = |error: tungstenite::Error| BrowserError::Talk(format!("{method}: {error}"));
        self.next += 1;
        let id = self.next;
        let mut request = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(request.to_string())).map_err(talk)?;
        loop {
            let Message::Text(text) = self.socket.read().map_err(talk)? else { continue };
            let reply: Value = serde_json::from_str(&text).map_err(|error| BrowserError::Talk(error.to_string()))?;
            if reply["id"] == id {
                let error = &reply["error"];
                return if error.is_null() {
                    Ok(reply["result"].clone())
                } else {
                    Err(BrowserError::Talk(format!("{method}: {error}")))
                };
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends it with all its processes.
fn end(child: &mut Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status();
    let _ = child.kill();
    let _ = child.wait();
}

fn spawn(display: Option<&str>, home: &str, arguments: Vec<String>) -> std::io::Result<Child> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&path).any(|place| place.join(name).is_file());
    let name = NAMES.into_iter().find(is_there).unwrap_or(NAMES[0]);
    // When we are killed, nobody drops anything: then the system kills it.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", name]);
    match display {
        Some(display) => command.env("DISPLAY", display).args(["--window-position=0,0", "--no-default-browser-check"]),
        None => command.arg("--headless"),
    };
    command.args([
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--remote-debugging-port=0",
        "--window-size=1400,900",
    ]);
    command.arg(format!("--user-data-dir={home}")).args(arguments).arg("about:blank");
    command.env_remove("PULSE_SERVER").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
}

/// Where it says that it can be driven. Its further words are read away, so that it never blocks on them.
fn endpoint(child: &mut Child) -> Result<String, BrowserError> {
    let words = child.stderr.take().ok_or_else(|| BrowserError::Talk("its words can't be read".to_owned()))?;
    let (found, endpoint) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(words).lines().map_while(Result::ok) {
            if let Some(endpoint) = line.strip_prefix("DevTools listening on ") {
                // Nobody waits any more if it came too late.
                let _ = found.send(endpoint.to_owned());
            }
        }
    });
    endpoint.recv_timeout(PATIENCE).map_err(|_| BrowserError::Talk("it does not start".to_owned()))
}

/// Serves the page, which must come from 127.0.0.1 for Chromium to open camera and microphone.
fn serve(listener: &TcpListener, page: &str) {
    for mut stream in listener.incoming().map_while(Result::ok) {
        let mut request = [0; 4_096];
        let _ = stream.read(&mut request);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            page.len()
        );
        // A browser that is gone asks no more.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(page.as_bytes()));
    }
}
