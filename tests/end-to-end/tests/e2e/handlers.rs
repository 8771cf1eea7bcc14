//! Handlers: commands that get events on their stdin, and whose failures touch nothing but themselves.

use std::fs;

use end_to_end::{Folder, event, is_event, key_of, notice, until};
use serde_json::Value;

fn read_events(folder: &Folder, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Waits until a command has appended `count` events to a file, and returns them.
fn wait_for_file(folder: &Folder, name: &str, count: usize) -> Vec<Value> {
    until(&format!("{count} events in {name}"), || {
        let events = read_events(folder, name);
        (events.len() >= count).then_some(events)
    })
}

fn append_to(folder: &Folder, name: &str) -> String {
    format!("cat >> {}", folder.path().join(name).display())
}

fn events(table: &str, topic: &str, count: usize) -> Vec<Value> {
    let value = r#"{"quoted":"it's \"one\" line\n"}"#;
    (0..count).map(|n| event(table, &format!("{topic}-{n}"), "set", value, topic)).collect()
}

#[test]
fn a_command_gets_each_event_on_its_stdin_in_order() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.agent_launch("agent", service.address());
    let agent = agent.args(["--exec", &append_to(&folder, "all")]).start();
    agent.wait_for_notice(0, "subscribed");
    let events = events("lport", "D", 50);
    folder.publish(&events);
    assert_eq!(wait_for_file(&folder, "all", 50), events);
    assert_eq!(agent.wait_for_events(50), events, "stdout has them too");
}

#[test]
fn commands_of_tables_and_topics_get_the_events_of_their_route_only() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder
        .agent_launch("agent", service.address())
        .args(["--exec-table", &format!("lport={}", append_to(&folder, "lports"))])
        .args(["--exec-table", &format!("lrouter={}", append_to(&folder, "lrouters"))])
        .args(["--exec-topic", &format!("tenant-1={}", append_to(&folder, "tenant-1"))])
        .start();
    agent.wait_for_notice(0, "subscribed");
    let mut published = events("lport", "D", 10);
    published.extend(events("lrouter", "D", 10));
    published.extend(events("lport", "tenant-1", 10));
    published.extend(events("lport", "tenant-2", 10));
    published.extend(events("lport", "D", 1));
    folder.publish(&published);

    let of = |wanted: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        published.iter().filter(|event| event["topic"] != "tenant-2" && wanted(event)).cloned().collect()
    };
    assert_eq!(wait_for_file(&folder, "lports", 21), of(&|event| event["table"] == "lport"));
    assert_eq!(wait_for_file(&folder, "lrouters", 10), of(&|event| event["table"] == "lrouter"));
    assert_eq!(wait_for_file(&folder, "tenant-1", 10), of(&|event| event["topic"] == "tenant-1"));
}

/// A command that appends each event to a file, but for those whose line has `bad`, on which it does that instead.
fn append_but(bad: &str, instead: &str, folder: &Folder, name: &str) -> String {
    format!(
        r#"IFS= read -r line; case "$line" in *{bad}*) {instead};; esac; printf '%s\n' "$line" >> {}"#,
        folder.path().join(name).display()
    )
}

#[test]
fn a_failing_command_is_reported_and_affects_neither_the_link_nor_later_events() {
    let folder = Folder::with_settings("[agent]\non_failure = \"skip\"");
    let service = folder.service();
    let command = append_but("D-3", "exit 3", &folder, "handled");
    let agent = folder.agent_launch("agent", service.address()).args(["--exec", &command]).start();
    agent.wait_for_notice(0, "subscribed");
    let events = events("lport", "D", 8);
    folder.publish(&events);

    let failed = agent.wait_for_notice(0, "handler_failed");
    assert_eq!(
        (&failed["handler"], &failed["table"], &failed["key"]),
        (&"all".into(), &"lport".into(), &"D-3".into())
    );
    let reason = failed["reason"].as_str().expect("a reason");
    assert!(reason.contains("exit status: 3"), "{reason}");
    let handled = wait_for_file(&folder, "handled", 7);
    let others: Vec<Value> = events.into_iter().filter(|event| event["key"] != "D-3").collect();
    assert_eq!(handled, others);
    assert_eq!(agent.notices_but_live(), ["ready", "link_up", "subscribed", "handler_failed"]);
    let status = folder.status("agent");
    assert_eq!(end_to_end::counter(&status, "handlers", "events_failed"), 1, "{status}");
    assert_eq!(end_to_end::counter(&status, "handlers", "events_handled"), 7, "{status}");
}

#[test]
fn a_command_that_does_not_exist_fails_each_event_and_nothing_else() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.agent_launch("agent", service.address());
    let agent = agent.args(["--exec", "/no/such/command --at-all"]).start();
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&events("lport", "D", 5));
    let failed = |line: &Value| notice(line) == Some("handler_failed");
    agent.wait_for_count(0, 5, "a failure per event", failed);
    assert_eq!(agent.wait_for_events(5).len(), 5);
    assert!(!agent.notices().iter().any(|name| name == "link_down"));
}

#[test]
fn a_command_that_exceeds_its_timeout_is_killed_with_its_children_and_reported() {
    let folder = Folder::with_settings("[agent]\nhandler_timeout = \"3s\"\non_failure = \"skip\"");
    let service = folder.service();
    let command = format!(
        r#"IFS= read -r line; case "$line" in *D-1*) sleep 600 & echo $! > {}; wait;; esac; printf '%s\n' "$line" >> {}"#,
        folder.path().join("sleeper").display(),
        folder.path().join("handled").display()
    );
    let agent = folder.agent_launch("agent", service.address()).args(["--exec", &command]).start();
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&events("lport", "D", 3));

    let failed = agent.wait_for_notice(0, "handler_failed");
    assert_eq!(failed["key"], "D-1");
    let reason = failed["reason"].as_str().expect("a reason");
    assert!(reason.contains("took longer than 3s") && reason.contains("handler_timeout"), "{reason}");
    let handled = wait_for_file(&folder, "handled", 2);
    assert_eq!(handled.iter().map(|event| key_of(event).1).collect::<Vec<_>>(), ["D-0", "D-2"]);
    let sleeper = fs::read_to_string(folder.path().join("sleeper")).expect("its number");
    let stat = format!("/proc/{}/stat", sleeper.trim());
    until("the end of what the command had started", || {
        let state = fs::read_to_string(&stat).ok();
        let lives = state.is_some_and(|state| !state.contains(") Z ") && !state.contains(") X "));
        (!lives).then_some(())
    });
    assert!(!agent.notices().iter().any(|name| name == "link_down"));
}

#[test]
fn a_slow_command_does_not_delay_stdout_until_its_queue_is_full() {
    let folder = Folder::new();
    let service = folder.service();
    let gate = folder.path().join("gate");
    let command =
        format!("while [ ! -e {} ]; do sleep 0.05; done; {}", gate.display(), append_to(&folder, "handled"));
    let agent = folder.agent_launch("agent", service.address()).args(["--exec", &command]).start();
    agent.wait_for_notice(0, "subscribed");
    let events = events("lport", "D", 30);
    folder.publish(&events);
    assert_eq!(agent.wait_for_events(30), events);
    assert_eq!(read_events(&folder, "handled").len(), 0, "the command still waits");
    fs::write(gate, "").expect("the gate opens");
    assert_eq!(wait_for_file(&folder, "handled", 30), events);
}

#[test]
fn without_output_an_agent_writes_notices_only_and_handles_all_the_same() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.agent_launch("agent", service.address());
    let mut agent = agent.args(["--output", "none", "--exec", &append_to(&folder, "all")]).start();
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&events("lport", "D", 5));
    wait_for_file(&folder, "all", 5);
    agent.terminate();
    assert!(!agent.lines().iter().any(is_event), "{:?}", agent.lines());
    assert_eq!(agent.notices_but_live(), ["ready", "link_up", "subscribed", "status"]);
}

#[test]
fn handlers_finish_their_queues_before_the_agent_exits() {
    let folder = Folder::new();
    let service = folder.service();
    let command = format!("sleep 0.05; {}", append_to(&folder, "handled"));
    let agent = folder.agent_launch("agent", service.address()).set("agent.drain_timeout", "30s");
    let mut agent = agent.args(["--exec", &command]).start();
    agent.wait_for_notice(0, "subscribed");
    let events = events("lport", "D", 20);
    folder.publish(&events);
    agent.wait_for_events(20);
    agent.terminate();
    assert_eq!(read_events(&folder, "handled"), events);
}

#[test]
fn an_agent_that_exits_before_its_handlers_have_finished_reports_it() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.agent_launch("agent", service.address()).set("agent.drain_timeout", "100ms");
    let mut agent = agent.args(["--exec", "sleep 60"]).start();
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&events("lport", "D", 3));
    agent.wait_for_events(3);
    agent.signal(end_to_end::Signal::TERM);
    assert_eq!(agent.wait_for_end().code(), Some(69), "{}", agent.stderr());
    assert!(agent.stderr().contains("did not finish 3 events"), "{}", agent.stderr());
}
