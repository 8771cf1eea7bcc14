//! Calls with idempotency keys.

use serde_json::{Value as Json, json};

use super::pair::{Pair, method, node, secs};
use crate::calls::call_message::CallRequest;
use crate::calls::{CallId, CallMessage, CallOptions, Invocation};
use crate::{CallError, CallErrorKind, IdempotencyKey};

/// A call of `list` with a key.
fn keyed(key: &str) -> Invocation {
    Invocation { key: Some(IdempotencyKey::new(key).unwrap()), ..method("list") }
}

fn call(pair: &mut Pair, key: &str, arguments: &Json) -> CallId {
    let id = pair.invoke(keyed(key), arguments, secs(60)).unwrap();
    pair.pass();
    id
}

#[test]
fn a_repeat_waits_for_the_run_of_its_key_and_gets_its_result() {
    let mut pair = Pair::new();
    let calls = [call(&mut pair, "k", &json!(1)), call(&mut pair, "k", &json!(1))];
    assert_eq!(pair.started.len(), 1);
    pair.finish(pair.started[0].run, Ok(json!("done")));
    pair.pass();
    assert_eq!(pair.ended, calls.map(|id| (id, Ok(json!("done")))));
    let later = call(&mut pair, "k", &json!(1));
    assert_eq!((pair.started.len(), pair.ended.last().unwrap()), (1, &(later, Ok(json!("done")))));
}

#[test]
fn a_repeat_from_another_node_gets_the_first_result() {
    let mut pair = Pair::new();
    call(&mut pair, "k", &json!(1));
    pair.finish(pair.started[0].run, Ok(json!("done")));
    let request = pair.last_request.clone().unwrap();
    pair.at_callee_from(&node(3), CallMessage::Open);
    let Some(CallMessage::Session(session)) = pair.to_others.pop() else { panic!("no session") };
    pair.at_callee_from(&node(3), CallMessage::Request(CallRequest { session, ..request }));
    assert_eq!(pair.started.len(), 1);
    assert!(
        matches!(pair.to_others.last(), Some(CallMessage::Result { result: Ok(text), .. }) if **text == *"\"done\"")
    );
}

#[test]
fn an_error_of_the_method_is_a_result_and_a_refusal_is_not() {
    let mut pair = Pair::new();
    for (kind, runs) in [(CallErrorKind::Remote, 1), (CallErrorKind::Overloaded, 2)] {
        let key = kind.as_str();
        let before = pair.started.len();
        for _ in 0..2 {
            call(&mut pair, key, &json!(1));
            if let Some(started) = pair.started.get(before..).and_then(<[_]>::last).cloned() {
                pair.finish(started.run, Err(CallError::new(kind, "no")));
            }
            pair.pass();
        }
        assert_eq!(pair.started.len() - before, runs, "{kind}");
        assert!(pair.ended.iter().rev().take(2).all(|(_, end)| end.as_ref().unwrap_err().kind() == kind));
    }
}

#[test]
fn a_key_of_another_call_is_refused() {
    let mut pair = Pair::new();
    call(&mut pair, "k", &json!(1));
    let id = call(&mut pair, "k", &json!(2));
    assert_eq!((pair.kind(id), pair.started.len()), (CallErrorKind::BadArguments, 1));
    assert!(pair.failed(id).to_string().contains("used for another call"), "{}", pair.failed(id));
}

#[test]
fn a_keyed_run_outlives_its_caller_and_a_repeat_gets_its_result() {
    let mut pair = Pair::new();
    let id = call(&mut pair, "k", &json!(1));
    pair.cancel(id);
    pair.pass();
    pair.caller_lost();
    assert!(pair.cancelled.is_empty());
    pair.finish(pair.started[0].run, Ok(json!("done")));
    pair.ended.clear();
    let again = call(&mut pair, "k", &json!(1));
    assert_eq!(pair.ended, [(again, Ok(json!("done")))]);
}

#[test]
fn a_keyed_run_is_cancelled_at_the_latest_deadline_of_those_that_wait() {
    let mut pair = Pair::new();
    call(&mut pair, "k", &json!(1));
    pair.advance(secs(30));
    call(&mut pair, "k", &json!(1));
    pair.advance(secs(59));
    assert!(pair.cancelled.is_empty());
    pair.advance(secs(1));
    assert_eq!(pair.cancelled, [pair.started[0].run]);
    pair.finish(pair.started[0].run, Err(CallError::new(CallErrorKind::Cancelled, "cancelled")));
    call(&mut pair, "k", &json!(1));
    assert_eq!(pair.started.len(), 2, "an interrupted run has no result");
}

#[test]
fn a_key_is_forgotten_ten_minutes_after_its_deadline() {
    let mut pair = Pair::new();
    call(&mut pair, "k", &json!(1));
    pair.finish(pair.started[0].run, Ok(json!(1)));
    pair.advance(secs(60 + 600) - secs(1));
    call(&mut pair, "k", &json!(1));
    assert_eq!(pair.started.len(), 1);
    pair.advance(secs(1));
    call(&mut pair, "k", &json!(1));
    assert_eq!(pair.started.len(), 2);
}

#[test]
fn the_memory_of_keys_is_bounded() {
    let mut pair = Pair::with(CallOptions { kept_keys: 2, kept_key_bytes: 8, ..CallOptions::default() });
    for key in ["a", "b"] {
        call(&mut pair, key, &json!(1));
        pair.finish(pair.started.last().unwrap().run, Ok(json!("12345")));
        pair.pass();
    }
    pair.ended.clear();
    for (key, end) in
        [("a", Some(CallErrorKind::ResultLost)), ("b", None), ("c", Some(CallErrorKind::Overloaded))]
    {
        call(&mut pair, key, &json!(1));
        let (_, ended) = pair.ended.pop().unwrap();
        assert_eq!(ended.err().map(|error| error.kind()), end, "{key}");
    }
    assert_eq!(pair.started.len(), 2);
}

#[test]
fn a_service_that_stops_ends_every_call_that_waits() {
    let mut pair = Pair::new();
    let calls = [call(&mut pair, "k", &json!(1)), call(&mut pair, "k", &json!(1))];
    pair.stopped();
    pair.pass();
    for (ended, id) in pair.ended.iter().zip(calls) {
        assert_eq!((ended.0, ended.1.as_ref().unwrap_err().kind()), (id, CallErrorKind::Draining));
    }
    assert_eq!(pair.ended.len(), 2);
}
