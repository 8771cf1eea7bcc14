//! F85, F89 of docs/guarantees.md: a topic has more rows than the ring holds, and the service restarts.

use std::fs;
use std::path::PathBuf;

use end_to_end::{Program, assert_convergent, counters, event, fold, notice};
use serde_json::Value;

use super::load::Load;
use super::scene::{Scene, reported};

const ROWS: usize = 2500;

/// Changes of all rows: twice what the ring holds. One has an action that no table knows.
fn changes(round: usize) -> Vec<Value> {
    let action = |n| if (round, n) == (2, 0) { "touch" } else { "set" };
    let value = |n| format!("{round} {n} {}", "v".repeat(1000));
    (0..ROWS).map(|n| event("t", &n.to_string(), action(n), value(n), "large")).collect()
}

fn deletions() -> Vec<Value> {
    (0..ROWS / 10).map(|n| event("t", &n.to_string(), "delete", "", "large")).collect()
}

fn rows_of_small() -> Vec<Value> {
    (0..10).map(|n| event("t", &format!("small {n}"), "set", "v", "small")).collect()
}

/// A service with a small ring.
fn scene() -> Scene {
    Scene::with_settings("[service]\nring_bytes = \"1MiB\"")
}

/// The notices and rows of an agent, when it is live as a whole.
fn newcomer(scene: &Scene, name: &str) -> (Program, Vec<Value>) {
    let agent = scene.agent_launch(name).start();
    agent.wait_for("live, of all topics", |line| notice(line) == Some("live") && line.get("topic").is_none());
    let resyncs = reported(&agent, 0, &["resync"]);
    (agent, resyncs)
}

/// Starts a new agent, which must have these rows and nothing to report.
fn assert_newcomer_has(scene: &Scene, name: &str, published: &[Value]) {
    let (agent, resyncs) = newcomer(scene, name);
    assert_eq!(resyncs, Vec::<Value>::new(), "{name}");
    let all = fold(published);
    agent.wait_for_events(all.len());
    assert_convergent(&agent.lines(), &all);
}

fn incomplete_topics(scene: &Scene, name: &str) -> Value {
    let status = scene.folder.status(name);
    let queues = status["parts"]["delivery"]["queues"].as_array().cloned().unwrap_or_default();
    let queue = queues.iter().find(|queue| queue["name"] == "incomplete_topics");
    queue.map(|queue| queue["depth"].clone()).unwrap_or_default()
}

fn rows_file(scene: &Scene) -> PathBuf {
    let segment = scene.segments().pop().unwrap();
    segment.with_file_name("rows")
}

#[test]
fn a_newcomer_has_every_row_of_a_topic_that_outgrew_the_ring_also_after_the_service_was_killed() {
    let scene = scene();
    let mut service = scene.service();
    let there = scene.live_agent("there");
    let mut all = rows_of_small();
    scene.folder.publish(&all);
    for round in 0..5 {
        let more = changes(round);
        scene.folder.publish(&more);
        all.extend(more);
    }
    scene.folder.publish(&deletions());
    all.extend(deletions());
    assert_newcomer_has(&scene, "before", &all);

    there.wait_for_events(all.len());
    let mark = there.mark();
    service.kill();
    let mut service = scene.service();
    assert_newcomer_has(&scene, "after", &all);
    assert_eq!(
        counters(&scene.folder.status("service"), "delivery", "rows_start"),
        [("recovered".to_owned(), 1)]
    );

    // At any time: while rows change.
    let more = changes(5);
    scene.folder.publish(&more[..ROWS / 2]);
    service.kill();
    let mut service = scene.service();
    all.extend_from_slice(&more[..ROWS / 2]);
    assert_newcomer_has(&scene, "again", &all);
    service.kill();
    let _service = scene.service();
    scene.folder.publish(&more[ROWS / 2..]);
    all.extend_from_slice(&more[ROWS / 2..]);
    assert_newcomer_has(&scene, "at last", &all);

    // An agent that was there misses nothing.
    let last = more.last().unwrap()["value"].clone();
    there.wait_for("the last event", |line| line["value"] == last);
    assert_eq!(reported(&there, mark, &["resync", "gap"]), Vec::<Value>::new());
}

#[test]
fn a_newcomer_has_every_row_after_the_service_was_killed_repeatedly_under_load() {
    let scene = scene();
    let mut service = scene.service();
    let large = changes(0);
    scene.folder.publish(&large);
    let mut load = Load::start(&scene.folder);
    for round in 0..4 {
        service = load.round(|| {
            // Another one, which joins meanwhile and sees the kill.
            let (_agent, resyncs) = newcomer(&scene, &format!("meanwhile-{round}"));
            assert_eq!(resyncs, Vec::<Value>::new(), "round {round}");
            service.kill();
            scene.service()
        });
        let (agent, resyncs) = newcomer(&scene, &format!("after-{round}"));
        assert_eq!(resyncs, Vec::<Value>::new(), "round {round}");
        load.wait_for_fences(&agent);
        let published: Vec<Value> = large.iter().cloned().chain(load.written()).collect();
        assert_convergent(&agent.lines(), &fold(&published));
    }
    load.end();
    service.terminate();
}

#[test]
fn a_damaged_rows_file_is_moved_aside_and_a_resync_reports_the_missing_rows() {
    let scene = scene();
    let mut service = scene.service();
    let there = scene.live_agent("there");
    let (large, small) = (changes(0), rows_of_small());
    scene.folder.publish(&large);
    scene.folder.publish(&small);
    there.wait_for_events(large.len() + small.len());

    let mark = there.mark();
    service.kill();
    let mut rows = fs::read(rows_file(&scene)).unwrap();
    rows[30] ^= 1;
    fs::write(rows_file(&scene), &rows).unwrap();
    let service = scene.service();
    assert!(service.stderr().contains("refused the rows file"), "{}", service.stderr());
    let status = scene.folder.status("service");
    assert_eq!(counters(&status, "delivery", "rows_refused"), [("ends_too_early".to_owned(), 1)]);
    assert_eq!(fs::read(rows_file(&scene).with_file_name("rows-refused")).unwrap(), rows);

    let (after, resyncs) = newcomer(&scene, "after");
    let topics: Vec<_> = resyncs.iter().map(|resync| &resync["topic"]).collect();
    assert_eq!(topics, ["large"], "reported before it is live as a whole: {resyncs:?}");
    assert_eq!(incomplete_topics(&scene, "after"), 1);
    after.wait_for_events(small.len());
    assert_convergent(&after.lines(), &fold(&small));

    // An agent that was there misses nothing, and every agent has what comes next.
    let next = event("t", "0", "set", "next", "large");
    scene.folder.publish(std::slice::from_ref(&next));
    for agent in [&there, &after] {
        agent.wait_for("the next event", |line| line["value"] == "next");
    }
    assert_eq!(reported(&there, mark, &["resync", "gap"]), Vec::<Value>::new());
}
