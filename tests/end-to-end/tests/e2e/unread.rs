//! Programs whose stdout or stderr nobody reads: they go on with everything else, and end on SIGTERM.

use end_to_end::{Folder, Launch, Service, Signal, Unread, event, is_event, notice, until};
use serde_json::Value;

/// Heartbeats so fast that a program that stops is cut within seconds.
const FAST: &str = "dead_after = \"3s\"\n[drivers.zmtp]\nheartbeat_interval = \"500ms\"";

fn events(count: usize, bytes: usize) -> Vec<Value> {
    (0..count).map(|number| event("t", &number.to_string(), "set", "v".repeat(bytes), "D")).collect()
}

#[test]
fn a_service_whose_log_nobody_reads_publishes_lets_agents_in_and_ends() {
    let folder = Folder::with_settings(FAST);
    let log = Unread::new(folder.path(), "log");
    let launch = folder.launch("publisher-service", "service").args(["--log-level", "trace"]);
    let mut service = Service::ready(launch.stderr_to(&log).start());
    let early = folder.subscribed_agent("early", &service);
    log.fill();
    for round in 0..5 {
        folder.publish(&events(20, 10));
        early.wait_for_events(20 * (round + 1));
        let late = folder.subscribed_agent(&format!("late-{round}"), &service);
        late.wait_for_events(20);
    }
    service.signal(Signal::HUP);
    until("the settings are read again", || folder.status("service").get("last_reload").cloned());
    let mut read = String::new();
    until("what was logged meanwhile, once it is read", || {
        read += &log.read();
        read.contains("reloaded the settings").then_some(())
    });
    log.fill();
    service.terminate();
}

#[test]
fn a_status_that_is_not_read_does_not_keep_a_service_from_exiting() {
    let folder = Folder::new();
    let output = Unread::new(folder.path(), "output");
    let mut service = folder.launch("publisher-service", "service").stdout_to(&output).start();
    until("the service is ready", || output.read().contains("\"ready\":true").then_some(()));
    output.fill();
    service.signal(Signal::USR1);
    // The signal is served: the next one is.
    service.signal(Signal::HUP);
    until("the settings are read again", || folder.status("service").get("last_reload").cloned());
    service.terminate();
    assert!(service.stderr().contains("bytes for stdout: the reader does not read"), "{}", service.stderr());
}

#[test]
fn an_agent_on_one_core_whose_output_nobody_reads_keeps_its_link_and_answers_for_its_status() {
    let folder = Folder::with_settings(&format!("{FAST}\n[agent]\ndrain_timeout = \"2s\""));
    let service = folder.service();
    let output = Unread::new(folder.path(), "output");
    let launch = folder.agent_launch("agent", service.address()).args(["--pattern", "#"]);
    let mut agent = launch.stdout_to(&output).under("taskset", &["-c", "0"]).start();
    until("the agent is subscribed", || output.read().contains("\"subscribed\"").then_some(()));
    output.fill();
    folder.publish(&events(400, 10_000));
    let started = std::time::Instant::now();
    until("twice the time after which a dead agent is cut", || {
        let agent = folder.status("agent");
        assert_eq!(agent["program"], "subscriber-agent", "its status socket answers");
        (started.elapsed().as_secs() > 6).then_some(())
    });
    agent.signal(Signal::USR1);
    agent.signal(Signal::HUP);
    until("the settings are read again", || folder.status("agent").get("last_reload").cloned());
    let status = folder.status("service");
    assert_eq!(end_to_end::counters(&status, "network", "peers_refused"), [], "it is not cut: {status}");

    // A reader that continues receives all of it.
    let mut read = String::new();
    until("all events", || {
        read += &output.read();
        (read.matches("\"key\":").count() == 400).then_some(())
    });
    output.fill();
    folder.publish(&events(400, 10_000));
    agent.signal(Signal::TERM);
    assert_eq!(agent.wait_for_end().code(), Some(69), "{}", agent.stderr());
    assert!(
        agent.stderr().contains("bytes of output and the events received after them"),
        "{}",
        agent.stderr()
    );
}

#[test]
fn a_subscriber_on_the_command_line_whose_output_nobody_reads_ends_by_a_signal() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = Folder::new();
        let service = folder.service();
        let output = Unread::new(folder.path(), "output");
        let sub = Launch::new("skimmer", "sub", folder.path()).args(["sub", "--show-gaps", "--config"]);
        let sub = sub.args([folder.config()]).set("publishers_ips", service.address());
        let mut sub = sub.stdout_to(&output).start();
        until("it is subscribed", || output.read().contains("\"subscribed\"").then_some(()));
        output.fill();
        folder.publish(&events(400, 10_000));
        sub.signal(signal);
        assert_eq!(sub.wait_for_end().code(), Some(0), "{}", sub.stderr());
        assert!(
            sub.stderr().contains("bytes of output: the reader of stdout does not read"),
            "{}",
            sub.stderr()
        );
    }
}

/// As in `skimmer sub | head -2`.
#[test]
fn a_subscriber_whose_reader_is_gone_ends_at_once() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let sub = Launch::new("skimmer", "sub", folder.path()).args(["sub", "--show-gaps", "--config"]);
    let sub = sub.args([folder.config()]).set("publishers_ips", service.address());
    let mut sub = sub.under("sh", &["-c", "\"$@\" | head -2", "sh"]).start();
    sub.wait_for("its link", |line| notice(line).is_some());
    folder.publish(&events(5, 10));
    agent.wait_for("an event", is_event);
    assert_eq!(sub.wait_for_end().code(), Some(0), "{}", sub.stderr());
}
