use std::collections::BTreeMap;

use serde::Serialize;
use service_kit::{print_line, printable};

use super::checks::GROUPS;
use super::facts::Facts;
use super::verdict::{Outcome, Verdict};

/// The version of the JSON document. It rises when a field is removed or changes its meaning.
const DOCTOR_VERSION: u32 = 1;

/// What all checks found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    doctor_version: u32,
    version: &'static str,
    host: String,
    roles: Vec<&'static str>,
    /// The number of checks by result.
    results: BTreeMap<&'static str, usize>,
    checks: Vec<Line>,
}

/// The result of one check.
#[derive(Debug, Serialize)]
struct Line {
    id: &'static str,
    group: &'static str,
    result: Outcome,
    reason: String,
    remedy: Option<String>,
}

impl Report {
    /// Judges the facts.
    pub(super) fn of(facts: &Facts) -> Self {
        let lines = GROUPS.iter().flat_map(|group| {
            group.checks.iter().map(|check| Line::new(check.id, group.title, check.run(facts)))
        });
        let roles = facts.roles.iter().map(|role| role.word()).collect();
        Self::new(facts.host.name.clone(), roles, lines.collect())
    }

    /// The report if settings cannot be read: without them, nothing else can be found out.
    pub(super) fn of_unreadable_settings(reason: &str) -> Self {
        let remedy = "correct the settings; `skimmer config check` makes the same check";
        let lines = GROUPS.iter().flat_map(|group| {
            group.checks.iter().map(|check| {
                let verdict = match check.id {
                    "settings-start" => Verdict::fail(reason, remedy),
                    _ => Verdict::not_applicable("the settings cannot be read"),
                };
                Line::new(check.id, group.title, verdict)
            })
        });
        Self::new(String::new(), Vec::new(), lines.collect())
    }

    fn new(host: String, roles: Vec<&'static str>, checks: Vec<Line>) -> Self {
        let count = |result| checks.iter().filter(|line| line.result == result).count();
        let results = BTreeMap::from([
            ("fail", count(Outcome::Fail)),
            ("warn", count(Outcome::Warn)),
            ("pass", count(Outcome::Pass)),
            ("not_applicable", count(Outcome::NotApplicable)),
        ]);
        Self {
            doctor_version: DOCTOR_VERSION,
            version: env!("CARGO_PKG_VERSION"),
            host,
            roles,
            results,
            checks,
        }
    }

    /// The names of the checks that failed.
    pub(super) fn failed(&self) -> Vec<&'static str> {
        self.checks.iter().filter(|line| line.result == Outcome::Fail).map(|line| line.id).collect()
    }

    /// Prints the report for people: what is wrong with its remedy, and with `all` also what is not applicable.
    pub(super) fn show(&self, all: bool) {
        let mut group = "";
        for line in self.checks.iter().filter(|line| all || line.result != Outcome::NotApplicable) {
            if line.group != group {
                group = line.group;
                print_line(group);
            }
            print_line(format!("  {:<4}  {:<20}  {}", line.result.word(), line.id, printable(&line.reason)));
            if let Some(remedy) = &line.remedy {
                print_line(format!("  {:<4}  {:<20}  → {}", "", "", printable(remedy)));
            }
        }
        let count = |name| self.results.get(name).copied().unwrap_or(0);
        print_line(format!(
            "{} failed, {} warnings, {} passed, {} not applicable; nothing was changed",
            count("fail"),
            count("warn"),
            count("pass"),
            count("not_applicable")
        ));
    }
}

impl Line {
    fn new(id: &'static str, group: &'static str, verdict: Verdict) -> Self {
        let Verdict { outcome, reason, remedy } = verdict;
        Self { id, group, result: outcome, reason, remedy }
    }
}
