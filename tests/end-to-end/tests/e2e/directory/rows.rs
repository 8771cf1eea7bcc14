//! The row of a service: its content, when it is written and removed, and which programs see it.

use std::time::{Duration, Instant, SystemTime};

use end_to_end::{Folder, Service, counter, fixed_port, until};
use serde_json::Value;

use super::scene::{Scene, wait_for_action};

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

fn last_activity(row: &Value) -> f64 {
    row["last_activity_timestamp"].as_f64().unwrap()
}

#[test]
fn a_service_has_a_row_of_three_fields_which_it_renews_and_keeps_over_a_restart() {
    let (scene, port) = (Scene::new(), fixed_port());
    let mut service = Service::ready(scene.launch("service", port).start());
    let database = scene.database();
    let row = database.wait_for_rows("publisher", 1).remove(0);
    let fields: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["id", "uri", "last_activity_timestamp"]);
    assert_eq!((&row["id"], &row["uri"]), (&"service".into(), &service.network().into()));
    let renewed = until("the renewal", || {
        Some(database.rows("publisher").remove(0)).filter(|now| last_activity(now) > last_activity(&row))
    });

    service.terminate();
    let after = database.rows("publisher");
    assert_eq!(ids(&after), ["service"], "a restart is no absence");
    let _service = Service::ready(scene.launch("service", port).start());
    until("the renewal after the restart", || {
        let rows = database.rows("publisher");
        assert_eq!(ids(&rows), ["service"]);
        (last_activity(&rows[0]) > last_activity(&renewed)).then_some(())
    });
}

#[test]
fn two_services_of_a_host_have_two_rows_and_both_report_that_they_are_alive() {
    let scene = Scene::new();
    let (one, two) = (scene.service("service"), scene.service("second"));
    let database = scene.database();
    let rows = database.wait_for_rows("publisher", 2);
    assert_eq!(ids(&rows), ["second", "service"]);
    assert_eq!((&rows[0]["uri"], &rows[1]["uri"]), (&two.network().into(), &one.network().into()));
    let alive = database.wait_for_rows("service", 2);
    assert!(alive.iter().all(|row| row["binary"] == "skimmer-publisher-service"));
    assert_eq!(alive[0]["chassis"], alive[1]["chassis"]);
}

#[test]
fn a_service_that_binds_all_addresses_is_in_the_directory_with_the_address_of_its_host() {
    let scene = Scene::new();
    let launch =
        scene.launch("service", 0).set("publisher_bind_address", "*").set("allow_unauthenticated", true);
    let service = Service::ready(launch.set("management_ip", "127.0.0.2").start());
    let port = service.address().rsplit_once(':').unwrap().1;
    let row = scene.database().wait_for_rows("publisher", 1).remove(0);
    assert_eq!(row["uri"], format!("tcp://127.0.0.2:{port}"));
}

#[test]
fn the_row_of_a_killed_service_is_removed_by_another_and_the_agents_learn_of_it() {
    let scene = Scene::new();
    let (service, mut killed) = (scene.service("service"), scene.service("killed"));
    let agent = scene.live_agent(&service);
    let database = scene.database();
    database.wait_for_rows("publisher", 2);
    killed.kill();
    let event = wait_for_action(&agent, 0, "delete", "killed");
    assert_eq!((&event["table"], &event["value"]), (&"publisher".into(), &Value::Null));
    assert_eq!(ids(&database.rows("publisher")), ["service"]);
}

#[test]
fn renewals_of_leases_publish_no_events() {
    let scene = Scene::new();
    let service = scene.service("service");
    let database = scene.database();
    let row = database.wait_for_rows("publisher", 1).remove(0);
    let agent = scene.live_agent(&service);
    let mark = agent.mark();
    until("some renewals", || {
        (last_activity(&database.rows("publisher")[0]) > last_activity(&row) + 3.0).then_some(())
    });
    scene.folder.publish(&[end_to_end::event("lport", "after", "create", "{}", "D")]);
    wait_for_action(&agent, mark, "create", "after");
    let reported: Vec<Value> = agent.lines().into_iter().skip(mark).filter(end_to_end::is_event).collect();
    assert_eq!(reported.len(), 1, "{reported:?}");
}

#[test]
fn a_service_that_is_not_to_use_the_database_leaves_it_alone() {
    let folder = Folder::new();
    let service = folder.service();
    let status = folder.status("service");
    assert!(status["parts"].get("directory").is_none(), "{status}");
    assert!(!folder.state_dir("service.state").join("northbound.sqlite").exists());
    drop(service);
}

/// A row that the test keeps for a publisher whose clock is wrong by this number of seconds.
#[expect(clippy::disallowed_methods, reason = "rows have wall-clock times")]
fn row_of_other(clock: f64, renewals: u32) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    let time = now + clock + f64::from(renewals);
    serde_json::json!({"id": "other", "uri": "tcp://192.0.2.1:8866", "last_activity_timestamp": time})
        .to_string()
}

#[test]
fn a_publisher_whose_clock_is_wrong_keeps_its_row_while_it_renews_it_and_not_longer() {
    for clock in [-3600.0, 3600.0] {
        let scene = Scene::new();
        let service = scene.service("service");
        let agent = scene.live_agent(&service);
        let database = scene.database();
        // Much longer than `publisher_timeout`, which is three seconds.
        let end = Instant::now() + Duration::from_secs(8);
        let mut renewals = 0;
        while Instant::now() < end {
            database.write("publisher", "other", row_of_other(clock, renewals));
            renewals += 1;
            #[expect(
                clippy::disallowed_methods,
                reason = "the interval at which the other publisher renews its row"
            )]
            std::thread::sleep(Duration::from_millis(500));
            assert_eq!(ids(&database.rows("publisher")), ["other", "service"], "clock {clock}");
        }
        wait_for_action(&agent, 0, "delete", "other");
        assert_eq!(ids(&database.rows("publisher")), ["service"]);
    }
}

#[test]
fn a_service_whose_row_was_removed_reports_it_and_writes_it_again() {
    let scene = Scene::new();
    let service = scene.service("service");
    let database = scene.database();
    database.wait_for_rows("publisher", 1);
    database.delete("publisher", "service");
    database.wait_for_rows("publisher", 1);
    until("it is counted", || {
        (counter(&scene.folder.status("service"), "directory", "own_row_removed") == 1).then_some(())
    });
    let said = service.stderr();
    assert!(said.contains("removed the row of service from the directory"), "{said}");
}
