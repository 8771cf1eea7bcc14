//! F47 of docs/guarantees.md: handlers that fail, under each policy; what follows for the handler itself is tested in
//! `failure_policies`.

use end_to_end::{counter, event, notice, until};
use serde_json::Value;

use super::agents::{assert_complete, launch, live_agent, notices_since, patient};
use super::load::last;

const EVENTS: usize = 60;

fn published() -> Vec<Value> {
    let key = |number: usize| if number % 10 == 3 { format!("bad-{number}") } else { number.to_string() };
    let mut events: Vec<Value> =
        (0..EVENTS).map(|number| event("t", &key(number), "set", "v", "D")).collect();
    events.push(last());
    events
}

/// Fails on some keys.
const COMMAND: &str = r#"IFS= read -r line; case "$line" in *'"bad-'*) exit 3;; esac"#;

#[test]
fn with_every_failure_policy_the_link_stays_up_and_the_stream_is_complete() {
    for (policy, retries) in [("skip", 0), ("retry", 2), ("resync", 0)] {
        let folder =
            patient(&format!("[agent]\non_failure = \"{policy}\"\nhandler_retries = {}", retries.max(1)));
        let service = folder.service();
        let agent = launch(&folder, "agent", service.address()).args(["--exec", COMMAND]).start();
        agent.wait_for_notice(0, "live");
        let mark = agent.mark();
        let published = published();
        folder.publish(&published);
        assert_complete(&agent, &published);
        let failed = |line: &Value| notice(line) == Some("handler_failed");
        agent.wait_for_count(mark, EVENTS / 10, "each failure", failed);
        until("each event was tried", || {
            let status = folder.status("agent");
            let of = |name| counter(&status, "handlers", name);
            (of("events_handled") + of("events_failed") >= published.len() as u64).then_some(())
        });
        let status = folder.status("agent");
        let retried = counter(&status, "handlers", "events_retried");
        assert_eq!(retried, (EVENTS / 10 * retries) as u64, "{policy}: {status}");
        let reported = notices_since(&agent, mark);
        let is_expected =
            |name: &String| name == "handler_failed" || (policy == "resync" && name == "resync");
        assert!(reported.iter().all(is_expected), "{policy}: {reported:?}");
    }
}

#[test]
fn an_agent_stopped_by_a_failure_reports_the_reason_and_affects_no_other() {
    let folder = patient("[agent]\non_failure = \"stop\"");
    let service = folder.service();
    let mut stopped = launch(&folder, "stopped", service.address()).args(["--exec", COMMAND]).start();
    let other = live_agent(&folder, "other", service.address());
    stopped.wait_for_notice(0, "live");
    let published = published();
    folder.publish(&published);
    let status = stopped.wait_for_end();
    assert_eq!(status.code(), Some(1), "{}", stopped.stderr());
    assert!(stopped.stderr().contains("agent.on_failure"), "{}", stopped.stderr());
    assert_complete(&other, &published);
}
