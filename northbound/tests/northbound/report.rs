//! The periodic report of a program that it is alive.

use std::sync::Arc;
use std::time::Duration;

use northbound::{SERVICE_TABLE, ServiceReport, ServiceRow};
use pubsub_api::database::{DbApi, RowName};

use crate::database::Interrupted;
use crate::scene::{Scene, quick};

const INTERVAL: Duration = Duration::from_secs(25);

fn report(database: Arc<dyn DbApi>, identity: &str) -> ServiceReport {
    ServiceReport::new(database, "skimmer-publisher-service", identity, INTERVAL)
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(1_700_000_000 + seconds)
}

async fn rows(scene: &Scene) -> Vec<ServiceRow> {
    let entries = scene.database.get_all_entries(SERVICE_TABLE, None).await.unwrap();
    entries.iter().map(|entry| ServiceRow::parse(&entry.value).unwrap()).collect()
}

#[tokio::test]
async fn each_program_has_a_row_that_it_renews_without_an_event() {
    let scene = Scene::new("report", quick()).await;
    let (a, b) = (report(Arc::clone(&scene.database), "a"), report(Arc::clone(&scene.database), "b"));
    a.write(at(0)).await.unwrap();
    b.write(at(0)).await.unwrap();
    a.write(at(25)).await.unwrap();
    let rows = rows(&scene).await;
    let mut seen: Vec<Duration> = rows.iter().map(|row| row.last_seen_up).collect();
    seen.sort();
    assert_eq!(seen, [at(0), at(25)]);
    assert!(rows.iter().all(|row| row.binary == "skimmer-publisher-service" && !row.chassis.is_empty()));
    assert_eq!(scene.published(), [""; 0]);
}

#[tokio::test]
async fn a_disabled_program_stays_disabled_and_an_invalid_row_is_overwritten() {
    let scene = Scene::new("report_disabled", quick()).await;
    let report = report(Arc::clone(&scene.database), "a");
    report.write(at(0)).await.unwrap();
    let row = rows(&scene).await.remove(0);
    let disabled = ServiceRow { disabled: true, disabled_reason: Some("repair".to_owned()), ..row };
    let name = RowName::new(SERVICE_TABLE, &disabled.id);
    scene.database.set_key(name, disabled.to_json()).await.unwrap();
    report.write(at(25)).await.unwrap();
    assert_eq!(rows(&scene).await, [ServiceRow { last_seen_up: at(25), ..disabled.clone() }]);

    scene.database.set_key(name, "junk".into()).await.unwrap();
    report.write(at(50)).await.unwrap();
    let fresh = ServiceRow { last_seen_up: at(50), disabled: false, disabled_reason: None, ..disabled };
    assert_eq!(rows(&scene).await, [fresh]);
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_database_is_counted_and_retried() {
    let scene = Scene::new("report_away", quick()).await;
    let database = Interrupted::new(&scene.database);
    let of_report: Arc<dyn DbApi> = Arc::<Interrupted>::clone(&database);
    let report = Arc::new(report(of_report, "a"));
    database.go();
    let running = Arc::clone(&report);
    let task = tokio::spawn(async move { running.run().await });
    tokio::time::sleep(INTERVAL * 3 - INTERVAL / 2).await;
    assert_eq!(report.status().counter("report_failures", Some("unavailable")), 3);
    assert!(rows(&scene).await.is_empty());
    database.come_back();
    tokio::time::sleep(INTERVAL).await;
    assert_eq!((rows(&scene).await.len(), report.status().counter("reports_written", None)), (1, 1));
    task.abort();
}
