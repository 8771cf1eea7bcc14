//! `skimmer doctor`: each provoked fault is named by its check, and nothing keeps it from ending.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

mod at_publishers;
mod in_directory;
mod keys;
mod on_this_host;

use end_to_end::{Ended, Folder, Launch, Service};
use serde_json::Value;

/// What `skimmer doctor --json` found.
#[derive(Debug)]
struct Examined {
    document: Value,
    code: Option<i32>,
}

impl Examined {
    #[track_caller]
    fn of(launch: Launch) -> Self {
        let ended: Ended = launch.args(["--json"]).run();
        Self { document: ended.json(), code: ended.code() }
    }

    fn check(&self, id: &str) -> &Value {
        let checks = self.document["checks"].as_array().expect("a list");
        checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no check {id}"))
    }

    /// The ids of the checks with a result.
    fn with(&self, result: &str) -> Vec<&str> {
        let checks = self.document["checks"].as_array().expect("a list").iter();
        checks.filter(|check| check["result"] == result).filter_map(|check| check["id"].as_str()).collect()
    }

    /// Asserts that a check failed, with a remedy, for a reason with this part; and that the exit status says so.
    #[track_caller]
    fn fails(&self, id: &str, part: &str) -> &Self {
        assert_eq!(self.code, Some(69), "{:#}", self.document);
        self.found(id, "fail", part)
    }

    #[track_caller]
    fn warns(&self, id: &str, part: &str) -> &Self {
        self.found(id, "warn", part)
    }

    #[track_caller]
    fn passes(&self, id: &str) -> &Self {
        assert_eq!(self.check(id)["result"], "pass", "{:#}", self.check(id));
        self
    }

    #[track_caller]
    fn found(&self, id: &str, result: &str, part: &str) -> &Self {
        let check = self.check(id);
        let reason = check["reason"].as_str().unwrap_or_default();
        assert!(check["result"] == result && reason.contains(part), "{part:?} in {check:#}");
        assert!(check["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{check:#}");
        self
    }
}

/// Doctor at the process that was launched as `name`.
fn doctor(folder: &Folder, name: &str) -> Launch {
    let state_dir = folder.state_dir(&format!("{name}.state"));
    folder.skimmer(&["doctor"]).set("state_dir", state_dir.display())
}

/// Doctor of the role agent, for publishers at these addresses.
fn of_agent(folder: &Folder, publishers: &str) -> Launch {
    doctor(folder, "agent").args(["--for", "agent"]).set("publishers_ips", publishers)
}

/// An agent of everything that is live.
fn live_agent(folder: &Folder, service: &Service) -> end_to_end::Program {
    let agent = folder.agent("agent", service);
    agent.wait_for_notice(0, "live");
    agent
}
