//! Faults of the programs and folders of a host.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use end_to_end::{Folder, Signal, event, fixed_port, until};

use super::{Examined, doctor, live_agent, of_agent};

#[test]
fn a_service_that_was_stopped_is_named_at_its_host() {
    let folder = Folder::new();
    let mut service = folder.service();
    service.terminate();
    let examined = Examined::of(doctor(&folder, "service"));
    examined.fails("program-runs", "publisher-service does not run").fails("worker-socket", "does not exist");
    examined.passes("socket-status").passes("host-role");
}

#[test]
fn sockets_of_a_service_that_was_killed_are_stale() {
    let folder = Folder::new();
    let mut service = folder.service();
    service.kill();
    let examined = Examined::of(doctor(&folder, "service"));
    examined.fails("socket-status", "publisher-service.status is stale").fails("worker-socket", "is stale");
    examined.fails("program-runs", "does not run");
}

#[test]
fn a_service_that_hangs_is_found_within_the_time() {
    let folder = Folder::new();
    let service = folder.service();
    service.signal(Signal::STOP);
    let hanging = doctor(&folder, "service").args(["--timeout", "500ms"]);
    Examined::of(hanging).fails("socket-status", "no reply").passes("program-runs");
    let from_afar = of_agent(&folder, service.address()).args(["--timeout", "500ms"]);
    Examined::of(from_afar).fails("publishers-greeting", "sends nothing").passes("publishers-connect");
    service.signal(Signal::CONT);
}

#[test]
fn a_folder_that_is_missing_or_open_to_everybody_is_named() {
    let folder = Folder::new();
    let missing = folder.path().join("missing");
    let of_missing = folder.skimmer(&["doctor"]).args(["--for", "agent"]).set("state_dir", missing.display());
    Examined::of(of_missing).fails("state-dir", "missing");
    assert!(!missing.exists(), "nothing is made");

    let state_dir = folder.state_dir("agent.state");
    fs::set_permissions(&state_dir, fs::Permissions::from_mode(0o777)).unwrap();
    Examined::of(of_agent(&folder, "127.0.0.1:1")).fails("state-dir", "every user can write");
}

#[test]
fn a_socket_of_workers_that_everybody_can_connect_to_is_named() {
    let folder = Folder::new();
    let _service = folder.service();
    fs::set_permissions(folder.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    let socket = folder.state_dir("service.state").join("publisher-service.status");
    fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).unwrap();
    let examined = Examined::of(doctor(&folder, "service"));
    examined.warns("worker-access", "every user can publish").warns("socket-access", "0666");
    assert_eq!(examined.code, Some(0), "a warning is no failure");
}

#[test]
fn settings_that_cannot_be_read_fail_one_check_and_nothing_else_is_judged() {
    let folder = Folder::with_settings("no_such_setting = 1");
    let examined = Examined::of(doctor(&folder, "service"));
    examined.fails("settings-start", "no_such_setting");
    assert_eq!(examined.with("fail"), ["settings-start"]);
    assert!(examined.with("pass").is_empty());
}

#[test]
fn a_port_of_the_settings_that_the_service_has_not_bound_is_named() {
    let folder = Folder::new();
    let _service = folder.service_at(fixed_port());
    let other = doctor(&folder, "service").set("publisher_port", fixed_port());
    Examined::of(other).fails("settings-port", "the settings have port");
}

#[test]
fn an_agent_that_does_not_apply_events_is_named_at_the_service() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = live_agent(&folder, &service);
    folder.publish(&[event("lport", "port-1", "set", "1", "D")]);
    // Events count as missing on the topics that an agent has reported.
    until("the agent has reported the topic", || {
        let agents = folder.skimmer(&["agents", "--json"]);
        let agents = agents.set("state_dir", folder.state_dir("service.state").display()).run().expect(0);
        (agents.json()["agents"][0]["topics"] == 1).then_some(())
    });
    agent.signal(Signal::STOP);
    folder.publish(&[event("lport", "port-1", "set", "2", "D")]);
    let examined = until("the agent is behind", || {
        let examined = Examined::of(doctor(&folder, "service").set("agent.max_delay", "1s"));
        (examined.check("agents-behind")["result"] == "fail").then_some(examined)
    });
    examined.fails("agents-behind", "1 events behind");
    agent.signal(Signal::CONT);
}

#[test]
fn the_report_for_people_groups_checks_and_a_host_without_programs_has_no_failure() {
    let folder = Folder::new();
    let _service = folder.service();
    let shown = doctor(&folder, "service").run().expect(0).stdout;
    for part in ["settings\n", "publishers\n", "pass  program-runs", "nothing was changed"] {
        assert!(shown.contains(part), "{part:?} in\n{shown}");
    }
    let empty = Examined::of(doctor(&folder, "nobody"));
    assert_eq!(empty.code, Some(0), "{:#}", empty.document);
    empty.warns("host-role", "no program has run");
    assert!(folder.state_dir("nobody.state").read_dir().unwrap().next().is_none(), "nothing is made");
}
