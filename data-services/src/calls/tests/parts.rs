//! Calls whose results consist of several parts.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::pair::{Pair, method, secs};
use crate::calls::{CallId, CallMessage, CallOptions, Invocation, PartOutcome, RunId};
use crate::{CallError, CallErrorKind};

const WINDOW: u64 = 4;

impl Pair {
    /// The method sends a part.
    fn part(&mut self, run: RunId, part: &Json) -> Result<PartOutcome, CallError> {
        let mut effects = Vec::new();
        let outcome = self.callee.part(run, part, &mut effects);
        self.of_callee(effects);
        outcome
    }

    /// The reader reads every part that has arrived.
    fn read(&mut self, id: CallId) -> Vec<Json> {
        let read = std::mem::take(&mut self.parts);
        let mut effects = Vec::new();
        self.caller.parts_read(id, read.len() as u64, &mut effects);
        self.of_caller(effects);
        read
    }
}

/// A call with parts that runs.
fn running(pair: &mut Pair) -> (CallId, RunId) {
    let invocation = Invocation { window: WINDOW, ..method("list") };
    let id = pair.invoke(invocation, &json!(1), secs(60)).unwrap();
    pair.pass();
    (id, pair.started.last().unwrap().run)
}

/// Sends parts from a number on until the callee has no credit; returns the next number.
fn send(pair: &mut Pair, run: RunId, from: u64) -> u64 {
    let mut next = from;
    while pair.part(run, &json!(next)) == Ok(PartOutcome::Sent) {
        next += 1;
    }
    next
}

#[test]
fn parts_arrive_in_order_before_the_end_and_a_reader_that_does_not_read_stops_the_method() {
    let mut pair = Pair::new();
    let (id, run) = running(&mut pair);
    assert_eq!(send(&mut pair, run, 0), WINDOW);
    pair.pass();
    pair.advance(secs(10));
    assert_eq!(pair.part(run, &json!(4)), Ok(PartOutcome::Full), "nothing was read");
    assert_eq!(pair.read(id), [0, 1, 2, 3].map(|part| json!(part)));
    pair.pass();
    assert_eq!(send(&mut pair, run, 4), 8);
    pair.pass();
    pair.finish(run, Ok(json!("end")));
    pair.pass();
    assert_eq!(pair.read(id), [4, 5, 6, 7].map(|part| json!(part)));
    assert_eq!(pair.ended, [(id, Ok(json!("end")))]);
}

#[test]
fn lost_and_reordered_parts_are_repeated_and_the_end_waits_for_them() {
    let mut pair = Pair::new();
    let (id, run) = running(&mut pair);
    send(&mut pair, run, 0);
    pair.replies.make_contiguous().reverse();
    pair.pass_except(|message| matches!(message, CallMessage::Part { index: 1 | 2, .. }));
    assert_eq!(pair.read(id), [json!(0)]);
    pair.finish(run, Ok(json!("end")));
    pair.pass();
    assert!(pair.ended.is_empty());
    pair.advance(secs(1));
    assert_eq!(pair.read(id), [1, 2, 3].map(|part| json!(part)));
    assert_eq!(pair.ended, [(id, Ok(json!("end")))]);
}

#[test]
fn a_stream_survives_the_loss_of_any_message() {
    for lost in 0..40 {
        let mut pair = Pair::new();
        let (id, run) = running(&mut pair);
        let (mut count, mut next, mut read) = (0, 0, Vec::new());
        let mut loses = |_: &CallMessage| {
            count += 1;
            count == lost + 1
        };
        while next < 12 {
            next = send(&mut pair, run, next);
            pair.advance_except(secs(1), &mut loses);
            read.extend(pair.read(id));
            assert!(pair.now < secs(50), "lost message {lost}: {next} parts");
        }
        pair.finish(run, Ok(json!("end")));
        while pair.ended.is_empty() {
            pair.advance_except(Duration::from_millis(500), &mut loses);
            read.extend(pair.read(id));
        }
        read.extend(pair.read(id));
        assert_eq!(read, (0..next).map(|part| json!(part)).collect::<Vec<_>>(), "lost message {lost}");
        assert_eq!(pair.ended, [(id, Ok(json!("end")))], "lost message {lost}");
    }
}

#[test]
fn a_cancelled_call_with_parts_is_forgotten_and_its_method_learns_that() {
    let mut pair = Pair::new();
    let (id, run) = running(&mut pair);
    send(&mut pair, run, 0);
    pair.pass();
    pair.cancel(id);
    pair.pass();
    assert_eq!(pair.cancelled, [run]);
    assert_eq!(pair.part(run, &json!(9)).unwrap_err().kind(), CallErrorKind::Cancelled);
}

#[test]
fn a_deadline_ends_a_stream() {
    let mut pair = Pair::new();
    let (id, run) = running(&mut pair);
    send(&mut pair, run, 0);
    pair.advance(secs(60));
    assert_eq!((pair.kind(id), pair.cancelled.as_slice()), (CallErrorKind::Timeout, &[run][..]));
}

#[test]
fn parts_beyond_the_bounds_and_for_a_caller_without_parts_are_refused() {
    let mut pair = Pair::with(CallOptions { part_bytes: 10, ..CallOptions::default() });
    let (_, run) = running(&mut pair);
    let refused = |pair: &mut Pair, part| pair.part(run, &part).unwrap_err().kind();
    assert_eq!(refused(&mut pair, json!("x".repeat(300_000))), CallErrorKind::Remote);
    assert_eq!(pair.part(run, &json!("12345678")), Ok(PartOutcome::Sent));
    assert_eq!(refused(&mut pair, json!(1)), CallErrorKind::Overloaded);
    let (_, plain) = pair.running_call(secs(60));
    assert_eq!(pair.part(plain.run, &json!(1)).unwrap_err().kind(), CallErrorKind::BadArguments);
}
