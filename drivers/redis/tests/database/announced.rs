//! Clusters whose nodes announce no address, a wrong one, or the same one.

use std::process::{Child, Command, Stdio};

use pubsub_api::ErrorKind;
use pubsub_api::database::{DbApi, RowName, Write};
use redis::Client;
use redis_servers::{RedisCluster, RedisServer, ServerProgram, until};
use tempfile::TempDir;

use crate::ends::{assert_kind, closed_database, database};

const ROWS: usize = 90;

async fn write_rows(db: &dyn DbApi) {
    let topics: Vec<_> = (0..ROWS).map(|number| format!("tenant-{number}")).collect();
    let rows = topics.iter().map(|topic| RowName::new("lport", "port").on(topic.as_str()));
    let writes: Vec<_> = rows.map(|row| Write::Put(row, "x".into())).collect();
    db.write_batch(&writes).await.unwrap();
}

async fn assert_all_rows(db: &dyn DbApi) {
    assert_eq!(db.get_all_entries("lport", None).await.unwrap().len(), ROWS);
    assert_eq!(db.get_all_keys("lport", None).await.unwrap().len(), ROWS);
    assert_eq!(db.tables().await.unwrap(), ["lport"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_without_an_announced_host_are_reached_at_the_host_that_was_asked() {
    // The setting exists since Redis 7.0.
    let cluster = RedisCluster::start_program(ServerProgram::Redis7);
    for (kind, shown) in [("hostname", "?"), ("unknown-endpoint", "")] {
        for place in 0..6 {
            cluster.raw(place).call(&["CONFIG", "SET", "cluster-preferred-endpoint-type", kind]).expect_ok();
        }
        let first = cluster.raw(0).call(&["CLUSTER", "SLOTS"]).list().remove(0).list();
        assert_eq!(first[2].clone().list()[0].text(), shown, "Redis announces no host");
        let db = database(&cluster.addresses()[..1], &[]).await;
        write_rows(&*db).await;
        assert_all_rows(&*db).await;
        // By redirects only, as after a slot has moved.
        let row = RowName::new("lport", "port").on("tenant-1");
        db.set_key(row, kind.into()).await.unwrap();
        assert_eq!(db.get_key(row).await.unwrap(), kind);
    }
}

/// Three masters with one port and three addresses of this host, like the nodes of a cluster on three machines.
struct ThreeHosts {
    children: Vec<Child>,
    port: u16,
    _folder: TempDir,
}

impl ThreeHosts {
    const HOSTS: [&str; 3] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

    fn start() -> Self {
        // The port of a server that has stopped is free.
        let port = RedisServer::start(&[]).port();
        let folder = tempfile::tempdir().unwrap();
        let spawn = |host: &str| {
            let home = folder.path().join(host);
            std::fs::create_dir(&home).unwrap();
            let mut command = Command::new("redis-server");
            command.args(["--port", &port.to_string(), "--bind", host, "--save", "", "--logfile", "log"]);
            // Otherwise the others identify the node by the address from which the kernel connects.
            command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "60000"]);
            command.args(["--cluster-announce-ip", host, "--dir"]).arg(&home);
            command.current_dir(&home).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
        };
        let children = Self::HOSTS.iter().map(|host| spawn(host)).collect();
        let hosts = Self { children, port, _folder: folder };
        hosts.join();
        hosts
    }

    fn join(&self) {
        for (place, slots) in ["0 5460", "5461 10922", "10923 16383"].into_iter().enumerate() {
            until("a node listens", || self.try_call(place, "PING"));
            self.call(place, &format!("CLUSTER ADDSLOTSRANGE {slots}"));
            self.call(place, &format!("CLUSTER SET-CONFIG-EPOCH {}", place + 1));
        }
        for host in &Self::HOSTS[1..] {
            self.call(0, &format!("CLUSTER MEET {host} {}", self.port));
        }
        for place in 0..3 {
            until("all nodes know each other", || {
                let info = self.try_call(place, "CLUSTER INFO")?;
                (info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")).then_some(())
            });
        }
    }

    fn try_call(&self, place: usize, words: &str) -> Option<String> {
        let client = Client::open(format!("redis://{}:{}", Self::HOSTS[place], self.port)).unwrap();
        let mut words = words.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.query::<String>(&mut client.get_connection().ok()?).ok()
    }

    fn call(&self, place: usize, words: &str) {
        assert_eq!(self.try_call(place, words).as_deref(), Some("OK"), "{words}");
    }

    fn set(&self, name: &str, value: &str) {
        (0..3).for_each(|place| self.call(place, &format!("CONFIG SET {name} {value}")));
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for ThreeHosts {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_on_separate_machines_without_an_announced_host_are_reached_at_their_own_addresses() {
    let hosts = ThreeHosts::start();
    for kind in ["hostname", "unknown-endpoint"] {
        hosts.set("cluster-preferred-endpoint-type", kind);
        let db = database(&[hosts.address()], &[]).await;
        write_rows(&*db).await;
        assert_all_rows(&*db).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_complete_or_an_error_when_all_nodes_announce_one_address() {
    let hosts = ThreeHosts::start();
    let db = database(&[hosts.address()], &[]).await;
    write_rows(&*db).await;
    hosts.set("cluster-announce-hostname", "localhost");
    hosts.set("cluster-preferred-endpoint-type", "hostname");
    until("the first node knows the names of all", || {
        let slots = hosts.try_call(0, "CLUSTER NODES")?;
        (slots.matches(",localhost").count() == 3).then_some(())
    });
    let db = closed_database(&[hosts.address()], &["timeout=1s"]).unwrap();
    db.initialize().await.unwrap();
    for refused in [
        db.get_all_entries("lport", None).await.map(|_| ()),
        db.get_all_keys("lport", Some("tenant-1")).await.map(|_| ()),
        db.tables().await.map(|_| ()),
        db.delete_table("lport").await,
        db.get_key(RowName::new("lport", "port")).await.map(|_| ()),
    ] {
        let text = assert_kind(refused, ErrorKind::Unavailable);
        assert!(text.contains("no master that was reached") && text.contains("localhost"), "{text}");
    }
}

/// The port of the cluster bus of a node, from its own line `… 127.0.0.1:7001@17001 myself,…`.
fn bus_port_of(cluster: &RedisCluster, node: usize) -> String {
    let nodes = cluster.raw(node).call(&["CLUSTER", "NODES"]).text();
    let own = nodes.lines().find(|line| line.contains("myself")).expect("a node lists itself");
    let (_, rest) = own.split_once('@').expect("a bus port follows the port");
    rest.chars().take_while(char::is_ascii_digit).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_address_that_cannot_be_reached_is_named() {
    let cluster = RedisCluster::start();
    // First the port of the cluster bus, as it is: otherwise the announced port moves it too, and the other nodes lose the
    // node. A node of Redis 6.2 reports a new port only in the pings that it sends itself, and with a long node timeout it
    // sends none to a peer that others know to be alive.
    let bus_port = bus_port_of(&cluster, 1);
    for (name, value) in [
        ("cluster-announce-bus-port", bus_port.as_str()),
        ("cluster-announce-port", "1"),
        ("cluster-node-timeout", "2000"),
    ] {
        cluster.raw(1).call(&["CONFIG", "SET", name, value]).expect_ok();
    }
    // All others: a driver that cannot reach one node asks the next, which may still announce the old port. (Redis 6.2 lists
    // itself with the old port until it restarts.)
    for node in (0..cluster.nodes.len()).filter(|node| *node != 1) {
        until("a node knows the port", || {
            cluster.raw(node).call(&["CLUSTER", "NODES"]).text().contains("127.0.0.1:1@").then_some(())
        });
    }
    let db = closed_database(&cluster.addresses()[..1], &["timeout=1s"]).unwrap();
    db.initialize().await.unwrap();
    let topics: Vec<_> = (0..30).map(|number| format!("tenant-{number}")).collect();
    let rows: Vec<_> = topics.iter().map(|topic| RowName::new("t", "k").on(topic.as_str())).collect();
    for refused in [db.get_batch(&rows).await.map(|_| ()), db.get_all_keys("t", None).await.map(|_| ())] {
        let text = assert_kind(refused, ErrorKind::Unavailable);
        assert!(
            text.contains("that the cluster announces") && text.contains("redis://127.0.0.1:1"),
            "{text}"
        );
    }
}
