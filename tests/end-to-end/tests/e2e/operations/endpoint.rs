//! What the endpoint replies, and to whom.

use end_to_end::{Folder, Service, counter, event, fixed_port, http, http_get, until};
use serde_json::Value;

use super::scene::{Scene, agent_launch, service_launch};

#[test]
fn both_programs_are_alive_and_ready_and_every_check_has_a_name_and_a_reason() {
    let scene = Scene::new();
    for (endpoint, names) in
        [(&scene.at_service, &["ring", "network", "workers"][..]), (&scene.at_agent, &["network", "topics"])]
    {
        let live = http_get(endpoint, "/livez", &[]);
        assert_eq!((live.status, live.body.as_str()), (200, "ok\n"));
        let ready = http_get(endpoint, "/readyz", &[]);
        assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
        let verbose = http_get(endpoint, "/readyz?verbose", &[]);
        assert_eq!(verbose.status, 200, "{verbose:?}");
        for (line, name) in verbose.body.lines().zip(names) {
            let (_, reason) = line.split_once(&format!("[+]{name}: ")).unwrap_or_else(|| panic!("{line}"));
            assert!(!reason.is_empty(), "{line}");
        }
        assert!(verbose.body.ends_with("ready\n"));
    }
    let ready = http_get(&scene.at_service, "/readyz?verbose", &[]).body;
    assert!(ready.contains(scene.service.network()), "{ready}");
}

#[test]
fn an_agent_is_not_ready_while_a_publisher_is_down_and_names_it() {
    let folder = Folder::new();
    let (up, down) = (folder.service(), format!("127.0.0.1:{}", fixed_port()));
    let _agent = agent_launch(&folder, &format!("{},{down}", up.address())).start();
    let endpoint = folder.operations("agent");
    let ready = until("the first publisher is live", || {
        let ready = http_get(&endpoint, "/readyz?verbose", &[]);
        ready.body.contains("[+]topics").then_some(ready)
    });
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.body.contains(&format!("[-]network: tcp://{down} is ")), "{}", ready.body);
    assert!(ready.body.ends_with("not ready\n"), "{}", ready.body);
    let short = http_get(&endpoint, "/readyz", &[]);
    assert!(short.status == 503 && !short.body.contains("[+]"), "only what fails: {short:?}");
    assert_eq!(http_get(&endpoint, "/livez", &[]).status, 200, "it lives all the same");
}

#[test]
fn the_status_of_the_endpoint_is_that_of_the_status_socket() {
    let scene = Scene::new();
    scene.folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
    scene.agent.wait_for_events(1);
    for (endpoint, name) in [(&scene.at_service, "service"), (&scene.at_agent, "agent")] {
        let reply = http_get(endpoint, "/status.json", &[]);
        assert!(reply.status == 200 && reply.has_header("content-type: application/json"), "{reply:?}");
        let over_http: Value = serde_json::from_str(&reply.body).expect("JSON");
        let over_socket = scene.folder.status(name);
        assert_eq!(over_http["status_version"], 1);
        for field in ["status_version", "program", "version", "pid", "endpoints"] {
            assert_eq!(over_http[field], over_socket[field], "{field}");
        }
    }
    let status: Value =
        serde_json::from_str(&http_get(&scene.at_service, "/status.json", &[]).body).expect("JSON");
    assert_eq!(counter(&status, "service", "events_published"), 1);
}

#[test]
fn an_unknown_path_is_answered_with_the_paths_and_another_method_with_405() {
    let scene = Scene::new();
    for path in [
        "/page",
        "/page/",
        "/index.html",
        "/page/../livez",
        "/metric",
        "/livez/",
        "/../etc/passwd",
        "/%2e%2e",
        "//livez",
    ] {
        let reply = http_get(&scene.at_service, path, &[]);
        assert_eq!(reply.status, 404, "{path}");
        for known in ["/livez", "/readyz", "/status.json"] {
            assert!(reply.body.contains(known), "{path}: {}", reply.body);
        }
    }
    for method in ["POST", "DELETE", "OPTIONS", "FOO"] {
        let reply = http(&scene.at_service, &format!("{method} /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(reply.status == 405 && reply.has_header("allow: GET, HEAD"), "{method}: {reply:?}");
    }
    let head = http(&scene.at_service, "HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(http(&scene.at_service, "GET /livez HTTP/1.0\r\n\r\n").status, 200, "the oldest clients");
}

#[test]
fn an_address_that_other_hosts_can_connect_to_needs_a_token() {
    let folder = Folder::new();
    for (role, section) in [("service", "service"), ("agent", "agent")] {
        let bind = format!("{section}.operations_bind");
        for check in [&["config", "check", "--for", role][..], &["config", "check"]] {
            let check = folder.skimmer(check).set("publisher_port", 8866).set(&bind, "0.0.0.0:0");
            let _ = check.run().expect(78).says(&["other hosts can connect", &bind, "operations_token_file"]);
        }
    }
    let service = service_launch(&folder).set("service.operations_bind", "*:0").run().expect(78);
    let _ = service.says(&["service.operations_token_file"]);
    let agent =
        agent_launch(&folder, "127.0.0.1:8866").set("agent.operations_bind", "[::]:0").run().expect(78);
    let _ = agent.says(&["agent.operations_token_file"]);

    let token = folder.path().join("token");
    let with_token = |path: &std::path::Path| {
        service_launch(&folder)
            .set("service.operations_bind", "*:0")
            .set("service.operations_token_file", path.display())
    };
    let _ = with_token(&token).run().expect(78).says(&["No such file"]);
    folder.write("token", "0123456789abcdef\n");
    make_secret(&token);
    let service = Service::ready(with_token(&token).start());
    let endpoint = folder.operations("service").replace("0.0.0.0", "127.0.0.1");
    for path in ["/livez", "/readyz", "/status.json", "/events", "/unknown"] {
        let reply = http_get(&endpoint, path, &[]);
        assert!(reply.status == 401 && reply.has_header("www-authenticate: Bearer"), "{path}: {reply:?}");
        assert_eq!(http_get(&endpoint, path, &["Authorization: Bearer 0123456789abcdeF"]).status, 401);
    }
    let right = ["Authorization: Bearer 0123456789abcdef"];
    assert_eq!(http_get(&endpoint, "/status.json", &right).status, 200);
    assert!(!service.stderr().contains("0123456789abcdef"));
    folder.write("token", "fedcba9876543210\n");
    until("the changed token is needed", || {
        (http_get(&endpoint, "/livez", &["Authorization: Bearer fedcba9876543210"]).status == 200)
            .then_some(())
    });
    assert_eq!(http_get(&endpoint, "/livez", &right).status, 401);
}

#[expect(clippy::expect_used, reason = "a test ends where an expectation fails")]
fn make_secret(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, mode).expect("the test's own file");
}

#[test]
fn an_endpoint_can_be_a_socket_file_and_an_address_in_use_is_refused_with_its_holder() {
    let folder = Folder::new();
    let path = folder.path().join("service.http");
    let service = service_launch(&folder).set("service.operations_bind", format!("unix:{}", path.display()));
    let mut service = Service::ready(service.start());
    assert_eq!(http_get(&format!("unix:{}", path.display()), "/readyz", &[]).status, 200);
    service.terminate();
    assert!(!path.exists(), "the file is removed at the end");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let says = format!("{address} is in use by pid {}", std::process::id());
    let launch = service_launch(&folder).set("service.operations_bind", &address);
    let _ = launch.run().expect(69).says(&["service.operations_bind", &says]);
    let check = folder.skimmer(&["config", "check", "--for", "agent"]).set("publisher_port", 8866);
    let _ = check.set("agent.operations_bind", &address).run().expect(69).says(&[&says]);
}
