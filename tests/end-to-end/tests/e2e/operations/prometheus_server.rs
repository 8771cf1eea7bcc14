//! A Prometheus of this test, and promtool.
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where an expectation fails"
)]

use std::path::PathBuf;
use std::process::Command;

use end_to_end::{Folder, Launch, Program, fixed_port, http, until};
use serde_json::Value;

/// The folder with the programs of Debian's package, inside Cargo's target folder. `tests/setup` unpacks it there: an installed
/// package starts a service.
const FOLDER: &str = "prometheus";

/// A Prometheus that scrapes every second.
pub(super) struct PrometheusServer {
    _program: Program,
    endpoint: String,
}

impl PrometheusServer {
    /// Starts one, with the addresses of each job.
    pub(super) fn start(folder: &Folder, targets: &[(&str, &str)]) -> Self {
        let jobs: String = targets
            .iter()
            .map(|(job, endpoint)| {
                let target = endpoint.trim_start_matches("http://");
                format!("  - job_name: {job}\n    static_configs: [{{targets: [\"{target}\"]}}]\n")
            })
            .collect();
        let config = folder.write(
            "prometheus.yml",
            &format!("global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{jobs}"),
        );
        let address = format!("127.0.0.1:{}", fixed_port());
        let program = Launch::at(&program("prometheus"), "prometheus", folder.path()).args([
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", folder.path().join("tsdb").display()),
            format!("--web.listen-address={address}"),
            "--log.level=warn".to_owned(),
        ]);
        let server = Self { _program: program.start(), endpoint: format!("http://{address}") };
        until("Prometheus listens", || std::net::TcpStream::connect(&address).ok());
        until("Prometheus is ready", || {
            (http(&server.endpoint, "GET /-/ready HTTP/1.0\r\nHost: test\r\n\r\n").status == 200)
                .then_some(())
        });
        server
    }

    /// The data of a path of its API.
    #[track_caller]
    pub(super) fn get(&self, path: &str) -> Value {
        // Go closes the connection after the reply to this version, and sends it as one piece.
        let reply = http(&self.endpoint, &format!("GET {path} HTTP/1.0\r\nHost: test\r\n\r\n"));
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        let body: Value = serde_json::from_str(&reply.body).expect("JSON");
        assert_eq!(body["status"], "success", "{path}: {body}");
        body["data"].clone()
    }

    /// The samples of an expression now.
    #[track_caller]
    pub(super) fn query(&self, expression: &str) -> Vec<Value> {
        let data = self.get(&format!("/api/v1/query?query={}", encoded(expression)));
        data["result"].as_array().cloned().unwrap_or_default()
    }
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

pub(super) fn promtool() -> Command {
    Command::new(program("promtool"))
}

fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its program");
    let mut places = test.ancestors().map(|folder| folder.join(FOLDER).join(name));
    places.find(|path| path.is_file()).unwrap_or_else(|| {
        panic!(
            "no {FOLDER}/{name} in Cargo's target folder: run ./test, or tests/setup target/interop-python"
        )
    })
}
