use std::collections::BTreeMap;

use crate::doctor::check::Check;
use crate::doctor::facts::{Facts, Greeted, PublisherFact, Requested};
use crate::doctor::host_role::HostRole::{Agent, Service};
use crate::doctor::verdict::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "broker-subscribes",
        of: &[Service, Agent],
        demands: "With a broker as network driver: it confirms a subscription.",
        judge: broker,
    },
    Check {
        id: "publishers-named",
        of: &[Agent],
        demands: "`publishers_ips` or the directory names at least one publisher.",
        judge: named,
    },
    Check {
        id: "publishers-resolve",
        of: &[Service, Agent],
        demands: "Every name of a publisher resolves to an address.",
        judge: resolve,
    },
    Check {
        id: "publishers-connect",
        of: &[Service, Agent],
        demands: "Every publisher of `publishers_ips`, and the own service, accepts a TCP connection.",
        judge: connect,
    },
    Check {
        id: "publishers-greeting",
        of: &[Service, Agent],
        demands: "What listens at the address of a publisher greets as one (ZMTP 3).",
        judge: greeting,
    },
    Check {
        id: "publishers-keys",
        of: &[Service, Agent],
        demands: "With CURVE, publisher and agent accept each other's key.",
        judge: keys,
    },
    Check {
        id: "publishers-hello",
        of: &[Service, Agent],
        demands: "Every publisher sends a hello to a new subscriber.",
        judge: hello,
    },
    Check {
        id: "publishers-requests",
        of: &[Service, Agent],
        demands: "Every publisher replies to requests for missing events (SYNC).",
        judge: requests,
    },
    Check {
        id: "publishers-ids",
        of: &[Service, Agent],
        demands: "No two running publishers have one id.",
        judge: ids,
    },
];

const NONE: &str = "no publisher can be connected to";

fn broker(facts: &Facts) -> Verdict {
    match &facts.broker {
        None => Verdict::not_applicable("the network driver has no broker"),
        Some(Ok(())) => Verdict::pass("a subscription was confirmed"),
        Some(Err(problem)) => Verdict::fail(
            problem,
            format!("see the settings of {}, and the log of the broker", facts.settings.network_driver),
        ),
    }
}

fn named(facts: &Facts) -> Verdict {
    if facts.settings.is_broker {
        return Verdict::not_applicable("agents subscribe at the broker");
    }
    match facts.publishers.len() {
        0 => Verdict::fail(
            "there is none, so the agent receives nothing",
            "add publishers to publishers_ips, or use the directory (use_nb_db)",
        ),
        count => Verdict::pass(format!("it knows {count}")),
    }
}

fn resolve(facts: &Facts) -> Verdict {
    if facts.publishers.is_empty() {
        return Verdict::not_applicable("there is no publisher");
    }
    let problems = problems(facts.publishers.iter(), |publisher| publisher.unresolved.clone());
    Verdict::fail_for(
        problems,
        "correct the name in publishers_ips or the directory, or the resolver of this host",
        "all resolve",
    )
}

fn connect(facts: &Facts) -> Verdict {
    let named: Vec<_> =
        facts.publishers.iter().filter(|publisher| publisher.in_settings || publisher.is_own).collect();
    if named.is_empty() {
        return Verdict::not_applicable("there is no publisher but those of the directory");
    }
    let problems = problems(named.into_iter(), |publisher| publisher.unconnected.clone());
    let remedy = "start the service there, or correct host and port in publishers_ips; a firewall may drop the connection";
    Verdict::fail_for(problems, remedy, "all accept")
}

fn greeting(facts: &Facts) -> Verdict {
    let asked: Vec<_> = connected(facts).filter(|publisher| publisher.greeted != Greeted::NotAsked).collect();
    if asked.is_empty() {
        return Verdict::not_applicable(NONE);
    }
    let problems = problems(asked.into_iter(), |publisher| match &publisher.greeted {
        Greeted::Foreign(what) => Some(format!("another program listens there: {what}")),
        Greeted::Nothing => {
            Some("it accepts connections and sends nothing: it hangs, or is another program".to_owned())
        }
        Greeted::End if publisher.not_asked.is_none() => Some(
            "it closes the connection: it may be full, or not allow this address (drivers.zmtp.allow_from)"
                .to_owned(),
        ),
        _ => None,
    });
    Verdict::fail_for(
        problems,
        "look at the host what listens at the port (ss -ltnp), and restart the service",
        "all greet as publishers",
    )
}

fn keys(facts: &Facts) -> Verdict {
    if facts.settings.mechanism.as_deref() != Some("CURVE") {
        return Verdict::not_applicable("the mechanism has no keys");
    }
    let asked: Vec<_> = connected(facts).filter(|publisher| publisher.not_asked.is_none()).collect();
    if asked.is_empty() {
        return Verdict::not_applicable(
            "this host has no key of an agent, or no publisher can be connected to",
        );
    }
    let problems = problems(asked.into_iter(), |publisher| {
        publisher.refusals.iter().find_map(|cause| key_problem(cause)).map(str::to_owned)
    });
    Verdict::fail_for(
        problems,
        "compare publisher_keys, agent_key_file and authorized_agents_file (skimmer keys show)",
        "the keys are accepted",
    )
}

/// What a cause of the driver says about keys.
fn key_problem(cause: &str) -> Option<&'static str> {
    match cause {
        "no_publisher_key" => Some("publisher_keys has no key for it"),
        "curve_no_welcome" | "curve_bad_welcome" => {
            Some("it does not have the key that publisher_keys names for it")
        }
        "curve_no_ready" | "curve_key_refused" => {
            Some("it refuses the key of this agent: unknown, expired, or with too many connections")
        }
        _ => None,
    }
}

fn hello(facts: &Facts) -> Verdict {
    let greeted = connected(facts).filter(|publisher| publisher.greeted == Greeted::AsWanted);
    let asked: Vec<_> = greeted.filter(|publisher| publisher.not_asked.is_none()).collect();
    if asked.is_empty() {
        return Verdict::not_applicable("no publisher greets, or this host has no key to subscribe");
    }
    let has_key_problem =
        |publisher: &PublisherFact| publisher.refusals.iter().any(|cause| key_problem(cause).is_some());
    let problems = problems(asked.into_iter(), |publisher| {
        let is_silent = publisher.hello.is_none() && !has_key_problem(publisher);
        is_silent.then(|| {
            "no hello: it is a foreign publisher, whose losses agents cannot notice, or it hangs".to_owned()
        })
    });
    Verdict::warn_of(problems, "see the log of the publisher", "all send one")
}

fn requests(facts: &Facts) -> Verdict {
    let asked: Vec<_> =
        connected(facts).filter(|publisher| publisher.requested != Requested::NotAsked).collect();
    if asked.is_empty() {
        return Verdict::not_applicable("no publisher could be asked");
    }
    let problems = problems(asked.into_iter(), |publisher| match publisher.requested {
        Requested::Silent => Some("no reply to a request within the time".to_owned()),
        Requested::Unsupported => {
            Some("it carries no requests: agents cannot recover what they miss".to_owned())
        }
        Requested::Answered | Requested::NotAsked => None,
    });
    Verdict::fail_for(
        problems,
        "see the log of the publisher; `skimmer status` there counts requests by result",
        "all reply",
    )
}

fn ids(facts: &Facts) -> Verdict {
    let mut by_id: BTreeMap<&str, Vec<(Option<u64>, &str)>> = BTreeMap::new();
    for publisher in &facts.publishers {
        if let Some(hello) = &publisher.hello {
            by_id.entry(&hello.id).or_default().push((hello.epoch, &publisher.endpoint));
        }
    }
    if by_id.is_empty() {
        return Verdict::not_applicable("no publisher sent a hello");
    }
    // One publisher with two addresses has one epoch.
    let differ = |of_id: &[(Option<u64>, &str)]| {
        of_id.iter().any(|(epoch, _)| Some(epoch) != of_id.first().map(|(first, _)| first))
    };
    let problems = by_id.iter().filter(|(_, of_id)| differ(of_id)).map(|(id, of_id)| {
        let endpoints: Vec<&str> = of_id.iter().map(|(_, endpoint)| *endpoint).collect();
        format!("{} have the id {id}", endpoints.join(" and "))
    });
    Verdict::fail_for(
        problems.collect(),
        "give each publisher its own publisher_id and state_dir",
        format!("{} publishers, each with its own id", by_id.len()),
    )
}

pub(super) fn connected(facts: &Facts) -> impl Iterator<Item = &PublisherFact> {
    facts.publishers.iter().filter(|publisher| publisher.is_connected())
}

/// The problems of publishers, each with its address.
pub(super) fn problems<'a>(
    publishers: impl Iterator<Item = &'a PublisherFact>,
    problem: impl Fn(&PublisherFact) -> Option<String>,
) -> Vec<String> {
    publishers
        .filter_map(|publisher| Some(format!("{}: {}", publisher.endpoint, problem(publisher)?)))
        .collect()
}
