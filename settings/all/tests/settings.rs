//! Settings from TOML files, the environment and the command line, as a program sees them.

#![expect(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "settings/written.rs"]
mod written;

use publisher_service_settings::ServiceSettings;
use settings::shown_settings;
use std::time::Duration;
use subscriber_agent_settings::AgentSettings;

use pubsub_api::settings::{Origin, Settings};
use settings::Sources;
use written::{DRIVERS, Written};

const MIB: usize = 1 << 20;

fn environment(name: &str, value: &str) -> Sources {
    Sources { environment: vec![(name.to_owned(), value.to_owned())], ..Sources::default() }
}

fn set(argument: &str) -> Sources {
    Sources { sets: vec![argument.to_owned()], ..Sources::default() }
}

fn refusal_of(sources: &Sources) -> String {
    all_settings::load(sources, DRIVERS).unwrap_err().to_string()
}

/// The one value of a list item or scalar, as `skimmer config show` prints it, and its origin.
fn shown(settings: &Settings, name: &str) -> (String, Origin) {
    let entry = shown_settings(settings).find(|entry| entry.setting.full_name() == name).unwrap();
    (entry.value, entry.origin.clone())
}

#[test]
fn without_any_source_every_setting_has_its_default() {
    let settings = all_settings::defaults(DRIVERS).unwrap();
    let pubsub = settings.pubsub();
    assert_eq!(pubsub.pub_sub_driver, "zmtp_pubsub_driver");
    assert_eq!(pubsub.pub_sub_multiproc_driver, "zmtp_pubsub_multiproc_driver");
    assert!(pubsub.pub_sub_use_multiproc);
    assert_eq!((pubsub.publisher_port, pubsub.publisher_transport.as_str()), (8866, "tcp"));
    assert_eq!(pubsub.publisher_bind_address, "127.0.0.1");
    assert_eq!(pubsub.publisher_multiproc_socket.to_str(), Some("/var/run/zmq_pubsub/zmq-publisher-socket"));
    assert_eq!(
        (pubsub.publishers_ips.as_slice(), &pubsub.publisher_id),
        (&["127.0.0.1".to_owned()][..], &None)
    );
    assert_eq!(pubsub.state_dir.to_str(), Some("/var/lib/skimmer"));
    assert_eq!([pubsub.linger, pubsub.send_timeout, pubsub.dead_after], [1, 5, 3].map(Duration::from_secs));
    assert_eq!(ServiceSettings::read(&settings).unwrap().drain_timeout, Duration::from_secs(5));
    let agent = AgentSettings::read(&settings).unwrap();
    assert!(agent.topics.is_empty() && agent.patterns.is_empty());
    assert_eq!((agent.handler_queue_events, agent.handler_timeout), (1000, Duration::from_secs(30)));
    assert!(shown_settings(&settings).all(|entry| *entry.origin == Origin::Default));
}

#[test]
fn the_command_line_is_stronger_than_the_environment_than_the_file_than_the_default() {
    let file = Written::new("skimmer.toml", "[pubsub]\n  publisher_port = 1\n");
    let mut sources = file.sources();
    let value = |sources: &Sources| shown(&all_settings::load(sources, DRIVERS).unwrap().0, "publisher_port");

    let (port, origin) = value(&sources);
    assert_eq!((port.as_str(), origin.to_string()), ("1", format!("{}:2", file.path.display())));

    sources.environment.push(("SKIMMER_PUBLISHER_PORT".into(), "2".into()));
    let (port, origin) = value(&sources);
    assert_eq!((port.as_str(), origin.to_string().as_str()), ("2", "SKIMMER_PUBLISHER_PORT"));

    sources.sets = vec!["publisher_port=3".into(), "pubsub.publisher_port=4".into()];
    assert_eq!(value(&sources), ("4".into(), Origin::Set));
}

#[test]
fn of_two_files_the_later_counts_and_what_only_the_earlier_sets_stays() {
    let first = Written::new("first.toml", "[pubsub]\npublisher_port = 1\nlinger = \"2s\"\n");
    let second = Written::new("second.toml", "[pubsub]\npublisher_port = 2\n");
    let sources = Sources { files: vec![first.path.clone(), second.path.clone()], ..Sources::default() };
    let (settings, _) = all_settings::load(&sources, DRIVERS).unwrap();
    let (port, origin) = shown(&settings, "publisher_port");
    assert_eq!((port.as_str(), origin.to_string()), ("2", format!("{}:2", second.path.display())));
    assert_eq!(shown(&settings, "linger").0, "\"2s\"");
}

#[test]
fn every_kind_of_value_is_read_from_every_source() {
    for (name, toml, plain, shown_as) in [
        ("publisher_port", "0x1F90", "8080", "8080"),
        ("pub_sub_use_multiproc", "false", "false", "false"),
        ("publisher_id", r#"'a"b'"#, r#"a"b"#, r#""a\"b""#),
        ("state_dir", r#""/srv""#, "/srv", r#""/srv""#),
        ("linger", r#""1500ms""#, "1500ms", r#""1500ms""#),
        ("linger", r#""120s""#, "120s", r#""2m""#),
        ("publishers_ips", r#"["10.0.0.1", "[::1]:9"]"#, "10.0.0.1, [::1]:9", r#"["10.0.0.1", "[::1]:9"]"#),
        ("publishers_ips", "[]", "", "[]"),
        ("agent.topics", r#"["a"]"#, "a", r#"["a"]"#),
        ("drivers.zeromq.ring", r#""2048KiB""#, "2048KiB", r#""2MiB""#),
        ("drivers.zeromq.ring", "1000", "1000", "1000"),
        ("drivers.zeromq.mode", r#""careful""#, "careful", r#""careful""#),
    ] {
        let (section, key) = name.rsplit_once('.').unwrap_or(("pubsub", name));
        let variable = format!("SKIMMER_{}", name.replace('.', "_").to_uppercase());
        let file = Written::new("skimmer.toml", format!("[{section}]\n{key} = {toml}\n"));
        for sources in [file.sources(), environment(&variable, plain), set(&format!("{name}={plain}"))] {
            let (settings, warnings) = all_settings::load(&sources, DRIVERS).unwrap();
            assert_eq!(shown(&settings, name).0, shown_as, "{sources:?}");
            assert!(warnings.is_empty());
        }
    }
}

/// The content of a file, and the whole text of the error.
const TOML_PROBLEMS: &[(&str, &str)] = &[
    (
        "[pubsub]\n# a comment\npublisher_prot = 1\n",
        "skimmer.toml:3:1: unknown setting `publisher_prot` in [pubsub]; did you mean `publisher_port`?",
    ),
    ("\n\n  [pubsubs]\n", "skimmer.toml:3:4: unknown section [pubsubs]; did you mean `pubsub`?"),
    (
        "[drivers.zerom]\n",
        "skimmer.toml:1:10: unknown section [drivers.zerom]; did you mean `drivers.zeromq`?",
    ),
    (
        "[etcd]\n",
        "skimmer.toml:1:2: unknown section [etcd]; known are pubsub, service, agent, sealing, data_services, drivers.zeromq",
    ),
    (
        "[pubsub]\ndrain_timeout = \"1s\"\n",
        "skimmer.toml:2:1: unknown setting `drain_timeout` in [pubsub]; it stands in [service]",
    ),
    ("linger = '1s'\n", "skimmer.toml:1:1: `linger` stands in no section; put it under [pubsub]"),
    ("pubsub = 1\n", "skimmer.toml:1:1: `pubsub` is a section; write [pubsub] on a line of its own"),
    ("drivers = 1\n", "skimmer.toml:1:1: unknown setting `drivers`, which stands in no section"),
    (
        "[pubsub]\npublisher_port = \"8866\"\n",
        "skimmer.toml:2:18: `publisher_port` wants a whole number from 0 to 65535, not the text \"8866\": \
             leave out the quotation marks",
    ),
    (
        "[pubsub]\r\npublisher_port = 65536\r\n",
        "skimmer.toml:2:18: `publisher_port` wants a whole number from 0 to 65535, not 65536",
    ),
    (
        "\u{feff}[pubsub]\nlinger = 10\n",
        "skimmer.toml:2:10: `linger` wants a duration from 0s to 1h, such as \"5s\" or \"250ms\", \
             not 10 without a unit: write \"10s\" or \"10ms\"",
    ),
    (
        "[drivers.zeromq]\nmode = 'fats'\n",
        "skimmer.toml:2:8: `mode` wants one of fast, careful, not \"fats\"; did you mean `fast`?",
    ),
    (
        "[drivers.zeromq]\nring = '2GiB'\n",
        "skimmer.toml:2:8: `ring` wants a size from 0 to 1GiB, in bytes or such as \"64MiB\", not \"2GiB\"",
    ),
    (
        "[pubsub]\npublishers_ips = ['::1',\n '10.0.0.256']\n",
        "skimmer.toml:3:2: `publishers_ips` wants a list of addresses, each `ip`, `ip:port`, `host` or \
             `host:port`, not \"10.0.0.256\"",
    ),
    (
        "[agent]\ntopics = 'a'\n",
        "skimmer.toml:2:10: `topics` wants a list of texts, not the text \"a\": put it in brackets, as in [\"a\"]",
    ),
    ("[pubsub]\nstate_dir = ''\n", "skimmer.toml:2:13: `state_dir` wants a path, not \"\""),
    (
        "[pubsub]\nlinger = '1s'\nlinger = '2s'\n",
        "skimmer.toml:3:1: `linger` is there twice in its section; keep one",
    ),
    ("[pubsub]\n[agent]\n[pubsub]\n", "skimmer.toml:3:2: the section `pubsub` is there twice; join the two"),
];

#[test]
fn a_problem_of_a_toml_file_is_reported_with_its_place_and_the_right_spelling() {
    for (content, says) in TOML_PROBLEMS {
        assert_eq!(Written::new("skimmer.toml", content).refusal(), *says, "{content}");
    }
}

#[test]
fn invalid_toml_is_reported_with_its_place_once_per_line() {
    let bare = "this is no TOML value; a text, a duration or a size stands in quotation marks, as in \"5s\"";
    for (content, place, says) in [
        ("[pubsub]\nlinger = 1s\n", "skimmer.toml:2:10: ", bare),
        ("[pubsub]\npublisher_transport = tcp\n", "skimmer.toml:2:23: ", bare),
        ("[pubsub]\npublishers_ips = [10.0.0.1]\n", "skimmer.toml:2:23: ", bare),
        ("[pubsub\n", "skimmer.toml:1:8: ", "this is not TOML: unclosed table, expected `]`"),
        ("publisher_port 8866", "skimmer.toml:1:16: ", "this is not TOML: key with no value, expected `=`"),
    ] {
        assert_eq!(Written::new("skimmer.toml", content).refusal(), format!("{place}{says}"));
    }
}

#[test]
fn all_problems_of_all_sources_are_reported_one_a_line_in_order() {
    let content =
        "[service]\nx = 1\n[pubsub]\npublisher_port = -1\nlinger = 5\nlinger = 5\n[agent]\ntopics = [1]\n";
    let file = Written::new("skimmer.toml", content);
    let sources = Sources {
        sets: vec!["x".into()],
        environment: vec![("SKIMMER_X".into(), "1".into())],
        ..file.sources()
    };
    let text = refusal_of(&sources);
    let starts = [":2:1: ", ":4:18: ", ":5:10: ", ":6:1: ", ":8:11: "]
        .map(|place| format!("{}{place}", file.path.display()));
    let starts = starts.iter().map(String::as_str).chain(["environment: ", "--set x: "]);
    assert_eq!(text.lines().count(), 7, "{text}");
    for (line, start) in text.lines().zip(starts) {
        assert!(line.starts_with(start), "{line} does not start with {start}");
    }
}

#[test]
fn of_thousands_of_problems_fifty_are_reported_and_the_rest_is_counted() {
    for line in ["x\n".to_owned(), "x = 1\n".to_owned(), format!("{} = 1\n", "x".repeat(300))] {
        let content = format!("[pubsub]\n{}", line.repeat((MIB - 100) / line.len()));
        let refusal = Written::new("skimmer.toml", content).refusal();
        assert_eq!(refusal.lines().count(), 51);
        assert!(refusal.ends_with(" more problems"), "{refusal}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_reported_in_a_clear_sentence() {
    let big = vec![b'#'; MIB + 1];
    for (content, says) in [
        (&b"[pubsub]\nstate_dir = '\xff'\n"[..], "it is not UTF-8 text, from 2:14 on"),
        (&big[..], "it has more than 1 MiB, which no settings file needs"),
    ] {
        let refusal = Written::new("skimmer.toml", content).refusal();
        assert_eq!(refusal, format!("cannot read the settings file skimmer.toml: {says}"));
    }
    assert!(Written::new("skimmer.toml", &big[..MIB]).load().is_ok());

    let folder = tempfile::tempdir().unwrap();
    for (path, says) in
        [("none.toml", "there is no such file"), ("", "it is a directory; name the file in it")]
    {
        let sources = Sources { files: vec![folder.path().join(path)], ..Sources::default() };
        assert!(refusal_of(&sources).ends_with(says), "{}", refusal_of(&sources));
    }
}

#[test]
fn an_unknown_name_or_a_wrong_value_outside_the_file_is_reported() {
    for (sources, says) in [
        (
            environment("SKIMMER_PUBLISHER_PROT", "1"),
            "environment: unknown variable `SKIMMER_PUBLISHER_PROT`; did you mean `SKIMMER_PUBLISHER_PORT`?",
        ),
        (
            environment("SKIMMER_DRIVERS_ZEROMQ_RING", "64MB"),
            "environment: SKIMMER_DRIVERS_ZEROMQ_RING: `ring` wants a size from 0 to 1GiB, in bytes or such as \
             \"64MiB\", not \"64MB\": write a plain number of bytes, or one of the units KiB, MiB, GiB",
        ),
        (set("linger"), "--set linger: write it as name=value"),
        (set("lingr=1s"), "--set lingr=1s: unknown setting `lingr`; did you mean `linger`?"),
        (
            set("pub_sub_use_multiproc=yes"),
            "--set pub_sub_use_multiproc=yes: `pub_sub_use_multiproc` wants true or false, not \"yes\"",
        ),
        (
            set("agent.topics=a,,b"),
            "--set agent.topics=a,,b: `topics` wants a list of texts, not \"a,,b\" with nothing between its commas",
        ),
    ] {
        assert_eq!(refusal_of(&sources), says);
    }
}

#[test]
fn variables_of_others_are_left_alone() {
    for name in ["SKIMMER_BIN_DIR", "SKIMMER_LOG", "PATH", "PUBLISHER_PROT"] {
        assert!(all_settings::load(&environment(name, "x"), DRIVERS).is_ok(), "{name}");
    }
}

#[test]
fn an_id_of_a_publisher_has_at_most_255_bytes() {
    let id = |bytes: usize| set(&format!("publisher_id={}", "x".repeat(bytes)));
    let (settings, _) = all_settings::load(&id(255), DRIVERS).unwrap();
    assert_eq!(settings.pubsub().publisher_id.as_ref().map(String::len), Some(255));
    let refusal = refusal_of(&id(256));
    assert!(refusal.contains("publisher_id: at most 255 bytes, this has 256"), "{refusal}");
}
