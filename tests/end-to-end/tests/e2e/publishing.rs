//! `skimmer pub`: what scripts rely on.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use end_to_end::{Folder, event, fixed_port, jsonl, key_of};
use serde_json::Value;

#[test]
fn one_event_is_published_from_arguments_and_read_by_sub() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let arguments = ["pub", "--table", "lport", "--key", "port-1", "--action", "create"];
    let more = ["--value", r#"{"id":"port-1"}"#, "--topic", "tenant-1"];
    let ended = folder.skimmer(&arguments).args(more).run().expect(0);
    assert_eq!(ended.last_words(), "published 1 events");
    assert!(!ended.stderr.contains("not confirmed"), "the service has acknowledged it: {}", ended.stderr);
    let ended =
        folder.skimmer(&["pub", "--table", "lport", "--key", "p", "--action", "delete"]).run().expect(0);
    assert_eq!(ended.last_words(), "published 1 events");
    let wanted = [
        event("lport", "port-1", "create", r#"{"id":"port-1"}"#, "tenant-1"),
        event("lport", "p", "delete", Value::Null, "D"),
    ];
    assert_eq!(agent.wait_for_events(2), wanted);
}

#[test]
fn a_full_queue_makes_pub_wait_for_its_timeout_and_then_report_it() {
    let folder = Folder::new();
    let events: Vec<Value> = (0..5).map(|n| event("t", &n.to_string(), "set", "v", "D")).collect();
    let launch = folder.worker_launch("worker").set("drivers.zmtp.send_queue_events", 1);
    let started = Instant::now();
    let ended = launch.args(["--timeout", "2s"]).run_with(&jsonl(&events)).expect(69);
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(2), "it waited {took:?} only");
    let ended = ended.says(&["was full for 2s", "drivers.zmtp.send_queue_events"]);
    assert!(ended.stderr.contains("of 1 events, 0 are confirmed"), "{}", ended.stderr);

    let ended = folder.worker_launch("worker").args(["--timeout", "1s"]).run_with(&jsonl(&events)).expect(69);
    let _ = ended.says(&["5 events", &folder.socket().display().to_string()]);
}

#[test]
fn a_full_queue_empties_as_soon_as_a_service_comes() {
    let folder = Folder::new();
    let port = fixed_port();
    let agent = folder.agent_launch("agent", &format!("127.0.0.1:{port}")).start();
    let mut worker = folder.worker_launch("worker").set("drivers.zmtp.send_queue_events", 1).start();
    let events: Vec<Value> = (0..2000).map(|n| event("t", &n.to_string(), "set", "v", "D")).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            events.iter().for_each(|event| worker.write_line(&event.to_string()));
            worker.close_stdin();
            assert_eq!(worker.wait_for_end().code(), Some(0), "{}", worker.stderr());
        });
        let service = folder.service_at(port);
        end_to_end::until("every event at the service", || {
            let published = end_to_end::counter(&folder.status("service"), "service", "events_published");
            (published == 2000).then_some(())
        });
        drop(service);
    });
    assert!(worker.stderr().ends_with("published 2000 events\n"), "{}", worker.stderr());
    drop(agent);
}

#[test]
fn lines_that_are_not_events_are_reported_by_number_and_the_others_are_published() {
    const MIB: usize = 1024 * 1024;
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let good = |key: &str| event("t", key, "set", "v", "D").to_string();
    let too_big = event("t", "big", "set", "x".repeat(MIB), "D").to_string();
    let lines = [
        good("one"),
        "{\"table\":".to_owned(),
        good("two"),
        "[1,2,3]".to_owned(),
        event("t", "reserved", "set", "v", "$hello").to_string(),
        String::new(),
        r#"{"table":"t","key":"k","action":"set","colour":"red"}"#.to_owned(),
        event("t", "topic", "set", "v", &"x".repeat(256)).to_string(),
        too_big,
        "junk \u{fffd} junk".to_owned(),
        good("three"),
    ];
    let ended = folder.worker_launch("worker").run_with(&lines.join("\n")).expect(1);
    for (number, part) in [
        (2, "not an event"),
        (4, "not an event"),
        (5, "$"),
        (7, "colour"),
        (8, "1 to 255 bytes"),
        (9, "1048576"),
        (10, "not an event"),
    ] {
        let reported = ended.stderr.lines().find(|line| line.starts_with(&format!("line {number}: ")));
        assert!(reported.is_some_and(|line| line.contains(part)), "line {number}, {part}:\n{}", ended.stderr);
    }
    let ended = ended.says(&["7 lines are not valid events", "published 3 events"]);
    let reported_size =
        ended.stderr.lines().find(|line| line.starts_with("line 9: ")).expect("line 9 is reported");
    assert!(reported_size.matches(|c: char| c.is_ascii_digit()).count() >= 14, "both sizes: {reported_size}");
    let keys: Vec<String> = agent.wait_for_events(3).iter().map(|event| key_of(event).1).collect();
    assert_eq!(keys, ["one", "two", "three"]);
    let status = folder.status("service");
    assert_eq!(end_to_end::counter(&status, "ipc", "events_received"), 3, "refused at send: {status}");
}

#[test]
fn pub_without_a_service_names_the_cause_and_does_not_call_the_event_published() {
    let folder = Folder::new();
    let publish = || {
        let one = ["pub", "--table", "t", "--key", "k", "--action", "set", "--timeout", "1s"];
        folder.skimmer(&one).set("linger", "100ms").run().expect(69)
    };
    let socket = folder.socket();
    for (cause, is_left) in
        [("is the publisher service running", false), ("no process listens on this socket", true)]
    {
        if is_left {
            drop(UnixListener::bind(&socket).expect("a socket"));
        }
        let ended = publish().says(&["1 events", cause, &socket.display().to_string()]);
        assert!(!ended.stderr.contains("published"), "{}", ended.stderr);
        assert!(ended.stderr.contains("of 1 events, 0 are confirmed"), "{}", ended.stderr);
    }
}

#[test]
fn pub_that_ipc_allow_does_not_name_prints_where_to_look() {
    let folder = Folder::with_settings("[drivers.zmtp]\nipc_allow = [\"uid:4242\"]");
    let _service = folder.service();
    let one = ["pub", "--table", "t", "--key", "k", "--action", "set", "--timeout", "1s"];
    let ended = folder.skimmer(&one).set("linger", "100ms").run().expect(69).says(&["ipc_allow"]);
    assert!(!ended.stderr.contains("published"), "{}", ended.stderr);
}

#[test]
fn a_list_of_services_without_a_shared_database_warns_that_running_ones_are_not_listed() {
    let folder = Folder::new();
    let _service = folder.service();
    let database = format!("drivers.sqlite.path={}", folder.path().join("nb.db").display());
    let ended = folder.skimmer(&["service", "list", "--set", &database]).run().expect(0);
    assert_eq!(ended.stdout, "no publishers\nno services\n");
    let _ = ended.says(&["use_nb_db", "sqlite_nb_db_driver", "skimmer status"]);
}

#[test]
fn the_largest_event_arrives_and_one_byte_more_is_refused() {
    const MIB: usize = 1024 * 1024;
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    // The map around the value: names and texts of the four other fields, and the head of a str32.
    let around = 1 + 6 + 2 + 4 + 2 + 7 + 4 + 6 + 5 + 6 + 2;
    let largest = event("t", "k", "set", "x".repeat(MIB - around), "D");
    let larger = event("t", "k", "set", "x".repeat(MIB - around + 1), "D");
    folder.publish(std::slice::from_ref(&largest));
    assert_eq!(agent.wait_for_events(1), [largest]);
    let ended = folder.worker_launch("worker").run_with(&larger.to_string()).expect(1);
    let ended = ended.says(&["line 1: ", "1048576", "1048577"]);
    assert!(ended.stderr.contains("published 0 events"), "{}", ended.stderr);
}

#[test]
fn a_reserved_or_impossible_topic_is_refused_at_once() {
    let folder = Folder::new();
    let arguments = ["pub", "--table", "t", "--key", "k", "--action", "set"];
    for (topic, part) in [("$hello", "`$`"), ("$", "`$`"), ("", "1 to 255 bytes")] {
        let ended = folder.skimmer(&arguments).args(["--topic", topic]).run().expect(1).says(&[part]);
        assert!(ended.stderr.contains("published 0 events"), "{}", ended.stderr);
    }
}

#[test]
fn values_that_start_with_a_hyphen_are_published_unchanged() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let arguments =
        ["pub", "--table", "-t", "--key", "-1", "--action", "set", "--value", "-5", "--topic", "-x"];
    let _ = folder.skimmer(&arguments).run().expect(0);
    assert_eq!(agent.wait_for_events(1), [event("-t", "-1", "set", "-5", "-x")]);
}

#[test]
fn output_of_an_agent_can_be_published_again() {
    let (folder, again) = (Folder::new(), Folder::new());
    let (first, second) = (folder.service(), again.service());
    let agent = folder.subscribed_agent("agent", &first);
    let copy = again.subscribed_agent("copy", &second);
    let mut events: Vec<Value> = end_to_end::change_log().into_iter().take(50).collect();
    events.push(event("t", "numbers", "own-action", serde_json::json!({"a": [1, -2, 3.5, null, true]}), "D"));
    folder.publish(&events);
    let came = agent.wait_for_events(events.len());
    assert_eq!(came, events);
    again.publish(&came);
    assert_eq!(copy.wait_for_events(events.len()), events);
}
