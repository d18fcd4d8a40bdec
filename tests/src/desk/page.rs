//! The windows of one program, through WebDriver: what stands there, and clicks and keys as a person gives them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use super::http::Http;
use super::process::until;

/// How WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long a page waits for what must happen, ms.
const PATIENCE_MS: u64 = 60_000;

/// The keys of WebDriver that have no letter.
pub mod key {
    /// The tabulator.
    pub const TAB: char = '\u{e004}';
    /// The big key.
    pub const ENTER: char = '\u{e007}';
    /// Up and left of all.
    pub const ESCAPE: char = '\u{e00c}';
    /// Arrow down.
    pub const DOWN: char = '\u{e015}';
    /// Held with others.
    pub const CONTROL: char = '\u{e009}';
    /// Held with others.
    pub const SHIFT: char = '\u{e008}';
}

/// What WebDriver refuses.
#[derive(Debug, thiserror::Error)]
#[error("{error}: {message}")]
pub struct Refused {
    /// WebDriver's own code.
    pub error: String,
    message: String,
}

/// A session: one program and its windows, of which one is looked at.
pub struct Page {
    http: Http,
    path: String,
    name: String,
}

/// What stands for the element of that `data-testid` in a selector.
pub fn id(test_id: &str) -> String {
    format!("[data-testid=\"{test_id}\"]")
}

impl Page {
    /// Starts `program` with `arguments` under the driver that listens at `address`.
    pub fn open(name: &str, address: SocketAddr, program: &Path, arguments: &[&str]) -> Self {
        let http = until("the driver listens", || Http::connect(address).ok());
        let mut page = Self { http, path: String::new(), name: name.to_owned() };
        let options = json!({ "binary": program, "args": arguments });
        let capabilities = json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } });
        let session = page.ask("POST", "/session", Some(&capabilities)).unwrap_or_else(|it| panic!("{name}: {it}"));
        page.path = format!("/session/{}", session["sessionId"].as_str().unwrap_or_default());
        page.must("POST", "/timeouts", &json!({ "script": PATIENCE_MS + 20_000, "implicit": 0 }));
        page
    }

    /// Waits until `condition`, JavaScript, is neither false nor nothing in this window, and answers what it is. It is
    /// looked at again whenever the page changes, and now and then for what changes no element.
    pub fn until(&mut self, condition: &str) -> Value {
        let script = format!(
            "const done = arguments[0];
             const look = () => {{ try {{ return {condition}; }} catch {{ return null; }} }};
             let seen = look();
             if (seen) {{ done({{ seen }}); return; }}
             const again = () => {{ seen = look(); if (seen) end(); }};
             const watch = new MutationObserver(again);
             const glances = setInterval(again, 50);
             const late = setTimeout(() => end(), {PATIENCE_MS});
             const end = () => {{
               watch.disconnect();
               document.removeEventListener('visibilitychange', again);
               clearInterval(glances);
               clearTimeout(late);
               const fields = [...document.querySelectorAll('input, option')].map((it) => it.value);
               done(seen ? {{ seen }} : {{ page: [document.body.innerText, ...fields].join('\\n') }});
             }};
             document.addEventListener('visibilitychange', again);
             watch.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});"
        );
        let answer = self.must("POST", "/execute/async", &json!({ "script": script, "args": [] }));
        let sees = answer["page"].as_str().unwrap_or_default();
        assert!(!answer["seen"].is_null(), "{} never saw: {condition}\nit sees: {sees}", self.name);
        answer["seen"].clone()
    }

    /// What `expression`, JavaScript, is now in this window.
    pub fn value(&mut self, expression: &str) -> Value {
        self.must("POST", "/execute/sync", &json!({ "script": format!("return {expression};"), "args": [] }))
    }

    /// Waits until what stands in this window now is on the screen.
    pub fn rests(&mut self) {
        self.run(
            "window.rests = false;
             const next = (frames) => requestAnimationFrame(() => frames ? next(frames - 1) : window.rests = true);
             next(3);",
        );
        self.until("window.rests");
    }

    /// Runs JavaScript in this window.
    pub fn run(&mut self, script: &str) {
        self.must("POST", "/execute/sync", &json!({ "script": script, "args": [] }));
    }

    /// Waits until there is an element of that selector.
    pub fn sees(&mut self, selector: &str) {
        self.until(&format!("!!document.querySelector('{selector}')"));
    }

    /// Waits until there is none.
    pub fn misses(&mut self, selector: &str) {
        self.until(&format!("!document.querySelector('{selector}')"));
    }

    /// Waits for an element, and answers what it says.
    pub fn text(&mut self, selector: &str) -> String {
        self.sees(selector);
        self.value(&format!("document.querySelector('{selector}').innerText")).as_str().unwrap_or_default().to_owned()
    }

    /// Waits for an element, and answers one of its attributes.
    pub fn attribute(&mut self, selector: &str, name: &str) -> String {
        self.sees(selector);
        let value = self.value(&format!("document.querySelector('{selector}').getAttribute('{name}')"));
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Waits for an element, and clicks on it.
    pub fn click(&mut self, selector: &str) {
        if let Err(error) = self.try_click(selector) {
            panic!("{} can't click on {selector}: {error}", self.name);
        }
    }

    /// As [`click`](Self::click) where the window goes away with the click, which the driver may call an error.
    pub fn click_away(&mut self, selector: &str) {
        match self.try_click(selector) {
            Ok(()) => {}
            Err(Refused { error, .. }) if error == "no such window" => {}
            Err(error) => panic!("{} can't click on {selector}: {error}", self.name),
        }
    }

    /// Types into an element, in place of what is there.
    pub fn types(&mut self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.must("POST", &format!("/element/{element}/clear"), &json!({}));
        self.must("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Presses keys one after the other, wherever the keyboard is.
    pub fn press(&mut self, keys: &[char]) {
        let strokes: Vec<Value> =
            keys.iter().flat_map(|key| [stroke("keyDown", *key), stroke("keyUp", *key)]).collect();
        self.keyboard(&strokes);
    }

    /// Presses a key while others are held.
    pub fn chord(&mut self, held: &[char], key: char) {
        let mut strokes: Vec<Value> = held.iter().map(|it| stroke("keyDown", *it)).collect();
        strokes.extend([stroke("keyDown", key), stroke("keyUp", key)]);
        strokes.extend(held.iter().rev().map(|it| stroke("keyUp", *it)));
        self.keyboard(&strokes);
    }

    /// The handles of all windows.
    pub fn windows(&mut self) -> Vec<String> {
        let handles = self.ask("GET", &format!("{}/window/handles", self.path), None);
        let handles = handles.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        serde_json::from_value(handles).unwrap_or_default()
    }

    /// The handle of the window that is looked at.
    pub fn window(&mut self) -> String {
        let handle = self.ask("GET", &format!("{}/window", self.path), None);
        handle.unwrap_or_else(|error| panic!("{}: {error}", self.name)).as_str().unwrap_or_default().to_owned()
    }

    /// Looks at another window.
    pub fn look_at(&mut self, handle: &str) {
        self.must("POST", "/window", &json!({ "handle": handle }));
    }

    /// Looks at the main window: the driver may have begun with the one that waits, hidden, for a call.
    pub fn look_at_main(&mut self) {
        self.look_at_labelled("main");
    }

    /// Waits for the window of that label, and looks at it.
    pub fn look_at_labelled(&mut self, wanted: &str) {
        let label = "window.__TAURI_INTERNALS__?.metadata?.currentWindow?.label";
        until("the window of that label", || {
            self.windows().into_iter().find(|handle| {
                // One that is going away can't be looked at any more.
                let looked = self.ask("POST", &format!("{}/window", self.path), Some(&json!({ "handle": handle })));
                looked.is_ok() && self.try_value(label).is_ok_and(|label| label == wanted)
            })
        });
    }

    /// Asks a command of the shell, as the page itself would, and answers what it says.
    ///
    /// # Panics
    /// If the command fails.
    pub fn invoke(&mut self, command: &str, parameters: &Value) -> Value {
        let script = "const [command, parameters, done] = arguments;
             window.__TAURI_INTERNALS__.invoke(command, parameters).then(
               (answer) => done({ answer }),
               (error) => done({ error }),
             );";
        let body = json!({ "script": script, "args": [command, parameters] });
        let said = self.must("POST", "/execute/async", &body);
        assert!(said["error"].is_null(), "{} asked for {command}: {}", self.name, said["error"]);
        said["answer"].clone()
    }

    /// Waits for a window other than `known`, and looks at it.
    pub fn look_at_new_window(&mut self, known: &str) {
        let handle = until("another window", || self.windows().into_iter().find(|handle| handle != known));
        self.look_at(&handle);
    }

    /// Makes the window small.
    pub fn minimize(&mut self) {
        self.must("POST", "/window/minimize", &json!({}));
    }

    /// Gives the window a place and a size, logical pixels.
    pub fn place(&mut self, x: i32, y: i32, width: u32, height: u32) {
        self.must("POST", "/window/rect", &json!({ "x": x, "y": y, "width": width, "height": height }));
    }

    /// A picture of what the window shows, PNG.
    pub fn picture(&mut self) -> Vec<u8> {
        // What moved into its place has come to rest by then, and nothing tells when.
        std::thread::sleep(Duration::from_millis(400));
        let picture = self.ask("GET", &format!("{}/screenshot", self.path), None);
        let picture = picture.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let coded = picture.as_str().unwrap_or_default();
        base64::engine::general_purpose::STANDARD.decode(coded).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Ends the session, and the program with it.
    pub fn close(&mut self) {
        if !self.path.is_empty() {
            let _ = self.ask("DELETE", &self.path.clone(), None);
            self.path.clear();
        }
    }

    fn try_value(&mut self, expression: &str) -> Result<Value, Refused> {
        let script = json!({ "script": format!("return {expression};"), "args": [] });
        self.ask("POST", &format!("{}/execute/sync", self.path), Some(&script))
    }

    /// As people do, it clicks on what has come to rest and is not covered: what still slides in would be missed on a
    /// slow machine, since the driver looks where it is first and clicks there then.
    fn try_click(&mut self, selector: &str) -> Result<(), Refused> {
        self.until(&format!(
            "((it) => {{
               it.scrollIntoView({{ block: 'nearest', inline: 'nearest' }});
               const moves = document.getAnimations().some((animation) =>
                 animation.playState === 'running' &&
                 animation.effect.getComputedTiming().endTime !== Infinity &&
                 animation.effect.target.contains(it));
               const place = it.getBoundingClientRect();
               const hit = document.elementFromPoint(place.x + place.width / 2, place.y + place.height / 2);
               return !moves && !!hit && (it.contains(hit) || hit.contains(it));
             }})(document.querySelector('{selector}'))"
        ));
        let element = self.element(selector);
        self.ask("POST", &format!("{}/element/{element}/click", self.path), Some(&json!({}))).map(drop)
    }

    fn element(&mut self, selector: &str) -> String {
        self.sees(selector);
        let found = self.must("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap_or_default().to_owned()
    }

    fn keyboard(&mut self, strokes: &[Value]) {
        self.must("POST", "/actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] }));
    }

    fn must(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("{}{path}", self.path);
        match self.ask(method, &path, Some(body)) {
            Ok(value) => value,
            Err(error) => panic!("{} at {path}: {error}\n{body}", self.name),
        }
    }

    fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Refused> {
        let lost = |error: std::io::Error| Refused { error: "connection".to_owned(), message: error.to_string() };
        let (status, answer) = self.http.ask(method, path, body).map_err(lost)?;
        let value = answer["value"].clone();
        if status == 200 {
            return Ok(value);
        }
        let word = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Err(Refused { error: word("error"), message: word("message") })
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.close();
    }
}

fn stroke(what: &str, key: char) -> Value {
    json!({ "type": what, "value": key })
}
