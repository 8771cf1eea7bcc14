//! What follows when a handler fails or does not keep up: `agent.on_failure`, `agent.conflate`. The link is never touched.

use std::fs;

use end_to_end::{Folder, counter, event, is_event, key_of, notice, until};
use serde_json::Value;

fn handled(folder: &Folder) -> Vec<Value> {
    let text = fs::read_to_string(folder.path().join("handled")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn wait_for_handled(folder: &Folder, count: usize) -> Vec<Value> {
    until(&format!("{count} handled events"), || {
        let events = handled(folder);
        (events.len() >= count).then_some(events)
    })
}

fn keys(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| key_of(event).1).collect()
}

/// A command that appends each event to the file `handled`; on key `bad` it fails as long as there is no file `mended`.
fn fails_until_mended(folder: &Folder) -> String {
    let (handled, mended) = (folder.path().join("handled"), folder.path().join("mended"));
    format!(
        r#"IFS= read -r line; case "$line" in *'"bad"'*) [ -e {} ] || exit 3;; esac; printf '%s\n' "$line" >> {}"#,
        mended.display(),
        handled.display()
    )
}

fn events(keys: &[&str]) -> Vec<Value> {
    keys.iter().map(|key| event("t", key, "set", "v", "D")).collect()
}

#[test]
fn by_default_a_failed_handler_gets_its_table_again_and_nothing_else() {
    let folder = Folder::new();
    let service = folder.service();
    let command = fails_until_mended(&folder);
    let agent = folder.agent_launch("agent", service.address()).args(["--exec", &command]).start();
    agent.wait_for_notice(0, "live");
    folder.publish(&[event("other", "x", "set", "v", "D")]);
    folder.publish(&events(&["a", "bad", "b"]));
    // The one that failed fails again, and waits for the next minute.
    let resync = agent.wait_for_notice(0, "resync");
    let reason = resync["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("table t") && reason.contains("exit status: 3"), "{reason}");
    let failed = |line: &Value| notice(line) == Some("handler_failed");
    agent.wait_for_count(0, 2, "the second failure", failed);
    let handled = wait_for_handled(&folder, 5);
    assert!(handled[..3].iter().all(|line| line.get("origin").is_none()), "{handled:?}");
    let mut again = keys(&handled[3..]);
    again.sort();
    assert_eq!(again, ["a", "b"]);
    assert!(handled[3..].iter().all(|line| line["origin"] == "sync"), "{handled:?}");
    assert_eq!(agent.events().len(), 4, "stdout has each once");
    let resyncs = agent.notices().iter().filter(|name| *name == "resync").count();
    assert_eq!((resyncs, agent.notices().contains(&"link_down".to_owned())), (1, false));
}

#[test]
fn a_retried_event_is_handled_in_order() {
    let folder = Folder::with_settings("[agent]\non_failure = \"retry\"\nhandler_retries = 100");
    let service = folder.service();
    let command = fails_until_mended(&folder);
    let agent = folder.agent_launch("agent", service.address()).args(["--exec", &command]).start();
    agent.wait_for_notice(0, "live");
    folder.publish(&events(&["a", "bad", "b"]));
    until("a retry", || (counter(&folder.status("agent"), "handlers", "events_retried") > 0).then_some(()));
    assert_eq!(keys(&handled(&folder)), ["a"]);
    folder.write("mended", "");
    assert_eq!(keys(&wait_for_handled(&folder, 3)), ["a", "bad", "b"]);
    assert!(!agent.notices().contains(&"handler_failed".to_owned()), "it did not fail in the end");
}

#[test]
fn a_failure_with_the_stop_policy_stops_the_agent_and_its_event_is_handled_after_the_restart() {
    let folder = Folder::with_settings("[agent]\non_failure = \"stop\"");
    let service = folder.service();
    let command = fails_until_mended(&folder);
    let launch = || folder.agent_launch("agent", service.address()).args(["--exec", &command]);
    let mut agent = launch().start();
    agent.wait_for_notice(0, "live");
    folder.publish(&events(&["a", "bad", "b"]));
    let status = agent.wait_for_end();
    assert_ne!(status.code(), Some(0));
    assert!(agent.stderr().contains("agent.on_failure"), "{}", agent.stderr());
    agent.wait_for_notice(0, "handler_failed");
    assert_eq!(keys(&handled(&folder)), ["a"]);

    folder.write("mended", "");
    let _agent = launch().start();
    let mut handled = keys(&wait_for_handled(&folder, 3));
    handled.sort();
    assert_eq!(handled, ["a", "b", "bad"], "what it was not done with, and nothing else");
}

#[test]
fn with_conflate_a_slow_handler_gets_the_latest_event_of_each_row() {
    let folder = Folder::with_settings("[agent]\nconflate = true\nhandler_queue_events = 3");
    let service = folder.service();
    let [began, gate, into] = ["began", "gate", "handled"].map(|name| folder.path().join(name));
    let command = format!(
        "touch {}; while [ ! -e {} ]; do sleep 0.05; done; cat >> {}",
        began.display(),
        gate.display(),
        into.display()
    );
    let agent = folder.agent_launch("agent", service.address()).args(["--exec", &command]).start();
    agent.wait_for_notice(0, "live");
    let set = |key: &str, value: usize| event("t", key, "set", value.to_string().as_str(), "D");
    let mut published: Vec<Value> = (0..50).flat_map(|value| [set("a", value), set("b", value)]).collect();
    published.push(event("t", "a", "delete", Value::Null, "D"));
    folder.publish(published.get(..1).unwrap_or_default());
    until("the first in the handler's hands", || began.exists().then_some(()));
    folder.publish(published.get(1..).unwrap_or_default());
    agent.wait_for_count(0, published.len(), "each event, though the handler takes none", is_event);
    fs::write(gate, "").unwrap_or_default();
    let last = |events: &[Value], key: &str| events.iter().rfind(|event| key_of(event).1 == key).cloned();
    until("the latest of each row", || {
        let handled = handled(&folder);
        let is_latest = |key| last(&handled, key) == last(&published, key);
        (is_latest("a") && is_latest("b")).then_some(())
    });
    let conflated = counter(&folder.status("agent"), "handlers", "events_conflated");
    let count = handled(&folder).len() as u64;
    assert_eq!(
        (conflated + count, count),
        (published.len() as u64, 4),
        "one in its hands, three in its queue"
    );
}
