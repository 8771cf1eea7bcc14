//! No key of CURVE is shown anywhere: logs at the finest level, outputs, status, settings, errors, command lines.
#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use end_to_end::{Folder, Launch, Secrets, Service, event, until};

fn skimmer(folder: &Folder, arguments: &[&str]) -> end_to_end::Ended {
    Launch::new("skimmer", "skimmer", folder.path()).args(arguments).run()
}

/// Makes a key. Returns what was printed, and the secret text.
fn new_key(folder: &Folder, name: &str) -> (String, String) {
    let made = skimmer(folder, &["keys", "new", name, "--folder", folder.path().to_str().unwrap()]).expect(0);
    let file = folder.path().join(format!("{name}.key"));
    (made.stdout.trim().to_owned(), fs::read_to_string(file).unwrap().trim().to_owned())
}

#[test]
fn no_secret_key_is_shown_anywhere() {
    let folder = Folder::with_settings("[drivers.zmtp]\nmechanism = \"curve\"");
    let names = ["publisher", "agent", "stranger"];
    let [publisher, agent, stranger] = names.map(|name| new_key(&folder, name));
    let secrets = Secrets::of_z85(&[publisher.1.clone(), agent.1, stranger.1]);
    for (line, name) in [(&publisher.0, "publisher"), (&agent.0, "agent"), (&stranger.0, "stranger")] {
        secrets.assert_absent("the output of keys new", line);
        let file = folder.path().join(format!("{name}.key"));
        let shown = skimmer(&folder, &["keys", "show", file.to_str().unwrap()]).expect(0).stdout;
        assert!(line.ends_with(shown.trim()), "{line}");
        secrets.assert_absent("keys show", shown);
    }
    folder.write("agents", &format!("{}\n", agent.0));
    let file = |name: &str| folder.path().join(name).display().to_string();
    let public = publisher.0.split_once(' ').unwrap().1;

    let at_the_publisher = |launch: Launch| {
        let launch = launch.set("drivers.zmtp.publisher_key_file", file("publisher.key"));
        launch.set("drivers.zmtp.authorized_agents_file", file("agents")).args(["--log-level", "trace"])
    };
    let service = at_the_publisher(folder.launch("publisher-service", "service"));
    let service = Service::ready(service.start());
    let at = |name: &str| {
        let launch = folder.agent_launch(name, service.address()).args(["--log-level", "trace"]);
        let launch = launch.set("drivers.zmtp.agent_key_file", file(&format!("{name}.key")));
        launch.set("drivers.zmtp.publisher_keys", public)
    };
    let (agent, stranger) = (at("agent").start(), at("stranger").start());
    agent.wait_for_notice(0, "live");
    folder.publish(&[event("t", "k", "set", "v", "D")]);
    agent.wait_for_events(1);
    until("the stranger is refused", || {
        let status = folder.status("service").to_string();
        status.contains("curve_unknown_key").then_some(())
    });
    for program in [&*service, &stranger] {
        until("a log", || (!program.stderr().is_empty()).then_some(()));
    }
    for program in [&*service, &agent, &stranger] {
        secrets.assert_absent_in(program);
    }
    for name in ["service", "agent"] {
        secrets.assert_absent("a status", folder.status(name).to_string());
    }

    let sets = ["publisher_key_file", "agent_key_file"].map(|setting| {
        let name = setting.split('_').next().unwrap();
        format!("drivers.zmtp.{setting}={}", file(&format!("{name}.key")))
    });
    let shown = folder.skimmer(&["config", "show", "--set", &sets[0], "--set", &sets[1]]).run().expect(0);
    secrets.assert_absent("config show", shown.stdout);
    // A secret key in the place of a public one, with a typing error; a file that others can read.
    let cut = &publisher.1[1..];
    for wrong in [cut.to_owned(), format!("127.0.0.1:1#{cut}")] {
        let ended = at("agent").set("drivers.zmtp.publisher_keys", &wrong).run().expect(78);
        assert!(!ended.stderr.contains(&cut[10..]), "{}", ended.stderr);
    }
    fs::set_permissions(file("agent.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let ended = at("agent")
        .set("state_dir", folder.state_dir("other").display())
        .run()
        .expect(78)
        .says(&["agent.key", "0644"]);
    secrets.assert_absent("an error", ended.stderr);
}
