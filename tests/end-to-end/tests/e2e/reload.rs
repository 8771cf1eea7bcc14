//! SIGHUP: what can change while running is applied, and everything else is refused whole.
#![expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use end_to_end::{Folder, Launch, Program, Service, Signal, event, is_event, until};
use serde_json::Value;

/// The settings of the program that reloads, in a file of its own: workers go on with the folder's.
fn write_settings(folder: &Folder, publishers: &[&str], more: &str) {
    let text = format!(
        "[pubsub]\npublisher_port = 0\npublisher_multiproc_socket = {:?}\nstate_dir = {:?}\npublishers_ips = {publishers:?}\n{more}\n",
        folder.socket(),
        folder.state_dir("state"),
    );
    folder.write("reloaded.toml", &text);
}

/// A program with the settings of [`write_settings`].
fn launch(folder: &Folder, program: &str, name: &str) -> Program {
    let launch = Launch::new(program, name, folder.path());
    let launch = launch.args(["--config".into(), folder.path().join("reloaded.toml")]);
    launch.set("state_dir", folder.state_dir(&format!("{name}.state")).display()).start()
}

/// Sends SIGHUP, waits until the program has reported the result, and returns it.
fn reload(folder: &Folder, program: &Program, name: &str, wanted: &str) -> String {
    program.signal(Signal::HUP);
    until(&format!("last_reload: {wanted}"), || {
        let status = folder.status(name);
        let outcome = status["last_reload"].as_str()?;
        outcome.contains(wanted).then(|| outcome.to_owned())
    })
}

/// Publishes events on a topic until one comes; the subscription may be on its way yet.
fn wait_for_topic(folder: &Folder, agent: &Program, topic: &str) {
    let mark = agent.mark();
    until(&format!("an event on {topic}"), || {
        folder.publish(&[event("lport", "probe", "set", "value", topic)]);
        agent.lines().iter().skip(mark).any(|line| is_event(line) && line["topic"] == topic).then_some(())
    });
}

fn links_lost(agent: &Program) -> usize {
    agent.notices().iter().filter(|name| *name == "link_down").count()
}

#[test]
fn an_agent_takes_new_topics_and_publishers_without_losing_a_link() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let (one, two) = (folder.service(), elsewhere.service());
    write_settings(&folder, &[one.address()], "");
    let agent = launch(&folder, "subscriber-agent", "agent");
    agent.wait_for_notice(0, "subscribed");

    write_settings(&folder, &[one.address(), two.address()], "[agent]\ntopics = [\"tenant-1\"]");
    assert_eq!(reload(&folder, &agent, "agent", "applied"), "applied");
    agent.wait_for("the second publisher", |line| {
        line["notice"] == "subscribed" && line["publisher"] == two.network()
    });
    wait_for_topic(&folder, &agent, "tenant-1");
    wait_for_topic(&elsewhere, &agent, "tenant-1");
    wait_for_topic(&elsewhere, &agent, "D");
    assert_eq!(links_lost(&agent), 0, "{:?}", agent.notices());

    // Given up again: only D is left, at the first publisher.
    write_settings(&folder, &[one.address()], "");
    agent.signal(Signal::HUP);
    until("a single peer", || {
        let status = folder.status("agent");
        (status["parts"]["network"]["peers"].as_array().map(Vec::len) == Some(1)).then_some(())
    });
    let mark = agent.mark();
    folder.publish(&[
        event("lport", "unwanted", "set", "value", "tenant-1"),
        event("lport", "last", "set", "value", "D"),
    ]);
    agent.wait_for_since(mark, "the event on D", |line| line["key"] == "last");
    assert!(!agent.lines().iter().skip(mark).any(|line| line["key"] == "unwanted"));
    assert_eq!(links_lost(&agent), 0, "giving up is no loss: {:?}", agent.notices());
}

#[test]
fn invalid_settings_are_refused_as_a_whole_and_reported_by_name() {
    let folder = Folder::new();
    let service = folder.service();
    write_settings(&folder, &[service.address()], "");
    let agent = launch(&folder, "subscriber-agent", "agent");
    agent.wait_for_notice(0, "subscribed");
    let topics = "[agent]\ntopics = [\"tenant-1\"]\n";
    let cases: [(String, &[&str]); 5] = [
        (format!("{topics}handler_time = \"1s\""), &["unknown setting `handler_time`", "handler_timeout"]),
        (format!("{topics}drain_timeout = 5"), &["drain_timeout", "duration"]),
        (format!("linger = \"7s\"\ndead_after = \"8s\"\n{topics}"), &["restart", "linger, dead_after"]),
        ("[agent]\ntopics = [\"tenant-1\", \"\"]".to_owned(), &["agent.topics", "1 to 255 bytes"]),
        (format!("{topics}patterns = [\"*.prefix*\"]"), &["agent.patterns", "mixes"]),
    ];
    for (more, parts) in cases {
        write_settings(&folder, &[service.address()], &more);
        let wanted = parts.first().copied().unwrap_or_default();
        let outcome = reload(&folder, &agent, "agent", wanted);
        assert!(outcome.starts_with("refused: "), "{outcome}");
        assert!(parts.iter().all(|part| outcome.contains(part)), "{parts:?}: {outcome}");
        assert!(agent.stderr().contains(wanted), "it is in the log too");

        let mark = agent.mark();
        folder.publish(&[
            event("lport", "unwanted", "set", "value", "tenant-1"),
            event("lport", "last", "set", "value", "D"),
        ]);
        agent.wait_for_since(mark, "the event on D", |line| line["key"] == "last");
        let unwanted: Vec<Value> =
            agent.lines().into_iter().filter(|line| line["key"] == "unwanted").collect();
        assert!(unwanted.is_empty(), "nothing of {more:?} was applied");
    }
    assert_eq!(links_lost(&agent), 0);

    // After all that, the next good file is taken.
    write_settings(&folder, &[service.address()], topics);
    reload(&folder, &agent, "agent", "applied");
    wait_for_topic(&folder, &agent, "tenant-1");
}

#[test]
fn a_service_reloads_and_keeps_its_links() {
    let folder = Folder::new();
    write_settings(&folder, &["127.0.0.1:1"], "");
    let service = Service::ready(launch(&folder, "publisher-service", "service"));
    let agent = folder.subscribed_agent("agent", &service);
    for (more, wanted) in [
        ("[service]\ndrain_timeout = \"6s\"", "applied"),
        ("publisher_bind_address = \"*\"", "publisher_bind_address"),
        ("pub_sub_drvier = \"zmq_pubsub_driver\"", "pub_sub_drvier"),
        ("[service]\ndrain_timeout = \"7s\"", "applied"),
    ] {
        write_settings(&folder, &["127.0.0.1:1"], more);
        reload(&folder, &service, "service", wanted);
    }
    folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
    agent.wait_for_events(1);
    assert_eq!(links_lost(&agent), 0);
}
