//! Graceful ends, and what the programs report of themselves while they run.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use end_to_end::{Folder, Signal, counter, event, key_of, notice};
use serde_json::Value;

fn events(count: usize) -> Vec<Value> {
    (0..count).map(|n| event("lport", &n.to_string(), "set", "v".repeat(100), "D")).collect()
}

fn assert_gapless(events: &[Value]) {
    let numbers = events.iter().map(|event| key_of(event).1);
    assert!(numbers.eq((0..events.len()).map(|n| n.to_string())), "no gap, nothing twice, in order");
}

#[test]
fn events_sent_before_sigterm_arrive_and_the_service_exits_with_success() {
    const EVENTS: usize = 20_000;
    for round in 0..2 {
        // One of its own: or the second round's agents would ask for what they had not kept of the first.
        let folder = Folder::new();
        let mut service = folder.service();
        let agents = [folder.subscribed_agent("one", &service), folder.subscribed_agent("two", &service)];
        folder.publish(&events(EVENTS));
        service.terminate();
        for agent in &agents {
            assert_gapless(&agent.wait_for_events(EVENTS));
        }
        let last = service.lines().pop().expect("a last line");
        assert_eq!(notice(&last), Some("status"), "round {round}");
        assert_eq!(counter(&last, "service", "events_published"), EVENTS as u64);
        assert!(!folder.socket().exists(), "the socket file is gone");
    }
}

#[test]
fn sigterm_while_a_worker_keeps_sending_ends_the_service_within_the_grace() {
    for recv_queue_events in [10_000, 1] {
        // An agent of a debug build is slower than the flood: what the service has taken for it is to leave by then.
        let folder = Folder::with_settings(&format!(
            "linger = \"20s\"\n[service]\ndrain_timeout = \"2s\"\n[drivers.zmtp]\nrecv_queue_events = {recv_queue_events}"
        ));
        let mut service = folder.service();
        let agent = folder.subscribed_agent("agent", &service);
        // It waits for the service that has ended no longer than that.
        let mut worker = folder.worker_launch("busy").args(["--timeout", "2s"]).start();
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for event in events(100_000) {
                    if ended.load(Ordering::Relaxed) || !worker.offer_line(&event.to_string()) {
                        break;
                    }
                }
            });
            agent.wait_for_events(1000);
            service.signal(Signal::TERM);
            let status = service.wait_for_end();
            ended.store(true, Ordering::Relaxed);
            assert_eq!(status.code(), Some(0), "{status}\n{}", service.stderr());
        });
        let reported = service.lines().pop().expect("a last line");
        let received = counter(&reported, "ipc", "events_received");
        let published = counter(&reported, "service", "events_published");
        assert_eq!(received, published, "received = published + dropped by cause: {reported}");
        let came = agent.wait_for_events(usize::try_from(published).expect("a count"));
        assert_gapless(&came);
        assert_eq!(came.len() as u64, published, "what the service took, it delivered");
    }
}

#[test]
fn an_agent_ends_well_on_sigterm_and_its_last_line_is_a_status() {
    let folder = Folder::new();
    let service = folder.service();
    let mut agent = folder.subscribed_agent("agent", &service);
    folder.publish(&events(100));
    agent.wait_for_events(100);
    agent.terminate();
    let last = agent.lines().pop().expect("a last line");
    assert_eq!(notice(&last), Some("status"));
    assert_eq!(last["program"], "subscriber-agent");
    assert_eq!(counter(&last, "agent", "events_applied"), 100);
}

#[test]
fn an_agent_interrupted_in_a_flood_writes_whole_lines_to_the_end() {
    let folder = Folder::new();
    let service = folder.service();
    let mut agent = folder.subscribed_agent("agent", &service);
    let input = folder.write("events.jsonl", &end_to_end::jsonl(&events(20_000)));
    let worker = folder.skimmer(&["pub"]).args(["--jsonl".into(), input]).start();
    agent.wait_for_events(1);
    agent.terminate();
    let lines = agent.lines();
    assert!(lines.iter().all(Value::is_object), "every line is whole");
    assert_gapless(&agent.events());
    drop(worker);
}

#[test]
fn sigusr1_writes_one_line_of_status_and_changes_nothing() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let mark = service.mark();
    service.signal(Signal::USR1);
    let reported = service.wait_for_notice(mark, "status");
    assert_eq!(reported["program"], "publisher-service");
    assert_eq!(reported["pid"], service.pid());
    assert_eq!(reported["endpoints"]["network"], service.network());

    agent.signal(Signal::USR1);
    assert_eq!(agent.wait_for_notice(0, "status")["program"], "subscriber-agent");
    folder.publish(&events(10));
    assert_eq!(agent.wait_for_events(10).len(), 10);
    assert_eq!(agent.notices_but_live(), ["ready", "link_up", "subscribed", "status"]);
}

#[test]
fn the_counters_of_service_and_agent_add_up() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    folder.publish(&events(1000));
    agent.wait_for_events(1000);

    let of_service = folder.status("service");
    let received = counter(&of_service, "ipc", "events_received");
    let published = counter(&of_service, "service", "events_published");
    let dropped = counter(&of_service, "service", "events_dropped");
    assert_eq!((received, published, dropped), (1000, 1000, 0), "{of_service}");
    assert!(counter(&of_service, "network", "events_sent") >= published, "hellos come on top: {of_service}");
    assert_eq!(of_service["pid"], service.pid());

    let of_agent = folder.status("agent");
    let received = counter(&of_agent, "network", "events_received");
    let applied = counter(&of_agent, "agent", "events_applied");
    assert_eq!(applied, 1000, "{of_agent}");
    assert!(received >= applied, "marks come on top: {of_agent}");
    let peer = &of_agent["parts"]["network"]["peers"][0];
    assert_eq!((&peer["endpoint"], &peer["state"]), (&service.network().into(), &"subscribed".into()));
    for queue in of_agent["parts"]["network"]["queues"].as_array().expect("queues") {
        assert!(queue["bound"].as_u64() > Some(0), "every queue has a bound: {queue}");
    }

    let shown = folder.skimmer(&["status"]).set("state_dir", folder.state_dir("agent.state").display());
    let shown = shown.run().expect(0);
    assert!(shown.stdout.contains("events_applied"), "{}", shown.stdout);
    let nobody = folder.skimmer(&["status"]).set("state_dir", folder.state_dir("nobody").display());
    let _ = nobody
        .run()
        .expect(69)
        .says(&["no publisher-service, subscriber-agent or data-services-node replies"]);
}

#[test]
fn an_agent_whose_reader_has_gone_exits_with_success() {
    let folder = Folder::new();
    let service = folder.service();
    let state_dir = folder.state_dir("piped.state");
    let mut agent = Command::new(end_to_end::binary("subscriber-agent"))
        .args(["--config".as_ref(), folder.config().as_os_str()])
        .args(["--set", &format!("publishers_ips={}", service.address())])
        .args(["--set", &format!("state_dir={}", state_dir.display())])
        .env_remove("SKIMMER_BIN_DIR")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the agent starts");
    let mut first = String::new();
    let mut reader = BufReader::new(agent.stdout.take().expect("piped"));
    reader.read_line(&mut first).expect("a line");
    assert_eq!(first, "{\"notice\":\"ready\"}\n");
    drop(reader);
    let status = end_to_end::until("the agent's end", || {
        folder.publish(&events(1));
        agent.try_wait().expect("a child")
    });
    assert_eq!(status.code(), Some(0));
}
