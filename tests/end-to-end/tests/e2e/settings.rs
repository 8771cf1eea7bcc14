//! Settings: what is wrong is named, with exit status 78, before anything starts; what is right is shown.

use end_to_end::{Folder, Launch, Service, event};
use serde_json::json;

/// The three commands that read settings, each of which must refuse the same.
fn commands(folder: &Folder) -> [Launch; 4] {
    let agent = folder.launch("subscriber-agent", "agent");
    let worker = folder.skimmer(&["pub", "--table", "t", "--key", "k", "--action", "set"]);
    [folder.launch("publisher-service", "service"), agent, worker, folder.skimmer(&["config", "check"])]
}

#[test]
fn wrong_settings_are_refused_by_every_program_with_a_suggestion() {
    let cases: [(&str, &[&str]); 12] = [
        (
            "publisher_prot = 8866",
            &["skimmer.toml:5:1", "unknown setting `publisher_prot`", "publisher_port"],
        ),
        ("publisher_transprot = \"tcp\"", &["publisher_transport"]),
        ("colour = \"red\"", &["skimmer.toml:5:1", "unknown setting `colour`"]),
        ("linger = 10", &["skimmer.toml:5:", "`linger` wants a duration", "10"]),
        ("publisher_transport = 7", &["`publisher_transport` wants a text"]),
        ("dead_after = \"3 parsecs\"", &["`dead_after` wants a duration"]),
        ("[servce]\ndrain_timeout = \"1s\"", &["unknown section [servce]", "service"]),
        ("[agent]\nhandler_queue_events = 0", &["`handler_queue_events` wants a whole number from 1"]),
        ("[drivers.zeromq]\nsend_queue = 1", &["unknown setting `send_queue` in [drivers.zeromq]"]),
        ("[drivers.zmtp]\nrecv_queue = 1", &["unknown setting `recv_queue` in [drivers.zmtp]"]),
        ("publishers_ips = [\"not an address!\"]", &["`publishers_ips` wants"]),
        ("linger = ", &["skimmer.toml:5:"]),
    ];
    for (line, parts) in cases {
        let folder = Folder::with_settings(line);
        for command in commands(&folder) {
            let _ = command.run().expect(78).says(parts);
        }
    }
}

#[test]
fn unknown_aliases_and_transports_are_refused_with_those_that_exist() {
    let zmq = ["zmq_pubsub_driver"];
    let multiproc = ["zmq_pubsub_multiproc_driver"];
    let cases: [(&str, &[&str], &[usize]); 6] = [
        (
            "pub_sub_driver = \"zmq_pubsub_drivr\"",
            &["there is no driver \"zmq_pubsub_drivr\"", "known are", "did you mean \"zmq_pubsub_driver\""],
            &[0, 1, 3],
        ),
        (
            "pub_sub_multiproc_driver = \"zmq_multiproc\"",
            &[
                "there is no driver \"zmq_multiproc\"",
                "known are",
                "did you mean \"zmq_pubsub_multiproc_driver\"",
            ],
            &[0, 2, 3],
        ),
        (
            "pub_sub_driver = \"zmq_pubsub_multiproc_driver\"",
            &["cannot be the network driver", zmq[0]],
            &[0, 1, 3],
        ),
        (
            "pub_sub_multiproc_driver = \"zmq_pubsub_driver\"",
            &["cannot be the multiproc driver", multiproc[0]],
            &[0, 2, 3],
        ),
        ("publisher_transport = \"epgm\"", &["does not support \"epgm\"", "tcp"], &[0, 1, 3]),
        ("publisher_transport = \"udp\"", &["does not support \"udp\"", "tcp"], &[0, 1, 3]),
    ];
    for (line, parts, concerned) in cases {
        let folder = Folder::with_settings(line);
        for (index, command) in commands(&folder).into_iter().enumerate() {
            if concerned.contains(&index) {
                let _ = command.run().expect(78).says(parts);
            }
        }
    }
}

#[test]
fn a_socket_path_that_no_socket_can_have_is_refused_with_the_limit() {
    let folder = Folder::new();
    let too_long = format!("/tmp/{}", "x".repeat(103));
    assert_eq!(too_long.len(), 108);
    for (index, command) in commands(&folder).into_iter().enumerate() {
        if index != 1 {
            let ended = command.set("publisher_multiproc_socket", &too_long).run().expect(78);
            let _ = ended.says(&["publisher_multiproc_socket", "108 bytes", "at most 107"]);
        }
    }
    let abstract_path =
        folder.launch("publisher-service", "service").set("publisher_multiproc_socket", "@name");
    let _ = abstract_path.run().expect(78).says(&["abstract"]);
}

#[test]
fn environment_and_arguments_are_checked_like_the_file() {
    let folder = Folder::new();
    let check = || folder.skimmer(&["config", "check"]);
    let _ = check().env("SKIMMER_LINGR", "1s").run().expect(78).says(&["SKIMMER_LINGR", "SKIMMER_LINGER"]);
    let _ = check().env("SKIMMER_LINGER", "soon").run().expect(78).says(&["SKIMMER_LINGER", "duration"]);
    let _ = check().set("lingr", "1s").run().expect(78).says(&["--set lingr=1s", "linger"]);
    let _ = check().set("linger", "soon").run().expect(78).says(&["--set linger=soon", "duration"]);
    let _ = check().args(["--set", "linger"]).run().expect(78).says(&["name=value"]);
    let missing = Launch::new("skimmer", "skimmer", folder.path());
    let _ = missing
        .args(["config", "check", "--config", "/no/such/file.toml"])
        .run()
        .expect(78)
        .says(&["/no/such/file.toml"]);
}

#[test]
fn config_show_prints_the_source_of_each_value_and_the_stronger_source_wins() {
    let folder = Folder::with_settings("linger = \"2s\"\nsend_timeout = \"2s\"\ndead_after = \"2s\"");
    let show = folder.skimmer(&["config", "show", "--json"]);
    let show = show.env("SKIMMER_SEND_TIMEOUT", "4s").env("SKIMMER_DEAD_AFTER", "4s").set("dead_after", "5s");
    let shown = show.run().expect(0).json();
    let file = folder.config().display().to_string();
    for (name, value, origin) in [
        ("publisher_transport", json!("tcp"), "default".to_owned()),
        ("linger", json!("2s"), format!("{file}:5")),
        ("send_timeout", json!("4s"), "SKIMMER_SEND_TIMEOUT".to_owned()),
        ("dead_after", json!("5s"), "--set".to_owned()),
        ("publisher_port", json!(0), format!("{file}:2")),
        ("pub_sub_use_multiproc", json!(true), "default".to_owned()),
        ("drivers.zeromq.send_queue_events", json!(10000), "default".to_owned()),
        ("drivers.zmtp.send_queue_events", json!(10000), "default".to_owned()),
    ] {
        assert_eq!((&shown[name]["value"], &shown[name]["origin"]), (&value, &origin.into()), "{name}");
    }
    let table = folder.skimmer(&["config", "show"]).run().expect(0);
    assert!(table.stdout.contains("publisher_multiproc_socket"), "{}", table.stdout);
}

#[test]
fn the_sample_is_a_settings_file_that_passes() {
    let folder = Folder::new();
    let sample = Launch::new("skimmer", "skimmer", folder.path()).args(["config", "sample"]).run().expect(0);
    let file = folder.write("sample.toml", &sample.stdout);
    let check = Launch::new("skimmer", "skimmer", folder.path());
    let ended = check.args(["config", "check", "--config"]).args([file]).run().expect(0);
    assert_eq!(ended.stdout.trim(), "ok, 0 warnings", "{}", ended.stderr);
}

#[test]
fn a_genuine_dragonflow_ini_starts_service_agent_and_worker() {
    let folder = Folder::new();
    let ini = format!(
        "# As devstack writes it, shortened.\n[DEFAULT]\ndebug = True\n\n[df]\nlocal_ip = 127.0.0.1\n\
         management_ip = $local_ip\nremote_db_ip = 192.168.33.101\nnb_db_class = redis_nb_db_driver\n\
         apps_list = l2,l3_proactive,dhcp\ntunnel_types = geneve\nenable_df_pub_sub = True\n\
         pub_sub_driver = zmq_pubsub_driver\npub_sub_multiproc_driver = zmq_pubsub_multiproc_driver\n\
         pub_sub_use_multiproc = True\npublisher_bind_address = ${{local_ip}}\npublisher_port = 0\n\
         publishers_ips = $local_ip\npublisher_multiproc_socket = {}\nstate_dir = {}\n\n\
         [df_zmq]\n\n[df_redis]\nretries = 5\n\n[ovs]\nvsctl_timeout = 10\npublisher_prot = 1\n",
        folder.socket().display(),
        folder.state_dir("state").display(),
    );
    folder.write("skimmer.toml", &ini);
    let genuine = folder.path().join("dragonflow.ini");
    std::fs::rename(folder.config(), &genuine).expect("renamed");
    let launch = |program: &str, name: &str| {
        let launch = Launch::new(program, name, folder.path()).args(["--config".into(), genuine.clone()]);
        launch.set("state_dir", folder.state_dir(&format!("{name}.state")).display())
    };
    let service = Service::ready(launch("publisher-service", "service").start());
    let agent = launch("subscriber-agent", "agent").set("publishers_ips", service.address()).start();
    agent.wait_for_notice(0, "subscribed");
    let worker = Launch::new("skimmer", "worker", folder.path()).args(["pub", "--jsonl", "-", "--config"]);
    let wanted = event("lport", "port-1", "create", "{}", "D");
    let ended = worker.args([&genuine]).run_with(&wanted.to_string()).expect(0);
    assert_eq!(agent.wait_for_events(1), [wanted]);
    assert!(
        ended.stderr.contains("tunnel_types"),
        "an option without effect gets a warning: {}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("remote_db_ip"), "it was used: {}", ended.stderr);
    assert!(!service.stderr().contains("publisher_prot"), "other sections are not looked at");

    let typo = folder.write("typo.ini", &ini.replace("publisher_port", "publisher_prot"));
    let check = Launch::new("skimmer", "skimmer", folder.path());
    let ended = check.args(["config", "check", "--config"]).args([typo]).run().expect(78);
    let _ = ended.says(&["typo.ini:17:1", "publisher_prot", "publisher_port"]);
}
