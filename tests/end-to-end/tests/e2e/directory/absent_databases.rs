//! A database that is not there, or none, when the service starts: events go on, and the rest follows when it comes.

use std::fs;

use end_to_end::{Folder, Service, counter, counters, event, until};
use redis_servers::RedisServer;

use super::scene::{Scene, quick, wait_for_action, wait_for_monitors};

#[test]
fn a_file_that_is_not_a_database_affects_no_event_and_its_replacement_is_used() {
    let scene = Scene::new();
    let junk = "this is no database, and long enough to be seen as such: ............................";
    fs::write(scene.file(), junk).unwrap();
    let service = scene.service("service");
    let agent = scene.folder.subscribed_agent("agent", &service);
    let opening_failures = || counter(&scene.folder.status("service"), "database", "opening_failures");
    until("it tries again", || (opening_failures() > 2).then_some(()));
    scene.folder.publish(&[event("lport", "p", "create", "{}", "D")]);
    wait_for_action(&agent, 0, "create", "p");
    let said = service.stderr();
    assert_eq!(said.matches("is not a database: name another file").count(), 1, "once per cause: {said}");
    assert!(said.contains("ERROR"), "only somebody can mend it: {said}");

    fs::remove_file(scene.file()).unwrap();
    until("the file is made anew", || scene.file().exists().then_some(()));
    wait_for_action(&agent, 0, "create", "service");
    assert_eq!(scene.database().wait_for_rows("publisher", 1)[0]["id"], "service");
}

#[test]
fn a_service_starts_before_its_redis_and_has_its_row_when_that_comes() {
    let mut redis = RedisServer::start(&[]);
    redis.kill();
    let folder = Folder::new();
    let launch = folder.launch("publisher-service", "service").set("publisher_id", "service");
    let launch = launch.set("nb_db_class", "redis_nb_db_driver").set("drivers.redis.timeout", "500ms");
    let service = Service::ready(quick(launch).set("drivers.redis.hosts", redis.address()).start());
    let agent = folder.subscribed_agent("agent", &service);
    until("it has tried", || {
        let status = folder.status("service");
        (counter(&status, "database", "opening_failures") > 0).then_some(())
    });
    folder.publish(&[event("lport", "p", "create", "{}", "D")]);
    wait_for_action(&agent, 0, "create", "p");

    redis.start_again();
    let row = until("the row", || {
        let row = redis.raw().call(&["GET", "{publisher.}service"]).text();
        row.contains(service.network()).then_some(row)
    });
    assert!(row.contains("last_activity_timestamp"), "{row}");
    wait_for_action(&agent, 0, "create", "service");

    redis.kill();
    let failures = || counter(&folder.status("service"), "directory", "directory_failures");
    until("the directory misses it", || (failures() > 0).then_some(()));
    let renewed = counter(&folder.status("service"), "directory", "leases_renewed");
    redis.start_again();
    until("the lease is renewed again", || {
        (counter(&folder.status("service"), "directory", "leases_renewed") > renewed).then_some(())
    });
}

#[test]
fn a_redis_that_requires_a_password_is_logged_as_an_error_and_stops_nothing() {
    let redis = RedisServer::start(&["--requirepass", "secret"]);
    let folder = Folder::new();
    let launch = folder.launch("publisher-service", "service").set("nb_db_class", "redis_nb_db_driver");
    let service = Service::ready(quick(launch).set("drivers.redis.hosts", redis.address()).start());
    let agent = folder.subscribed_agent("agent", &service);
    let refusals = || counters(&folder.status("service"), "database", "opening_failures");
    until("it has tried twice", || refusals().contains(&("settings".to_owned(), 2)).then_some(()));
    folder.publish(&[event("lport", "p", "create", "{}", "D")]);
    wait_for_action(&agent, 0, "create", "p");
    let said = service.stderr();
    assert_eq!(said.matches("ERROR").count(), 1, "{said}");
    assert!(said.contains("password"), "{said}");
}

#[test]
fn a_file_that_is_away_for_a_while_is_watched_again_when_it_is_back() {
    let scene = Scene::new();
    let service = scene.service("service");
    let agent = scene.live_agent(&service);
    wait_for_monitors(&scene.folder, "service");
    let (database, away) = (scene.database(), scene.folder.path().join("away"));
    database.write("chassis", "a", r#"{"id":"a"}"#);
    wait_for_action(&agent, 0, "create", "a");
    fs::rename(scene.file(), &away).unwrap();
    let failures = || counter(&scene.folder.status("service"), "monitors", "poll_failures");
    until("polls fail", || (failures() > 1).then_some(()));
    fs::rename(&away, scene.file()).unwrap();
    database.write("chassis", "b", r#"{"id":"b"}"#);
    wait_for_action(&agent, 0, "create", "b");
    let gone = agent.events().iter().any(|event| event["action"] == "delete");
    assert!(!gone, "what cannot be read is not gone");
}
