use serde_json::{Value as Json, json};

use super::pair::{Pair, secs, service};
use crate::CallErrorKind;
use crate::calls::{CallMessage, CallOptions};

fn with(change: impl FnOnce(&mut CallOptions)) -> Pair {
    let mut options = CallOptions::default();
    change(&mut options);
    Pair::with(options)
}

fn nested(levels: usize) -> Json {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

#[test]
fn a_caller_refuses_arguments_deadlines_and_calls_beyond_its_bounds_at_once() {
    let mut pair = with(|options| (options.pending_calls, options.pending_bytes) = (2, 1000));
    for (arguments, limit, kind, part) in [
        (json!("x".repeat(300_000)), secs(60), CallErrorKind::BadArguments, "the maximum is 262144"),
        (nested(65), secs(60), CallErrorKind::BadArguments, "64 levels"),
        (json!(1), secs(3601), CallErrorKind::BadArguments, "exceeds the longest"),
        (json!("x".repeat(1001)), secs(60), CallErrorKind::Overloaded, "wait to be acknowledged"),
    ] {
        let error = pair.try_call(&arguments, limit).unwrap_err();
        assert_eq!((error.kind(), error.may_have_run()), (kind, false), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    pair.call(secs(60));
    pair.call(secs(60));
    let error = pair.try_call(&json!(1), secs(60)).unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Overloaded, "{error}");
    assert_eq!((pair.caller.pending(), pair.caller.counters().refused), (2, 5));
    pair.silence(secs(5));
    assert_eq!(pair.caller.pending(), 0);
    pair.call(secs(60));
}

#[test]
fn acknowledged_arguments_do_not_count() {
    let mut pair = with(|options| options.pending_bytes = 1000);
    for _ in 0..5 {
        pair.try_call(&json!("x".repeat(900)), secs(60)).unwrap();
        pair.pass();
    }
    assert_eq!(pair.started.len(), 5);
}

#[test]
fn a_callee_refuses_runs_beyond_each_bound_and_accepts_again_after_an_end() {
    let bounds: [fn(&mut CallOptions); 3] = [
        |options| options.running_per_service = 3,
        |options| options.running_calls = 3,
        |options| options.running_bytes = 3 * r#"["all"]"#.len(),
    ];
    for bound in bounds {
        let mut pair = with(bound);
        for _ in 0..3 {
            pair.running_call(secs(60));
        }
        let refused = pair.call(secs(60));
        pair.pass();
        assert_eq!(
            (pair.kind(refused), pair.failed(refused).may_have_run()),
            (CallErrorKind::Overloaded, false)
        );
        assert_eq!(pair.callee.running_of(&service()), 3);
        pair.finish(pair.started[0].run, Ok(json!(1)));
        pair.running_call(secs(60));
    }
}

#[test]
fn a_cancelled_run_counts_until_its_end_is_reported() {
    let mut pair = with(|options| options.running_per_service = 1);
    let (id, started) = pair.running_call(secs(60));
    pair.cancel(id);
    pair.pass();
    assert_eq!(pair.callee.running(), 1, "the handler still works");
    pair.finish(started.run, Ok(json!(1)));
    assert_eq!(pair.callee.running(), 0);
}

#[test]
fn a_result_beyond_the_bounds_becomes_an_error() {
    for (result, part) in [(json!("x".repeat(300_000)), "262144"), (nested(65), "64 levels")] {
        let mut pair = Pair::new();
        let (id, started) = pair.running_call(secs(60));
        pair.finish(started.run, Ok(result));
        pair.pass();
        assert_eq!(pair.kind(id), CallErrorKind::Remote);
        assert!(pair.failed(id).may_have_run() && pair.failed(id).to_string().contains(part));
    }
}

#[test]
fn kept_results_are_bounded_and_a_dropped_one_is_reported_as_lost() {
    let bounds: [fn(&mut CallOptions); 2] =
        [|options| options.kept_results = 2, |options| options.kept_bytes = 2];
    for bound in bounds {
        let mut pair = with(bound);
        let calls: Vec<_> = (0..5).map(|_| pair.running_call(secs(60))).collect();
        for (_, started) in &calls {
            pair.finish(started.run, Ok(json!(1)));
        }
        assert_eq!((pair.callee.kept(), pair.callee.counters().results_dropped), (2, 3));
        pair.pass_except(|_| true);
        pair.advance(secs(1));
        let kinds: Vec<_> =
            pair.ended.iter().map(|(_, result)| result.as_ref().map_err(|e| e.kind())).collect();
        let lost = Err(CallErrorKind::ResultLost);
        assert_eq!(kinds, [lost, lost, lost, Ok(&json!(1)), Ok(&json!(1))]);
        assert_eq!(pair.started.len(), 5, "none runs again");
    }
}

#[test]
fn results_are_dropped_when_the_caller_has_them() {
    let mut pair = Pair::new();
    for _ in 0..3 {
        let (_, started) = pair.running_call(secs(60));
        pair.finish(started.run, Ok(json!(1)));
        pair.pass();
        assert_eq!(pair.callee.kept(), 1, "each request settles the calls before it");
    }
    let names = pair.advance(secs(2));
    assert_eq!((names.as_slice(), pair.callee.kept()), (&["settled"][..], 0));
}

#[test]
fn a_callee_without_place_for_a_session_is_overloaded_and_nothing_has_run() {
    let mut pair = with(|options| options.sessions = 0);
    let id = pair.call(secs(60));
    pair.pass();
    assert_eq!((pair.kind(id), pair.failed(id).may_have_run()), (CallErrorKind::Overloaded, false));
}

#[test]
fn numbers_that_never_arrive_cost_bounded_memory_and_are_refused_later() {
    let mut pair = with(|options| options.ranges = 10);
    pair.running_call(secs(3600));
    let mut late = None;
    for turn in 0..200 {
        pair.call(secs(3600));
        if turn % 2 == 0 {
            late = late.or(pair.requests.pop_front());
            pair.requests.clear();
        } else {
            pair.pass();
            pair.finish(pair.started.last().unwrap().run, Ok(json!(1)));
            pair.pass();
            // As if its deadline had passed: the callee keeps only that it has ended.
            pair.at_callee(CallMessage::Cancel { session: 1, number: turn + 2 });
        }
    }
    let runs = pair.started.len();
    pair.at_callee(late.unwrap());
    assert_eq!(pair.started.len(), runs, "it is older than the ranges that are remembered");
    assert_eq!(pair.pass(), ["result"]);
    assert_eq!(pair.ended.last().unwrap().1.as_ref().unwrap_err().kind(), CallErrorKind::ResultLost);
}

#[test]
fn nothing_is_left_after_all_calls_have_ended_and_the_retention_has_passed() {
    let mut pair = Pair::new();
    for turn in 0..100_u64 {
        let (id, started) = pair.running_call(secs(1 + turn * 30));
        match turn % 4 {
            0 => pair.finish(started.run, Ok(json!(turn))),
            1 => pair.cancel(id),
            2 => pair.silence(secs(3)),
            _ => {}
        }
        pair.advance(secs(turn));
    }
    pair.advance(secs(3600));
    for started in pair.started.clone() {
        pair.finish(started.run, Ok(json!(1)));
    }
    assert_eq!((pair.ended.len(), pair.caller.pending(), pair.callee.running()), (100, 0, 0));
    pair.advance(secs(7200 + 3600));
    assert!(pair.caller.is_empty(), "{:?}", pair.caller);
    assert!(pair.callee.is_empty(), "{:?}", pair.callee);
}
