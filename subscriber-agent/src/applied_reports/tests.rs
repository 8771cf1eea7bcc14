use std::sync::Arc;
use std::time::{Duration, Instant};

use delivery::subscriber::{AppliedStream, DeliveryMode};
use delivery::{AppliedReport, Position, SyncItem};
use pubsub_api::{Action, Event, SEND_ALL, Stamp, Topic};

use super::{AppliedReports, KEEPALIVE, RENEWAL};
use crate::Change;

const SECOND: Duration = Duration::from_secs(1);

fn reporter(now: Instant) -> AppliedReports {
    AppliedReports {
        agent: "compute-7".to_owned(),
        instance: 1,
        interval: SECOND,
        due: now,
        publishers: Default::default(),
        error: None,
    }
}

fn item(topic: &str, sequence: u64) -> SyncItem {
    SyncItem { topic: Topic::new(topic.to_owned()).unwrap(), position: Position { epoch: 1, sequence } }
}

fn stream(positions: Vec<SyncItem>) -> AppliedStream {
    AppliedStream { endpoint: "tcp://api-1:8866".to_owned(), publisher: 3, state: "live", positions }
}

fn positions(reports: &[(String, AppliedReport)]) -> Vec<SyncItem> {
    reports.iter().flat_map(|(_, report)| report.positions.clone()).collect()
}

#[test]
fn a_report_has_what_changed_and_comes_at_least_every_ten_seconds() {
    let start = Instant::now();
    let mut reporter = reporter(start);
    let mut at = |second: u32, items: Vec<SyncItem>| {
        let now = start + second * SECOND;
        assert!(reporter.is_due(now), "at {second}");
        reporter.next(vec![stream(items)], &[], now)
    };
    assert_eq!(positions(&at(0, vec![item("a", 1), item("b", 1)])).len(), 2);
    assert_eq!(positions(&at(1, vec![item("a", 2), item("b", 1)])), [item("a", 2)]);
    assert!(at(2, vec![item("a", 2), item("b", 1)]).is_empty());
    let kept_alive = at(11, vec![item("a", 2), item("b", 1)]);
    assert_eq!((kept_alive.len(), positions(&kept_alive).len()), (1, 0));
    assert_eq!(positions(&at(30, vec![item("a", 2), item("b", 1)])).len(), 2, "everything again");
    assert_eq!((KEEPALIVE.as_secs(), RENEWAL.as_secs()), (10, 30));
}

#[test]
fn a_new_state_and_a_handlers_error_are_reported_without_a_change_of_positions() {
    let start = Instant::now();
    let mut reporter = reporter(start);
    reporter.next(vec![stream(Vec::new())], &[], start);
    let recovering = AppliedStream { state: "recovering", ..stream(Vec::new()) };
    let reports = reporter.next(vec![recovering.clone()], &[], start + SECOND);
    assert_eq!(reports[0].1.state, "recovering");
    reporter.note_error("exit status 1", start + SECOND);
    let reports = reporter.next(vec![recovering.clone()], &[], start + 3 * SECOND);
    let error = reports[0].1.error.clone().unwrap();
    assert_eq!((error.text.as_str(), error.seconds_ago), ("exit status 1", 2));
    assert!(reporter.next(vec![recovering], &[], start + 4 * SECOND).is_empty());
}

#[test]
fn of_many_topics_each_is_reported_in_turn() {
    let start = Instant::now();
    let mut reporter = reporter(start);
    let mut unseen: Vec<String> = (0..4000).map(|number| format!("topic-{number}")).collect();
    for second in 0..3 {
        let items = (0..4000).map(|number| item(&format!("topic-{number}"), u64::from(second) + 1)).collect();
        let reports = reporter.next(vec![stream(items)], &[], start + second * SECOND);
        assert_eq!(reports.len(), 8);
        assert!(reports.iter().all(|(_, report)| report.positions.len() <= AppliedReport::MAX_POSITIONS));
        let reported = positions(&reports);
        unseen.retain(|topic| !reported.iter().any(|item| item.topic.as_str() == topic));
    }
    assert_eq!(unseen.len(), 0, "although all topics changed each time");
}

#[test]
fn what_a_handler_is_not_done_with_is_not_applied() {
    let event = |publisher, sequence| {
        let stamp = Some(Stamp { publisher, epoch: 1, sequence, time_us: 0 });
        Arc::new(Event { stamp, ..Event::new("t", "k", Action::Set, "v", SEND_ALL) })
    };
    let live = |publisher, sequence| Change::live(event(publisher, sequence));
    let again = Change { event: event(3, 2), mode: DeliveryMode::Sync };
    let unfinished = [live(3, 9), live(3, 7), live(4, 1), again];
    let start = Instant::now();
    let items = vec![item("D", 9), item("other", 9)];
    let reports = reporter(start).next(vec![stream(items)], &unfinished, start);
    assert_eq!(positions(&reports), [item("D", 6), item("other", 9)]);
}

#[test]
fn an_unfinished_event_of_an_epoch_before_holds_back_sequences_that_began_again() {
    let stamp = Some(Stamp { publisher: 3, epoch: 1, sequence: 500, time_us: 0 });
    let event = Event { stamp, ..Event::new("t", "k", Action::Set, "v", SEND_ALL) };
    let position = Position { epoch: 2, sequence: 3 };
    let start = Instant::now();
    let items = vec![SyncItem { topic: SEND_ALL, position }];
    let reports = reporter(start).next(vec![stream(items)], &[Change::live(Arc::new(event))], start);
    assert_eq!(positions(&reports), [item("D", 499)]);
}

#[test]
fn with_interval_zero_nothing_is_ever_due() {
    let start = Instant::now();
    let mut never = reporter(start);
    never.interval = Duration::ZERO;
    assert_eq!((never.due(), never.is_due(start + RENEWAL)), (None, false));
}
