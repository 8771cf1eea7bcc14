//! From the installation to the first event.

use end_to_end::until;

use packages::{CleanRoot, UNITS};

fn owner(root: &CleanRoot, path: &str) -> String {
    root.run(&["stat", "--format=%a %U:%G", path]).trim().to_owned()
}

/// What systemd makes before it starts the unit.
fn make_folders(root: &CleanRoot, unit: &str) {
    for (key, parent) in [("RuntimeDirectory", "/run"), ("StateDirectory", "/var/lib")] {
        let mode = root.of_unit(unit, &format!("{key}Mode"));
        let path = format!("{parent}/{}", root.of_unit(unit, key));
        root.run(&["install", "--directory", "--owner=skimmer", "--group=skimmer", "--mode", &mode, &path]);
    }
}

/// The command line of a unit, with more arguments, as its user.
fn of_unit(root: &CleanRoot, unit: &str, more: &[&str]) -> end_to_end::Launch {
    let line = root.of_unit(unit, "ExecStart");
    let command: Vec<&str> = line.split(' ').chain(more.iter().copied()).collect();
    root.launch_as(&root.of_unit(unit, "User"), &root.of_unit(unit, "Group"), &command)
}

#[test]
fn an_installed_machine_has_the_user_the_folders_and_units_that_nobody_has_enabled() {
    let root = CleanRoot::mounted();
    root.install("packages");
    let user = root.run(&["getent", "passwd", "skimmer"]);
    assert!(user.contains(":/var/lib/skimmer:") && user.trim().ends_with("nologin"), "{user}");
    assert_eq!(owner(&root, "/var/lib/skimmer"), "750 skimmer:skimmer");
    assert_eq!(owner(&root, "/etc/skimmer/skimmer.toml"), "640 root:skimmer");
    for (unit, _) in UNITS {
        let enabled = root.launch("systemctl", &["systemctl", "is-enabled", unit]).run();
        assert_eq!(enabled.stdout.trim(), "disabled", "{unit}: {}", enabled.stderr);
    }
    for program in ["skimmer", "publisher-service", "subscriber-agent"] {
        assert!(root.run(&[program, "--version"]).starts_with(program));
    }
}

#[test]
fn with_the_installed_settings_the_commands_of_the_units_carry_an_event_from_a_worker_to_an_agent() {
    let root = CleanRoot::mounted();
    root.install("packages");
    let settings = ["--config", "/etc/skimmer/skimmer.toml"];
    for role in ["service", "agent", "worker", "node"] {
        let check = ["skimmer", "config", "check", "--for", role];
        let _ = root.launch_as("skimmer", "skimmer", &[&check[..], &settings].concat()).run().expect(0);
    }

    make_folders(&root, "publisher-service.service");
    let mut service = of_unit(&root, "publisher-service.service", &[]).start();
    service.wait_for("the ready line", |line| line["ready"] == true);
    let exec = ["--exec", "cat >> /var/lib/skimmer/changes.jsonl"];
    let mut agent = of_unit(&root, "subscriber-agent.service", &exec).start();
    let status = [&["skimmer", "status"][..], &settings].concat();
    until("the agent is live", || {
        let shown = root.launch_as("skimmer", "skimmer", &status).run();
        (shown.code() == Some(0) && shown.stdout.contains("live")).then_some(())
    });

    // A worker's user is in the group of the socket.
    let event = ["--table", "lport", "--key", "port-1", "--action", "set", "--value", "up"];
    let publish = [&["skimmer", "pub"][..], &event, &settings].concat();
    let published = root.launch_as("nobody", "skimmer", &publish).run().expect(0);
    assert_eq!(published.last_words(), "published 1 events");
    until("the event is at the agent's handler", || {
        root.sh("cat /var/lib/skimmer/changes.jsonl").stdout.contains("\"port-1\"").then_some(())
    });
    agent.terminate();
    service.terminate();
}
