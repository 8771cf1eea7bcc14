//! Each check passes on a healthy host, and names each fault.

mod faults_at_publishers;
mod faults_of_directory;
mod faults_of_host;
mod faults_of_programs;
mod healthy;

use std::collections::BTreeSet;

use healthy::healthy;

use super::GROUPS;
use crate::doctor::check::Check;
use crate::doctor::facts::Facts;
use crate::doctor::host_role::HostRole;
use crate::doctor::verdict::{Outcome, Verdict};

/// A fault: the check that must name it, how bad it is, a part of the reason, and what is different from a healthy host.
type Fault = (&'static str, Outcome, &'static str, fn(&mut Facts));

fn all() -> impl Iterator<Item = &'static Check> {
    GROUPS.iter().flat_map(|group| group.checks)
}

fn verdict(id: &str, facts: &Facts) -> Verdict {
    all().find(|check| check.id == id).unwrap_or_else(|| panic!("no check {id}")).run(facts)
}

/// Every list of faults.
fn faults() -> Vec<Fault> {
    [
        faults_of_host::FAULTS,
        faults_of_programs::FAULTS,
        faults_at_publishers::FAULTS,
        faults_of_directory::FAULTS,
    ]
    .concat()
}

#[test]
fn every_check_passes_on_a_healthy_host() {
    for check in all() {
        let verdict = check.run(&healthy());
        let is_of_something_else = ["broker-subscribes", "publishers-keys"].contains(&check.id);
        let wanted = if is_of_something_else { Outcome::NotApplicable } else { Outcome::Pass };
        assert_eq!(verdict.outcome, wanted, "{}: {}", check.id, verdict.reason);
        assert_eq!(verdict.remedy, None, "{}", check.id);
    }
}

#[test]
fn every_fault_is_named_by_its_check_with_a_remedy() {
    for (id, outcome, part, make) in faults() {
        let mut facts = healthy();
        make(&mut facts);
        let verdict = verdict(id, &facts);
        assert_eq!(verdict.outcome, outcome, "{id}: {}", verdict.reason);
        assert!(verdict.reason.contains(part), "{id}: no {part:?} in {:?}", verdict.reason);
        assert!(verdict.remedy.is_some_and(|remedy| !remedy.is_empty()), "{id} has no remedy");
    }
}

#[test]
fn every_check_has_a_fault_and_a_name_of_its_own() {
    let tested: BTreeSet<&str> = faults().into_iter().map(|(id, ..)| id).collect();
    let ids: Vec<&str> = all().map(|check| check.id).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique, tested);
    assert_eq!(unique.len(), ids.len());
    assert!(ids.len() >= 25);
}

#[test]
fn a_check_of_another_role_is_not_applicable() {
    let mut worker = healthy();
    worker.roles = vec![HostRole::Worker];
    assert_eq!(verdict("agents-behind", &worker).outcome, Outcome::NotApplicable);
    assert_eq!(verdict("worker-socket", &worker).outcome, Outcome::Pass);
    assert_eq!(verdict("settings-start", &worker).outcome, Outcome::Pass);
}

#[test]
fn without_programs_and_peers_most_checks_are_not_applicable_and_none_fails_for_that() {
    let mut facts = healthy();
    facts.roles = vec![HostRole::Service];
    facts.programs.clear();
    facts.publishers.clear();
    facts.agents = None;
    facts.worker_socket = None;
    facts.database = crate::doctor::facts::DatabaseFact::NotUsed;
    for check in all() {
        let verdict = check.run(&facts);
        assert!(verdict.outcome <= Outcome::Pass, "{}: {}", check.id, verdict.reason);
    }
}
