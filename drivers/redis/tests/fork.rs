//! A publisher that was created, or used, before `fork` works after it, with a connection of its own.
//!
//! This is its own `main`: libtest has threads, and only a process with one thread may fork and continue.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where an expectation fails")]

use std::process::exit;
use std::sync::Arc;

use drivers_redis::SETTINGS;
use fork::{Fork, WEXITSTATUS, WIFEXITED, fork, waitpid};
use pubsub_api::settings::PubSub;
use pubsub_api::{Action, Event, Publisher, Registry, Role, SEND_ALL};
use redis_servers::RedisServer;
use settings::Sources;
use tokio::runtime::{Builder, Runtime};

fn main() {
    for used_before in [false, true] {
        both_sides_publish(used_before);
        println!("test both_sides_of_a_fork_publish (used before: {used_before}) ... ok");
    }
}

/// The events are `before`, if it was used then, and one from each side of the fork.
fn both_sides_publish(used_before: bool) {
    let server = RedisServer::start(&[]);
    let mut reading = server.raw();
    reading.call(&["SUBSCRIBE", "D"]);
    let publisher = publisher(&server);
    let runtime = runtime();
    runtime.block_on(publisher.initialize()).unwrap();
    let clients = || server.raw().call(&["CLIENT", "LIST", "TYPE", "normal"]).text().lines().count();
    if used_before {
        send(&runtime, publisher.as_ref(), "before");
        assert_eq!(clients(), 2, "the publisher and this query");
    } else {
        assert_eq!(clients(), 1, "no connection is opened before the first send");
    }
    let child = match fork().unwrap() {
        Fork::Child => {
            let own = crate::runtime();
            send(&own, publisher.as_ref(), "child");
            let connections = publisher.status().counter("redis_connections_made", None);
            own.block_on(publisher.close()).unwrap();
            // Exits without dropping the parent's values: that would kill the servers.
            exit(i32::from(connections != 1 + u64::from(used_before)));
        }
        Fork::Parent(child) => child,
    };
    let status = waitpid(child).unwrap();
    assert!(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with {status}");
    send(&runtime, publisher.as_ref(), "parent");
    assert_eq!(
        publisher.status().counter("redis_connections_made", None),
        1,
        "the parent's connection is not touched"
    );
    let wanted = if used_before { vec!["before", "child", "parent"] } else { vec!["child", "parent"] };
    for key in wanted {
        let came = reading.pushed().unwrap().list().pop().unwrap().text();
        assert!(came.contains(key), "{key} is missing in {came:?}");
    }
    runtime.block_on(publisher.close()).unwrap();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn publisher(server: &RedisServer) -> Arc<dyn Publisher> {
    let sets = vec![
        "pub_sub_driver=redis_db_pubsub_driver".to_owned(),
        format!("drivers.redis.hosts={}", server.address()),
        "send_timeout=20s".to_owned(),
    ];
    let (settings, _) =
        settings::load(&Sources { sets, ..Sources::default() }, &[PubSub::TABLE], &[SETTINGS]).unwrap();
    let registry = Registry::collect().unwrap();
    let driver = registry.find("redis_db_pubsub_driver", Role::Network).unwrap();
    (driver.open)(&settings, Role::Network).unwrap().publisher()
}

fn send(runtime: &Runtime, publisher: &dyn Publisher, key: &str) {
    let event = Event::new("lport", key, Action::Set, "{}", SEND_ALL);
    if let Err(error) = runtime.block_on(publisher.send_event(&event)) {
        panic!("{key}: {error}");
    }
}
