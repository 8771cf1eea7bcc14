use serde_json::json;

use super::pair::{Pair, method, node, secs, service};
use crate::calls::{CallMessage, CalleeEffect};
use crate::{CallError, CallErrorKind};

#[test]
fn the_first_call_opens_a_session_and_each_call_is_acknowledged_before_its_result() {
    let mut pair = Pair::new();
    let first = pair.call(secs(60));
    assert_eq!(pair.pass(), ["open", "session", "request", "accepted"]);
    assert_eq!(pair.started[0].arguments, json!(["all"]));
    pair.finish(pair.started[0].run, Ok(json!({"vms": 2})));
    assert_eq!(pair.pass(), ["result"]);
    let second = pair.call(secs(60));
    assert_eq!(pair.pass(), ["request", "accepted"]);
    pair.finish(pair.started[1].run, Err(CallError::new(CallErrorKind::Remote, "no such tenant")));
    pair.pass();
    let error = CallError::new(CallErrorKind::Remote, "no such tenant");
    assert_eq!(pair.ended, [(first, Ok(json!({"vms": 2}))), (second, Err(error))]);
}

#[test]
fn the_result_of_a_call_that_ends_before_its_acknowledgement_is_due_is_the_acknowledgement() {
    let mut pair = Pair::new();
    let ids = [pair.call(secs(60)), pair.call(secs(60)), pair.call(secs(60))];
    let open = pair.requests.pop_front().unwrap();
    pair.at_callee(open);
    let session = pair.replies.pop_front().unwrap();
    pair.at_caller(session);
    let mut effects = Vec::new();
    for request in std::mem::take(&mut pair.requests) {
        pair.callee.received(pair.now, &node(1), request, &mut effects);
    }
    pair.of_callee(effects);
    pair.finish(pair.started[1].run, Ok(json!(2)));
    assert!(pair.callee.owes_acknowledgements());
    let mut effects = Vec::new();
    pair.callee.acknowledge(&mut effects);
    pair.of_callee(effects);
    assert!(!pair.callee.owes_acknowledgements());
    let CallMessage::Accepted { numbers } = pair.replies.back().unwrap() else {
        panic!("{:?}", pair.replies)
    };
    assert_eq!(*numbers, [1, 3]);
    assert_eq!(pair.pass(), ["result", "accepted"]);
    assert_eq!(pair.ended, [(ids[1], Ok(json!(2)))]);
}

#[test]
fn calls_that_begin_before_the_session_share_one_open() {
    let mut pair = Pair::new();
    for _ in 0..3 {
        pair.call(secs(60));
    }
    let names = pair.pass();
    assert_eq!(names.iter().filter(|name| **name == "open").count(), 1, "{names:?}");
    assert_eq!(pair.started.len(), 3);
}

#[test]
fn a_run_has_the_deadline_of_its_caller() {
    let mut pair = Pair::new();
    pair.now = secs(100);
    let (_, started) = pair.running_call(secs(7));
    assert_eq!(started.deadline, secs(107));
}

#[test]
fn without_any_answer_a_call_fails_after_the_ping_timeout_and_has_not_run() {
    let mut pair = Pair::new();
    let id = pair.call(secs(60));
    pair.silence(secs(5) - secs(1));
    assert!(pair.ended.is_empty(), "it is pending for 5 s");
    pair.silence(secs(1));
    assert_eq!(pair.kind(id), CallErrorKind::Timeout);
    assert!(!pair.failed(id).may_have_run());
    let text = pair.failed(id).to_string();
    assert!(text.contains("nova/list at node-2") && text.contains("not acknowledged within 5s"), "{text}");
}

#[test]
fn a_request_without_acknowledgement_is_sent_five_times_and_may_have_run() {
    let mut pair = Pair::new();
    let (_, warm) = pair.running_call(secs(1));
    pair.finish(warm.run, Ok(json!(0)));
    pair.pass();
    pair.ended.clear();
    let id = pair.call(secs(60));
    let mut requests = 0;
    pair.advance_except(secs(5), |message| {
        requests += u32::from(matches!(message, CallMessage::Request(_)));
        true
    });
    assert_eq!((requests, pair.kind(id)), (5, CallErrorKind::Timeout));
    assert!(pair.failed(id).may_have_run());
}

#[test]
fn a_call_that_runs_too_long_fails_at_its_deadline_and_is_cancelled() {
    let mut pair = Pair::new();
    let (id, started) = pair.running_call(secs(10));
    pair.advance(secs(10) - secs(1));
    assert!(pair.ended.is_empty() && pair.cancelled.is_empty());
    pair.advance(secs(1));
    assert_eq!((pair.kind(id), pair.cancelled.as_slice()), (CallErrorKind::Timeout, &[started.run][..]));
    let text = pair.failed(id).to_string();
    assert!(text.contains("reached its deadline; it was accepted and may have run"), "{text}");
}

#[test]
fn a_long_call_reports_progress_and_is_hardly_queried() {
    let mut pair = Pair::new();
    let (id, started) = pair.running_call(secs(120));
    let names = pair.advance(secs(100));
    let count = |wanted: &str| names.iter().filter(|name| **name == wanted).count();
    assert_eq!((count("request"), count("query")), (0, 1), "{names:?}");
    assert!((50..=52).contains(&count("progress")), "{names:?}");
    pair.finish(started.run, Ok(json!("moved")));
    pair.pass();
    assert_eq!(pair.ended, [(id, Ok(json!("moved")))]);
}

#[test]
fn a_cancelled_call_ends_at_once_and_its_run_is_cancelled() {
    let mut pair = Pair::new();
    let (id, started) = pair.running_call(secs(60));
    pair.cancel(id);
    assert_eq!(pair.kind(id), CallErrorKind::Cancelled);
    pair.pass();
    assert_eq!(pair.cancelled, [started.run]);
    pair.cancel(id);
    assert_eq!((pair.ended.len(), pair.requests.len()), (1, 0), "a second cancellation does nothing");
}

#[test]
fn a_result_of_an_ended_call_is_counted_and_dropped() {
    let mut pair = Pair::new();
    let (id, started) = pair.running_call(secs(60));
    pair.finish(started.run, Ok(json!(1)));
    pair.cancel(id);
    pair.pass();
    assert_eq!(pair.kind(id), CallErrorKind::Cancelled);
    assert_eq!(pair.caller.counters().late_results, 1);
    let (second, other) = pair.running_call(secs(60));
    pair.cancel(second);
    pair.pass();
    pair.finish(other.run, Ok(json!(2)));
    assert_eq!(pair.callee.counters().finished_late, 1, "nobody waits for it, so it is not sent");
    assert!(pair.replies.is_empty());
}

#[test]
fn the_loss_of_the_callee_fails_its_pending_calls_at_once_and_later_calls_succeed() {
    let mut pair = Pair::new();
    let (running, started) = pair.running_call(secs(60));
    pair.callee_lost();
    assert_eq!(pair.kind(running), CallErrorKind::PeerLost);
    assert!(pair.failed(running).may_have_run());
    pair.pass();
    assert_eq!(
        pair.cancelled,
        [started.run],
        "the callee was alive and stops the work that nobody waits for"
    );
    let (_, again) = pair.running_call(secs(60));
    pair.finish(again.run, Ok(json!("here")));
    pair.pass();
    assert_eq!(pair.ended[1].1, Ok(json!("here")));
}

#[test]
fn the_loss_of_the_caller_cancels_its_runs_and_a_caller_that_returns_learns_that() {
    let mut pair = Pair::new();
    let (id, started) = pair.running_call(secs(60));
    pair.caller_lost();
    assert_eq!(pair.cancelled, [started.run]);
    pair.finish(started.run, Err(CallError::new(CallErrorKind::Cancelled, "cancelled")));
    assert!(pair.replies.is_empty() && pair.callee.running() == 0);
    pair.advance(secs(3));
    assert_eq!(pair.kind(id), CallErrorKind::PeerLost);
}

#[test]
fn a_draining_service_finishes_its_calls_and_refuses_new_ones() {
    let mut pair = Pair::new();
    let (running, started) = pair.running_call(secs(60));
    pair.callee.drain(&service());
    let refused = pair.call(secs(60));
    pair.pass();
    assert_eq!((pair.kind(refused), pair.failed(refused).may_have_run()), (CallErrorKind::Draining, false));
    assert_eq!(pair.callee.running_of(&service()), 1);
    pair.finish(started.run, Ok(json!(1)));
    pair.pass();
    assert_eq!(pair.ended[1], (running, Ok(json!(1))));
    pair.callee.resume(&service());
    pair.running_call(secs(60));
}

#[test]
fn a_draining_node_refuses_calls_of_every_service() {
    let mut pair = Pair::new();
    pair.callee.drain_node();
    let id = pair.call(secs(60));
    pair.pass();
    assert_eq!(pair.kind(id), CallErrorKind::Draining);
}

#[test]
fn a_service_that_stops_ends_its_runs_and_they_may_have_run() {
    let mut pair = Pair::new();
    let (id, started) = pair.running_call(secs(60));
    pair.callee.drain(&service());
    pair.stopped();
    pair.pass();
    assert_eq!((pair.kind(id), pair.failed(id).may_have_run()), (CallErrorKind::Draining, true));
    pair.finish(started.run, Ok(json!(1)));
    assert_eq!((pair.callee.running(), pair.callee.counters().finished_late), (0, 1));
    pair.running_call(secs(60));
}

#[test]
fn a_private_method_is_denied_to_other_nodes_and_not_to_its_own() {
    for (caller, is_denied) in [(1, true), (2, false)] {
        let mut pair = Pair::new();
        let mut effects = Vec::new();
        let limit = secs(60);
        pair.caller.call(pair.now, &node(2), method("_reload"), &json!(1), limit, &mut effects).unwrap();
        let (mut of_callee, mut runs) = (Vec::new(), 0);
        pair.callee.received(pair.now, &node(caller), CallMessage::Open, &mut of_callee);
        pair.at_caller(CallMessage::Session(1));
        let request = pair.requests.pop_back().unwrap();
        pair.callee.received(pair.now, &node(caller), request, &mut of_callee);
        runs += of_callee.iter().filter(|effect| matches!(effect, CalleeEffect::Run { .. })).count();
        assert_eq!(runs == 0, is_denied, "from node {caller}: {of_callee:?}");
        if is_denied {
            let kind = |effect: &CalleeEffect| format!("{effect:?}").contains("Denied");
            assert!(of_callee.iter().any(kind), "{of_callee:?}");
        }
    }
}
