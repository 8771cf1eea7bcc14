use crate::doctor::check::Check;
use crate::doctor::facts::Facts;
use crate::doctor::host_role::HostRole::{Agent, Service};
use crate::doctor::verdict::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "clock-publishers",
        of: &[Service, Agent],
        demands: "The clock of this host and that of each publisher differ by at most a second.",
        judge: publishers,
    },
    Check {
        id: "clock-directory",
        of: &[Service, Agent],
        demands: "No row of the directory was written in the future, by the clock of this host.",
        judge: directory,
    },
];

/// Latencies and the tie-break between rows of two publishers become wrong from about here on.
const MAX_AHEAD_MS: i64 = 1000;

const REMEDY: &str =
    "synchronize the clocks (chrony, systemd-timesyncd): latencies and ages are differences of two of them";

fn publishers(facts: &Facts) -> Verdict {
    let known: Vec<_> = facts
        .publishers
        .iter()
        .filter_map(|publisher| {
            publisher.clock_ahead_ms.map(|(ahead, off)| (&publisher.endpoint, ahead, off))
        })
        .collect();
    if known.is_empty() {
        return Verdict::not_applicable("no publisher told its clock");
    }
    let wrong =
        known.iter().filter(|(_, ahead, off)| ahead.saturating_abs() > MAX_AHEAD_MS.saturating_add(*off));
    let problems = wrong.map(|(endpoint, ahead, off)| {
        let side = if *ahead > 0 { "ahead of" } else { "behind" };
        format!("the clock of {endpoint} is {} ms {side} ours (± {off} ms)", ahead.saturating_abs())
    });
    let largest = known.iter().map(|(_, ahead, _)| ahead.saturating_abs()).max().unwrap_or(0);
    Verdict::warn_of(problems.collect(), REMEDY, format!("they differ by at most {largest} ms"))
}

fn directory(facts: &Facts) -> Verdict {
    let Some(directory) = facts.directory() else {
        return Verdict::not_applicable("no directory could be read");
    };
    let publishers =
        directory.publishers.iter().map(|row| (format!("publisher {}", row.id), row.last_activity));
    let programs =
        directory.programs.iter().map(|row| (format!("{} of {}", row.binary, row.chassis), row.last_seen_up));
    let most = facts.now + std::time::Duration::from_millis(MAX_AHEAD_MS.unsigned_abs());
    let future = publishers.chain(programs).filter(|(_, time)| *time > most);
    let problems = future.map(|(who, time)| {
        format!("{who} wrote its row {:.1} s in the future", time.saturating_sub(facts.now).as_secs_f64())
    });
    Verdict::warn_of(problems.collect(), REMEDY, "all rows are of the past")
}
