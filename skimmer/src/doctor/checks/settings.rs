use std::time::Duration;

use crate::doctor::check::Check;
use crate::doctor::facts::Facts;
use crate::doctor::host_role::HostRole::{self, Agent, Service};
use crate::doctor::verdict::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "host-role",
        of: HostRole::ALL,
        demands: "A program has run with this `state_dir`, or `--for` names the role.",
        judge: host_role,
    },
    Check {
        id: "settings-start",
        of: HostRole::ALL,
        demands: "Each program of the host would start with the settings.",
        judge: start,
    },
    Check {
        id: "settings-warnings",
        of: HostRole::ALL,
        demands: "A start would not warn of anything, such as an address that everybody can connect to.",
        judge: warnings,
    },
    Check {
        id: "settings-reload",
        of: &[Service, Agent],
        demands: "The last reload (SIGHUP) of each program was not refused.",
        judge: reload,
    },
    Check {
        id: "settings-port",
        of: &[Service],
        demands: "The running service has bound the port of the settings.",
        judge: port,
    },
    Check {
        id: "settings-reports",
        of: &[Agent],
        demands: "The agent reports what it has applied (`agent.applied_interval`).",
        judge: reports,
    },
    Check {
        id: "settings-times",
        of: &[Service, Agent],
        demands: "Times that depend on each other fit: `service_down_time` is at least twice `report_interval`, and \
                  `agent.max_delay` is longer than `dead_after`.",
        judge: times,
    },
    Check {
        id: "settings-retention",
        of: &[Service],
        demands: "The ring reaches back for longer than an agent may be late or away (`max_delay` and `dead_after`), at the mean \
                  rate since the start.",
        judge: retention,
    },
];

fn host_role(facts: &Facts) -> Verdict {
    if facts.roles.is_empty() {
        let reason = format!("no program has run with state_dir {}", facts.settings.state_dir.display());
        return Verdict::warn(reason, "name the settings of the program by --config, or the role by --for");
    }
    let roles: Vec<&str> = facts.roles.iter().map(|role| role.word()).collect();
    Verdict::pass(roles.join(", "))
}

fn start(facts: &Facts) -> Verdict {
    let remedy = "correct the settings; `skimmer config check --for ROLE` makes the same check";
    Verdict::fail_for(facts.settings.refused.clone(), remedy, "each would start")
}

fn warnings(facts: &Facts) -> Verdict {
    let remedy = "`skimmer config check --for ROLE --security` shows every aspect";
    Verdict::warn_of(facts.settings.warnings.clone(), remedy, "there is no warning")
}

fn reload(facts: &Facts) -> Verdict {
    let documents = facts.programs.iter().filter_map(|program| program.document());
    let refused = documents.filter_map(|document| {
        let outcome = document.last_reload.as_deref().filter(|outcome| outcome.starts_with("refused"))?;
        Some(format!("{}: {outcome}", document.program))
    });
    let remedy = "correct the settings, and send SIGHUP again: the old ones are in force";
    Verdict::fail_for(refused.collect(), remedy, "no reload was refused")
}

fn port(facts: &Facts) -> Verdict {
    let document = facts.program(Service).and_then(|program| program.document());
    let bound = document.and_then(|document| document.endpoints.get("network").cloned().flatten());
    let (Some(bound), true) = (bound, facts.settings.port > 0) else {
        return Verdict::not_applicable("no service runs, or the port is any free one");
    };
    let wanted = facts.settings.port;
    if bound.rsplit_once(':').is_some_and(|(_, port)| port == wanted.to_string()) {
        return Verdict::pass(bound);
    }
    let reason = format!("the service has bound {bound}, and the settings have port {wanted}");
    Verdict::fail(
        reason,
        "restart the service, or correct publisher_port: agents connect to the port of their settings",
    )
}

fn reports(facts: &Facts) -> Verdict {
    let interval = facts.settings.applied_interval;
    if interval.is_zero() {
        let reason =
            "agent.applied_interval is 0s: `skimmer agents` and `skimmer trace` do not know this agent";
        return Verdict::warn(reason, "set agent.applied_interval = \"1s\"");
    }
    Verdict::pass(format!("every {interval:?}"))
}

fn times(facts: &Facts) -> Verdict {
    let settings = &facts.settings;
    let mut problems = Vec::new();
    let (down, report) = (settings.service_down_time, settings.report_interval);
    if down < report * 2 {
        problems.push(format!(
            "service_down_time ({down:?}) is less than twice report_interval ({report:?}): programs that run are shown as down"
        ));
    }
    let (late, dead) = (settings.max_delay, settings.dead_after);
    if facts.has_role(Agent) && late <= dead {
        problems.push(format!(
            "agent.max_delay ({late:?}) is not longer than dead_after ({dead:?}): each reconnect makes a publisher stale"
        ));
    }
    Verdict::warn_of(problems, "change one of the two settings", "the times fit")
}

fn retention(facts: &Facts) -> Verdict {
    let Some(document) = facts.program(Service).and_then(|program| program.document()) else {
        return Verdict::not_applicable("no service runs");
    };
    let written =
        document.parts.get("delivery").map_or(0, |status| status.counter("ring_bytes_written", None));
    let needed = facts.settings.max_delay + facts.settings.dead_after;
    let Some(reaches) = reaches_back(facts.settings.ring_bytes, written, document.uptime_seconds) else {
        return Verdict::pass("the ring has room for everything that was published so far");
    };
    if reaches < needed {
        let reason = format!(
            "the ring reaches back for {} s, and an agent may be late or away for {} s",
            reaches.as_secs(),
            needed.as_secs()
        );
        return Verdict::warn(
            reason,
            "raise service.ring_bytes: agents that miss more receive snapshots instead",
        );
    }
    Verdict::pass(format!("it reaches back for {} s", reaches.as_secs()))
}

/// How far a ring reaches back that loses its oldest eighth when it is full; `None` if it is not full yet.
fn reaches_back(ring_bytes: u64, written: u64, uptime_seconds: u64) -> Option<Duration> {
    let kept = ring_bytes - ring_bytes / 8;
    if written <= kept {
        return None;
    }
    let seconds = u128::from(kept) * u128::from(uptime_seconds.max(1)) / u128::from(written);
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)))
}
