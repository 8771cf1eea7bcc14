//! Workers publish to the broker themselves: nobody stands between them and the agents.

use std::collections::BTreeMap;
use std::thread;

use end_to_end::{
    Folder, History, Program, change_log, fold, is_event, jsonl, key_of, notice, plain, shards,
};
use redis_servers::{RedisCluster, RedisServer};
use serde_json::Value;

use super::scene::Scene;

const WORKERS: usize = 3;
const AGENTS: usize = 3;

/// The part of the recorded day that is played.
const EVENTS: usize = 2_000;

/// An agent without a database: the rows of the log are in none.
fn agent(folder: &Folder, number: usize) -> Program {
    let launch = folder.launch("subscriber-agent", &format!("agent-{number}")).set("use_nb_db", "no");
    let agent = launch.args(["--pattern", "#", "--stamps"]).start();
    agent.wait_for_notice(0, "subscribed");
    agent
}

/// Each row's events, in their order.
fn by_row(events: &[Value]) -> BTreeMap<(String, String), Vec<Value>> {
    let mut rows: BTreeMap<_, Vec<Value>> = BTreeMap::new();
    for event in events {
        rows.entry(key_of(event)).or_default().push(event.clone());
    }
    rows
}

#[track_caller]
fn play(hosts: &[String]) {
    let Scene { folder } = Scene::new(hosts);
    let agents: Vec<_> = (0..AGENTS).map(|number| agent(&folder, number)).collect();
    let log = &change_log()[..EVENTS];
    thread::scope(|scope| {
        for (worker, shard) in shards(log, WORKERS).into_iter().enumerate() {
            // The hop to a service is not used: that its driver confirms nothing does not matter.
            let launch = folder.worker_launch(&format!("worker-{worker}"));
            let launch =
                launch.set("pub_sub_multiproc_driver", "zmq_pubsub_multiproc_driver").args(["--progress"]);
            scope.spawn(move || {
                let ended = launch.run_with(&jsonl(&shard)).expect(0);
                assert_eq!(ended.last_words(), format!("published {} events", shard.len()));
                assert!(!ended.stderr.contains("not confirmed"), "{}", ended.stderr);
                let last = format!("{{\"confirmed\":{}}}", shard.len());
                assert_eq!(
                    ended.stdout.lines().last(),
                    Some(last.as_str()),
                    "the broker accepted all of them"
                );
            });
        }
    });
    for agent in &agents {
        let events: Vec<_> = agent.wait_for_events(log.len()).into_iter().map(plain).collect();
        assert_eq!(events.len(), log.len(), "complete, and nothing twice");
        assert_eq!(by_row(&events), by_row(log), "ordered");
        assert_eq!(fold(&events), fold(log), "convergent");
        let _complete = History::of(&agent.lines()).assert_without_holes();
    }
}

#[test]
fn what_workers_publish_to_a_server_reaches_every_agent_complete_and_in_order() {
    let server = RedisServer::start(&[]);
    play(&[server.address()]);
}

#[test]
fn what_workers_publish_to_a_cluster_reaches_agents_at_every_node_complete_and_in_order() {
    play(&RedisCluster::start().addresses());
}

#[test]
fn a_worker_whose_connection_is_killed_time_and_again_publishes_all_and_nothing_comes_twice() {
    let server = RedisServer::start(&[]);
    let Scene { folder } = Scene::new(&[server.address()]);
    let agents = [agent(&folder, 0), agent(&folder, 1)];
    let log = &change_log()[..EVENTS];
    let (mut worker, mut killed) = (folder.worker("worker"), 0);
    for part in log.chunks(EVENTS / 20) {
        worker.write_line(jsonl(part).trim_end());
        if killed == 0 {
            // A worker that cannot connect at its start ends.
            let _ = agents[0].wait_for_events(part.len());
        }
        let count = server.raw().call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).text();
        killed += count.parse::<u32>().unwrap();
    }
    worker.close_stdin();
    assert_eq!(worker.wait_for_end().code(), Some(0), "{}", worker.stderr());
    assert!(killed > 0, "the worker was never connected");
    for agent in &agents {
        let events: Vec<_> = agent.wait_for_events(log.len()).into_iter().map(plain).collect();
        assert_eq!(events, log, "one worker's events come as it published them");
        let _complete = History::of(&agent.lines()).assert_without_holes();
    }
}

#[test]
fn a_worker_whose_server_dies_reports_its_progress_and_the_next_one_continues_after_its_last_event() {
    let mut server = RedisServer::start(&[]);
    let Scene { folder } = Scene::new(&[server.address()]);
    let agents = [agent(&folder, 0), agent(&folder, 1)];
    let log = &change_log()[..EVENTS];
    let mut worker = folder.worker("worker");
    let mut lines = log.iter();
    for (number, line) in lines.by_ref().enumerate() {
        if number == EVENTS / 2 {
            server.kill();
        }
        if !worker.offer_line(&line.to_string()) {
            break;
        }
    }
    worker.close_stdin();
    assert_eq!(worker.wait_for_end().code(), Some(69), "{}", worker.stderr());
    let said = worker.stderr();
    let count = said.lines().find_map(|line| line.strip_prefix("published ")?.strip_suffix(" events"));
    let count: usize =
        count.and_then(|count| count.parse().ok()).expect("it prints the number of published events");
    assert!((1..EVENTS).contains(&count), "{said}");
    // Redis answers an event before it has written it to every subscriber.
    let sure = count - 1;
    for agent in &agents {
        let events: Vec<_> = agent.wait_for_events(sure).into_iter().map(plain).collect();
        assert!(events.len() <= count + 1 && log.starts_with(&events), "{} of {count}", events.len());
    }
    server.start_again();
    for agent in &agents {
        let lost = agent.wait_for_notice(0, "link_down");
        assert!(lost["publisher"].is_string(), "{lost}");
        agent.wait_for_count(0, 2, "the link again", |line| notice(line) == Some("subscribed"));
        agent.wait_for_notice(0, "resync");
    }
    folder.publish(&log[sure..]);
    for agent in &agents {
        agent.wait_for("the last event", |line| is_event(line) && plain(line.clone()) == log[EVENTS - 1]);
        let events: Vec<_> = agent.events().into_iter().map(plain).collect();
        assert_eq!(fold(&events), fold(log), "convergent");
        let _sound = History::of(&agent.lines()).assert_sound();
    }
}

#[test]
fn progress_counts_each_event_that_the_broker_accepted_before_the_worker_ends() {
    let server = RedisServer::start(&[]);
    let Scene { folder } = Scene::new(&[server.address()]);
    let mut worker = folder.worker_launch("worker").args(["--progress"]).start();
    for (number, event) in change_log().iter().take(3).enumerate() {
        worker.write_line(&event.to_string());
        let confirmed = number as u64 + 1;
        worker.wait_for("its confirmation", |line| line["confirmed"] == confirmed);
    }
    worker.close_stdin();
    assert_eq!(worker.wait_for_end().code(), Some(0), "{}", worker.stderr());
}

#[test]
fn changes_by_the_command_line_reach_the_agents_as_events() {
    let server = RedisServer::start(&[]);
    let scene = Scene::new(&[server.address()]);
    let agent = scene.agent("agent");
    for arguments in [
        &["add", "lport", r#"{"id":"p","topic":"tenant-1","n":1}"#][..],
        &["update", "lport", "p", r#"{"n":2}"#],
        &["rm", "lport", "p"],
        &["add", "lport", r#"{"id":"q","n":3}"#],
    ] {
        let _ = scene.folder.skimmer(&["db"]).args(arguments).run().expect(0);
    }
    let events = agent.wait_for_events(4);
    let reported: Vec<_> =
        events.iter().map(|event| format!("{} {}", event["action"], event["key"])).collect();
    assert_eq!(reported, [r#""create" "p""#, r#""set" "p""#, r#""delete" "p""#, r#""create" "q""#]);
    assert!(
        events.iter().all(|event| event["origin"].is_null()),
        "none had to be found by comparing: {events:?}"
    );
    assert_eq!(super::agents::table_of(&agent), super::rows::rows([&server]));
}

#[test]
fn the_demo_on_redis_succeeds() {
    let folder = Folder::new();
    let demo = end_to_end::Launch::new("skimmer", "demo", folder.path());
    let ended = demo.args(["demo", "--redis", "--rate", "0"]).run().expect(0);
    let praise = "Every agent received every event in order, and its final table equals that of the log.";
    assert!(ended.stdout.contains(praise), "{}", ended.stdout);
}
