//! The directory against reality.

use end_to_end::{Folder, Launch, Program, Service, fixed_port, until};

use super::{Examined, doctor, of_agent};

/// Programs and doctor share this database.
fn with_database(folder: &Folder, launch: Launch) -> Launch {
    let file = folder.path().join("shared.sqlite");
    let launch = launch.set("use_nb_db", "yes").set("drivers.sqlite.path", file.display());
    launch.set("report_interval", "1s").set("service_down_time", "3s")
}

fn service(folder: &Folder, port: u16) -> Service {
    let launch = with_database(folder, folder.launch("publisher-service", "service"));
    Service::ready(launch.set("publisher_port", port).set("publisher_timeout", "300s").start())
}

fn agent(folder: &Folder, service: &Service) -> Program {
    let agent = with_database(folder, folder.agent_launch("agent", service.address())).start();
    agent.wait_for_notice(0, "live");
    agent
}

fn examined_at_agent(folder: &Folder, publishers: &str) -> Examined {
    Examined::of(with_database(folder, of_agent(folder, publishers)))
}

/// Doctor at the service, with its port.
fn examined_at_service(folder: &Folder, port: u16) -> Examined {
    Examined::of(with_database(folder, doctor(folder, "service")).set("publisher_port", port))
}

#[test]
fn a_service_and_an_agent_with_a_directory_pass_every_check() {
    let (folder, port) = (Folder::new(), fixed_port());
    let service = service(&folder, port);
    let _agent = agent(&folder, &service);
    until("the service passes", || {
        let examined = examined_at_service(&folder, port);
        (examined.with("fail").is_empty() && examined.check("agents-silent")["result"] == "pass")
            .then_some(())
    });
    let at_service = examined_at_service(&folder, port);
    for id in ["directory-own", "directory-answers", "directory-ids", "worker-socket", "settings-port"] {
        at_service.passes(id);
    }
    assert_eq!(at_service.code, Some(0));
    let at_agent = examined_at_agent(&folder, service.address());
    assert_eq!(at_agent.with("fail"), [""; 0], "{:#}", at_agent.document);
    for id in ["database", "directory-unlisted", "directory-leases", "directory-reports", "both-ports"] {
        at_agent.passes(id);
    }
    assert!(at_agent.document["results"]["pass"].as_u64() >= Some(25), "{:#}", at_agent.document);
}

#[test]
fn a_listed_service_that_is_gone_and_programs_that_do_not_report_are_named() {
    let (folder, port) = (Folder::new(), fixed_port());
    let mut service = service(&folder, port);
    let mut agent = agent(&folder, &service);
    until("both are listed", || {
        let reason =
            examined_at_agent(&folder, service.address()).check("directory-reports")["reason"].clone();
        (reason == "2 programs report").then_some(())
    });
    service.kill();
    agent.kill();
    let examined = until("the reports are old", || {
        let examined = examined_at_agent(&folder, &format!("127.0.0.1:{port}"));
        let reason = examined.check("directory-reports")["reason"].as_str().unwrap_or_default().to_owned();
        (reason.contains("publisher-service") && reason.contains("subscriber-agent")).then_some(examined)
    });
    examined.fails("directory-answers", &format!("tcp://127.0.0.1:{port}: Connection refused"));
    examined.warns("directory-reports", "has not reported for");
}

#[test]
fn a_port_that_differs_from_the_directory_is_named() {
    let (folder, port) = (Folder::new(), fixed_port());
    let service = service(&folder, port);
    let _agent = agent(&folder, &service);
    let wrong = fixed_port();
    let examined = examined_at_agent(&folder, &format!("127.0.0.1:{wrong}"));
    let found = format!("publishers_ips has 127.0.0.1:{wrong}, and the directory port {port}");
    examined.fails("both-ports", &found).passes("directory-answers");
}

#[test]
fn a_publisher_that_answers_and_is_not_listed_is_named() {
    let folder = Folder::new();
    let listed = service(&folder, fixed_port());
    let _agent = agent(&folder, &listed);
    let other = folder.launch("publisher-service", "other").set("publisher_id", "unlisted");
    let socket = folder.path().join("other.sock");
    let other = Service::ready(other.set("publisher_multiproc_socket", socket.display()).start());
    examined_at_agent(&folder, other.address()).warns("directory-unlisted", "it answers as unlisted");
}

#[test]
fn a_database_that_is_missing_is_named_and_not_made() {
    let folder = Folder::new();
    examined_at_agent(&folder, "127.0.0.1:1").fails("database", "does not exist");
    assert!(!folder.path().join("shared.sqlite").exists());
}
