//! The promises, each checked under its name: those of docs/guarantees.md for tables, and those of calls and hooks.

use std::time::Duration;

use data_services::{CallErrorKind, ChangedRows, NodeReport};
use tokio::time::Instant;

use crate::record::Events;
use crate::replica::{Replica, View, pair};
use crate::truth::{Rows, Truth};

/// How old the rows of a live table may be: a publisher is stale after five seconds of silence, and the last packet from it
/// may have been late by [`LATE_BY`](crate::world::LATE_BY); the rest is for requests that are on their way.
const FRESH: Duration = Duration::from_secs(8);

/// How long after its deadline a call may end.
const CALL_GRACE: Duration = Duration::from_millis(500);

/// *Complete or loud*: a change fits the rows before it exactly, so that nothing is missing between them.
pub(crate) fn change_fits(place: &str, rows: &Rows, change: &ChangedRows) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in change.added.iter().map(pair) {
        if rows.contains_key(&key) {
            found.push(format!("{place}: complete or loud: adds [{key:?},{value}], and the key exists"));
        }
    }
    let old = change.removed.iter().chain(change.changed.iter().map(|(old, _)| old));
    for (key, value) in old.map(pair) {
        if rows.get(&key) != Some(&value) {
            let have = rows.get(&key);
            found.push(format!(
                "{place}: complete or loud: replaces [{key:?},{value}], and there is {have:?}"
            ));
        }
    }
    found
}

/// *Ordered* and *complete or loud*: after each event the rows are a version that the publisher had, and not an earlier one
/// than before.
pub(crate) fn is_a_version(place: &str, view: &mut View, truth: &Truth) -> Option<String> {
    match truth.find(&view.rows, view.version) {
        Some(number) => {
            view.version = number;
            None
        }
        None if truth.find(&view.rows, 0).is_some() => {
            Some(format!("{place}: ordered: version {} is followed by {:?}", view.version, view.rows))
        }
        None => Some(format!("{place}: complete or loud: the publisher never had {:?}", view.rows)),
    }
}

/// *Fresh or stale*: the rows of a live table are not older than [`FRESH`], and its publisher runs.
pub(crate) fn fresh_or_stale(replica: &Replica, events: &mut Events) -> Vec<String> {
    let mut found = Vec::new();
    let Some(then) = Instant::now().checked_sub(FRESH) else { return found };
    for (node, view) in replica.views.iter().filter(|(_, view)| view.is_live) {
        let place = format!("{}, table {} of {node}", replica.owner, replica.table);
        let truth = events.truth(node, replica.table);
        let needed = truth.number_at(then);
        if view.version < needed {
            let version = view.version;
            found.push(format!(
                "{place}: fresh or stale: live with version {version}, {needed} is {FRESH:?} old"
            ));
        }
        if truth.ended.is_some_and(|ended| ended < then) {
            found.push(format!("{place}: fresh or stale: live, and its node ended more than {FRESH:?} ago"));
        }
    }
    found
}

/// Atomic: two tables that change in one transaction have the same version while both are live.
pub(crate) fn transactions_are_whole(one: &Replica, two: &Replica) -> Vec<String> {
    let mut found = Vec::new();
    for (node, view) in &one.views {
        let Some(other) = two.views.get(node) else { continue };
        if view.is_live && other.is_live && view.version != other.version {
            let versions = (view.version, other.version);
            let place = format!("{}, tables of {node}", one.owner);
            found.push(format!("{place}: transactions are whole: versions {versions:?}"));
        }
    }
    found
}

/// *Convergent*: a subscriber has exactly the tables of the publishers that run, live.
pub(crate) fn convergent(replica: &Replica, events: &mut Events, publishers: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let place = format!("{}, table {}", replica.owner, replica.table);
    for node in publishers {
        let latest = events.truth(node, replica.table).latest().map(|latest| latest.rows.clone());
        match replica.views.get(*node) {
            None => found.push(format!("{place}: convergent: has nothing of {node}")),
            Some(view) if Some(&view.rows) != latest.as_ref() => {
                found.push(format!("{place}: convergent: has {:?} of {node}, not {latest:?}", view.rows));
            }
            Some(view) if !view.is_live => {
                found.push(format!("{place}: convergent: what it has of {node} is not live"));
            }
            Some(_) => {}
        }
    }
    for node in replica.views.keys().filter(|node| !publishers.contains(&node.as_str())) {
        found.push(format!("{place}: convergent: has rows of {node}, which does not run"));
    }
    found
}

/// Calls: one outcome each, by the deadline; at most one run, exactly one after success, none after a refusal.
pub(crate) fn calls_end_once(events: &Events) -> Vec<String> {
    let mut found = Vec::new();
    let calls = &events.calls;
    if calls.open() > 0 {
        found.push(format!("calls: one outcome: {} calls have none", calls.open()));
    }
    for (call, runs) in calls.runs.iter().filter(|(_, runs)| **runs > 1) {
        found.push(format!("calls: at most once: call {call} ran {runs} times"));
    }
    for (call, ended) in &calls.ended {
        let runs = calls.runs.get(call).copied().unwrap_or_default();
        let [ended] = ended.as_slice() else {
            found.push(format!("calls: one outcome: call {call} has {ended:?}"));
            continue;
        };
        if ended.after > ended.deadline + CALL_GRACE {
            found.push(format!("calls: by the deadline: call {call}: {ended:?}"));
        }
        let is_refusal = |kind| matches!(kind, CallErrorKind::NoService | CallErrorKind::Draining);
        match &ended.outcome {
            Ok(number) if number != call => {
                found.push(format!("calls: call {call} has the result of {number}"))
            }
            Ok(_) if runs != 1 => {
                found.push(format!("calls: exactly once: call {call} succeeded, {runs} runs"))
            }
            Err(kind) if is_refusal(*kind) && runs != 0 => {
                found.push(format!("calls: call {call} was refused as {kind:?}, and ran"));
            }
            _ => {}
        }
    }
    found
}

/// Hooks: the first subscriber and none alternate, beginning with the first.
pub(crate) fn hooks_alternate(events: &Events) -> Vec<String> {
    let mut found = Vec::new();
    for (place, hooks) in &events.hooks {
        if hooks.iter().enumerate().any(|(index, is_first)| *is_first != (index % 2 == 0)) {
            found.push(format!("hooks alternate: {place:?}: {hooks:?}"));
        }
    }
    found
}

/// *Bounded*: no queue is above its bound, and nothing is left of calls and events that have ended.
pub(crate) fn bounded(report: &NodeReport) -> Vec<String> {
    let mut found = Vec::new();
    let node = &report.node.node;
    for queue in report.driver.queues.iter().filter(|queue| queue.depth > queue.bound) {
        found.push(format!("{node}: bounded: {queue:?}"));
    }
    for (name, value) in &report.counters {
        if matches!(*name, "calls_pending" | "calls_running" | "table_messages_invalid") && *value > 0 {
            found.push(format!("{node}: bounded: {name} is {value} at rest"));
        }
    }
    for subscription in report.subscriptions.iter().filter(|one| one.waiting > 0) {
        found.push(format!("{node}: bounded: {subscription:?} at rest"));
    }
    found
}
