//! What is scarce runs out, and comes back: descriptors, connections, and memory that must not grow.

use std::thread;
use std::time::{Duration, Instant};

use end_to_end::{Folder, Launch, RawPeer, counter, counters, event, need_descriptors, until};

#[test]
fn without_free_descriptors_subscribers_are_served_and_new_ones_connect_once_there_are_some() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let mut worker = folder.worker("worker");
    let mut published = 0;
    let mut publish = || {
        worker.write_line(&event("t", &published.to_string(), "set", "v", "D").to_string());
        published += 1;
        assert_eq!(agent.wait_for_events(published).len(), published);
    };
    publish();
    service.limit_descriptors(64);
    let crowd: Vec<_> = (0..100).map(|_| RawPeer::subscriber(service.address(), &["D"])).collect();
    until("no descriptor is left", || (service.descriptors() >= 64).then_some(()));
    until("it says so", || service.stderr().contains("no connection is accepted for").then_some(()));
    for _ in 0..100 {
        publish();
    }
    let mut waiting = folder.agent("waiting", &service);
    assert!(waiting.is_running());
    drop(crowd);
    waiting.wait_for_notice(0, "subscribed");
    publish();
    assert_eq!(waiting.wait_for_events(published).len(), published, "a late agent receives every row");
    let status = folder.status("service");
    assert!(counter(&status, "network", "accepts_paused") > 0, "{status}");
    assert_eq!(agent.notices_but_live(), ["ready", "link_up", "subscribed"]);
}

#[test]
fn a_thousand_connections_reset_at_once_leak_no_descriptor() {
    const PEERS: usize = 1000;
    need_descriptors(4000);
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let baseline = service.descriptors();
    for round in 1..=2 {
        let peers: Vec<_> = (0..PEERS)
            .map(|_| {
                let peer = RawPeer::subscriber(service.address(), &["D"]);
                peer.reset_at_the_end();
                peer
            })
            .collect();
        until("all are connected", || (service.descriptors() >= baseline + PEERS).then_some(()));
        drop(peers);
        until("all descriptors are closed", || (service.descriptors() <= baseline).then_some(()));
        folder.publish(&[event("t", "k", "set", "v", "D")]);
        assert_eq!(agent.wait_for_events(round).len(), round);
    }
    let status = folder.status("service");
    assert_eq!(counter(&status, "network", "peers_left"), 2 * PEERS as u64, "{status}");
    assert_eq!(counters(&status, "network", "accepts_paused"), []);
}

/// The long form, with `LONG=1` in the environment, is an hour.
#[test]
fn events_that_nobody_wants_cost_no_memory() {
    const PER_SECOND: u32 = 2000;
    let seconds = if std::env::var_os("LONG").is_some() { 3600 } else { 5 };
    let folder = Folder::new();
    let service = folder.service();
    let mut worker = Launch::new("skimmer", "worker", folder.path())
        .args(["pub", "--jsonl", "-", "--config"])
        .args([folder.config()])
        .start();
    let line = event("t", "k", "set", "x".repeat(200), "D").to_string();
    let started = Instant::now();
    let mut warm = 0;
    for tick in 1..=seconds * 10 {
        (0..PER_SECOND / 10).for_each(|_| worker.write_line(&line));
        if tick == 10 {
            warm = service.memory_bytes();
        }
        let next = Duration::from_millis(100) * tick;
        #[expect(clippy::disallowed_methods, reason = "the pace of the load")]
        thread::sleep(next.saturating_sub(started.elapsed()));
    }
    worker.close_stdin();
    assert_eq!(worker.wait_for_end().code(), Some(0), "{}", worker.stderr());
    until("every event at the service", || {
        let published = counter(&folder.status("service"), "service", "events_published");
        (published == u64::from(seconds * PER_SECOND)).then_some(())
    });
    let grown = service.memory_bytes().saturating_sub(warm);
    assert!(grown <= 4 * 1024 * 1024, "the service has grown by {grown} bytes");
    let status = folder.status("service");
    let queues = status["parts"]["network"]["queues"].as_array().expect("queues");
    let ring = queues.iter().find(|queue| queue["name"] == "ring").expect("a ring");
    assert_eq!(ring["depth"], 0, "nothing is kept for nobody");
}
