//! A Chromium without a window, driven by WebDriver (W3C Recommendation WebDriver, and Chrome's own commands).
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where an expectation fails"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use end_to_end::{Folder, Launch, PATIENCE, Program, fixed_port, until};
use serde_json::{Value, json};

/// The program of Debian's package `chromium-driver`.
const DRIVER: &str = "/usr/bin/chromedriver";

/// One browser at a time: each is several processes, and the tests have two cores.
static ONE: Mutex<()> = Mutex::new(());

/// The keys that have no character of their own (WebDriver, section Keyboard actions).
pub(super) mod keys {
    pub(in super::super) const TAB: &str = "\u{e004}";
    pub(in super::super) const ENTER: &str = "\u{e007}";
    pub(in super::super) const LEFT: &str = "\u{e012}";
    pub(in super::super) const RIGHT: &str = "\u{e014}";
    pub(in super::super) const HOME: &str = "\u{e011}";
}

/// A browser with one tab. It ends with this value.
pub(super) struct Browser {
    session: String,
    address: String,
    _driver: Program,
    _one: MutexGuard<'static, ()>,
}

impl Browser {
    /// Starts one that can reach this host only.
    pub(super) fn start(folder: &Folder) -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(Path::new(DRIVER).exists(), "no {DRIVER}: run ./test, or tests/setup target/interop-python");
        let port = fixed_port();
        let driver = Launch::at(Path::new(DRIVER), "chromedriver", folder.path());
        let driver = driver.args([format!("--port={port}"), "--log-level=SEVERE".to_owned()]).start();
        let address = format!("127.0.0.1:{port}");
        until("the driver of the browser listens", || TcpStream::connect(&address).ok());
        let profile = format!("--user-data-dir={}", folder.state_dir("browser").display());
        let options = [
            "--headless=new",
            "--no-sandbox", // it may run as root here
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--window-size=1280,1400",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            &profile,
        ];
        let wanted = json!({ "goog:chromeOptions": { "args": options },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" } });
        let session =
            send(&address, "POST", "/session", Some(&json!({ "capabilities": { "alwaysMatch": wanted } })));
        let session = session["sessionId"].as_str().expect("a session").to_owned();
        Self { session, address, _driver: driver, _one: one }
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        send(&self.address, "POST", &format!("/session/{}/{command}", self.session), Some(body))
    }

    /// Opens an address, and waits until its scripts are loaded.
    pub(super) fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// Runs a script in the page, and returns what it returns.
    pub(super) fn script(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text of the first element that a selector matches, as the page shows it.
    pub(super) fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({selector:?})?.innerText ?? ''");
        self.script(&script).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the text of an element is so.
    #[track_caller]
    pub(super) fn wait_for_text(&self, selector: &str, what: &str, is: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let what = format!("{selector}: {what}");
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(&what, || {
                last = self.text(selector);
                is(&last).then_some(())
            });
        }));
        assert!(looked.is_ok(), "{what}; it is {last:?}");
        last
    }

    /// Presses and releases each key.
    pub(super) fn press(&self, keys: &[&str]) {
        let presses: Vec<Value> = keys
            .iter()
            .flat_map(|key| {
                [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
            })
            .collect();
        self.post(
            "actions",
            &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": presses }] }),
        );
    }

    /// Runs a command of the Chrome DevTools Protocol.
    pub(super) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Prefers `light` or `dark`.
    pub(super) fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// What the console of the browser has, such as violations of the page's policy.
    pub(super) fn console(&self) -> Vec<String> {
        let entries = self.post("se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// The addresses of all requests since the last call.
    pub(super) fn requests(&self) -> Vec<String> {
        let entries = self.post("se/log", &json!({ "type": "performance" }));
        let entries = entries.as_array().cloned().unwrap_or_default();
        let message = |entry: &Value| {
            serde_json::from_str::<Value>(entry["message"].as_str().unwrap_or_default()).unwrap_or_default()
        };
        let sent = entries
            .iter()
            .map(message)
            .filter(|entry| entry["message"]["method"] == "Network.requestWillBeSent");
        sent.map(|entry| entry["message"]["params"]["request"]["url"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // While a test fails, the driver may be gone.
        let command = format!("/session/{}", self.session);
        if let Ok(stream) = TcpStream::connect(&self.address) {
            let _ = exchange(stream, "DELETE", &command, None);
        }
    }
}

#[track_caller]
fn send(address: &str, method: &str, path: &str, body: Option<&Value>) -> Value {
    let stream = TcpStream::connect(address).expect("the driver accepts");
    let (status, reply) = exchange(stream, method, path, body).expect("the driver replies");
    assert!(status == 200, "{method} {path}: {reply}");
    reply["value"].clone()
}

/// One request on a connection of its own. The driver promises to close the connection, and does not: the length counts.
fn exchange(
    mut stream: TcpStream,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> std::io::Result<(u16, Value)> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut reader = BufReader::new(stream);
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or_default();
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    let mut reply = vec![0; length];
    reader.read_exact(&mut reply)?;
    let reply = serde_json::from_slice(&reply).unwrap_or_else(|error| panic!("not JSON: {error}"));
    Ok((status, reply))
}
