//! What agents report as applied: `skimmer agents` and `skimmer trace`.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use end_to_end::{Folder, Program, RawPeer, Service, Signal, counter, counters, event, until};
use serde_json::Value;

/// An agent with a name of its own that is live.
fn agent(folder: &Folder, name: &str, service: &Service, arguments: &[&str]) -> Program {
    let launch = folder.agent_launch(name, service.address()).args(["--pattern", "#"]).args(arguments);
    let agent = launch.set("agent.name", name).start();
    agent.wait_for_notice(0, "live");
    agent
}

/// What `skimmer COMMAND --json` prints about the service of this folder.
fn ask(folder: &Folder, command: &[&str]) -> Value {
    folder.skimmer(command).args(["--json"]).set("state_dir", state_dir(folder)).run().expect(0).json()
}

fn state_dir(folder: &Folder) -> String {
    folder.state_dir("service.state").display().to_string()
}

/// Waits until an agent is listed so.
fn wait_for_agent(folder: &Folder, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    until(&format!("{name} {what}"), || {
        let listed = ask(folder, &["agents"]);
        let agents = listed.get("agents").and_then(Value::as_array).expect("a list");
        agents.iter().find(|agent| agent["name"] == name && is(agent)).cloned()
    })
}

fn trace(folder: &Folder, key: &str) -> Value {
    ask(folder, &["trace", "--table", "lport", "--key", key])
}

/// Waits until a row is applied by these agents, and by no other; returns the names of those that have not applied it.
fn wait_for_row(folder: &Folder, key: &str, applied: &[&str]) -> Vec<String> {
    until(&format!("{key} is applied by {applied:?}"), || {
        let traced = trace(folder, key);
        let topic = traced.pointer("/topics/0")?;
        let names = |agents: &Value| {
            let agents = agents.as_array().into_iter().flatten();
            let names = agents
                .map(|agent| agent.get("name").unwrap_or(agent).as_str().unwrap_or_default().to_owned());
            names.collect::<Vec<String>>()
        };
        (names(&topic["applied"]) == applied).then(|| names(&topic["not_applied"]))
    })
}

fn publish(folder: &Folder, key: &str, value: &str) {
    folder.publish(&[event("lport", key, "set", value, "D")]);
}

#[test]
fn a_stopped_agent_is_named_until_it_has_applied_the_row() {
    let folder = Folder::new();
    let service = folder.service();
    let agents = ["one", "three", "two"].map(|name| agent(&folder, name, &service, &[]));
    publish(&folder, "port-1", "1");
    assert_eq!(wait_for_row(&folder, "port-1", &["one", "three", "two"]), [""; 0]);
    let listed = wait_for_agent(&folder, "two", "has applied everything", |agent| agent["lag_events"] == 0);
    assert_eq!((listed["state"].as_str(), listed["stream"].as_str()), (Some("reporting"), Some("live")));
    assert_eq!(
        listed["address"].as_str().and_then(|address| address.split_once(':')).expect("a port").0,
        "127.0.0.1"
    );

    agents[2].signal(Signal::STOP);
    publish(&folder, "port-1", "2");
    publish(&folder, "port-2", "1");
    assert_eq!(wait_for_row(&folder, "port-1", &["one", "three"]), ["two"]);
    wait_for_agent(&folder, "two", "is 2 events behind", |agent| agent["lag_events"] == 2);
    until("the status counts it as behind", || {
        let status = folder.status("service");
        let agents = counters(&status, "delivery", "agents");
        let is_behind =
            agents.contains(&("behind".to_owned(), 1)) && agents.contains(&("current".to_owned(), 2));
        (is_behind && counter(&status, "delivery", "agent_lag_events") == 2).then_some(())
    });
    let shown = folder
        .skimmer(&["trace", "--table", "lport", "--key", "port-2"])
        .set("state_dir", state_dir(&folder));
    let shown = shown.run().expect(0).stdout;
    assert!(shown.contains("not applied by 1:") && shown.contains("two"), "{shown}");

    agents[2].signal(Signal::CONT);
    assert_eq!(wait_for_row(&folder, "port-1", &["one", "three", "two"]), [""; 0]);
    wait_for_agent(&folder, "two", "is not behind", |agent| {
        agent["lag_events"] == 0 && agent["lag_seconds"] == 0
    });
}

#[test]
fn a_row_that_a_handler_is_not_done_with_is_not_applied_and_its_error_is_listed() {
    let folder = Folder::with_settings("[agent]\non_failure = \"skip\"");
    let service = folder.service();
    let gate = folder.path().join("gate");
    let command = format!("while ! test -e {}; do sleep 0.05; done; echo broken >&2; exit 3", gate.display());
    let _agent = agent(&folder, "slow", &service, &["--exec", &command]);
    publish(&folder, "port-1", "1");
    wait_for_agent(&folder, "slow", "is behind", |agent| agent["lag_events"] == 1);
    assert_eq!(wait_for_row(&folder, "port-1", &[]), ["slow"]);
    std::fs::write(&gate, "").expect("it is written");
    assert_eq!(wait_for_row(&folder, "port-1", &["slow"]), [""; 0]);
    let listed = wait_for_agent(&folder, "slow", "has an error", |agent| !agent["last_error"].is_null());
    assert!(listed["last_error"].as_str().expect("text").contains("exit status: 3"), "{listed}");
}

#[test]
fn a_subscriber_that_does_not_report_is_unknown_and_never_counted_as_applied() {
    let folder = Folder::new();
    let service = folder.service();
    let _agent = agent(&folder, "one", &service, &[]);
    let silent = folder.agent_launch("silent", service.address()).args(["--pattern", "#"]);
    let silent = silent.set("agent.applied_interval", "0s").start();
    silent.wait_for_notice(0, "live");
    let mut foreign = RawPeer::subscriber(service.address(), &["D"]);
    publish(&folder, "port-1", "1");
    foreign.event();
    assert_eq!(wait_for_row(&folder, "port-1", &["one"]), [""; 0]);
    until("two subscribers of this host are unknown", || {
        (trace(&folder, "port-1")["unknown"]["127.0.0.1"] == 2).then_some(())
    });
    let shown = folder.skimmer(&["agents"]).set("state_dir", state_dir(&folder)).run().expect(0).stdout;
    assert!(shown.contains("unknown: 2 subscribers of 127.0.0.1 do not report"), "{shown}");
}

#[test]
fn after_a_restart_of_the_service_agents_report_again_and_rows_are_known() {
    let folder = Folder::new();
    let mut service = folder.service();
    let port = service.address().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    let _agents = ["one", "two"].map(|name| agent(&folder, name, &service, &[]));
    publish(&folder, "port-1", "1");
    wait_for_row(&folder, "port-1", &["one", "two"]);
    service.kill();
    drop(service);
    let _service = folder.service_at(port);
    assert_eq!(wait_for_row(&folder, "port-1", &["one", "two"]), [""; 0]);
    publish(&folder, "port-2", "1");
    assert_eq!(wait_for_row(&folder, "port-2", &["one", "two"]), [""; 0]);
}

#[test]
fn without_a_service_or_an_event_the_commands_say_what_is_missing() {
    let folder = Folder::new();
    let ended = folder.skimmer(&["agents"]).set("state_dir", state_dir(&folder)).run().expect(69);
    assert!(ended.stderr.contains("is the publisher service of this host running"), "{}", ended.stderr);
    let _service = folder.service();
    let unknown = folder.skimmer(&["trace", "--table", "lport", "--key", "none"]);
    let ended = unknown.set("state_dir", state_dir(&folder)).run().expect(1);
    assert!(ended.stderr.contains("keeps no event of this row"), "{}", ended.stderr);
}
