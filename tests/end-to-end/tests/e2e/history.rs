//! The validators of the guarantees find what breaks them, and nothing else.

use end_to_end::{History, assert_convergent, event, fold};
use serde_json::{Value, json};

#[cfg(test)]
fn stamped(topic: &str, epoch: u64, number: u64) -> Value {
    let mut line = event("t", &format!("{epoch}-{number}"), "set", "v", topic);
    line["stamp"] =
        json!({ "publisher": "5f1c0b5e2a9d4c11", "epoch": epoch, "sequence": number, "time_us": 1 });
    line
}

#[cfg(test)]
fn d(epoch: u64, number: u64) -> Value {
    stamped("D", epoch, number)
}

#[cfg(test)]
fn row(epoch: u64, number: u64) -> Value {
    let mut line = d(epoch, number);
    line["origin"] = "snapshot".into();
    line
}

#[cfg(test)]
fn reported(notice: &str, topic: &str) -> Value {
    json!({ "notice": notice, "publisher": "tcp://127.0.0.1:1", "topic": topic, "reason": "why" })
}

#[cfg(test)]
fn duplicate() -> Value {
    json!({ "notice": "duplicate_publisher", "id": "5f1c0b5e2a9d4c11", "publishers": ["a", "b"] })
}

#[test]
fn a_violated_guarantee_is_reported_by_its_name() {
    let cases: [(&str, Vec<Value>, &[&str]); 14] = [
        ("consecutive", vec![d(5, 1), d(5, 2), stamped("E", 5, 1)], &[]),
        ("numbers go on in a later epoch", vec![d(5, 1), d(6, 2), d(7, 3)], &[]),
        ("the same again", vec![d(5, 1), d(5, 1)], &["unique"]),
        ("an earlier number", vec![d(5, 1), d(5, 2), d(5, 1)], &["ordered"]),
        ("an earlier epoch", vec![d(5, 1), d(4, 2)], &["ordered"]),
        ("a silent hole", vec![d(5, 1), d(5, 3)], &["complete or loud"]),
        ("a silent hole at the start", vec![d(5, 2)], &["complete or loud"]),
        ("numbers begin anew", vec![d(5, 1), d(5, 2), d(6, 1)], &["complete or loud"]),
        ("a hole that was reported", vec![d(5, 1), reported("gap", "D"), d(5, 3)], &[]),
        (
            "a hole reported of another topic",
            vec![d(5, 1), reported("gap", "E"), d(5, 3)],
            &["complete or loud"],
        ),
        ("reported too early", vec![reported("gap", "D"), d(5, 1), d(5, 3)], &["complete or loud"]),
        ("reported too late", vec![d(5, 1), d(5, 3), reported("gap", "D")], &["complete or loud"]),
        (
            "a lost link reports no hole",
            vec![d(5, 1), reported("link_down", "D"), d(5, 3)],
            &["complete or loud"],
        ),
        ("two with one id", vec![d(5, 1), duplicate(), d(4, 1), d(5, 2), d(4, 2)], &[]),
    ];
    for (case, lines, broken) in cases {
        assert_eq!(History::of(&lines).broken(), broken, "{case}");
    }
}

#[test]
fn a_stream_continues_after_a_snapshot_whatever_stamps_its_rows_have() {
    let behind = History::of(&[d(5, 1), row(5, 9), row(5, 4), d(6, 12), d(6, 13)]).assert_sound();
    assert_eq!((behind.holes().len(), behind.holes()[0].reported), (1, "snapshot"));
    assert_eq!(behind.epochs(), [5, 6]);
    assert_eq!(History::of(&[row(5, 9), d(5, 9)]).broken(), ["unique"], "its rows need not come again");
}

#[test]
fn the_strongest_of_several_notices_is_reported_and_the_restarted_publisher_continues() {
    let first = [reported("recovering", "D"), reported("resync", "D"), reported("gap", "D"), d(5, 3)];
    let history = History::of(&first).then(&[d(5, 4), d(5, 6)]);
    assert_eq!(history.holes()[0].reported, "resync");
    assert_eq!(history.broken(), ["complete or loud"]);
    assert_eq!((history.stamped(), History::of(&[event("t", "k", "set", "v", "D")]).unstamped()), (3, 1));
}

#[test]
#[should_panic(
    expected = "complete or loud: line 2: topic D: 3 of epoch 5 after 1 of epoch 5, and no notice"
)]
#[cfg(test)]
fn the_name_of_the_guarantee_and_the_place_stand_in_the_failure() {
    let _ = History::of(&[d(5, 1), d(5, 3)]).assert_sound();
}

#[test]
#[should_panic(
    expected = "convergent: 3 of 2 rows are wrong: [(\"missing\", (\"t\", \"5-1\")), (\"too many\""
)]
#[cfg(test)]
fn tables_that_differ_are_no_convergence() {
    let published = [event("t", "5-1", "set", "v", "D"), event("t", "5-2", "set", "w", "D")];
    assert_convergent(&[d(5, 2), d(5, 3)], &fold(&published));
}
