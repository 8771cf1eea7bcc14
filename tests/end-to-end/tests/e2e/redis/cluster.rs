//! A cluster that loses a master, and one whose slots move.

use std::time::{Duration, Instant};

use end_to_end::{Program, is_event};
use redis_servers::{RedisCluster, RedisServer, Reply, until};
use serde_json::Value;

use super::agents::{
    assert_all_equal, assert_undisturbed, notices_after, server_of, times, wait_for_recovery,
};
use super::calls::Calls;
use super::load::{Load, Work};
use super::reshard::{reshard, tenants_in};
use super::rows::{Rows, TABLE, number_of, rows_of_cluster};
use super::scene::Scene;

/// A master that is silent for this time is replaced; as in Redis's own introduction to clusters.
const NODE_TIMEOUT: Duration = Duration::from_secs(5);

/// The aim for all that follows a dead master.
const FAIL_OVER: Duration = Duration::from_secs(15);

/// Agents of which some are at this server, and some are not; four at least.
fn agents_here_and_elsewhere(scene: &Scene, server: &str) -> Vec<Program> {
    // Each goes to a random one of three.
    const MOST: usize = 24;
    let mut agents = Vec::new();
    loop {
        let here = agents.iter().filter(|agent| server_of(agent) == server).count();
        if agents.len() >= 4 && (1..agents.len()).contains(&here) {
            return agents;
        }
        assert!(agents.len() < MOST, "of {MOST} agents {here} are at {server}");
        agents.push(scene.agent(&format!("agent-{}", agents.len())));
    }
}

/// The place of a server among a cluster's nodes.
fn place_of(cluster: &RedisCluster, server: &str) -> usize {
    let place = cluster.nodes.iter().position(|node| server.ends_with(&node.address()));
    place.unwrap_or_else(|| panic!("{server} is no node"))
}

/// Asserts that a row which the database lost, although its write was reported as done, was at least seen by the agents: a fail-over
/// can lose what the old master had confirmed and not yet sent to its replica.
fn assert_lost_was_seen(calls: &Calls, rows: &Rows, agents: &[Program]) {
    for (key, may, is) in calls.wrong(rows) {
        println!("the fail-over has lost a write: {key}: {may:?} was reported, and it is {is:?}");
        let about = |line: &&Value| is_event(line) && line["key"] == key.as_str();
        let is_it = |line: &Value| may.contains(&line["value"].as_str().map(number_of));
        // Those that were elsewhere; the others were away for a while, and have a notice of it.
        let saw = |agent: &Program| agent.lines().iter().filter(about).any(is_it);
        assert!(agents.iter().any(saw), "{key}: {may:?} was reported, and no agent saw it");
    }
}

fn wait_for_role(server: &RedisServer, wanted: &str) {
    let role = || server.raw().call(&["ROLE"]).list().first().map(Reply::text);
    until(&format!("the role {wanted}"), || (role().as_deref() == Some(wanted)).then_some(()));
}

/// Takes the master away at which the load's publisher and some agents are, and `returns` it when it is replaced.
fn fail_over(takes_away: impl FnOnce(&mut RedisServer), returns: impl FnOnce(&RedisServer)) {
    let mut cluster = RedisCluster::with_node_timeout(NODE_TIMEOUT);
    let scene = Scene::with(&cluster.addresses(), "24s", Duration::from_secs(5));
    // Enough that some of them are being published when the master goes away.
    let load = Load::held(&scene, Work { callers: 16, timeout: Duration::from_secs(5), ..Work::default() });
    let server = load.server();
    let agents = agents_here_and_elsewhere(&scene, &server);
    load.go_on();
    load.wait_for_done(200);
    let (hit, others): (Vec<_>, Vec<_>) =
        (0..agents.len()).partition(|number| server_of(&agents[*number]) == server);
    let marks: Vec<_> = agents.iter().map(Program::mark).collect();
    let place = place_of(&cluster, &server);
    takes_away(&mut cluster.nodes[place]);
    let away = Instant::now();
    // Its replica follows the three masters, in their order.
    wait_for_role(&cluster.nodes[place + 3], "master");
    let replaced = away.elapsed();
    for number in &hit {
        wait_for_recovery(&agents[*number], marks[*number]);
    }
    let recovered = away.elapsed();
    load.wait_for_done(300);
    let working = away.elapsed();
    returns(&cluster.nodes[place]);
    load.wait_for_done(100);
    let calls = load.end();
    calls.assert_errors_are_specific();
    println!(
        "replaced after {replaced:?}; {} of {} agents were there, and have compared after {recovered:?}; 300 calls more after \
         {working:?}; {} done, {:?}, the slowest in {:?}",
        hit.len(),
        agents.len(),
        calls.done(),
        calls.errors(),
        calls.slowest()
    );
    assert!(recovered.max(replaced).max(working) <= 5 * FAIL_OVER);
    let rows = rows_of_cluster(&cluster);
    assert_all_equal(&agents, &rows);
    assert_lost_was_seen(&calls, &rows, &agents);
    for number in others {
        let (agent, mark) = (&agents[number], marks[number]);
        let reported = notices_after(agent, mark);
        assert_eq!(times(agent, mark, "link_down"), 0, "{reported:?}");
        let resyncs = times(agent, mark, "resync");
        assert!(resyncs <= 2 + calls.errors_in_doubt(), "one loss is reported once: {reported:?}");
    }
}

#[test]
fn a_master_that_dies_under_load_is_replaced_and_agents_elsewhere_are_not_disturbed() {
    fail_over(RedisServer::kill, |_| {});
}

#[test]
fn a_master_that_hangs_is_replaced_and_does_no_harm_when_it_continues() {
    fail_over(
        |server| server.halt(),
        |server| {
            server.go_on();
            wait_for_role(server, "slave");
        },
    );
}

#[test]
fn a_thousand_slots_move_under_load_and_no_call_fails_for_it() {
    const SLOTS: std::ops::Range<u16> = 0..1_000;
    let cluster = RedisCluster::start();
    let scene = Scene::with(&cluster.addresses(), super::scene::SELDOM, Duration::from_secs(10));
    let agents = scene.agents(2);
    let mut topics = tenants_in(&cluster, TABLE, &SLOTS, 20);
    topics.extend(tenants_in(&cluster, TABLE, &(SLOTS.end..16_384), 10));
    let load = Load::start(&scene, Work { topics, timeout: Duration::from_secs(10), ..Work::default() });
    load.wait_for_done(200);
    let marks: Vec<_> = agents.iter().map(Program::mark).collect();
    let began = Instant::now();
    reshard(&cluster, SLOTS, 1);
    let took = began.elapsed();
    load.wait_for_done(100);
    let calls = load.end();
    println!("moved within {took:?}; {} calls, the slowest in {:?}", calls.done(), calls.slowest());
    calls.assert_none_failed();
    let rows = rows_of_cluster(&cluster);
    calls.assert_rows(&rows);
    assert_all_equal(&agents, &rows);
    for (agent, mark) in agents.iter().zip(marks) {
        assert_undisturbed(agent, mark);
    }
}
