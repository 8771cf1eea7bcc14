//! `config check`: for a role it refuses what the start of that role refuses, and without one what no start accepts.

use end_to_end::{Folder, Launch};

/// `config check` for a role, or for none.
fn check(folder: &Folder, role: Option<&str>) -> Launch {
    let check = folder.skimmer(&["config", "check"]).set("data_services.port", 0);
    check.args(role.into_iter().flat_map(|role| ["--for", role]))
}

const ROLES: [Option<&str>; 5] = [None, Some("service"), Some("agent"), Some("worker"), Some("node")];

#[test]
fn config_check_finds_what_the_start_of_a_role_would_find_and_starts_nothing() {
    let folder = Folder::new();
    for role in ROLES {
        // An agent cannot know which free port a publisher chose.
        let ended =
            check(&folder, role).set("publisher_port", if role == Some("agent") { 8866 } else { 0 }).run();
        assert_eq!(ended.expect(0).stdout.trim(), "ok, 0 warnings", "{role:?}");
    }
    assert!(!folder.socket().exists());
    let topics = folder.write("topics.toml", "[agent]\ntopics = [\"\"]");
    let patterns = folder.write("patterns.toml", "[agent]\npatterns = [\"*.prefix*\"]");
    for (file, part) in [(topics, "agent.topics"), (patterns, "agent.patterns")] {
        let check = Launch::new("skimmer", "skimmer", folder.path()).args(["config", "check", "--config"]);
        let _ = check.args([file]).run().expect(78).says(&[part]);
    }
}

#[test]
fn config_check_looks_at_the_folders_that_the_role_needs_and_at_no_other() {
    let folder = Folder::new();
    let missing = folder.path().join("missing");
    let mend = format!("mkdir -p {}", missing.display());
    for (setting, path, concerned) in [
        ("publisher_multiproc_socket", missing.join("ipc.sock"), &["service"][..]),
        ("state_dir", missing.clone(), &["service", "agent", "node"]),
    ] {
        for role in ROLES {
            let check =
                check(&folder, role).set("publisher_port", 8866).set("publisher_bind_address", "127.0.0.77");
            let ended = check.set(setting, path.display()).run();
            if role.is_some_and(|role| concerned.contains(&role)) {
                let _ = ended.expect(69).says(&[&mend]);
            } else {
                assert_eq!(ended.expect(0).stdout.trim(), "ok, 0 warnings", "{setting} {role:?}");
            }
        }
    }
}

/// The setting, the exit status, and a part of the output.
type Case<'a> = (&'a [(&'a str, &'a str)], i32, &'a str);

#[test]
fn config_check_and_the_start_of_a_service_refuse_the_same_addresses() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let in_use = format!("127.0.0.1:{port} is in use by pid {}", std::process::id());
    let cases: [Case<'_>; 8] = [
        (&[("publisher_port", &port)], 69, &in_use),
        (
            &[("publisher_bind_address", "192.0.2.1"), ("allow_unauthenticated", "true")],
            69,
            "192.0.2.1 is not an address of this host",
        ),
        (&[("publisher_bind_address", "")], 78, "publisher_bind_address is empty"),
        (
            &[("management_ip", "tcp://10.0.0.5")],
            78,
            "management_ip is \"tcp://10.0.0.5\", which is not an address",
        ),
        (
            &[("publisher_bind_address", "*"), ("management_ip", "0.0.0.0")],
            78,
            "management_ip is \"0.0.0.0\"",
        ),
        (&[("publisher_bind_address", "*")], 78, "mechanism = \"curve\""),
        (&[("publisher_bind_address", "0.0.0.0")], 78, "allow_unauthenticated = true"),
        (
            &[("publisher_bind_address", "::"), ("pub_sub_driver", "zmq_pubsub_driver")],
            78,
            "pub_sub_driver = \"zmtp_pubsub_driver\"",
        ),
    ];
    for (sets, status, says) in cases {
        let folder = Folder::new();
        for launch in [check(&folder, Some("service")), folder.launch("publisher-service", "service")] {
            let launch = sets.iter().fold(launch, |launch, (name, value)| launch.set(name, value));
            let _ = launch.run().expect(status).says(&[says]);
        }
    }
}

#[test]
fn config_check_next_to_a_running_service_reports_it_and_succeeds() {
    let folder = Folder::new();
    let service = folder.service();
    let ended =
        check(&folder, Some("service")).set("state_dir", folder.state_dir("service.state").display()).run();
    let ended = ended.expect(0).says(&[&format!("publisher-service with pid {}", service.pid())]);
    assert_eq!(ended.stdout.trim(), "ok, 1 warnings");
    let exposed = check(&folder, Some("service")).set("publisher_bind_address", "*");
    let beside = exposed.set("state_dir", folder.state_dir("service.state").display()).run();
    let _ = beside.expect(78).says(&["allow_unauthenticated = true"]);
}

#[test]
fn a_wildcard_bind_in_a_directory_that_joins_hosts_needs_an_address_for_others() {
    let folder = Folder::new();
    let all = |role| {
        let check =
            check(&folder, role).set("publisher_bind_address", "*").set("allow_unauthenticated", true);
        check.set("use_nb_db", "yes").set("nb_db_class", "redis_nb_db_driver")
    };
    let loopback = all(Some("service")).set("management_ip", "127.0.0.1").run().expect(0);
    let _ = loopback
        .says(&["warning: management_ip = 127.0.0.1: ", "agents on other hosts cannot connect to it"]);
    let other_family = all(Some("service")).set("management_ip", "2001:db8::5").run().expect(78);
    let _ = other_family.says(&["binds IPv4 addresses only"]);
    // What this host's addresses are is its own affair: it is named, or a choice is asked for.
    let unset = all(Some("service")).run();
    assert!([Some(0), Some(78)].contains(&unset.code()), "{}", unset.stderr);
    assert!(unset.stderr.contains("management_ip is not set"), "{}", unset.stderr);
}

#[test]
fn dragonflows_default_database_is_refused_with_what_exists_and_how_to_do_without() {
    let folder = Folder::with_settings("nb_db_class = \"etcd_nb_db_driver\"");
    for launch in [check(&folder, None), folder.launch("publisher-service", "service")] {
        let ended = launch.run().expect(78);
        let ended =
            ended.says(&["etcd_nb_db_driver", "redis_nb_db_driver", "use_nb_db = \"no\" runs without"]);
        assert!(!ended.stderr.contains("did you mean"), "{}", ended.stderr);
    }
    assert_eq!(check(&folder, None).set("use_nb_db", "no").run().expect(0).stdout.trim(), "ok, 0 warnings");
}

#[test]
fn variables_of_kubernetes_services_do_not_keep_programs_from_starting() {
    let folder = Folder::new();
    let links = include_str!("../../../../settings/all/tests/settings/kubernetes-service-links.env");
    let links = links.lines().filter_map(|line| line.split_once('='));
    let check = links.fold(check(&folder, Some("service")), |launch, (name, value)| launch.env(name, value));
    let ended = check.run().expect(0).says(&["Kubernetes", "SKIMMER_SERVICE_HOST"]);
    assert_eq!(ended.stdout.trim(), "ok, 1 warnings");
}

#[test]
fn config_check_shows_who_can_do_what() {
    let folder = Folder::new();
    let aspects = |role: &str, sets: &[(&str, &str)]| -> Vec<String> {
        let launch = check(&folder, Some(role)).args(["--security"]).set("publisher_port", 8866);
        let launch = sets.iter().fold(launch, |launch, (name, value)| launch.set(name, value));
        let lines = launch.run().expect(0).stdout;
        let words = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        lines.lines().map(words).collect()
    };
    let service = aspects("service", &[]);
    assert_eq!(
        service,
        ["subscribers good", "addresses open", "workers good", "publications open", "events open", "ok, 0"]
    );
    assert_eq!(aspects("agent", &[]), ["publishers open", "events open", "ok, 0"]);
    assert_eq!(aspects("worker", &[]), ["service good", "ok, 0"]);
    assert!(aspects("node", &[]).contains(&"packets open".to_owned()), "{:?}", aspects("node", &[]));
    let exposed = [("publisher_bind_address", "0.0.0.0"), ("allow_unauthenticated", "true")];
    assert_eq!(aspects("service", &exposed).first().map(String::as_str), Some("subscribers weak"));
    let over_the_network = [
        ("pub_sub_driver", "redis_db_pubsub_driver"),
        ("drivers.redis.hosts", "redis.example:6379"),
        ("use_nb_db", "no"),
    ];
    assert_eq!(aspects("agent", &over_the_network), ["broker weak", "events open", "ok, 1"]);
}
