//! `config check --for node` refuses what the start of a node refuses, and `config show --for node` shows what it reads.

use std::net::TcpListener;

use end_to_end::Launch;

use super::scene::{STORE, Scene};

/// What is set, the services file, the exit status, and a part of what is reported.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, i32, &'a str);

fn check(scene: &Scene, name: &str, services: &str) -> Launch {
    scene.launch_as(&["config", "check", "--for", "node"], name, services)
}

#[test]
fn config_check_and_the_start_of_a_node_refuse_the_same() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let in_use = format!("127.0.0.1:{port} is in use by pid {}", std::process::id());
    let cases: [Case<'_>; 10] = [
        (&[("data_services.port", &port)], STORE, 69, &in_use),
        (
            &[("data_services.bind_address", "192.0.2.1"), ("allow_unauthenticated", "true")],
            STORE,
            69,
            "192.0.2.1 is not an address of this host",
        ),
        (&[("data_services.bind_address", "*")], STORE, 78, "data_services.advertise is empty"),
        (
            &[("data_services.bind_address", "*"), ("data_services.advertise", "127.0.0.1")],
            STORE,
            78,
            "allow_unauthenticated = true",
        ),
        (&[("data_services.down_after", "1s")], STORE, 78, "must be longer than data_services.suspect_after"),
        (&[("pub_sub_driver", "zmtp")], STORE, 78, "did you mean \"zmtp_pubsub_driver\"?"),
        (&[], "[[service]]\nid = \"a\"\n", 78, "missing field `kind`"),
        (&[], "[[service]]\nid = \"a\"\nkind = \"fldr\"\n", 78, "there is no kind of services \"fldr\""),
        (&[], "[[service]]\nid = \"a\"\nkind = \"folder\"\n", 78, "missing field `path`"),
        (&[], "[[service]]\nid = \"a\"\nkind = \"pushed\"\naddresses = [\"$a\"]\n", 78, "begins with `$`"),
    ];
    for (sets, services, status, says) in cases {
        let scene = Scene::zmtp();
        for launch in [check(&scene, "shop", services), scene.launch("shop", services)] {
            let launch = sets.iter().fold(launch, |launch, (name, value)| launch.set(name, value));
            let _ = launch.run().expect(status).says(&[says]);
        }
    }
}

#[test]
fn config_check_beside_a_running_node_reports_it_and_succeeds() {
    let mut scene = Scene::zmtp();
    let ended = check(&scene, "shop", STORE).run().expect(0);
    assert_eq!(ended.stdout.trim(), "ok, 0 warnings");
    let shop = scene.node("shop", STORE);
    let reported = format!("data-services-node with pid {}", shop.program.pid());
    let ended = check(&scene, "shop", STORE).run().expect(0).says(&[&reported]);
    assert_eq!(ended.stdout.trim(), "ok, 1 warnings");
}

#[test]
fn an_allowed_address_that_other_hosts_reach_is_a_warning() {
    let scene = Scene::zmtp();
    let launch = check(&scene, "shop", "").set("data_services.bind_address", "*");
    let launch = launch.set("data_services.advertise", "127.0.0.1").set("allow_unauthenticated", true);
    let _ = launch
        .run()
        .expect(0)
        .says(&["warning: subscribers: not authenticated; any host that can connect to *"]);
}

#[test]
fn config_show_for_a_role_has_the_settings_that_its_program_reads() {
    let scene = Scene::zmtp();
    for (role, sections) in [
        ("node", &["data_services", "drivers.zmtp"][..]),
        ("service", &["service", "sealing", "drivers.zmtp"]),
        ("agent", &["agent", "sealing", "drivers.zmtp"]),
        ("worker", &["sealing", "drivers.zmtp"]),
    ] {
        let shown =
            scene.launch_as(&["config", "show", "--json", "--for", role], "shop", "").run().expect(0).json();
        let names = shown.as_object().unwrap().keys();
        let mut seen: Vec<&str> =
            names.filter_map(|name| name.rsplit_once('.')).map(|(section, _)| section).collect();
        seen.sort_unstable();
        seen.dedup();
        let mut expected = sections.to_vec();
        expected.sort_unstable();
        assert_eq!(seen, expected, "{role}");
        assert_eq!(shown["data_services.node_id"]["value"] == "shop", role == "node", "{shown}");
    }
}
