//! IPv6: names with addresses of both families, and `localhost` on `::1`.

use end_to_end::{Folder, Service};

use super::{
    QUICK, agent, keys, link, port, publish, service_at, state, wait_for, wait_for_state, write_hosts,
};

/// Two services on one port, of `127.0.0.1` and of `::1`.
fn services_of_both_families() -> (Folder, Service, Folder, Service) {
    let (one, two) = (Folder::with_settings(QUICK), Folder::new());
    let first = service_at(&one, "127.0.0.1", "0");
    let second = service_at(&two, "::1", port(&first));
    (one, first, two, second)
}

#[test]
fn of_a_name_with_an_address_of_each_family_both_publishers_are_followed() {
    let (one, _first, two, mut second) = services_of_both_families();
    let port = port(&second).to_owned();
    let agent = agent(&one, &port, &["127.0.0.1", "::1"]);
    let links = ["127.0.0.1", "::1"].map(|address| link(&port, address));
    links.iter().for_each(|link| drop(wait_for(&agent, 0, "live", link)));
    publish(&one, "over-ipv4");
    publish(&two, "over-ipv6");
    agent.wait_for_events(2);
    let mut came = keys(&agent);
    came.sort();
    assert_eq!(came, ["over-ipv4", "over-ipv6"]);
    let mark = agent.mark();
    second.kill();
    wait_for(&agent, mark, "stale", &links[1]);
    wait_for_state(&one, &links[1], "unreachable");
    assert_eq!(state(&one, &links[0]).as_deref(), Some("subscribed"), "the other family is not affected");
}

#[test]
fn an_address_of_the_other_family_that_appears_is_followed_and_one_that_disappears_is_left() {
    let (one, _first, two, second) = services_of_both_families();
    let port = port(&second).to_owned();
    let agent = agent(&one, &port, &["127.0.0.1"]);
    let links = ["127.0.0.1", "::1"].map(|address| link(&port, address));
    wait_for(&agent, 0, "live", &links[0]);
    let mark = agent.mark();
    write_hosts(&one, &["127.0.0.1", "::1"]);
    wait_for(&agent, mark, "live", &links[1]);
    let mark = agent.mark();
    write_hosts(&one, &["::1"]);
    wait_for(&agent, mark, "resync", &links[0]);
    publish(&two, "over-ipv6");
    agent.wait_for_events(1);
    assert_eq!((keys(&agent), state(&one, &links[0])), (vec!["over-ipv6".to_owned()], None));
}

#[test]
fn a_name_with_an_ipv6_address_alone_is_followed() {
    let folder = Folder::with_settings(QUICK);
    let service = service_at(&folder, "::1", "0");
    let port = port(&service).to_owned();
    let agent = agent(&folder, &port, &["::1"]);
    wait_for(&agent, 0, "live", &link(&port, "::1"));
    publish(&folder, "port-1");
    agent.wait_for_events(1);
}

/// A service on every address of both families is one publisher, however it is reached.
#[test]
fn a_publisher_that_is_reached_over_both_families_is_followed_over_one_of_them() {
    let folder = Folder::with_settings(QUICK);
    let service = service_at(&folder, "::", "0");
    let port = port(&service).to_owned();
    let agent = agent(&folder, &port, &["127.0.0.1", "::1"]);
    let links = ["127.0.0.1", "::1"].map(|address| link(&port, address));
    let live = agent.wait_for_notice(0, "live");
    let followed = live["publisher"].as_str().expect("a publisher");
    let other = links.iter().find(|link| *link != followed).expect("another address");
    wait_for_state(&folder, other, &format!("same publisher as {followed}"));
    publish(&folder, "port-1");
    agent.wait_for_events(1);
    assert_eq!(keys(&agent), ["port-1"], "it comes once");
}

#[test]
fn localhost_is_followed_where_its_publisher_is_on_ipv6_only() {
    let folder = Folder::with_settings(QUICK);
    let service = service_at(&folder, "::1", "0");
    let port = port(&service).to_owned();
    let launch = folder.agent_launch("agent", &format!("localhost:{port}")).args(["--pattern", "#"]);
    let agent = super::with_hosts_text(&folder, launch, "127.0.0.1 localhost\n::1 localhost\n").start();
    wait_for(&agent, 0, "live", &format!("tcp://localhost:{port}/::1"));
    publish(&folder, "port-1");
    agent.wait_for_events(1);
    assert!(!agent.notices().contains(&"stale".to_owned()), "{:?}", agent.notices());
}

#[test]
fn an_ipv6_address_in_brackets_is_an_address_and_no_name() {
    let folder = Folder::with_settings(QUICK);
    let service = service_at(&folder, "::1", "0");
    let agent = folder.agent_launch("agent", service.address()).args(["--pattern", "#"]).start();
    wait_for(&agent, 0, "live", &format!("tcp://[::1]:{}", port(&service)));
    publish(&folder, "port-1");
    agent.wait_for_events(1);
}
