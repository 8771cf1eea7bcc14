use crate::doctor::check::Check;
use crate::doctor::facts::{Facts, ProgramState};
use crate::doctor::host_role::HostRole::{self, Agent, Service};
use crate::doctor::verdict::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "program-runs",
        of: &[Service, Agent],
        demands: "The programs of the host's roles run.",
        judge: runs,
    },
    Check {
        id: "program-ready",
        of: &[Service, Agent],
        demands: "Each program with an endpoint for operators is ready (`/readyz`).",
        judge: ready,
    },
    Check {
        id: "program-version",
        of: &[Service, Agent],
        demands: "Running programs have the version of this command.",
        judge: version,
    },
    Check {
        id: "program-descriptors",
        of: &[Service, Agent],
        demands: "Each program may open enough files: a service one for each of `drivers.zmtp.max_connections`, and less than nine \
                  tenths are in use.",
        judge: descriptors,
    },
    Check {
        id: "program-queues",
        of: &[Service, Agent],
        demands: "No queue is filled to nine tenths or more.",
        judge: queues,
    },
    Check {
        id: "program-losses",
        of: &[Service, Agent],
        demands: "No program has dropped or missed events since its start.",
        judge: losses,
    },
    Check {
        id: "program-refusals",
        of: &[Service, Agent],
        demands: "No peer was refused within the last ten minutes.",
        judge: refusals,
    },
    Check {
        id: "agent-live",
        of: &[Agent],
        demands: "The running agent is live at each of its publishers.",
        judge: agent_live,
    },
];

/// Queues that are full for most of their life.
const FULL_BY_DESIGN: [&str; 3] = ["ring", "snapshots", "workers"];

/// Counters of events that did not get to their place.
const LOSSES: [&str; 7] =
    ["events_dropped", "events_missed", "events_refused", "lost_records", "gaps", "resyncs", "rows_refused"];

const RECENTLY_SECONDS: u64 = 600;

fn runs(facts: &Facts) -> Verdict {
    let expected: Vec<HostRole> =
        facts.roles.iter().copied().filter(|role| role.program().is_some()).collect();
    let stopped = expected.iter().filter_map(|role| {
        let program = facts.program(*role)?;
        let is_absent = matches!(program.state, ProgramState::Absent);
        is_absent.then(|| format!("{} does not run with this state_dir", program.name))
    });
    let remedy = "start it, for example by `systemctl start`; its log has the reason of its end";
    Verdict::fail_for(stopped.collect(), remedy, "all run")
}

fn ready(facts: &Facts) -> Verdict {
    let with_endpoint: Vec<_> =
        facts.programs.iter().filter_map(|program| Some((&program.name, program.unmet.as_ref()?))).collect();
    if with_endpoint.is_empty() {
        return Verdict::not_applicable("no program has an endpoint for operators (operations_bind)");
    }
    let unready = with_endpoint.iter().flat_map(|(name, unmet)| match unmet {
        Ok(unmet) => unmet.iter().map(|check| format!("{name} is not ready: {check}")).collect(),
        Err(problem) => vec![format!("{name}: {problem}")],
    });
    Verdict::fail_for(
        unready.collect(),
        "the reasons say what is missing; docs/operations.md lists the checks",
        "all checks are met",
    )
}

fn version(facts: &Facts) -> Verdict {
    let own = env!("CARGO_PKG_VERSION");
    let documents = facts.programs.iter().filter_map(|program| program.document());
    let others = documents.filter(|document| document.version != own);
    let problems = others.map(|document| format!("{} has version {}", document.program, document.version));
    let remedy = format!("this command has version {own}: restart programs after an upgrade");
    Verdict::warn_of(problems.collect(), &remedy, format!("version {own}"))
}

fn descriptors(facts: &Facts) -> Verdict {
    let seen: Vec<_> =
        facts.programs.iter().filter_map(|program| Some((program, program.descriptors?))).collect();
    if seen.is_empty() {
        return Verdict::not_applicable("no program runs whose limits can be read");
    }
    let full = seen.iter().filter_map(|(program, descriptors)| {
        let open = descriptors.open?;
        let is_full = open.saturating_mul(10) >= descriptors.limit.saturating_mul(9);
        is_full.then(|| format!("{} has {open} of {} files open", program.name, descriptors.limit))
    });
    let remedy = "raise LimitNOFILE in the unit of the program, and restart it";
    let full = Verdict::fail_for(full.collect(), remedy, "the limits suffice");
    let few = seen.iter().filter_map(|(program, descriptors)| {
        let needed = if program.name == "publisher-service" { facts.settings.max_connections } else { 64 };
        let limit = descriptors.limit;
        (limit < needed)
            .then(|| format!("{} may open {limit} files, and has up to {needed} connections", program.name))
    });
    full.or_worse(Verdict::warn_of(few.collect(), remedy, ""))
}

fn queues(facts: &Facts) -> Verdict {
    let mut full = Vec::new();
    for document in facts.programs.iter().filter_map(|program| program.document()) {
        for (part, status) in &document.parts {
            let judged = status.queues.iter().filter(|queue| !FULL_BY_DESIGN.contains(&queue.name.as_str()));
            let filled =
                judged.filter(|queue| queue.bound > 0 && queue.depth >= queue.bound - queue.bound / 10);
            full.extend(filled.map(|queue| {
                format!(
                    "{} {part}: {} has {} of {} {}",
                    document.program, queue.name, queue.depth, queue.bound, queue.unit
                )
            }));
        }
    }
    Verdict::warn_of(
        full,
        "docs/design.md#when-a-queue-is-full says what follows; `skimmer top` shows which peer is slow",
        "all have room",
    )
}

fn losses(facts: &Facts) -> Verdict {
    let mut lost = Vec::new();
    for document in facts.programs.iter().filter_map(|program| program.document()) {
        for (part, status) in &document.parts {
            let counted = status
                .counters
                .iter()
                .filter(|counter| counter.value > 0 && LOSSES.contains(&counter.name.as_str()));
            lost.extend(counted.map(|counter| {
                let cause = counter.cause.as_deref().map_or(String::new(), |cause| format!(" ({cause})"));
                format!("{} {part}: {} {}{cause}", document.program, counter.value, counter.name)
            }));
        }
    }
    let remedy = "`skimmer top` shows whether they rise; the logs name the peers";
    Verdict::warn_of(lost, remedy, "no event was lost")
}

fn refusals(facts: &Facts) -> Verdict {
    let documents = facts.programs.iter().filter_map(|program| program.document());
    let all = documents.flat_map(|document| document.parts.values()).flat_map(|status| &status.refusals);
    let recent = all.filter(|refusal| refusal.seconds_ago <= RECENTLY_SECONDS);
    let problems = recent.map(|refusal| {
        format!("{} was refused {} times: {} ({})", refusal.who, refusal.times, refusal.reason, refusal.cause)
    });
    Verdict::warn_of(
        problems.collect(),
        "correct the settings or the keys of the peer, if it is one of ours",
        "no peer was refused",
    )
}

fn agent_live(facts: &Facts) -> Verdict {
    let Some(document) = facts.program(Agent).and_then(|program| program.document()) else {
        return Verdict::not_applicable("no agent runs");
    };
    let delivery = document.parts.get("delivery").map(|status| status.peers.as_slice()).unwrap_or_default();
    let network = document.parts.get("network").map(|status| status.peers.as_slice()).unwrap_or_default();
    let not_live = delivery.iter().filter(|peer| peer.state != "live");
    let mut problems: Vec<String> =
        not_live.map(|peer| format!("{} is {}", peer.endpoint, peer.state)).collect();
    let unreachable =
        network.iter().filter(|peer| ["unreachable", "connecting"].contains(&peer.state.as_str()));
    problems.extend(unreachable.map(|peer| format!("{} is {}", peer.endpoint, peer.state)));
    if delivery.is_empty() && problems.is_empty() {
        problems.push("it follows no publisher".to_owned());
    }
    Verdict::fail_for(
        problems,
        "see the checks of publishers below; the notices of the agent have the reasons",
        "live at every publisher",
    )
}
