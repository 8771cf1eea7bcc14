use serde_json::json;

use super::message_name::name;
use super::pair::{Pair, node, secs, service};
use crate::calls::CallMessage;
use crate::{CallError, CallErrorKind};

/// Every message of a call that succeeds.
const MESSAGES: [&str; 5] = ["open", "session", "request", "accepted", "result"];

#[test]
fn a_call_survives_the_loss_of_any_message() {
    for lost in MESSAGES {
        for copies in 1..=3 {
            let mut pair = Pair::new();
            let id = pair.call(secs(60));
            let mut left = copies;
            let mut loses = |message: &CallMessage| {
                let is_lost = name(message) == lost && left > 0;
                left -= i32::from(is_lost);
                is_lost
            };
            pair.advance_except(secs(5) - secs(1), &mut loses);
            assert_eq!(pair.started.len(), 1, "the method runs once, {copies} × {lost} lost");
            pair.finish(pair.started[0].run, Ok(json!(7)));
            pair.advance_except(secs(4 * 4), &mut loses);
            assert!(left < copies && pair.started.len() == 1, "{copies} × {lost} lost");
            assert_eq!(pair.ended, [(id, Ok(json!(7)))], "{copies} × {lost} lost");
        }
    }
}

#[test]
fn a_lost_result_of_a_short_call_is_asked_for_after_a_second() {
    let mut pair = Pair::new();
    let (id, started) = pair.running_call(secs(3));
    pair.finish(started.run, Ok(json!(7)));
    pair.pass_except(|_| true);
    pair.advance(secs(1));
    assert_eq!(pair.ended, [(id, Ok(json!(7)))]);
}

#[test]
fn duplicates_of_every_message_change_nothing() {
    let mut pair = Pair::new();
    let id = pair.call(secs(60));
    let twice = |pair: &mut Pair| {
        for _ in 0..4 {
            for message in pair.requests.drain(..).collect::<Vec<_>>() {
                pair.at_callee(message.clone());
                pair.at_callee(message);
            }
            for message in pair.replies.drain(..).collect::<Vec<_>>() {
                pair.at_caller(message.clone());
                pair.at_caller(message);
            }
        }
    };
    twice(&mut pair);
    assert_eq!((pair.started.len(), pair.callee.counters().duplicates), (1, 1));
    pair.finish(pair.started[0].run, Ok(json!(7)));
    twice(&mut pair);
    assert_eq!(pair.ended, [(id, Ok(json!(7)))]);
    assert_eq!(pair.caller.counters().late_results, 1);
}

#[test]
fn a_copy_of_a_request_never_runs_however_late_it_arrives() {
    let mut pair = Pair::new();
    pair.call(secs(60));
    pair.pass_except(|message| matches!(message, CallMessage::Request(_)));
    pair.now += secs(1);
    pair.tick();
    let copy = pair.requests.front().cloned().unwrap();
    pair.pass();
    pair.finish(pair.started[0].run, Ok(json!(7)));
    pair.pass();
    let mut answers = Vec::new();
    for pause in [0, 1, 59, 3600, 7200, 7200, 100_000] {
        pair.advance(secs(pause));
        pair.at_callee(copy.clone());
        answers.extend(pair.pass());
    }
    assert_eq!((pair.started.len(), pair.ended.len()), (1, 1), "{answers:?}");
    assert!(answers.contains(&"result") && answers.contains(&"session"), "kept, then forgotten: {answers:?}");
}

#[test]
fn a_call_after_a_long_pause_runs_although_its_session_is_forgotten() {
    let mut pair = Pair::new();
    for round in 1..4 {
        let (_, started) = pair.running_call(secs(60));
        pair.finish(started.run, Ok(json!(round)));
        pair.advance(secs(10_000));
        assert!(pair.caller.is_empty() && pair.callee.is_empty());
    }
    assert_eq!(pair.ended.iter().filter(|(_, result)| result.is_ok()).count(), 3);
}

#[test]
fn a_caller_that_has_forgotten_a_callee_that_remembers_it_uses_new_numbers() {
    let mut pair = Pair::new();
    for round in 1..4 {
        let (_, started) = pair.running_call(secs(60));
        pair.finish(started.run, Ok(json!(round)));
        pair.advance(secs(5_000));
        assert!(pair.caller.is_empty() && !pair.callee.is_empty());
    }
    assert_eq!(pair.ended.iter().filter(|(_, result)| result.is_ok()).count(), 3);
}

#[test]
fn a_session_that_only_the_callee_has_forgotten_is_opened_again() {
    let mut pair = Pair::new();
    let (_, started) = pair.running_call(secs(60));
    pair.finish(started.run, Ok(json!(1)));
    pair.pass();
    // The clock of the callee is fast.
    let now = pair.now;
    pair.callee.tick(now + secs(7300), &mut Vec::new());
    assert!(pair.callee.is_empty());
    pair.call(secs(60));
    assert_eq!(pair.pass(), ["request", "session", "request", "accepted"]);
    assert_eq!(pair.started.len(), 2);
}

#[test]
fn a_call_that_the_callee_has_forgotten_with_its_session_is_not_sent_again() {
    let mut pair = Pair::new();
    let (id, _) = pair.running_call(secs(3600));
    // Two ticks of a fast clock: the deadline of the call, and the end of the session.
    let mut effects = Vec::new();
    pair.callee.tick(secs(3600), &mut effects);
    pair.callee.tick(secs(7300), &mut effects);
    assert!(pair.callee.running() == 1, "the handler has not reported its end");
    pair.advance(secs(1));
    assert_eq!((pair.kind(id), pair.started.len()), (CallErrorKind::ResultLost, 1));
    assert!(pair.failed(id).may_have_run());
}

#[test]
fn a_request_that_arrives_after_its_cancellation_does_not_run() {
    let mut pair = Pair::new();
    let (_, started) = pair.running_call(secs(60));
    pair.finish(started.run, Ok(json!(1)));
    pair.pass();
    let id = pair.call(secs(60));
    pair.cancel(id);
    let (request, cancel) = (pair.requests.pop_front().unwrap(), pair.requests.pop_front().unwrap());
    assert_eq!((name(&request), name(&cancel)), ("request", "cancel"));
    pair.at_callee(cancel);
    pair.at_callee(request);
    assert_eq!(pair.started.len(), 1);
}

#[test]
fn a_request_that_arrives_after_a_later_one_settled_it_does_not_run() {
    let mut pair = Pair::new();
    let (_, started) = pair.running_call(secs(60));
    pair.finish(started.run, Ok(json!(1)));
    pair.pass();
    pair.call(secs(1));
    let late = pair.requests.pop_front().unwrap();
    pair.silence(secs(2));
    pair.running_call(secs(60));
    pair.at_callee(late);
    assert_eq!(pair.started.len(), 2, "the first and the third call");
}

#[test]
fn a_lost_cancellation_is_repeated_on_the_next_progress() {
    let mut pair = Pair::new();
    let (id, started) = pair.running_call(secs(60));
    // A second call that goes on keeps the first from being settled by its number.
    let kept = pair.running_call(secs(60));
    pair.cancel(id);
    pair.requests.clear();
    pair.advance_except(secs(2), |message| matches!(message, CallMessage::Settled { .. }));
    assert_eq!(pair.cancelled, [started.run]);
    pair.finish(kept.1.run, Ok(json!(1)));
    pair.pass();
    assert_eq!(pair.ended[1].1, Ok(json!(1)));
}

#[test]
fn a_callee_that_hears_no_cancellation_cancels_at_the_deadline() {
    let mut pair = Pair::new();
    let (_, started) = pair.running_call(secs(10));
    pair.silence(secs(10));
    assert_eq!(pair.cancelled, [started.run]);
}

#[test]
fn a_refused_call_does_not_run_when_a_copy_of_it_arrives_later() {
    let mut pair = Pair::new();
    pair.callee.drain(&service());
    let id = pair.call(secs(60));
    pair.pass_except(|message| matches!(message, CallMessage::Result { .. }));
    pair.callee.resume(&service());
    assert_eq!(pair.advance(secs(1)), ["request", "result"]);
    assert_eq!((pair.kind(id), pair.started.len()), (CallErrorKind::Draining, 0));
}

#[test]
fn results_and_acknowledgements_of_another_instance_are_ignored() {
    let mut pair = Pair::new();
    let (id, started) = pair.running_call(secs(60));
    let mut effects = Vec::new();
    let forged = CallMessage::Result {
        number: 1,
        parts: 0,
        result: Err(CallError::new(CallErrorKind::Remote, "forged")),
    };
    pair.caller.received(pair.now, &node(3), forged, &mut effects);
    assert!(effects.is_empty());
    pair.finish(started.run, Ok(json!(1)));
    pair.pass();
    assert_eq!(pair.ended, [(id, Ok(json!(1)))]);
}
