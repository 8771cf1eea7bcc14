use end_to_end::{counter, event, fixed_port, until};
use interop::{Receiver, Sender, fields, prove};
use serde_json::Value;

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::{Installation, dropped, events_of};

pub(crate) const CASES: &[Case] = cases![
    foreign_nodes_and_workers_find_a_service_that_was_killed_and_started_again,
    a_service_that_is_terminated_hands_on_what_a_foreign_worker_had_written,
    a_foreign_node_that_is_killed_and_started_again_is_served_and_others_miss_nothing,
    a_foreign_worker_that_is_killed_and_started_again_is_served,
    what_our_worker_sends_while_a_foreign_service_is_down_comes_when_it_is_back,
    an_agent_frames_each_absence_of_a_foreign_publisher_in_notices,
];

fn events(name: &str) -> Vec<Value> {
    (0..300).map(|n| event("lport", &format!("{name}-{n}"), "set", "v", "D")).collect()
}

fn foreign_nodes_and_workers_find_a_service_that_was_killed_and_started_again(drivers: Drivers) {
    let folder = drivers.folder();
    let port = fixed_port();
    let mut service = folder.service_at(port);
    let mut worker = Sender::push(&folder, "push");
    let node = Receiver::sub(&folder, "sub", service.network(), &["D"]);
    prove(&mut worker, "D", &node);
    events("before").iter().for_each(|event| worker.send(event));
    node.wait_for_own(300);

    service.kill();
    let _service = folder.service_at(port);
    // Proves both links: the worker's to the socket, the node's to the port.
    prove(&mut worker, "D", &node);
    let mark = node.own().len();
    let after = events("after");
    after.iter().for_each(|event| worker.send(event));
    let came: Vec<Value> = node.wait_for_own(mark + 300).iter().skip(mark).map(fields).collect();
    assert_eq!(came, after);
    node.assert_undisturbed();
}

fn a_service_that_is_terminated_hands_on_what_a_foreign_worker_had_written(drivers: Drivers) {
    let folder = drivers.folder();
    let mut service = folder.service();
    let mut worker = Sender::push(&folder, "push");
    let node = Receiver::sub(&folder, "sub", service.network(), &["D"]);
    prove(&mut worker, "D", &node);
    let before = events("before");
    before.iter().for_each(|event| worker.send(event));
    worker.finish();
    service.terminate();
    let came: Vec<Value> = node.wait_for_own(300).iter().map(fields).collect();
    assert_eq!(came, before);
}

/// As often as a peer is killed and started again.
const ROUNDS: usize = 3;

fn a_foreign_node_that_is_killed_and_started_again_is_served_and_others_miss_nothing(drivers: Drivers) {
    let Installation { folder, service, mut worker, node } = Installation::new(drivers);
    for round in 0..ROUNDS {
        let mut mortal = Receiver::sub_asked(
            &folder,
            &format!("mortal-{round}"),
            &["--identity", "mortal"],
            service.network(),
            &["D"],
        );
        prove(&mut worker, "D", &mortal);
        let sent = events(&format!("round-{round}"));
        let (first, rest) = sent.split_at(sent.len() / 2);
        first.iter().for_each(|event| worker.send(event));
        let came: Vec<Value> = mortal.wait_for_own(first.len()).iter().map(fields).collect();
        assert_eq!(came, first);
        mortal.kill();
        rest.iter().for_each(|event| worker.send(event));
        let came = node.wait_for_own((round + 1) * sent.len());
        assert!(came.iter().skip(round * sent.len()).map(fields).eq(sent), "round {round}");
    }
    if drivers.sees_subscribers() {
        until("every death at the service", || {
            let left = counter(&folder.status("service"), "network", "peers_left");
            (left >= ROUNDS as u64).then_some(())
        });
    }
    node.assert_undisturbed();
    assert!(dropped(&folder, "service").is_empty());
}

fn a_foreign_worker_that_is_killed_and_started_again_is_served(drivers: Drivers) {
    let Installation { folder, service: _service, mut worker, node } = Installation::new(drivers);
    for round in 0..ROUNDS {
        let mut mortal = Sender::push_asked(&folder, &format!("mortal-{round}"), &["--identity", "mortal"]);
        let sent = events(&format!("round-{round}"));
        sent.iter().for_each(|event| mortal.send(event));
        let came = node.wait_for_own((round + 1) * sent.len());
        assert!(came.iter().skip(round * sent.len()).map(fields).eq(sent), "round {round}");
        mortal.kill();
    }
    prove(&mut worker, "D", &node);
    node.assert_undisturbed();
    assert!(dropped(&folder, "service").is_empty());
}

fn what_our_worker_sends_while_a_foreign_service_is_down_comes_when_it_is_back(drivers: Drivers) {
    let folder = drivers.folder();
    let mut worker = folder.worker("worker");
    let mut service = Receiver::pull(&folder, "pull");
    for round in 0..ROUNDS {
        let (present, absent) = (events(&format!("present-{round}")), events(&format!("absent-{round}")));
        present.iter().for_each(|event| worker.write_line(&event.to_string()));
        // After what arrived for the round before.
        let before = if round == 0 { 0 } else { absent.len() };
        let came = service.wait_for_own(before + present.len());
        assert!(came.iter().skip(before).map(fields).eq(present), "round {round}");
        service.kill();
        until("the worker's knowledge of the death", || {
            let deaths = worker.stderr().matches("lost the publisher service").count();
            (deaths > round).then_some(())
        });
        absent.iter().for_each(|event| worker.write_line(&event.to_string()));
        service = Receiver::pull(&folder, &format!("pull-{round}"));
        let came: Vec<Value> = service.wait_for_own(absent.len()).iter().map(fields).collect();
        assert_eq!(came, absent, "round {round}");
        service.assert_undisturbed();
    }
    let warnings = worker.stderr().matches("handed over, not confirmed").count();
    assert_eq!(
        warnings,
        usize::from(drivers == Drivers::Zmtp),
        "one for all connections: {}",
        worker.stderr()
    );
}

fn an_agent_frames_each_absence_of_a_foreign_publisher_in_notices(drivers: Drivers) {
    let folder = drivers.folder();
    let address = format!("127.0.0.1:{}", fixed_port());
    let mut publisher = Sender::publisher_at(&folder, "pub", &address);
    let agent = folder.agent_launch("agent", &address).start();
    for round in 0..ROUNDS {
        prove(&mut publisher, "D", &agent);
        events(&format!("round-{round}")).iter().for_each(|event| publisher.send(event));
        events_of(&agent, (round + 1) * 300);
        let mark = agent.mark();
        publisher.kill();
        agent.wait_for_notice(mark, "link_down");
        publisher = Sender::publisher_at(&folder, "pub", &address);
        agent.wait_for_notice(mark, "link_up");
    }
    let wanted: Vec<Value> = (0..ROUNDS).flat_map(|round| events(&format!("round-{round}"))).collect();
    assert_eq!(events_of(&agent, wanted.len()), wanted, "in order and once");
    let notices = agent.notices();
    let framed = ["link_up", "link_down"].repeat(ROUNDS);
    assert_eq!(notices, [&["ready"], framed.as_slice(), &["link_up"]].concat());
}
