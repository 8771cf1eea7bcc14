//! libzmq peers that want PLAIN or CURVE, by mistake or before both sides are changed: none gets through, each is named in
//! log and counter, and goes on trying.

use end_to_end::{Folder, Program, counters, event, until};
use interop::{Receiver, Sender, prove};

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::Installation;

/// The reference drivers leave the handshake to their crate.
pub(crate) const CASES: &[Case] = cases![
    a_node_with_another_mechanism_is_named_and_tries_again,
    a_worker_with_another_mechanism_is_named_and_tries_again,
    an_agent_names_the_mechanism_of_its_publisher_and_tries_again,
    a_worker_names_the_mechanism_of_its_service_and_tries_again,
];

const MECHANISMS: [&str; 2] = ["PLAIN", "CURVE"];

/// A peer that tries again is refused again.
const TIMES: u64 = 3;

fn a_node_with_another_mechanism_is_named_and_tries_again(drivers: Drivers) {
    let Installation { folder, service, mut worker, node } = Installation::new(drivers);
    for (round, mechanism) in MECHANISMS.into_iter().enumerate() {
        let secret =
            Receiver::sub_asked(&folder, mechanism, &["--mechanism", mechanism], service.network(), &["D"]);
        assert_named(&folder, "service", "network", &service, mechanism, (round as u64 + 1) * TIMES);
        drop(secret);
    }
    assert_eq!(refused(&folder, "service", "network", "left_in_handshake"), 0);
    worker.send(&event("lport", "end", "set", "v", "D"));
    node.wait_for_key("end");
}

fn a_worker_with_another_mechanism_is_named_and_tries_again(drivers: Drivers) {
    let Installation { folder, service, mut worker, node } = Installation::new(drivers);
    for (round, mechanism) in MECHANISMS.into_iter().enumerate() {
        let secret = Sender::push_asked(&folder, mechanism, &["--mechanism", mechanism]);
        assert_named(&folder, "service", "ipc", &service, mechanism, (round as u64 + 1) * TIMES);
        drop(secret);
    }
    assert_eq!(refused(&folder, "service", "ipc", "left_in_handshake"), 0);
    worker.send(&event("lport", "end", "set", "v", "D"));
    node.wait_for_key("end");
}

fn an_agent_names_the_mechanism_of_its_publisher_and_tries_again(drivers: Drivers) {
    let folder = drivers.folder();
    for mechanism in MECHANISMS {
        let publisher = Sender::publisher_asked(&folder, "pub", &["--mechanism", mechanism]);
        let address = publisher.address().to_owned();
        let agent = folder.agent_launch(mechanism, &address).args(["--pattern", "#"]).start();
        agent.wait_for_notice(0, "ready");
        assert_named(&folder, mechanism, "network", &agent, mechanism, TIMES);
        drop(publisher);
        let mut plain = Sender::publisher_at(&folder, "plain", &address);
        prove(&mut plain, "D", &agent);
    }
}

fn a_worker_names_the_mechanism_of_its_service_and_tries_again(drivers: Drivers) {
    let folder = drivers.folder();
    for mechanism in MECHANISMS {
        let secret = Receiver::pull_asked(&folder, "secret", &["--mechanism", mechanism]);
        let mut worker = folder.worker(mechanism);
        worker.write_line(&event("lport", "k", "set", "v", "D").to_string());
        until("the mechanism in its log", || worker.stderr().contains(mechanism).then_some(()));
        drop(secret);
        let plain = Receiver::pull(&folder, "pull");
        plain.wait_for_key("k");
    }
}

/// It is counted so often, and the log has the name, of which there is a line a second at most.
#[track_caller]
fn assert_named(folder: &Folder, name: &str, part: &str, program: &Program, mechanism: &str, times: u64) {
    until(&format!("{mechanism} is refused {times} times"), || {
        (refused(folder, name, part, "wrong_mechanism") >= times).then_some(())
    });
    until(&format!("{mechanism} in the log"), || program.stderr().contains(mechanism).then_some(()));
}

fn refused(folder: &Folder, name: &str, part: &str, wanted: &str) -> u64 {
    let all = counters(&folder.status(name), part, "peers_refused");
    all.iter().filter(|(cause, _)| cause == wanted).map(|(_, count)| count).sum()
}
