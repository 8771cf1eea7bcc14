//! `docs/status.schema.json` and `docs/events.schema.json` describe what live programs report, and nothing else.
#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::io::{BufRead, BufReader, Write};

use end_to_end::{Folder, RawPeer, Service, Signal, event, http_connect, http_get, until};
use interop::ask;
use serde_json::{Value, json};

const STATUS: &str = include_str!("../../../docs/status.schema.json");
const EVENTS: &str = include_str!("../../../docs/events.schema.json");

/// What is wrong with each document.
fn errors(folder: &Folder, schema: &str, documents: &[Value]) -> Vec<Vec<String>> {
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let lines: String = documents
        .iter()
        .map(|document| json!({ "schema": schema, "document": document }).to_string() + "\n")
        .collect();
    let of_one = |line: Value| {
        let errors = line["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error.as_str().unwrap_or_default().to_owned()).collect()
    };
    ask(folder, "schema.py", &lines).into_iter().map(of_one).collect()
}

fn status_over_http(folder: &Folder, name: &str) -> Value {
    let reply = http_get(&folder.operations(name), "/status.json", &[]);
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_str(&reply.body).expect("JSON")
}

#[test]
fn the_documents_of_live_programs_are_valid_and_documents_with_a_wrong_field_are_not() {
    let folder = Folder::new();
    let service = folder.launch("publisher-service", "service").set("service.operations_bind", "127.0.0.1:0");
    let service = Service::ready(service.set("use_nb_db", "yes").start());
    let agent = folder.agent_launch("agent", service.address()).args(["--pattern", "#", "--exec", "true"]);
    let agent = agent.set("agent.operations_bind", "127.0.0.1:0").start();
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
    agent.wait_for_events(1);
    // For an entry of the refusals, and the result of a reload.
    let mut stranger = RawPeer::tcp(service.address());
    stranger.say(b"GET / HTTP/1.1\r\n\r\n");
    stranger.wait_until_closed();
    service.signal(Signal::HUP);
    let of_service = until("a refusal and the reload", || {
        let status = status_over_http(&folder, "service");
        (status["parts"]["network"]["refusals"].is_array() && status["last_reload"].is_string())
            .then_some(status)
    });
    let of_agent = status_over_http(&folder, "agent");
    for (document, valid) in [&of_service, &of_agent].into_iter().zip(errors(
        &folder,
        STATUS,
        &[of_service.clone(), of_agent.clone()],
    )) {
        assert!(valid.is_empty(), "{valid:?} in {document}");
    }

    let changed = |change: fn(&mut Value)| {
        let mut document = of_service.clone();
        change(&mut document);
        document
    };
    let wrong = [
        changed(|document| document["status_version"] = json!(2)),
        changed(|document| document["unknown"] = json!(1)),
        changed(|document| document["parts"]["network"]["counters"][0]["value"] = json!(-1)),
        changed(|document| document["parts"]["network"]["queues"][0]["when_full"] = json!("")),
        changed(|document| document["parts"] = json!({})),
        changed(|document| document["program"] = json!("skimmer")),
    ];
    for (number, found) in errors(&folder, STATUS, &wrong).iter().enumerate() {
        assert!(!found.is_empty(), "document {number} is wrong");
    }
}

/// The data of the first events of `/events`: a snapshot, and updates.
fn events_over_http(folder: &Folder, name: &str, count: usize) -> Vec<Value> {
    let mut stream = http_connect(&folder.operations(name));
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: test\r\n\r\n").expect("the endpoint reads");
    let lines = BufReader::new(stream).lines().map(|line| line.expect("something arrives every second"));
    let data = lines.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    data.take(count).map(|data| serde_json::from_str(&data).expect("JSON")).collect()
}

#[test]
fn the_events_of_live_programs_are_valid_and_events_with_a_wrong_field_are_not() {
    let folder = Folder::with_settings("[agent]\non_failure = \"skip\"");
    let service = folder.launch("publisher-service", "service").set("service.operations_bind", "127.0.0.1:0");
    let service = Service::ready(service.start());
    let agent = folder.agent_launch("agent", service.address()).args(["--pattern", "#", "--exec", "exit 3"]);
    let agent = agent.set("agent.operations_bind", "127.0.0.1:0").start();
    agent.wait_for_notice(0, "live");
    // For a loss, a refusal, and an error of a handler.
    let refused = folder.skimmer(&["pub", "--table", "publisher", "--key", "stranger", "--action", "set"]);
    let _ = refused.args(["--value", "{}"]).run().expect(1);
    folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
    agent.wait_for_notice(0, "handler_failed");
    let of_service = until("the service knows of the error", || {
        let events = events_over_http(&folder, "service", 2);
        events[0]["peers"]["changed"][0]["last_error"].is_string().then_some(events)
    });
    let of_agent = events_over_http(&folder, "agent", 2);
    let snapshot = of_service[0].clone();
    for part in ["losses", "notices", "points", "queues", "checks"] {
        assert!(snapshot[part].as_array().is_some_and(|part| !part.is_empty()), "{part} of {snapshot}");
    }
    let all = [of_service, of_agent].concat();
    for (document, valid) in all.iter().zip(errors(&folder, EVENTS, &all)) {
        assert!(valid.is_empty(), "{valid:?} in {document}");
    }

    let changed = |change: fn(&mut Value)| {
        let mut document = snapshot.clone();
        change(&mut document);
        document
    };
    let wrong = [
        changed(|document| document["events_version"] = json!(2)),
        changed(|document| document["unknown"] = json!(1)),
        changed(|document| document["peers"]["changed"][0]["condition"] = json!("well")),
        changed(|document| document["points"][0]["rates"][0] = json!(-1)),
        changed(|document| document["notices"][0]["times"] = json!(0)),
        changed(|document| document["peers"]["kind"] = json!("nodes")),
    ];
    for (number, found) in errors(&folder, EVENTS, &wrong).iter().enumerate() {
        assert!(!found.is_empty(), "document {number} is wrong");
    }
}
