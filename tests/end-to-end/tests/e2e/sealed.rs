//! Sealed events between real processes: nobody on the way sees a value, and no key is shown anywhere (docs/security.md#sealed-events).
#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use end_to_end::{
    Folder, History, Launch, Program, RawPeer, Secrets, Service, change_log, counters, event, fixed_port,
    fold, is_event, jsonl, notice, plain, until,
};
use redis_servers::{RedisServer, Reply};
use serde_json::Value;

/// Where an agent would connect to if it started.
const ANYWHERE: &str = "publishers_ips=127.0.0.1:1";

/// What nobody on the way may see.
const SECRET: &str = "a-value-that-is-secret";

fn skimmer(folder: &Folder, arguments: &[&str]) -> end_to_end::Ended {
    Launch::new("skimmer", "skimmer", folder.path()).args(arguments).run()
}

/// A new keyring with the key `k1`.
fn keyring(folder: &Folder, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    let made = skimmer(folder, &["keys", "keyring", "new", path.to_str().unwrap(), "--id", "k1"]).expect(0);
    assert_eq!((made.stdout.as_str(), made.stderr.as_str()), ("", ""), "no key is printed");
    path
}

fn sealing(launch: Launch, keyring: &Path, events: &str) -> Launch {
    launch.set("sealing.keyring_file", keyring.display()).set("sealing.events", events)
}

fn opening(launch: Launch, keyring: &Path) -> Launch {
    let launch = launch.set("sealing.keyring_file", keyring.display()).set("sealing.accept", "sealed");
    launch.args(["--pattern", "#", "--stamps"])
}

/// Everything in the files of a folder.
fn files(folder: &Path) -> Vec<u8> {
    // A file that the service renames meanwhile makes another reading.
    until("a reading of all files", || read_files(folder).ok())
}

fn read_files(folder: &Path) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let kind = fs::metadata(&path)?.file_type();
        if kind.is_dir() {
            all.extend(read_files(&path)?);
        } else if kind.is_file() {
            all.extend(fs::read(path)?);
        }
    }
    Ok(all)
}

fn has(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

/// A part of the recorded day, and one event with a secret in each place.
fn events() -> Vec<Value> {
    let mut events: Vec<Value> = change_log().into_iter().take(400).collect();
    events.push(event("secret-table", "secret-key", "set", SECRET, "D"));
    events
}

/// The keys of a keyring.
fn keys(keyring: &Path) -> Secrets {
    let text = fs::read_to_string(keyring).unwrap();
    let digits: Vec<&str> = text.split_whitespace().filter(|word| word.len() == 64).collect();
    assert_eq!(digits.len(), 2, "a key, and the secret of rows");
    let bytes = |word: &str| {
        (0..32).map(|place| u8::from_str_radix(&word[2 * place..2 * place + 2], 16).unwrap()).collect()
    };
    Secrets::new(&digits.into_iter().map(|word| (word.to_owned(), bytes(word))).collect::<Vec<_>>())
}

#[track_caller]
fn play(mode: &str, visible: [bool; 3]) {
    let folder = Folder::new();
    let keyring = keyring(&folder, "keyring");
    let service =
        Service::ready(sealing(folder.launch("publisher-service", "service"), &keyring, mode).start());
    let agent = opening(folder.agent_launch("agent", service.address()), &keyring).start();
    agent.wait_for_notice(0, "subscribed");
    let mut raw = RawPeer::subscriber(service.address(), &[""]);
    // Its subscription counts once a hello has come.
    raw.event();
    let events = events();
    folder.publish(&events);
    let received: Vec<Value> = agent.wait_for_events(events.len()).into_iter().map(plain).collect();
    assert_eq!(fold(&received), fold(&events), "convergent");
    let _complete = History::of(&agent.lines()).assert_without_holes();
    let traffic: Vec<u8> = (0..)
        .map(|_| raw.event())
        .filter(|event| has(event, b"\xa6sealed\x93"))
        .take(events.len())
        .flatten()
        .collect();
    let seen = |bytes: &[u8]| [SECRET, "secret-table", "secret-key"].map(|text| has(bytes, text.as_bytes()));
    assert_eq!(seen(&traffic), visible, "what a subscriber without key reads");
    assert_eq!(
        seen(&files(&folder.state_dir("service.state"))),
        visible,
        "what the files of the service have"
    );

    let keys = keys(&keyring);
    for (program, name) in [(&*service, "service"), (&agent, "agent")] {
        keys.assert_absent_in(program);
        keys.assert_absent("a status", folder.status(name).to_string());
    }
    let set = format!("sealing.keyring_file={}", keyring.display());
    let shown = folder.skimmer(&["config", "show", "--set", &set]).run().expect(0);
    assert!(shown.stdout.contains("sealing.keyring_file"));
    keys.assert_absent("config show", shown.stdout);
    fs::write(&keyring, fs::read_to_string(&keyring).unwrap().replace(" use", " used")).unwrap();
    let wrong = folder
        .skimmer(&["config", "check", "--for", "agent", "--set", ANYWHERE, "--set", &set])
        .run()
        .expect(78);
    assert!(wrong.stderr.contains("keyring: line 1"), "{}", wrong.stderr);
    keys.assert_absent("an error", wrong.stderr);
    until("the log states that the file is wrong", || {
        agent.stderr().contains("cannot be read").then_some(())
    });
    keys.assert_absent_in(&agent);
}

#[test]
fn values_are_sealed_in_files_and_traffic_and_no_key_is_shown() {
    play("value", [false, true, true]);
}

#[test]
fn rows_are_sealed_in_files_and_traffic_and_no_key_is_shown() {
    play("row", [false; 3]);
}

#[test]
fn a_service_that_was_killed_and_has_no_keyring_any_more_serves_sealed_rows() {
    for mode in ["value", "row"] {
        let folder = Folder::new();
        let (keyring, port) = (keyring(&folder, "keyring"), fixed_port());
        let launch = || folder.launch("publisher-service", "service").set("publisher_port", port);
        let mut service =
            Service::ready(sealing(launch(), &keyring, mode).set("service.ring_bytes", "1MiB").start());
        let value = |round: usize, key: usize| format!("{SECRET} {round} {key} {}", "x".repeat(2000));
        // Twice as much as the ring holds, on rows of which each changes once.
        let rows =
            |round| (0..500).map(move |key| event("t", &key.to_string(), "set", value(round, key), "D"));
        let events: Vec<Value> = rows(1).chain(rows(2)).collect();
        folder.publish(&events);
        service.kill();
        let service = Service::ready(launch().set("service.ring_bytes", "1MiB").start());
        let agent = opening(folder.agent_launch("agent", service.address()), &keyring).start();
        agent.wait_for_count(0, 500, "the rows", is_event);
        let received: Vec<Value> = agent.events().into_iter().map(plain).collect();
        assert_eq!(fold(&received), fold(&events), "convergent after {mode}");
        assert!(!has(&files(&folder.state_dir("service.state")), SECRET.as_bytes()));
        assert!(!agent.notices().iter().any(|name| name == "refused"), "{:?}", agent.notices());
    }
}

#[test]
fn keys_are_changed_under_load_without_a_lost_event_and_an_agent_without_the_key_hears_of_it() {
    const RATE: u32 = 2_000;
    let folder = Folder::new();
    let keyring = keyring(&folder, "keyring");
    let copy = |name: &str| {
        let path = folder.path().join(name);
        // As a deployment does: written beside it and renamed, with its mode.
        fs::copy(&keyring, path.with_extension("new")).unwrap();
        fs::rename(path.with_extension("new"), &path).unwrap();
        path
    };
    let (of_service, of_agent, of_old) = (copy("of-service"), copy("of-agent"), copy("of-old"));
    let service =
        Service::ready(sealing(folder.launch("publisher-service", "service"), &of_service, "value").start());
    let agent = opening(folder.agent_launch("agent", service.address()), &of_agent).start();
    let old = opening(folder.agent_launch("old", service.address()), &of_old).start();
    for agent in [&agent, &old] {
        agent.wait_for_notice(0, "subscribed");
    }
    let mut worker = folder.worker("worker");
    let began = Instant::now();
    let mut sent = 0_u32;
    let mut send = |worker: &mut Program| {
        let due = u32::try_from(began.elapsed().as_millis()).unwrap() * (RATE / 1000);
        while sent < due {
            let line = event("t", &format!("k{}", sent % 50), "set", format!("{SECRET} {sent}"), "D");
            worker.write_line(&line.to_string());
            sent += 1;
        }
    };
    let steps: [(&str, &[&str]); 3] =
        [("", &[]), ("add", &["of-service", "of-agent"]), ("use", &["of-service", "of-agent"])];
    let is_known = |program: &Program, ids: &str| program.stderr().contains(ids);
    for (step, files) in steps {
        if !step.is_empty() {
            let path = keyring.to_str().unwrap();
            let _done = skimmer(&folder, &["keys", "keyring", step, path, "--id", "k2"]).expect(0);
            files.iter().for_each(|name| drop(copy(name)));
        }
        let wanted = match step {
            "add" => r#"sealed with key "k1", and opened with ["k1", "k2"]"#,
            "use" => r#"sealed with key "k2", and opened with ["k1", "k2"]"#,
            _ => "",
        };
        let mark = agent.mark();
        // Load before, while and after each program reads the file.
        until(&format!("the step {step:?} counts"), || {
            send(&mut worker);
            let has_all = is_known(&service, wanted) && is_known(&agent, wanted);
            (has_all && agent.mark() > mark + 500).then_some(())
        });
    }
    worker.close_stdin();
    assert_eq!(worker.wait_for_end().code(), Some(0), "{}", worker.stderr());
    let sent = usize::try_from(sent).unwrap();
    assert_eq!(agent.wait_for_events(sent).len(), sent);
    let _complete = History::of(&agent.lines()).assert_without_holes();
    let disturbed = ["gap", "resync", "refused", "recovering"];
    assert!(!agent.notices().iter().any(|name| disturbed.contains(&name.as_str())), "{:?}", agent.notices());
    // The agent that did not get the key.
    let refused = old.wait_for_notice(0, "refused");
    assert_eq!((refused["cause"].as_str(), refused["topic"].as_str()), (Some("unknown_key"), Some("D")));
    assert!(refused["reason"].as_str().unwrap().contains("\"k2\""), "{refused}");
    old.wait_for_notice(0, "resync");
    let _loud = History::of(&old.lines()).assert_sound();
    assert!(old.stderr().contains("lacks the key"), "{}", old.stderr());
    copy("of-old");
    until("it has the key as well", || is_known(&old, "k2").then_some(()));
    let mark = old.mark();
    folder.publish(&[event("t", "k0", "set", SECRET, "D")]);
    let opened = old
        .wait_for_since(mark, "an event with the new key", |line| is_event(line) && line["value"] == SECRET);
    assert_eq!(opened["key"], "k0");
}

#[test]
fn an_agent_that_accepts_sealed_events_only_applies_no_others() {
    let folder = Folder::new();
    let keyring = keyring(&folder, "keyring");
    let service = folder.service();
    let agent = opening(folder.agent_launch("agent", service.address()), &keyring).start();
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&[event("t", "k", "set", "not sealed", "D")]);
    let refused = agent.wait_for_notice(0, "refused");
    assert_eq!((refused["cause"].as_str(), refused["events"].as_u64()), (Some("not_sealed"), Some(1)));
    agent.wait_for_notice(0, "resync");
    assert_eq!(agent.events(), Vec::<Value>::new());
    let dropped = counters(&folder.status("agent"), "delivery", "events_dropped");
    assert!(dropped.iter().any(|(cause, count)| cause == "not_sealed" && *count > 1), "{dropped:?}");
}

#[test]
fn without_a_keyring_sealed_events_are_marked_and_no_agent_takes_nil_for_a_value() {
    let folder = Folder::new();
    let keyring = keyring(&folder, "keyring");
    let service =
        Service::ready(sealing(folder.launch("publisher-service", "service"), &keyring, "value").start());
    let agent = folder.agent_launch("agent", service.address()).args(["--pattern", "#"]).start();
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&[event("t", "k", "set", SECRET, "D")]);
    let refused = agent.wait_for_notice(0, "refused");
    assert_eq!(refused["cause"], "no_keyring", "{refused}");
    let stale = agent.wait_for("the notice that it is not live", |line| notice(line) == Some("stale"));
    assert!(stale["reason"].as_str().unwrap().contains("has no keyring"), "{stale}");
    assert_eq!(agent.events(), Vec::<Value>::new());
    let addresses = format!("publishers_ips={}", service.address());
    let read =
        folder.skimmer(&["sub", "--count", "1", "--timeout", "20s", "--set", &addresses]).run().expect(0);
    let line = &read.lines()[0];
    assert_eq!((&line["key"], &line["value"], &line["sealed"]), (&"k".into(), &Value::Null, &"k1".into()));
}

#[test]
fn settings_without_the_keyring_that_they_need_are_an_error_at_the_start() {
    let folder = Folder::new();
    let absent = folder.path().join("absent");
    for (program, setting) in [
        ("publisher-service", "sealing.events=value"),
        ("publisher-service", "sealing.events=row"),
        ("subscriber-agent", "sealing.accept=sealed"),
    ] {
        let launch = || folder.launch(program, "program").args(["--set", ANYWHERE, "--set", setting]);
        let (name, word) = setting.split_once('=').unwrap();
        let reason = format!("{name} = {word:?} needs it");
        let _none = launch().run().expect(78).says(&["sealing.keyring_file is empty", &reason]);
        let _absent =
            launch().set("sealing.keyring_file", absent.display()).run().expect(78).says(&["absent"]);
    }
    let open = folder.write("open-keyring", "k1 00 use\n");
    let launch = sealing(folder.launch("publisher-service", "program"), &open, "value");
    let _readable = launch.run().expect(78).says(&["other users can read"]);
}

#[test]
fn redis_sees_sealed_events_and_the_agent_has_the_table() {
    let server = RedisServer::start(&[]);
    let folder = Folder::with_settings(&format!(
        "pub_sub_driver = \"redis_db_pubsub_driver\"\nuse_nb_db = \"no\"\n[drivers.redis]\nhosts = {:?}\n",
        [server.address()]
    ));
    let keyring = keyring(&folder, "keyring");
    let agent = opening(folder.launch("subscriber-agent", "agent"), &keyring).start();
    agent.wait_for_notice(0, "subscribed");
    let mut raw = server.raw();
    raw.call(&["PSUBSCRIBE", "*"]);
    let events = events();
    let launch = sealing(folder.worker_launch("worker"), &keyring, "row");
    let ended = launch.run_with(&jsonl(&events)).expect(0);
    assert_eq!(ended.last_words(), format!("published {} events", events.len()));
    let received: Vec<Value> = agent.wait_for_events(events.len()).into_iter().map(plain).collect();
    assert_eq!(fold(&received), fold(&events), "convergent");
    let mut traffic = Vec::new();
    let mut sealed = 0;
    while sealed < events.len() {
        let message = raw.pushed_within(Duration::from_secs(30)).unwrap();
        let payload = message.list().into_iter().last().map(bytes).unwrap();
        sealed += usize::from(has(&payload, b"\xa6sealed\x93"));
        traffic.extend(payload);
    }
    for text in [SECRET, "secret-table", "secret-key"] {
        assert!(!has(&traffic, text.as_bytes()), "{text}");
    }
}

fn bytes(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Bytes(bytes) => bytes,
        other => other.text().into_bytes(),
    }
}
