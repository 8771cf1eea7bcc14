//! Keys and rights of CURVE.

use end_to_end::{Folder, Launch, Service};

use super::{Examined, doctor, of_agent};

pub(super) fn new_key(folder: &Folder, name: &str) -> String {
    let make = Launch::new("skimmer", "skimmer", folder.path()).args(["keys", "new", name, "--folder"]);
    let made = make.args([folder.path()]).run().expect(0);
    made.stdout.trim().split_once(' ').unwrap().1.to_owned()
}

/// A service with CURVE that accepts the agent called `agent`, with these rights.
fn service(folder: &Folder, agent: &str, rights: &str) -> (Service, String) {
    let publisher = new_key(folder, "publisher");
    folder.write("agents", &format!("agent {agent}{rights}\n"));
    let launch = folder.launch("publisher-service", "service").set("drivers.zmtp.mechanism", "curve");
    (Service::ready(with_publisher_keys(folder, launch).start()), publisher)
}

fn with_publisher_keys(folder: &Folder, launch: Launch) -> Launch {
    let file = |name: &str| folder.path().join(name).display().to_string();
    let launch = launch.set("drivers.zmtp.publisher_key_file", file("publisher.key"));
    launch.set("drivers.zmtp.authorized_agents_file", file("agents"))
}

fn examined(folder: &Folder, service: &Service, key: &str, publisher: &str) -> Examined {
    let launch = of_agent(folder, service.address()).set("drivers.zmtp.mechanism", "curve");
    let file = folder.path().join(format!("{key}.key"));
    let launch = launch.set("drivers.zmtp.agent_key_file", file.display());
    Examined::of(launch.set("drivers.zmtp.publisher_keys", publisher).set("agent.topics", "a,b"))
}

#[test]
fn wrong_keys_at_either_end_are_named_and_the_right_ones_pass() {
    let folder = Folder::new();
    let agent = new_key(&folder, "agent");
    let stranger = new_key(&folder, "stranger");
    let (service, publisher) = service(&folder, &agent, "");
    let right = examined(&folder, &service, "agent", &publisher);
    right.passes("publishers-keys").passes("publishers-hello").passes("both-mechanism");
    examined(&folder, &service, "stranger", &publisher)
        .fails("publishers-keys", "refuses the key of this agent");
    examined(&folder, &service, "agent", &stranger).fails("publishers-keys", "does not have the key");
}

#[test]
fn topics_without_a_right_are_named() {
    let folder = Folder::new();
    let agent = new_key(&folder, "agent");
    let (service, publisher) = service(&folder, &agent, " topic=a topic=D");
    let found = examined(&folder, &service, "agent", &publisher);
    found.fails("topics-rights", "refuses b").passes("publishers-keys");
}

#[test]
fn a_service_with_curve_needs_no_key_of_an_agent_to_be_examined() {
    let folder = Folder::new();
    let agent = new_key(&folder, "agent");
    let (_service, _) = service(&folder, &agent, "");
    let launch = doctor(&folder, "service").set("drivers.zmtp.mechanism", "curve");
    let found = Examined::of(with_publisher_keys(&folder, launch));
    found.passes("publishers-greeting").passes("both-mechanism").passes("publishers-connect");
    assert_eq!(found.check("publishers-hello")["result"], "not_applicable");
    assert_eq!(found.with("fail"), [""; 0], "{:#}", found.document);
}
