//! A publisher that is named by a host name with several addresses.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use end_to_end::{Folder, Launch, until};

/// The names that the programs of a test know, in mounts of their own.
fn with_hosts(folder: &Folder, launch: Launch, hosts: &str) -> Launch {
    let hosts = folder.write("hosts", hosts);
    let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
    launch
        .under("unshare", &["--map-root-user", "--mount", "sh", "-c", script, hosts.to_str().expect("text")])
}

#[test]
fn of_a_name_with_two_addresses_the_one_that_is_not_followed_is_reported() {
    let folder = Folder::new();
    let service = folder.service();
    let port = service.address().rsplit_once(':').expect("a port").1.to_owned();
    let agent = folder.agent_launch("agent", &format!("publishers.example:{port}")).args(["--pattern", "#"]);
    let hosts = "127.0.0.1 localhost\n127.0.0.1 publishers.example\n127.0.0.2 publishers.example\n";
    let agent = with_hosts(&folder, agent, hosts).start();
    agent.wait_for_notice(0, "subscribed");
    let other = format!("127.0.0.2:{port}");
    until("the other address in the log", || {
        let log = agent.stderr();
        (log.contains(&other) && log.contains("publishers_ips")).then_some(())
    });
    let status = folder.status("agent");
    let peers = status["parts"]["network"]["peers"].as_array().expect("peers");
    let is_other = |endpoint: &str| endpoint == format!("tcp://{other}");
    let states: Vec<_> = peers
        .iter()
        .filter(|peer| peer["endpoint"].as_str().is_some_and(is_other))
        .map(|peer| peer["state"].as_str().expect("text"))
        .collect();
    assert_eq!(states, [format!("not followed: another address of tcp://publishers.example:{port}")]);
}
