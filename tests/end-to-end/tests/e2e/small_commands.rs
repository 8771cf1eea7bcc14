//! The small commands of `skimmer`, and what all of them share: usage errors, help, and pipes that are closed.

use end_to_end::{Ended, Folder, Launch};

fn skimmer(folder: &Folder, arguments: &[&str]) -> Ended {
    Launch::new("skimmer", "skimmer", folder.path()).args(arguments).run()
}

#[test]
fn wrong_arguments_are_a_usage_error() {
    let folder = Folder::new();
    let service = |arguments: &[&str]| folder.launch("publisher-service", "service").args(arguments).run();
    let agent = |arguments: &[&str]| folder.agent_launch("agent", "127.0.0.1:1").args(arguments).run();
    let cases = [
        skimmer(&folder, &["no-such-command"]),
        skimmer(&folder, &[]),
        skimmer(&folder, &["pub"]),
        skimmer(&folder, &["pub", "--table", "t"]),
        skimmer(&folder, &["pub", "--jsonl", "-", "--table", "t", "--key", "k", "--action", "set"]),
        skimmer(&folder, &["pub", "--jsonl", "-", "--timeout", "soon"]),
        skimmer(&folder, &["sub", "--count", "many"]),
        skimmer(&folder, &["sub", "--pattern", "*.prefix*"]),
        skimmer(&folder, &["sub", "--output", "xml"]),
        skimmer(&folder, &["man", "no-such-command"]),
        skimmer(&folder, &["completions", "no-such-shell"]),
        service(&["--no-such-option"]),
        service(&["--log-level", "loud"]),
        agent(&["--output", "xml"]),
        agent(&["--exec-table", "no-command"]),
        agent(&["--exec-topic", "no-command"]),
    ];
    for ended in cases {
        let ended = ended.expect(64);
        assert!(!ended.stderr.is_empty(), "it prints the reason");
    }
}

#[test]
fn every_command_has_help_completions_and_a_man_page() {
    let folder = Folder::new();
    let commands = ["demo", "pub", "sub", "bench", "drivers", "config", "status", "db", "completions", "man"];
    for command in commands {
        let help = skimmer(&folder, &[command, "--help"]).expect(0);
        assert!(help.stdout.contains("Example"), "{command}: {}", help.stdout);
        let page = skimmer(&folder, &["man", command]).expect(0);
        assert!(page.stdout.contains(".TH"), "{command}: {}", page.stdout);
    }
    assert!(skimmer(&folder, &["man", "db", "ls"]).expect(0).stdout.contains("skimmer db ls"));
    assert!(skimmer(&folder, &["man"]).expect(0).stdout.contains(".TH"));
    for shell in ["bash", "zsh", "fish"] {
        let completions = skimmer(&folder, &["completions", shell]).expect(0);
        assert!(completions.stdout.contains("skimmer"), "{shell}");
    }
    for program in ["publisher-service", "subscriber-agent", "skimmer"] {
        for option in ["--help", "--version"] {
            let ended = Launch::new(program, program, folder.path()).args([option]).run().expect(0);
            assert!(!ended.stdout.is_empty(), "{program} {option}");
        }
        let help = Launch::new(program, program, folder.path()).args(["--help"]).run().expect(0);
        assert!(help.stdout.contains("Example"), "{program}: {}", help.stdout);
    }
}

#[test]
fn drivers_are_listed_with_their_capabilities() {
    let folder = Folder::new();
    let drivers = skimmer(&folder, &["drivers", "--json"]).expect(0).json();
    let of = |alias: &str| {
        let all = drivers.as_array().expect("a list").iter();
        all.clone().find(|driver| driver["alias"] == alias).cloned().expect("it is listed")
    };
    for (network, multiproc) in [
        ("zmtp_pubsub_driver", "zmtp_pubsub_multiproc_driver"),
        ("zmq_pubsub_driver", "zmq_pubsub_multiproc_driver"),
    ] {
        assert_eq!(of(network)["roles"], serde_json::json!(["network"]));
        assert_eq!(of(multiproc)["roles"], serde_json::json!(["multiproc"]));
        assert_eq!(of(network)["capabilities"]["across_processes"], true);
    }
    assert_eq!(of("zmtp_pubsub_driver")["capabilities"]["survives_hostile_peers"], true);
    assert_eq!(of("memory_pubsub_driver")["capabilities"]["across_processes"], false);
    let table = skimmer(&folder, &["drivers"]).expect(0);
    assert!(table.stdout.contains("survives hostile peers"), "{}", table.stdout);
}

#[test]
fn a_reader_that_closes_the_pipe_ends_a_command_quietly() {
    let folder = Folder::new();
    for arguments in [&["man"][..], &["completions", "bash"], &["config", "sample"], &["drivers"]] {
        let mut child = std::process::Command::new(end_to_end::binary("skimmer"))
            .args(arguments)
            .current_dir(folder.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("it starts");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("it ends");
        assert!(ended.status.success(), "{arguments:?}: {}", ended.status);
        assert!(ended.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}
