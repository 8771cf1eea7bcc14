use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pubsub_api::{Counter, CounterReading, LatencyCounter, NamedCounters, RefusalReading, Status};
use serde_json::Value;

use super::{EventHub, MAX_STREAMS, NoticeJournal, Observation, Observer};
use crate::metrics::Scrape;
use crate::{PeerCondition, PeerList, PeerRow, ReadinessCheck};

fn row(name: &str, condition: PeerCondition) -> PeerRow {
    PeerRow {
        id: name.to_owned(),
        name: name.to_owned(),
        address: String::new(),
        version: String::new(),
        state: "live".to_owned(),
        condition,
        lag_events: 0,
        lag_seconds: 0,
        quiet_seconds: 0,
        last_error: None,
    }
}

/// A reading of a service `second` seconds after its start.
fn seen(second: u64, began: Instant, parts: BTreeMap<String, Status>, rows: Vec<PeerRow>) -> Observation {
    Observation {
        now: began + Duration::from_secs(second),
        now_ms: second * 1000,
        uptime_seconds: second,
        scrape: Scrape {
            program: "publisher-service".to_owned(),
            version: "1.2.3".to_owned(),
            is_ready: true,
            uptime_seconds: 1.0,
            parts,
        },
        checks: vec![ReadinessCheck::met("ring", "it is open")],
        peers: Some(PeerList { kind: "agents", note: "", rows }),
    }
}

fn delivery(published: u64) -> Status {
    let topics = NamedCounters::new("events_published", "topic");
    topics.count("D", published);
    let latency = LatencyCounter::new("fanout_latency");
    latency.add(80, published);
    Status { named: vec![topics.read()], latencies: vec![latency.read()], ..Status::default() }
}

fn dropped(times: u64) -> Status {
    let counter =
        CounterReading { name: "events_dropped".to_owned(), cause: Some("stamped".to_owned()), value: times };
    Status { counters: vec![counter], ..Status::default() }
}

/// The name and the data of an encoded event.
fn read(event: Vec<u8>) -> (String, Value) {
    let text = String::from_utf8(event).unwrap();
    let (name, rest) = text.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
    let data = rest.strip_suffix("\n\n").unwrap();
    assert!(!data.contains('\n'), "data is one line");
    (name.to_owned(), serde_json::from_str(data).unwrap())
}

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap_or_default()).collect()
}

#[test]
fn a_snapshot_has_everything_and_an_update_only_what_has_changed() {
    let (began, journal, mut observer) = (Instant::now(), NoticeJournal::default(), Observer::default());
    let fine = |name: &str| row(name, PeerCondition::Fine);
    let parts = |published| BTreeMap::from([("delivery".to_owned(), delivery(published))]);
    observer.take(seen(1, began, parts(100), vec![fine("a"), fine("b"), fine("c")]), &journal);
    observer.take(seen(2, began, parts(350), vec![fine("a"), row("b", PeerCondition::Stale)]), &journal);
    let (name, update) = read(observer.changes());
    assert_eq!((name.as_str(), names(&update["peers"]["changed"])), ("update", vec!["b"]));
    assert_eq!(update["peers"]["removed"], serde_json::json!(["c"]));
    assert_eq!((&update["peers"]["total"], &update["peers"]["conditions"]["stale"]), (&2.into(), &1.into()));
    let published =
        update["rates"].as_array().unwrap().iter().position(|rate| rate["name"] == "events_published");
    let points = update["points"].as_array().unwrap();
    assert_eq!((points.len(), &points[0]["rates"][published.unwrap()]), (1, &250.0.into()));
    let p50 = points[0]["latencies"][0]["p50_us"].as_f64().unwrap();
    assert!((50.0..=100.0).contains(&p50), "{p50}");
    assert_eq!(update["notices"][0]["text"], "b is stale: live");

    let (name, snapshot) = read(observer.snapshot());
    assert_eq!((name.as_str(), names(&snapshot["peers"]["changed"])), ("snapshot", vec!["a", "b"]));
    assert_eq!(snapshot["points"].as_array().unwrap().len(), 2);
    observer.take(seen(3, began, parts(350), vec![fine("a"), row("b", PeerCondition::Stale)]), &journal);
    let (_, update) = read(observer.changes());
    assert_eq!(
        (names(&update["peers"]["changed"]).len(), update["notices"].as_array().unwrap().len()),
        (0, 0)
    );
}

#[test]
fn losses_refusals_and_checks_are_noted_when_they_rise_or_change() {
    let (began, journal, mut observer) = (Instant::now(), NoticeJournal::default(), Observer::default());
    let refusal = RefusalReading {
        cause: "stamped".to_owned(),
        who: "worker 1f".to_owned(),
        reason: "it is stamped".to_owned(),
        times: 2,
        seconds_ago: 0,
    };
    let parts = |times| {
        BTreeMap::from([("service".to_owned(), Status { refusals: vec![refusal.clone()], ..dropped(times) })])
    };
    observer.take(seen(1, began, parts(2), Vec::new()), &journal);
    observer.take(seen(2, began, parts(9), Vec::new()), &journal);
    let mut last = seen(3, began, parts(9), Vec::new());
    last.checks = vec![ReadinessCheck::failed("ring", "it is gone")];
    observer.take(last, &journal);
    let (_, snapshot) = read(observer.snapshot());
    let notices: Vec<(&str, &str, u64)> = snapshot["notices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|notice| {
            (
                notice["kind"].as_str().unwrap(),
                notice["text"].as_str().unwrap(),
                notice["times"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        notices,
        [
            ("readiness", "the check ring is not met: it is gone", 1),
            ("loss", "events dropped: hop worker, cause stamped", 9),
            ("refusal", "worker 1f: it is stamped (stamped)", 2),
        ]
    );
    let loss = &snapshot["losses"][0];
    assert_eq!((&loss["total"], &loss["at_ms"]), (&9.0.into(), &2000.into()));
}

#[test]
fn a_thousand_agents_that_become_stale_together_are_one_notice_and_the_worst_are_listed() {
    let (began, journal, mut observer) = (Instant::now(), NoticeJournal::default(), Observer::default());
    let all =
        |condition| (0..3000).map(|number| row(&format!("compute-{number}"), condition)).collect::<Vec<_>>();
    observer.take(seen(1, began, BTreeMap::new(), all(PeerCondition::Fine)), &journal);
    let mut rows = all(PeerCondition::Fine);
    for row in rows.iter_mut().skip(2000) {
        row.condition = PeerCondition::Stale;
    }
    observer.take(seen(2, began, BTreeMap::new(), rows), &journal);
    let (_, snapshot) = read(observer.snapshot());
    let peers = &snapshot["peers"];
    assert_eq!((&peers["total"], &peers["conditions"]["stale"]), (&3000.into(), &1000.into()));
    let listed = peers["changed"].as_array().unwrap();
    assert_eq!(listed.len(), 2000);
    assert_eq!(
        listed.iter().filter(|row| row["condition"] == "stale").count(),
        1000,
        "no stale one is left out"
    );
}

#[test]
fn the_journal_counts_what_repeats_and_keeps_the_latest_two_hundred() {
    let journal = NoticeJournal::default();
    for number in 0..300 {
        journal.note_at("gap", &format!("topic {number}"), 1, number);
    }
    journal.note_at("gap", "topic 250", 5, 1000);
    let (entries, calls) = journal.read();
    assert_eq!((entries.len(), calls), (200, 301));
    assert_eq!((entries[0].text.as_str(), entries[0].times, entries[0].id), ("topic 250", 6, 251));
    journal.note_at("gap", "topic 250", 1, 100_000);
    assert_eq!(journal.read().0[0].times, 1, "a minute later it is news again");
    journal.note_at("gap", &"ä".repeat(1000), 1, 0);
    assert_eq!(journal.read().0[0].text.len(), 512);
}

#[tokio::test]
async fn streams_are_bounded_and_each_event_is_encoded_once_for_all() {
    let hub = EventHub::new();
    let mut streams: Vec<_> = (0..MAX_STREAMS).map_while(|_| hub.open()).collect();
    assert_eq!((streams.len(), hub.open().is_none()), (MAX_STREAMS, true));
    let (snapshots, changes) = (Counter::new("snapshots"), Counter::new("changes"));
    let made = |counter: &Counter| {
        counter.add(1);
        b"event".to_vec()
    };
    for _ in 0..2 {
        hub.publish(|| made(&snapshots), || made(&changes));
    }
    assert_eq!((snapshots.get(), changes.get()), (1, 1));
    streams.pop();
    streams.push(hub.open().unwrap());
    hub.publish(|| made(&snapshots), || made(&changes));
    assert_eq!((snapshots.get(), changes.get()), (2, 2), "the new one gets a snapshot");
    let slow = streams[0].eviction();
    hub.beat();
    assert!(hub.is_watched());
    let evicted = tokio::time::timeout(Duration::from_secs(60), slow.evicted()).await;
    assert!(evicted.is_ok(), "the client that does not read is disconnected");
    assert_eq!(streams[0].events.recv().await.as_deref(), Some(&b"retry: 2000\n\n"[..]));
    streams.clear();
    assert!(!hub.is_watched() && hub.open().is_some(), "the places are free again");
}
