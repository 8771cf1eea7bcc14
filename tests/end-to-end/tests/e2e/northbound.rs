//! `skimmer db`: objects in the northbound database of this host, whose changes reach the agents.

use end_to_end::{Ended, Folder, key_of};
use serde_json::{Value, json};

fn db(folder: &Folder, arguments: &[&str]) -> Ended {
    folder.skimmer(&["db"]).args(arguments).run()
}

fn actions(events: &[Value]) -> Vec<(String, String)> {
    let action = |event: &Value| event["action"].as_str().unwrap_or_default().to_owned();
    events.iter().map(|event| (action(event), key_of(event).1)).collect()
}

#[test]
fn changes_of_the_database_reach_the_agents() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let added = db(&folder, &["add", "lport", r#"{"id":"p","topic":"tenant-1","name":"x"}"#]).expect(0);
    assert_eq!(added.json(), json!({"id": "p", "topic": "tenant-1", "name": "x", "version": 1}));
    let _ = db(&folder, &["add", "lport", r#"{"id":"q"}"#]).expect(0);
    let _ = db(&folder, &["update", "lport", "p", r#"{"name":"y"}"#, "--if-version", "1"]).expect(0);
    let unchanged = db(&folder, &["update", "lport", "p", r#"{"name":"y"}"#]).expect(0);
    assert!(unchanged.stderr.contains("unchanged"), "{}", unchanged.stderr);

    assert_eq!(db(&folder, &["tables"]).expect(0).stdout.trim(), "lport");
    let keys = db(&folder, &["ls", "lport", "--format", "json"]).expect(0).lines();
    assert_eq!(keys, [json!({"key": "p", "topic": "tenant-1"}), json!({"key": "q", "topic": null})]);
    let got = db(&folder, &["get", "lport", "p", "--format", "json"]).expect(0).json();
    assert_eq!(got, json!({"id": "p", "topic": "tenant-1", "name": "y", "version": 2}));
    let dumped = db(&folder, &["dump", "--format", "json"]).expect(0).lines();
    assert_eq!((dumped.len(), &dumped[0]["value"]), (2, &got));

    let _ = db(&folder, &["rm", "lport", "p"]).expect(0);
    let cleaned = db(&folder, &["clean", "lport"]).expect(0);
    assert!(cleaned.stderr.contains("deleted 1 rows"), "{}", cleaned.stderr);
    assert_eq!(db(&folder, &["ls", "lport", "--format", "json"]).expect(0).lines(), [Value::Null; 0]);
    let events = agent.wait_for_events(5);
    let wanted = [("create", "p"), ("create", "q"), ("set", "p"), ("delete", "p"), ("delete", "q")];
    assert_eq!(actions(&events), wanted.map(|(action, key)| (action.to_owned(), key.to_owned())));
    assert_eq!(events[2]["version"], 2);
}

#[test]
fn with_selective_distribution_a_change_goes_out_on_the_topic_of_its_object() {
    let folder = Folder::with_settings("enable_selective_topology_distribution = true");
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let _ = db(&folder, &["add", "lport", r#"{"id":"p","topic":"tenant-1"}"#]).expect(0);
    let _ = db(&folder, &["add", "lport", r#"{"id":"q"}"#]).expect(0);
    let events = agent.wait_for_events(2);
    assert_eq!((&events[0]["topic"], &events[1]["topic"]), (&json!("tenant-1"), &json!("D")));
}

#[test]
fn a_change_that_cannot_be_published_is_undone_and_the_command_fails() {
    let folder = Folder::new();
    let ended = db(&folder, &["add", "lport", r#"{"id":"p"}"#, "--timeout", "500ms"]).expect(69);
    assert!(ended.stderr.contains("lport/p") && ended.stderr.contains("undone"), "{}", ended.stderr);
    assert_eq!(db(&folder, &["ls", "lport", "--format", "json"]).expect(0).lines(), [Value::Null; 0]);
}

#[test]
fn a_usage_error_is_reported_in_one_sentence() {
    let folder = Folder::new();
    let service = folder.service();
    let _ = db(&folder, &["add", "lport", r#"{"id":"p"}"#]).expect(0);
    for (arguments, said) in [
        (&["get", "lport", "q"][..], "there is no row lport/q"),
        (&["add", "lport", r#"{"id":"p","name":"z"}"#], "already"),
        (&["add", "lport", "[]"], "one JSON object"),
        (&["add", "lport", r#"{"name":"z"}"#], "`id`"),
        (&["update", "lport", "p", r#"{"name":"z"}"#, "--if-version", "9"], "version 9 was expected"),
        (&["rm", "lport", "q"], "there is no row lport/q"),
        (&["ls", "l{port}"], "is no table"),
    ] {
        let ended = db(&folder, arguments).expect(1);
        assert!(ended.last_words().contains(said), "{arguments:?}: {}", ended.stderr);
    }
    let unknown =
        folder.skimmer(&["db"]).set("nb_db_class", "sqlite_nb_driver").args(["tables"]).run().expect(78);
    assert!(unknown.stderr.contains("sqlite_nb_db_driver"), "{}", unknown.stderr);
    folder.write("state/northbound.sqlite", "this is no database, and long enough to be seen as such");
    let broken = db(&folder, &["tables"]).expect(78);
    assert!(broken.stderr.contains("northbound.sqlite"), "{}", broken.stderr);
    drop(service);
}

#[test]
fn the_value_of_a_row_cannot_control_the_terminal() {
    let folder = Folder::new();
    let _service = folder.service();
    let row = "{\"id\":\"p\\u001b[2J\",\"topic\":\"t\\u009b1m\",\"name\":\"\\u202e\\u001b]0;x\\u0007\"}";
    let _ = db(&folder, &["add", "lport", row]).expect(0);
    // On a terminal, as script(1) makes one.
    for command in
        ["ls lport", "dump lport", "dump --output jsonl", "get lport \"$(printf 'p\\033[2J')\"", "tables"]
    {
        let line = format!(
            "{} db {command} --config {}",
            end_to_end::binary("skimmer").display(),
            folder.config().display()
        );
        let shown = std::process::Command::new("script").args(["-qec", &line, "/dev/null"]).output().unwrap();
        let text = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.status.success(), "{command}: {text}");
        let steers = |char: char| (char.is_control() && !"\r\n".contains(char)) || char == '\u{202e}';
        assert!(!text.contains(steers), "{command}: {text:?}");
        assert!(text.contains("\\u001b[2J") || command == "tables", "{command}: {text:?}");
    }
    // So the table, wherever it goes.
    let table = db(&folder, &["ls", "lport"]).expect(0).stdout;
    assert!(table.contains("p\\u001b[2J") && table.contains("t\\u009b1m"), "{table:?}");
}
