//! F85 of docs/guarantees.md: a topic has more rows than the ring holds, and the service restarts.

use end_to_end::{Program, assert_convergent, event, fold, notice};
use serde_json::Value;

use super::scene::{Scene, reported};

/// Three times what the ring holds, and an action that no table knows among them.
fn outgrown() -> Vec<Value> {
    let action = |n| if n == 0 { "touch" } else { "set" };
    (0..3000).map(|n| event("t", &n.to_string(), action(n), "v".repeat(1000), "large")).collect()
}

fn rows_of_small() -> Vec<Value> {
    (0..10).map(|n| event("t", &format!("small {n}"), "set", "v", "small")).collect()
}

/// The notices and rows of an agent, when it is live as a whole.
fn newcomer(scene: &Scene, name: &str) -> (Program, Vec<Value>) {
    let agent = scene.agent_launch(name).start();
    agent.wait_for("live, of all topics", |line| notice(line) == Some("live") && line.get("topic").is_none());
    let resyncs = reported(&agent, 0, &["resync"]);
    (agent, resyncs)
}

fn incomplete_topics(scene: &Scene, name: &str) -> Value {
    let status = scene.folder.status(name);
    let queues = status["parts"]["delivery"]["queues"].as_array().cloned().unwrap_or_default();
    let queue = queues.iter().find(|queue| queue["name"] == "incomplete_topics");
    queue.map(|queue| queue["depth"].clone()).unwrap_or_default()
}

#[test]
fn a_newcomer_has_every_row_of_a_topic_that_outgrew_the_ring_and_after_a_restart_a_resync_reports_missing_rows()
 {
    let scene = Scene::with_settings("[service]\nring_bytes = \"1MiB\"");
    let mut service = scene.service();
    let there = scene.live_agent("there");
    let (large, small) = (outgrown(), rows_of_small());
    scene.folder.publish(&large);
    scene.folder.publish(&small);
    let all: Vec<Value> = large.iter().chain(&small).cloned().collect();
    there.wait_for_events(all.len());

    let (before, resyncs) = newcomer(&scene, "before");
    assert_eq!(resyncs, Vec::<Value>::new());
    before.wait_for_events(all.len());
    assert_convergent(&before.lines(), &fold(&all));

    let mark = there.mark();
    service.kill();
    let _service = scene.service();
    let (after, resyncs) = newcomer(&scene, "after");
    let topics: Vec<_> = resyncs.iter().map(|resync| &resync["topic"]).collect();
    assert_eq!(topics, ["large"], "reported before it is live as a whole: {resyncs:?}");
    assert_eq!(incomplete_topics(&scene, "after"), 1);
    after.wait_for_events(small.len());
    assert_convergent(&after.lines(), &fold(&small));

    // An agent that was there misses nothing, and every agent has what comes next.
    let next = event("t", "0", "set", "next", "large");
    scene.folder.publish(std::slice::from_ref(&next));
    for agent in [&there, &before, &after] {
        agent.wait_for("the next event", |line| line["value"] == "next");
    }
    assert_eq!(reported(&there, mark, &["resync", "gap"]), Vec::<Value>::new());
}
