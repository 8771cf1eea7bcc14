//! Killing, stopping and starting again each of the processes harms none of the others.

use end_to_end::{Folder, Program, Signal, event, fixed_port, is_event, key_of, notice, until};
use serde_json::Value;

/// `count` events that differ in their keys, `NAME-0`, `NAME-1` …
fn events(name: &str, count: usize) -> Vec<Value> {
    (0..count).map(|n| event("lport", &format!("{name}-{n}"), "set", "value", "D")).collect()
}

/// The keys of an agent's events that begin with `name-`, in their order.
fn keys(agent: &Program, name: &str) -> Vec<String> {
    let keys = agent.events().into_iter().map(|event| key_of(&event).1);
    keys.filter(|key| key.starts_with(&format!("{name}-"))).collect()
}

/// Waits for all of [`events`], and asserts that they came once and in order.
fn assert_complete(agent: &Program, name: &str, count: usize) {
    let of_name = |line: &Value| is_event(line) && key_of(line).1.starts_with(&format!("{name}-"));
    agent.wait_for_count(0, count, &format!("{count} events {name}"), of_name);
    let wanted: Vec<String> = (0..count).map(|n| format!("{name}-{n}")).collect();
    assert_eq!(keys(agent, name), wanted);
}

fn links_lost(agent: &Program) -> usize {
    agent.notices().iter().filter(|name| *name == "link_down").count()
}

#[test]
fn a_killed_service_is_started_again_and_everything_published_from_then_on_arrives() {
    let folder = Folder::new();
    let port = fixed_port();
    let mut service = folder.service_at(port);
    let agents = [folder.subscribed_agent("one", &service), folder.subscribed_agent("two", &service)];
    let mut worker = folder.worker("long-lived");
    worker.write_line(&events("before", 1)[0].to_string());
    for agent in &agents {
        assert_complete(agent, "before", 1);
    }

    let marks = [agents[0].mark(), agents[1].mark()];
    service.kill();
    for (agent, mark) in agents.iter().zip(marks) {
        agent.wait_for_notice(mark, "link_down");
    }
    let service = folder.service_at(port);
    for (agent, mark) in agents.iter().zip(marks) {
        let reported = agent.wait_for_notice(mark, "subscribed");
        assert_eq!(reported["publisher"], service.network());
    }
    folder.publish(&events("after", 500));
    for agent in &agents {
        assert_complete(agent, "after", 500);
    }

    // The worker that lived on has sent nothing meanwhile, and noticed all the same: its next event is not lost.
    events("later", 500).iter().for_each(|event| worker.write_line(&event.to_string()));
    for agent in &agents {
        assert_complete(agent, "later", 500);
        assert_eq!(links_lost(agent), 1, "{:?}", agent.notices());
    }
    worker.close_stdin();
    assert_eq!(worker.wait_for_end().code(), Some(0), "{}", worker.stderr());
    let published = "published 501 events";
    assert!(worker.stderr().ends_with(&format!("{published}\n")), "{}", worker.stderr());
}

#[test]
fn events_sent_while_the_service_is_down_arrive_when_it_is_up() {
    let folder = Folder::new();
    let port = fixed_port();
    let agent = folder.agent_launch("agent", &format!("127.0.0.1:{port}")).start();
    let mut worker = folder.worker("early");
    events("early", 300).iter().for_each(|event| worker.write_line(&event.to_string()));
    assert!(!folder.socket().exists(), "no service has been there yet");

    // The agent must be subscribed before the worker's events pass through: the service is held until it is.
    let service = folder.service_at(port);
    let mut second = folder.worker("late");
    until("an event after the link stands", || {
        second.write_line(&event("lport", "probe-0", "set", "value", "D").to_string());
        (!keys(&agent, "probe").is_empty()).then_some(())
    });
    worker.close_stdin();
    assert_eq!(worker.wait_for_end().code(), Some(0), "{}", worker.stderr());
    until("every early event at the service", || {
        let published = end_to_end::counter(&folder.status("service"), "service", "events_published");
        (published >= 301).then_some(())
    });
    drop(service);
}

#[test]
fn a_killed_agent_is_started_again_and_the_others_notice_nothing() {
    let folder = Folder::new();
    let service = folder.service();
    let mut killed = folder.subscribed_agent("killed", &service);
    let other = folder.subscribed_agent("other", &service);
    folder.publish(&events("first", 200));
    assert_complete(&killed, "first", 200);

    killed.kill();
    folder.publish(&events("second", 200));
    let restarted = folder.subscribed_agent("killed", &service);
    folder.publish(&events("third", 200));
    assert_complete(&restarted, "third", 200);
    for name in ["first", "second", "third"] {
        assert_complete(&other, name, 200);
    }
    assert_eq!(links_lost(&other), 0);
}

#[test]
fn a_worker_killed_in_the_middle_of_an_event_affects_no_other_and_its_complete_events_count() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let mut other = folder.worker("other");
    for round in 0..3 {
        let name = format!("killed{round}");
        let mut killed = folder.worker(&name);
        let big = "x".repeat(200_000);
        for n in 0..40 {
            killed.write_line(&event("lport", &format!("{name}-{n}"), "set", big.as_str(), "D").to_string());
        }
        agent.wait_for("an event of the worker to be killed", |line| {
            is_event(line) && key_of(line).1.starts_with(&name)
        });
        killed.kill();
        let alive = format!("alive{round}");
        events(&alive, 300).iter().for_each(|event| other.write_line(&event.to_string()));
        assert_complete(&agent, &alive, 300);
        let came = keys(&agent, &name);
        let prefix: Vec<String> = (0..came.len()).map(|n| format!("{name}-{n}")).collect();
        assert_eq!(came, prefix, "whole events only, in order");
    }
    assert_eq!(links_lost(&agent), 0);
}

#[test]
fn a_paused_agent_slows_no_other_and_catches_up() {
    // However long the machine takes, it is not taken for dead.
    let folder = Folder::with_settings(r#"dead_after = "1h""#);
    let service = folder.service();
    let stopped = folder.subscribed_agent("stopped", &service);
    let other = folder.subscribed_agent("other", &service);
    stopped.signal(Signal::STOP);
    for round in 0..3 {
        let name = format!("round{round}");
        folder.publish(&events(&name, 3000));
        assert_complete(&other, &name, 3000);
    }
    assert_eq!(stopped.events().len(), 0, "it is stopped");
    stopped.signal(Signal::CONT);
    for round in 0..3 {
        assert_complete(&stopped, &format!("round{round}"), 3000);
    }
    assert_eq!(links_lost(&other) + links_lost(&stopped), 0);
}

#[test]
fn an_agent_started_before_its_service_connects_later() {
    let folder = Folder::new();
    let port = fixed_port();
    let agent = folder.agent_launch("agent", &format!("127.0.0.1:{port}")).start();
    let first = agent.wait_for("its first line", |_| true);
    assert_eq!(first, serde_json::json!({ "notice": "ready" }));
    let service = folder.service_at(port);
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&events("one", 100));
    assert_complete(&agent, "one", 100);
    let names: Vec<String> = agent.notices_but_live();
    assert_eq!(names, ["ready", "link_up", "subscribed"], "at {}", service.network());
}

#[test]
fn a_publisher_that_never_answered_is_reported_until_it_does() {
    let folder = Folder::with_settings("dead_after = \"2s\"\n[drivers.zmtp]\nhandshake_timeout = \"500ms\"");
    let port = fixed_port();
    let address = format!("127.0.0.1:{port}");
    let agent = folder.agent_launch("agent", &address).start();
    let stale = agent.wait_for_notice(0, "stale");
    assert_eq!(stale["publisher"], format!("tcp://{address}"));
    let asked = || {
        let state_dir = folder.state_dir("agent.state");
        folder.skimmer(&["status"]).set("state_dir", state_dir.display()).run()
    };
    let _ = asked().expect(69).says(&["no reply from", &address, "publishers_ips"]);
    assert!(agent.stderr().contains("has not answered for 2.5s"), "{}", agent.stderr());
    let _service = folder.service_at(port);
    agent.wait_for_notice(0, "live");
    let _ = asked().expect(0);
}

#[test]
fn a_service_that_hangs_is_reported_as_a_lost_link_and_reconnected() {
    let folder = Folder::with_settings(r#"dead_after = "2s""#);
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let mark = agent.mark();
    service.signal(Signal::STOP);
    let reported = agent.wait_for_notice(mark, "link_down");
    assert_eq!(reported["publisher"], service.network());
    let reason = reported["reason"].as_str().expect("a reason");
    assert!(reason.contains("for 2s (dead_after)"), "{reason}");

    let mark = agent.mark();
    service.signal(Signal::CONT);
    agent.wait_for_notice(mark, "subscribed");
    until("an event after the service has woken", || {
        folder.publish(&events("awake", 1));
        agent.events().first().cloned()
    });
}

#[test]
fn the_service_sends_a_hello_each_second_to_its_subscribers() {
    let folder = Folder::with_settings(r#"publisher_id = "this-very-service""#);
    let service = folder.service();
    let agent = folder.agent_launch("curious", service.address()).args(["--topic", "$hello"]).start();
    let plain = folder.subscribed_agent("plain", &service);
    agent.wait_for("a hello", is_event);
    let started = std::time::Instant::now();
    let hello = agent.wait_for_count(0, 4, "four hellos", is_event);
    let took = started.elapsed();
    assert!(took.as_secs() >= 2, "three intervals took {took:?}");
    let wanted = event("$hello", "this-very-service", "hello", Value::Null, "$hello");
    assert_eq!(hello, wanted);
    assert_eq!(plain.events().len(), 0, "the pattern # does not see hellos");
    let subscribed = agent.lines().iter().position(|line| notice(line) == Some("subscribed"));
    let first_hello = agent.lines().iter().position(is_event);
    assert!(subscribed < first_hello, "the notice stands before the hello that proves it");
}
