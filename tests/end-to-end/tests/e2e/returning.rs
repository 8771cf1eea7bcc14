//! A peer that was cut off returns by itself: after a tarpit, a restart of the service, the loss of its socket.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use drivers as _;
use end_to_end::{Folder, event, fixed_port, need_descriptors, until};
use pubsub_api::{Incoming, Notice, Registry, Role, SEND_ALL, Subscriber, Topic};
use settings::Sources;
use tokio::runtime::Runtime;

#[test]
fn an_agent_whose_publisher_never_greets_finds_the_next_one_at_the_same_address() {
    let port = fixed_port();
    let tarpit = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let folder = Folder::with_settings("[drivers.zmtp]\nhandshake_timeout = \"500ms\"");
    let agent = folder.agent_launch("agent", &format!("127.0.0.1:{port}")).args(["--pattern", "#"]).start();
    let held = [tarpit.accept().expect("it comes"), tarpit.accept().expect("it comes again")];
    drop(tarpit);
    let service = folder.service_at(port);
    agent.wait_for_notice(0, "subscribed");
    folder.publish(&[event("t", "k", "set", "v", "D")]);
    assert_eq!(agent.wait_for_events(1).len(), 1);
    assert_eq!(agent.notices_but_live(), ["ready", "link_up", "subscribed"], "at {}", service.network());
    drop(held);
}

#[test]
fn a_deleted_socket_is_made_anew_and_old_and_new_workers_are_served() {
    let folder = Folder::new();
    let mut service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let mut old = folder.worker("old");
    old.write_line(&event("t", "before", "set", "v", "D").to_string());
    agent.wait_for_events(1);
    for round in 1..=2 {
        fs::remove_file(folder.socket()).expect("it is there");
        until("the socket is back", || folder.socket().exists().then_some(()));
        folder.publish(&[event("t", "new", "set", "v", "D")]);
        old.write_line(&event("t", "old", "set", "v", "D").to_string());
        agent.wait_for_events(1 + 2 * round);
    }
    old.close_stdin();
    assert_eq!(old.wait_for_end().code(), Some(0), "{}", old.stderr());
    service.terminate();
    assert!(!folder.socket().exists(), "it takes the last one away");
}

/// Many subscribers in this process, each with its own connection.
struct Crowd {
    runtime: Runtime,
    members: Vec<Member>,
}

struct Member {
    subscriber: Arc<dyn Subscriber>,
    /// How often it was subscribed, and how many events came to it.
    subscribed: Arc<AtomicUsize>,
    events: Arc<AtomicUsize>,
}

impl Crowd {
    fn gather(size: usize, address: &str) -> Self {
        let registry = Registry::collect().expect("drivers");
        let sources =
            Sources { sets: vec!["pub_sub_driver=zmtp_pubsub_driver".to_owned()], ..Sources::default() };
        let (settings, _) = all_settings::load(&sources, &registry.settings()).expect("settings");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let members = (0..size)
            .map(|_| {
                let member = registry.open(&settings, Role::Network).expect("a driver").subscriber();
                member.register_topic(Topic::new(SEND_ALL).expect("a topic").into()).expect("room");
                assert!(member.register_listen_address(&format!("tcp://{address}")).expect("an address"));
                runtime.block_on(member.initialize()).expect("ready");
                let (subscribed, events) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
                runtime.spawn(count(Arc::clone(&member), Arc::clone(&subscribed), Arc::clone(&events)));
                Member { subscriber: member, subscribed, events }
            })
            .collect();
        Self { runtime, members }
    }

    fn until_each_is_subscribed(&self, times: usize) {
        let is_subscribed = |member: &Member| member.subscribed.load(Ordering::Relaxed) >= times;
        until("each is subscribed", || self.members.iter().all(is_subscribed).then_some(()));
    }
}

async fn count(subscriber: Arc<dyn Subscriber>, subscribed: Arc<AtomicUsize>, events: Arc<AtomicUsize>) {
    while let Ok(incoming) = subscriber.recv().await {
        match incoming {
            Incoming::Event(_) => events.fetch_add(1, Ordering::Relaxed),
            Incoming::Notice(Notice::Subscribed { .. }) => subscribed.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

#[test]
fn many_agents_reconnect_to_a_restarted_service_spread_over_time() {
    const SUBSCRIBERS: usize = 300;
    need_descriptors(4000);
    let folder = Folder::new();
    let port = fixed_port();
    let mut service = folder.service_at(port);
    let crowd = Crowd::gather(SUBSCRIBERS, service.address());
    crowd.until_each_is_subscribed(1);
    service.kill();

    let attempts = attempts_at(port, 6 * SUBSCRIBERS);
    let in_bin = |bin| attempts.iter().filter(|at| at.as_millis() / 100 == bin).count();
    let most = (0..600).map(in_bin).max().unwrap_or(0);
    // Reconnects are spread by jitter (docs/guarantees.md#f40); a busy machine gathers some of them.
    assert!(most * 4 <= attempts.len(), "{most} of {} attempts within 100 ms", attempts.len());

    let _service = folder.service_at(port);
    crowd.until_each_is_subscribed(2);
    // One that is cut off again on a busy machine gets a later one.
    until("an event reaches each", || {
        folder.publish(&[event("t", "k", "set", "v", "D")]);
        crowd.members.iter().all(|member| member.events.load(Ordering::Relaxed) > 0).then_some(())
    });
    for member in &crowd.members {
        crowd.runtime.block_on(member.subscriber.close());
    }
}

/// When each of a number of attempts to connect came, while nobody serves them.
fn attempts_at(port: u16, count: usize) -> Vec<Duration> {
    let listener = until("the port is free", || TcpListener::bind(("127.0.0.1", port)).ok());
    let started = Instant::now();
    let attempt = |_| {
        drop(listener.accept().expect("an attempt"));
        started.elapsed()
    };
    (0..count).map(attempt).collect()
}
