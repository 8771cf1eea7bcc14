//! Links between Redis and agents that break while the server lives.

use std::time::{Duration, Instant};

use end_to_end::{Program, Signal, notice};
use redis_servers::{RedisServer, until};
use serde_json::Value;

use super::agents::{
    assert_all_equal, assert_equal, assert_undisturbed, notices_after, times, wait_for_recovery,
};
use super::load::{Load, Work};
use super::rows::rows;
use super::scene::{DEAD_AFTER, Scene};

#[test]
fn agents_whose_connections_are_killed_under_load_report_it_once_and_end_equal_to_the_database() {
    let server = RedisServer::start(&[]);
    let scene = Scene::new(&[server.address()]);
    let agents = scene.agents(3);
    let load = Load::start(&scene, Work::default());
    load.wait_for_done(200);
    let marks: Vec<_> = agents.iter().map(Program::mark).collect();
    let killed = server.raw().call(&["CLIENT", "KILL", "TYPE", "pubsub"]).text();
    assert_eq!(killed, "3");
    for (agent, mark) in agents.iter().zip(&marks) {
        wait_for_recovery(agent, *mark);
    }
    load.wait_for_done(200);
    let calls = load.end();
    calls.assert_none_failed();
    let rows = rows([&server]);
    calls.assert_rows(&rows);
    assert_all_equal(&agents, &rows);
    for (agent, mark) in agents.iter().zip(&marks) {
        let reported = notices_after(agent, *mark);
        let links = ["link_down", "link_up", "subscribed"].map(|name| times(agent, *mark, name));
        let of_link = |line: &&Value| notice(line) == Some("resync") && line["topic"].is_null();
        assert_eq!((links, reported.iter().filter(of_link).count()), ([1, 1, 1], 1), "{reported:?}");
        // The load's publisher has one topic: what is missing of it is reported once more, by its sequences.
        assert!(times(agent, *mark, "resync") <= 2, "{reported:?}");
    }
}

#[test]
fn a_silent_server_is_disconnected_in_time_and_reconnected_when_it_continues() {
    let server = RedisServer::start(&[]);
    let scene = Scene::new(&[server.address()]);
    let agents = scene.agents(2);
    let load = Load::start(&scene, Work::default());
    load.wait_for_done(100);
    let marks: Vec<_> = agents.iter().map(Program::mark).collect();
    let halted = Instant::now();
    server.halt();
    for (agent, mark) in agents.iter().zip(&marks) {
        agent.wait_for_notice(*mark, "link_down");
    }
    let noticed = halted.elapsed();
    assert!(noticed <= 5 * DEAD_AFTER, "{noticed:?}");
    load.wait_for_failed(1);
    server.go_on();
    let recovers = Instant::now();
    for (agent, mark) in agents.iter().zip(&marks) {
        wait_for_recovery(agent, *mark);
    }
    let recovered = recovers.elapsed();
    load.wait_for_done(100);
    let calls = load.end();
    calls.assert_errors_are_specific();
    println!(
        "noticed after {noticed:?}, compared again {recovered:?} after it went on; {} calls done, the slowest in {:?}, {:?}",
        calls.done(),
        calls.slowest(),
        calls.errors()
    );
    let rows = rows([&server]);
    calls.assert_rows(&rows);
    assert_all_equal(&agents, &rows);
}

#[test]
fn a_server_that_pauses_for_less_than_dead_after_is_waited_for() {
    let server = RedisServer::start(&[]);
    let scene = Scene::new(&[server.address()]);
    let agents = scene.agents(2);
    let load = Load::start(&scene, Work::default());
    load.wait_for_done(100);
    let marks: Vec<_> = agents.iter().map(Program::mark).collect();
    server.raw().call(&["CLIENT", "PAUSE", "1000", "ALL"]).expect_ok();
    load.wait_for_done(200);
    let calls = load.end();
    calls.assert_errors_are_specific();
    let rows = rows([&server]);
    calls.assert_rows(&rows);
    assert_all_equal(&agents, &rows);
    for (agent, mark) in agents.iter().zip(marks) {
        assert_undisturbed(agent, mark);
    }
}

#[test]
fn an_agent_that_does_not_read_is_disconnected_by_redis_gets_a_notice_and_affects_no_other() {
    let limit = ["--client-output-buffer-limit", "pubsub", "256kb", "256kb", "0"];
    let server = RedisServer::start(&limit);
    let scene = Scene::new(&[server.address()]);
    let (slow, quick) = (scene.agent("slow"), scene.agent("quick"));
    // What the sockets hold comes before what Redis does.
    let load =
        Load::start(&scene, Work { bytes: 32 * 1024, pause: Duration::from_millis(2), ..Work::default() });
    load.wait_for_done(20);
    let marks = [slow.mark(), quick.mark()];
    slow.signal(Signal::STOP);
    until("Redis cuts it off", || server.log().contains("overcoming of output buffer limits").then_some(()));
    load.wait_for_done(20);
    slow.signal(Signal::CONT);
    wait_for_recovery(&slow, marks[0]);
    load.wait_for_done(20);
    let calls = load.end();
    calls.assert_none_failed();
    println!("{} calls of 32 KiB, the slowest in {:?}", calls.done(), calls.slowest());
    let rows = rows([&server]);
    calls.assert_rows(&rows);
    assert_equal(&quick, &rows);
    assert_equal(&slow, &rows);
    assert_undisturbed(&quick, marks[1]);
}
