use pubsub_api::wire::MAX_EVENT_BYTES;

use super::publishers::{connected, problems};
use crate::doctor::check::Check;
use crate::doctor::facts::{Facts, Greeted, HelloFact, PublisherFact};
use crate::doctor::host_role::HostRole::{Agent, Service};
use crate::doctor::verdict::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "both-mechanism",
        of: &[Service, Agent],
        demands: "Both ends have the same security mechanism (`drivers.zmtp.mechanism`).",
        judge: mechanism,
    },
    Check {
        id: "both-transport",
        of: &[Service, Agent],
        demands: "The addresses in the directory are of the transport of this host's driver.",
        judge: transport,
    },
    Check {
        id: "both-ports",
        of: &[Agent],
        demands: "`publishers_ips` has the port under which the directory lists the publisher of that host.",
        judge: ports,
    },
    Check {
        id: "both-versions",
        of: &[Service, Agent],
        demands: "Publishers have the version of this command.",
        judge: versions,
    },
    Check {
        id: "both-event-size",
        of: &[Service, Agent],
        demands: "Publishers accept events of the size that agents accept.",
        judge: event_size,
    },
    Check {
        id: "both-reports",
        of: &[Agent],
        demands: "Publishers take the reports that the agent sends (`agent.applied_interval`).",
        judge: reports,
    },
    Check {
        id: "topics-published",
        of: &[Agent],
        demands: "Each topic of `agent.topics` was published by some publisher.",
        judge: topics,
    },
    Check {
        id: "topics-rights",
        of: &[Agent],
        demands: "No publisher refuses a topic of `agent.topics`, or `D`.",
        judge: rights,
    },
];

fn mechanism(facts: &Facts) -> Verdict {
    let Some(own) = &facts.settings.mechanism else {
        return Verdict::not_applicable("the network driver has no mechanism");
    };
    let greeted: Vec<_> = connected(facts).filter(|publisher| has_greeted(publisher)).collect();
    if greeted.is_empty() {
        return Verdict::not_applicable("no publisher greets");
    }
    let problems = problems(greeted.into_iter(), |publisher| match &publisher.greeted {
        Greeted::OtherMechanism(theirs) => Some(format!("it wants {theirs}, and this host has {own}")),
        _ => None,
    });
    Verdict::fail_for(
        problems,
        "set drivers.zmtp.mechanism to the same at both ends, with the keys of CURVE",
        format!("both have {own}"),
    )
}

fn has_greeted(publisher: &PublisherFact) -> bool {
    matches!(publisher.greeted, Greeted::AsWanted | Greeted::OtherMechanism(_))
}

fn transport(facts: &Facts) -> Verdict {
    let Some(directory) = facts.directory().filter(|_| !facts.settings.is_broker) else {
        return Verdict::not_applicable("no directory names publishers");
    };
    let own = &facts.settings.transport;
    let others = directory.publishers.iter().filter(|row| !row.uri.starts_with(&format!("{own}://")));
    let problems =
        others.map(|row| format!("publisher {} is at {}, and this host speaks {own}", row.id, row.uri));
    let remedy =
        "choose drivers that understand each other: pub_sub_driver and publisher_transport at both ends";
    Verdict::fail_for(problems.collect(), remedy, format!("all are {own}"))
}

fn ports(facts: &Facts) -> Verdict {
    let Some(directory) = facts.directory() else {
        return Verdict::not_applicable("no directory lists ports");
    };
    let listed: Vec<(&str, &str)> =
        directory.publishers.iter().filter_map(|row| host_and_port(&row.uri)).collect();
    let problems =
        facts.publishers.iter().filter(|publisher| publisher.in_settings).filter_map(|publisher| {
            let (host, port) = host_and_port(&publisher.endpoint)?;
            let of_host: Vec<&str> =
                listed.iter().filter(|(of, _)| *of == host).map(|(_, port)| *port).collect();
            let differs = !of_host.is_empty() && !of_host.contains(&port);
            differs.then(|| {
                format!("publishers_ips has {host}:{port}, and the directory port {}", of_host.join(", "))
            })
        });
    Verdict::fail_for(
        problems.collect(),
        "correct the port in publishers_ips or publisher_port",
        "the ports agree",
    )
}

fn host_and_port(endpoint: &str) -> Option<(&str, &str)> {
    endpoint.split_once("://").map_or(endpoint, |(_, address)| address).rsplit_once(':')
}

fn versions(facts: &Facts) -> Verdict {
    let own = env!("CARGO_PKG_VERSION");
    of_hellos(
        facts,
        |problems| {
            let remedy = format!("this command has version {own}: upgrade the older ones");
            Verdict::warn_of(problems, &remedy, format!("all have version {own}"))
        },
        |hello| match &hello.release {
            Some(release) if release == own => None,
            Some(release) => Some(format!("it has version {release}")),
            None => Some("it does not state its version: it is older, or foreign".to_owned()),
        },
    )
}

fn event_size(facts: &Facts) -> Verdict {
    let own = MAX_EVENT_BYTES as u64;
    of_hellos(
        facts,
        |problems| {
            Verdict::fail_for(
                problems,
                "upgrade the older end: larger events are dropped by it",
                format!("all that state it accept {own} bytes"),
            )
        },
        |hello| {
            let theirs = hello.event_bytes.filter(|theirs| *theirs != own)?;
            Some(format!("it accepts {theirs} bytes, and this version {own}"))
        },
    )
}

fn reports(facts: &Facts) -> Verdict {
    if facts.settings.applied_interval.is_zero() {
        return Verdict::not_applicable("this host sends no reports");
    }
    of_hellos(
        facts,
        |problems| {
            Verdict::warn_of(
                problems,
                "upgrade the publisher, to see this agent in `skimmer agents`",
                "all take them",
            )
        },
        |hello| (!hello.takes_reports).then(|| "it takes no reports".to_owned()),
    )
}

/// Judges the hello of each publisher that sent one.
fn of_hellos(
    facts: &Facts,
    verdict: impl Fn(Vec<String>) -> Verdict,
    problem: impl Fn(&HelloFact) -> Option<String>,
) -> Verdict {
    let with_hello: Vec<&PublisherFact> =
        connected(facts).filter(|publisher| publisher.hello.is_some()).collect();
    if with_hello.is_empty() {
        return Verdict::not_applicable("no publisher sent a hello");
    }
    verdict(problems(with_hello.into_iter(), |publisher| publisher.hello.as_ref().and_then(&problem)))
}

fn topics(facts: &Facts) -> Verdict {
    let heard: Vec<_> = connected(facts).filter(|publisher| publisher.hello.is_some()).collect();
    if facts.settings.topics.is_empty() || heard.is_empty() {
        return Verdict::not_applicable("agent.topics is empty, or no publisher sent a hello");
    }
    let is_known = |topic: &String| heard.iter().any(|publisher| publisher.known_topics.contains(topic));
    let unknown = facts.settings.topics.iter().filter(|topic| !is_known(topic));
    let problems = unknown.map(|topic| format!("nobody has published on {topic:?}"));
    let remedy = "compare the name with the publisher's: topics are compared byte by byte; a new topic is unknown until its first event";
    Verdict::warn_of(problems.collect(), remedy, "each was published")
}

fn rights(facts: &Facts) -> Verdict {
    if !facts.publishers.iter().any(|publisher| publisher.hello.is_some()) {
        return Verdict::not_applicable("no publisher sent a hello");
    }
    let refused = facts.publishers.iter().flat_map(|publisher| {
        publisher.refused_topics.iter().map(move |topic| format!("{} refuses {topic}", publisher.endpoint))
    });
    let remedy = "add the topic to the agent's line in authorized_agents_file of the publisher, or remove it from agent.topics";
    Verdict::fail_for(refused.collect(), remedy, "no topic is refused")
}
