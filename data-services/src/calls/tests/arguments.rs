//! Calls whose arguments consist of several parts.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::pair::{Pair, method, secs};
use crate::calls::{CallId, CallMessage, CallOptions, Invocation, PartOutcome, RunId};
use crate::{CallError, CallErrorKind, IdempotencyKey};

const WINDOW: u64 = 4;

fn options() -> CallOptions {
    CallOptions { argument_window: WINDOW, ..CallOptions::default() }
}

fn invocation() -> Invocation {
    Invocation { sends_parts: true, ..method("store") }
}

impl Pair {
    /// The caller sends a part.
    fn argument(&mut self, id: CallId, part: &Json) -> Result<PartOutcome, CallError> {
        let mut effects = Vec::new();
        let outcome = self.caller.argument(id, part, &mut effects);
        self.of_caller(effects);
        outcome
    }

    fn end_arguments(&mut self, id: CallId) {
        let mut effects = Vec::new();
        self.caller.end_arguments(id, &mut effects);
        self.of_caller(effects);
    }

    /// The method reads every part that has arrived.
    fn read_arguments(&mut self, run: RunId) -> Vec<Json> {
        let read = std::mem::take(&mut self.arguments);
        let mut effects = Vec::new();
        self.callee.arguments_read(run, read.len() as u64, &mut effects);
        self.of_callee(effects);
        read
    }

    /// Sends parts from a number on until there is no credit; returns the next number.
    fn send_arguments(&mut self, id: CallId, from: u64) -> u64 {
        let mut next = from;
        while self.argument(id, &json!(next)) == Ok(PartOutcome::Sent) {
            next += 1;
        }
        next
    }
}

/// A call that runs.
fn running(pair: &mut Pair) -> (CallId, RunId) {
    let id = pair.invoke(invocation(), &json!(1), secs(60)).unwrap();
    pair.pass();
    (id, pair.started.last().unwrap().run)
}

fn numbers(range: std::ops::Range<u64>) -> Vec<Json> {
    range.map(|part| json!(part)).collect()
}

#[test]
fn parts_arrive_in_order_before_their_end_and_a_method_that_does_not_read_stops_the_caller() {
    let mut pair = Pair::with(options());
    let id = pair.invoke(invocation(), &json!(1), secs(60)).unwrap();
    assert_eq!(pair.argument(id, &json!(0)), Ok(PartOutcome::Full), "the method does not run yet");
    pair.pass();
    let run = pair.started.last().unwrap().run;
    assert_eq!(pair.send_arguments(id, 0), WINDOW);
    pair.pass();
    pair.advance(secs(10));
    assert_eq!(pair.argument(id, &json!(4)), Ok(PartOutcome::Full), "nothing was read");
    assert_eq!(pair.read_arguments(run), numbers(0..4));
    pair.pass();
    assert_eq!(pair.send_arguments(id, 4), 8);
    pair.end_arguments(id);
    pair.pass();
    assert_eq!((pair.read_arguments(run), pair.complete.as_slice()), (numbers(4..8), &[run][..]));
    pair.finish(run, Ok(json!("stored")));
    pair.pass();
    assert_eq!(pair.ended, [(id, Ok(json!("stored")))]);
    pair.advance(secs(200));
    assert_eq!(pair.complete, [run], "the end comes once");
}

#[test]
fn lost_and_reordered_parts_are_repeated_and_the_end_waits_for_them() {
    let mut pair = Pair::with(options());
    let (id, run) = running(&mut pair);
    pair.send_arguments(id, 0);
    pair.end_arguments(id);
    pair.requests.make_contiguous().reverse();
    pair.pass_except(|message| matches!(message, CallMessage::Argument { index: 1 | 2, .. }));
    assert_eq!((pair.read_arguments(run), pair.complete.len()), (numbers(0..1), 0));
    pair.advance(secs(3));
    assert_eq!((pair.read_arguments(run), pair.complete.as_slice()), (numbers(1..4), &[run][..]));
}

#[test]
fn an_upload_survives_the_loss_of_any_message() {
    for lost in 0..40 {
        let mut pair = Pair::with(options());
        let id = pair.invoke(invocation(), &json!(1), secs(60)).unwrap();
        let (mut count, mut next, mut read) = (0, 0, Vec::new());
        let mut loses = |_: &CallMessage| {
            count += 1;
            count == lost + 1
        };
        while next < 12 {
            pair.advance_except(secs(1), &mut loses);
            next = pair.send_arguments(id, next);
            if let Some(run) = pair.started.last().map(|started| started.run) {
                read.extend(pair.read_arguments(run));
            }
            assert!(pair.now < secs(50), "lost message {lost}: {next} parts");
        }
        pair.end_arguments(id);
        let run = pair.started.last().unwrap().run;
        while pair.complete.is_empty() {
            pair.advance_except(Duration::from_millis(500), &mut loses);
            read.extend(pair.read_arguments(run));
            assert!(pair.now < secs(55), "lost message {lost}");
        }
        read.extend(pair.read_arguments(run));
        assert_eq!((read, pair.started.len()), (numbers(0..next), 1), "lost message {lost}");
    }
}

#[test]
fn a_call_that_is_cancelled_reaches_its_deadline_or_ends_early_sends_no_more() {
    let kind = |error: CallError| error.kind();
    let mut pair = Pair::with(options());
    let (id, run) = running(&mut pair);
    pair.send_arguments(id, 0);
    pair.cancel(id);
    pair.pass();
    assert_eq!(pair.cancelled, [run]);
    assert_eq!(pair.argument(id, &json!(9)).map_err(kind), Err(CallErrorKind::Cancelled));

    let (late, run) = running(&mut pair);
    pair.send_arguments(late, 0);
    pair.ended.clear();
    pair.advance(secs(60));
    assert_eq!((pair.kind(late), pair.cancelled.last()), (CallErrorKind::Timeout, Some(&run)));

    let (early, run) = running(&mut pair);
    pair.send_arguments(early, 0);
    pair.ended.clear();
    pair.finish(run, Ok(json!("enough")));
    pair.pass();
    assert_eq!(pair.ended, [(early, Ok(json!("enough")))]);
    assert_eq!(pair.argument(early, &json!(9)).map_err(kind), Err(CallErrorKind::Cancelled));
    // The methods that were cancelled have ended, and nothing is left of any call.
    for run in pair.cancelled.clone() {
        pair.finish(run, Ok(json!(null)));
    }
    pair.advance(secs(3 * 3600));
    assert!(pair.caller.is_empty() && pair.callee.is_empty());
}

#[test]
fn parts_beyond_the_bounds_are_refused_and_a_key_is_too() {
    let mut pair = Pair::with(CallOptions { part_bytes: 10, ..options() });
    let (id, run) = running(&mut pair);
    let refused = |pair: &mut Pair, part| pair.argument(id, &part).unwrap_err().kind();
    assert_eq!(refused(&mut pair, json!("x".repeat(300_000))), CallErrorKind::BadArguments);
    assert_eq!(pair.argument(id, &json!("12345678")), Ok(PartOutcome::Sent));
    assert_eq!(refused(&mut pair, json!(1)), CallErrorKind::Overloaded);
    pair.pass();
    // What the method has not read has no room beside it, and comes when it has.
    pair.advance(secs(3));
    assert_eq!(pair.argument(id, &json!("87654321")), Ok(PartOutcome::Sent));
    pair.advance(secs(3));
    assert_eq!(pair.read_arguments(run), [json!("12345678")]);
    pair.advance(secs(3));
    assert_eq!(pair.read_arguments(run), [json!("87654321")]);

    let key = Some(IdempotencyKey::new("k").unwrap());
    let keyed = pair.invoke(Invocation { key, ..invocation() }, &json!(1), secs(60)).unwrap();
    pair.pass();
    assert_eq!(pair.kind(keyed), CallErrorKind::BadArguments);
}
