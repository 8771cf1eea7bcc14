//! One server that dies and comes back, and workers that die between the database and their event.

use std::time::Instant;

use end_to_end::{Program, counter, until};
use redis_servers::RedisServer;

use super::agents::{assert_all_equal, wait_for_recovery};
use super::load::{Load, Work};
use super::rows::rows;
use super::scene::{Scene, TIMEOUT};

#[test]
fn confirmed_writes_survive_the_death_of_the_server_and_others_return_errors() {
    // With less, Redis may answer before it writes, while the disk is busy with what it wrote before.
    let mut server = RedisServer::start(&["--appendfsync", "always"]);
    let scene = Scene::new(&[server.address()]);
    let service = scene.folder.launch("publisher-service", "service").set("monitor_table_poll_time", "100ms");
    let service = service.start();
    service.wait_for("the ready line", |line| line["ready"] == true);
    let agents = scene.agents(2);
    let load = Load::start(&scene, Work::default());
    for round in 0..2 {
        load.wait_for_done(150);
        let marks: Vec<_> = agents.iter().map(Program::mark).collect();
        server.kill();
        load.wait_for_failed(1);
        for (agent, mark) in agents.iter().zip(&marks) {
            agent.wait_for_notice(*mark, "link_down");
        }
        server.start_again();
        let back = Instant::now();
        load.wait_for_done(1);
        println!("round {round}: a call is done {:?} after the server is back", back.elapsed());
        for (agent, mark) in agents.iter().zip(&marks) {
            wait_for_recovery(agent, *mark);
        }
        println!("round {round}: the agents have compared {:?} after it", back.elapsed());
    }
    load.wait_for_done(150);
    let calls = load.end();
    calls.assert_errors_are_specific();
    println!("{} calls done, {:?}, the slowest in {:?}", calls.done(), calls.errors(), calls.slowest());
    let rows = rows([&server]);
    calls.assert_rows(&rows);
    assert_all_equal(&agents, &rows);

    // The service has survived it, too: it watches the tables again.
    let polls = || counter(&scene.folder.status("service"), "monitors", "polls");
    let before = polls();
    until("the service watches the tables", || (polls() > before).then_some(()));
    server.raw().call(&["SET", "{chassis.}late", r#"{"id":"late"}"#]).expect_ok();
    for agent in &agents {
        agent.wait_for("what nobody published", |line| line["key"] == "late");
    }
}

#[test]
fn a_row_that_was_written_and_not_published_is_found_by_the_regular_full_sync() {
    let server = RedisServer::start(&[]);
    let scene = Scene::with(&[server.address()], "1s", TIMEOUT);
    let agents = scene.agents(2);
    let mut raw = server.raw();
    for (command, action) in [
        (&["SET", "{lport.tenant-1}p", r#"{"id":"p","topic":"tenant-1","version":1}"#][..], "create"),
        (&["SET", "{lport.tenant-1}p", r#"{"id":"p","topic":"tenant-1","version":2}"#], "set"),
        (&["DEL", "{lport.tenant-1}p"], "delete"),
    ] {
        let marks: Vec<_> = agents.iter().map(Program::mark).collect();
        raw.call(command);
        for (agent, mark) in agents.iter().zip(marks) {
            let found =
                agent.wait_for_since(mark, action, |line| line["action"] == action && line["key"] == "p");
            assert_eq!(found["origin"], "sync", "{found}");
        }
    }
}
