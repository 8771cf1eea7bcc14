//! Swapping drivers is a change of aliases in the settings file and nothing else.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use drivers as _;
use end_to_end::{
    Fold, Folder, Launch, change_log, fixed_port, fold, is_event, jsonl, key_of, shards, until,
};
use publisher_client::PublisherClient;
use publisher_service::PublisherService;
use pubsub_api::{Pattern, Registry};
use redis_servers::RedisServer;
use serde_json::Value;
use service_kit::json;
use settings::Sources;
use subscriber_agent::{AgentBuilder, Output};

/// The events of the job.
fn events() -> Vec<Value> {
    change_log().into_iter().take(1500).collect()
}

/// The aliases of a role that join processes, with or without a broker, from `skimmer drivers --json`.
fn aliases(role: &str, broker: bool) -> Vec<String> {
    let folder = Folder::new();
    let listed = Launch::new("skimmer", "skimmer", folder.path()).args(["drivers", "--json"]).run().expect(0);
    let mut aliases = Vec::new();
    for driver in listed.json().as_array().expect("a list") {
        let (alias, capabilities) = (driver["alias"].as_str().expect("an alias"), &driver["capabilities"]);
        let has_role = driver["roles"].as_array().is_some_and(|roles| roles.contains(&role.into()));
        if has_role && capabilities["across_processes"] == true && capabilities["broker"] == broker {
            aliases.push(alias.to_owned());
        }
    }
    assert!(!aliases.is_empty(), "no {role} driver joins processes");
    aliases
}

/// Each row's events in their order, whatever the order of rows.
fn by_row(events: &[Value]) -> BTreeMap<(String, String), Vec<Value>> {
    let mut rows: BTreeMap<_, Vec<Value>> = BTreeMap::new();
    for event in events {
        rows.entry(key_of(event)).or_default().push(event.clone());
    }
    rows
}

fn assert_same(what: &str, came: &[Value], wanted: &[Value]) {
    assert_eq!(by_row(came), by_row(wanted), "{what}: complete, and in order per row");
    let table: Fold = fold(wanted);
    assert_eq!(fold(came), table, "{what}: convergent");
}

#[test]
fn every_pair_of_drivers_that_join_processes_does_the_same_job() {
    let events = events();
    for network in aliases("network", false) {
        for multiproc in aliases("multiproc", false) {
            let what = format!("{network} and {multiproc}");
            let folder = Folder::with_settings(&format!(
                "pub_sub_driver = {network:?}\npub_sub_multiproc_driver = {multiproc:?}"
            ));
            let service = folder.service();
            let agents = [folder.subscribed_agent("one", &service), folder.subscribed_agent("two", &service)];
            std::thread::scope(|scope| {
                for (worker, shard) in shards(&events, 2).into_iter().enumerate() {
                    let launch = folder.worker_launch(&format!("worker-{worker}"));
                    scope.spawn(move || launch.run_with(&jsonl(&shard)).expect(0));
                }
            });
            for agent in &agents {
                assert_same(&what, &agent.wait_for_events(events.len()), &events);
            }
        }
    }
}

#[test]
fn every_network_driver_publishes_without_a_service() {
    let events = events();
    for network in aliases("network", false) {
        let port = fixed_port();
        let folder =
            Folder::with_settings(&format!("pub_sub_driver = {network:?}\npub_sub_use_multiproc = false"));
        let launch =
            |name: &str| folder.agent_launch(name, &format!("127.0.0.1:{port}")).args(["--pattern", "#"]);
        let agents = [launch("one").start(), launch("two").start()];
        let mut worker = folder.worker_launch("worker").set("publisher_port", port).start();
        for agent in &agents {
            agent.wait_for_notice(0, "subscribed");
        }
        events.iter().for_each(|event| worker.write_line(&event.to_string()));
        for agent in &agents {
            assert_eq!(agent.wait_for_events(events.len()), events, "{network}");
        }
        worker.close_stdin();
        assert_eq!(worker.wait_for_end().code(), Some(0), "{}", worker.stderr());

        // A service has nothing to do then, and reports it.
        let service = folder.launch("publisher-service", "service").run().expect(78);
        let _ = service.says(&["pub_sub_use_multiproc is false"]);
    }
}

#[test]
fn every_broker_carries_the_same_job_between_workers_and_agents() {
    let events = events();
    for network in aliases("network", true) {
        assert_eq!(network, "redis_db_pubsub_driver", "this test has to start its broker");
        let redis = RedisServer::start(&[]);
        let folder = Folder::with_settings(&format!(
            "pub_sub_driver = {network:?}\n[drivers.redis]\nhosts = [{:?}]",
            redis.address()
        ));
        let launch = |name: &str| folder.launch("subscriber-agent", name).args(["--pattern", "#"]);
        let agents = [launch("one").start(), launch("two").start()];
        for agent in &agents {
            agent.wait_for_notice(0, "subscribed");
        }
        std::thread::scope(|scope| {
            for (worker, shard) in shards(&events, 2).into_iter().enumerate() {
                let launch = folder.worker_launch(&format!("worker-{worker}"));
                scope.spawn(move || launch.run_with(&jsonl(&shard)).expect(0));
            }
        });
        for agent in &agents {
            assert_same(&network, &agent.wait_for_events(events.len()), &events);
        }

        // Without a database a service has nothing to do, and reports it.
        let service = folder.launch("publisher-service", "service").run().expect(78);
        let _ = service.says(&["publishes to a broker"]);
    }
}

/// What an agent within this process writes.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().expect("no panic").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// The same job within one process, on the aliases `network` and `multiproc`.
async fn within_one_process(network: &str, multiproc: &str, port: u16) {
    let folder = Folder::with_settings(&format!(
        "pub_sub_driver = {network:?}\npub_sub_multiproc_driver = {multiproc:?}\npublishers_ips = [\"127.0.0.1\"]"
    ));
    let registry = Registry::collect().expect("drivers");
    let sources = Sources {
        files: vec![folder.config()],
        sets: vec![format!("publisher_port={port}"), "linger=20s".to_owned()],
        ..Sources::default()
    };
    let (settings, _) = all_settings::load(&sources, &registry.settings()).expect("good settings");
    let service = PublisherService::start(&registry, &settings).await.expect("a service");
    let written = Written::default();
    let everything: Pattern = "#".parse().expect("a pattern");
    let agent = AgentBuilder::new(&registry, &settings)
        .expect("an agent")
        .subscribe(vec![everything.into()])
        .output(Output::new(Box::new(written.clone()), true))
        .build();
    agent.start().await.expect("a start");
    let running = tokio::spawn({
        let agent = Arc::clone(&agent);
        async move { agent.run().await }
    });
    let wait_for = |what: String, wanted: &dyn Fn(&[Value]) -> bool| {
        tokio::task::block_in_place(|| until(&what, || wanted(&written.lines()).then_some(())));
    };
    wait_for(format!("{network}: subscribed"), &|lines| {
        lines.iter().any(|line| line["notice"] == "subscribed")
    });
    let events = events();
    let client = PublisherClient::open(&settings).expect("a publisher");
    client.initialize().await.expect("ready");
    for event in &events {
        client.send(&json::from_line(&event.to_string()).expect("an event")).await.expect("accepted");
    }
    client.flush().await.expect("handed over");
    wait_for(format!("{network}: {} events", events.len()), &|lines| {
        lines.iter().filter(|line| is_event(line)).count() >= events.len()
    });
    let came: Vec<Value> = written.lines().into_iter().filter(is_event).collect();
    assert_eq!(came, events, "{network} and {multiproc}");
    assert_eq!(agent.table().len(), fold(&events).len());
    client.close().await.expect("nothing is left");
    agent.stop();
    running.await.expect("no panic").expect("a good end");
    agent.drain(end_to_end::PATIENCE).await.expect("nothing is left");
    service.drain(end_to_end::PATIENCE).await.expect("nothing is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_job_runs_within_one_process_on_the_memory_driver() {
    within_one_process("memory_pubsub_driver", "memory_pubsub_driver", fixed_port()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_job_runs_within_one_process_on_the_default_drivers() {
    within_one_process("zmtp_pubsub_driver", "zmtp_pubsub_multiproc_driver", fixed_port()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_job_runs_within_one_process_on_the_reference_driver() {
    within_one_process("zmq_pubsub_driver", "zmq_pubsub_multiproc_driver", fixed_port()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_two_hops_may_be_of_different_drivers_within_one_process() {
    for (network, multiproc) in [
        ("memory_pubsub_driver", "zmq_pubsub_multiproc_driver"),
        ("zmq_pubsub_driver", "memory_pubsub_driver"),
        ("memory_pubsub_driver", "zmtp_pubsub_multiproc_driver"),
        ("zmtp_pubsub_driver", "memory_pubsub_driver"),
    ] {
        within_one_process(network, multiproc, fixed_port()).await;
    }
}
