use northbound::PublisherRow;

use super::publishers::problems;
use crate::doctor::check::Check;
use crate::doctor::facts::{DatabaseFact, DirectoryFact, Facts, PublisherFact};
use crate::doctor::host_role::HostRole::{Agent, Service};
use crate::doctor::verdict::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "database",
        of: &[Service, Agent],
        demands: "The northbound database replies, if the settings use one.",
        judge: database,
    },
    Check {
        id: "directory-rows",
        of: &[Service, Agent],
        demands: "Every row of the directory can be read.",
        judge: rows,
    },
    Check {
        id: "directory-own",
        of: &[Service],
        demands: "The directory lists the service of this host at the port that it has bound.",
        judge: own,
    },
    Check {
        id: "directory-answers",
        of: &[Service, Agent],
        demands: "Every publisher with a current row in the directory accepts a connection.",
        judge: answers,
    },
    Check {
        id: "directory-unlisted",
        of: &[Agent],
        demands: "Every publisher of `publishers_ips` that answers is in the directory.",
        judge: unlisted,
    },
    Check {
        id: "directory-ids",
        of: &[Service, Agent],
        demands: "What answers at an address of the directory has the id of its row.",
        judge: ids,
    },
    Check {
        id: "directory-leases",
        of: &[Service, Agent],
        demands: "Every row of a publisher was renewed within `publisher_timeout`.",
        judge: leases,
    },
    Check {
        id: "directory-reports",
        of: &[Service, Agent],
        demands: "Every program in the directory has reported within `service_down_time`.",
        judge: reports,
    },
];

const LEAVE: &str = "start the service there; if it is gone for good: skimmer service leave --id ID";

fn database(facts: &Facts) -> Verdict {
    match &facts.database {
        DatabaseFact::NotUsed => Verdict::not_applicable("the settings use none (use_nb_db)"),
        DatabaseFact::Read(_) => Verdict::pass("it was read"),
        DatabaseFact::Unavailable(problem) => Verdict::fail(
            problem,
            "see the settings of nb_db_class; agents without it do not compare their tables",
        ),
    }
}

/// Judges the directory, if there is one.
fn judged(facts: &Facts, judge: impl Fn(&DirectoryFact) -> Verdict) -> Verdict {
    facts.directory().map_or_else(|| Verdict::not_applicable("no directory could be read"), judge)
}

fn rows(facts: &Facts) -> Verdict {
    judged(facts, |directory| {
        let count = directory.publishers.len() + directory.programs.len();
        Verdict::warn_of(
            directory.unreadable.clone(),
            "remove or correct the rows",
            format!("{count} rows were read"),
        )
    })
}

fn own(facts: &Facts) -> Verdict {
    let document = facts.program(Service).and_then(|program| program.document());
    let bound = document.and_then(|document| document.endpoints.get("network").cloned().flatten());
    let Some((_, port)) = bound.as_deref().and_then(|bound| bound.rsplit_once(':')) else {
        return Verdict::not_applicable("no service runs that agents connect to");
    };
    judged(facts, |directory| {
        let is_own = |row: &&PublisherRow| row.uri.rsplit_once(':').is_some_and(|(_, of_row)| of_row == port);
        match directory.publishers.iter().find(is_own) {
            Some(row) => Verdict::pass(format!("{} as {}", row.uri, row.id)),
            None => Verdict::fail(
                format!("no row has port {port}: agents do not find the service"),
                "a running service writes its row within publisher_timeout / 3; see its log if it does not",
            ),
        }
    })
}

/// The publishers of the directory whose rows are current.
fn current<'a>(facts: &'a Facts, directory: &'a DirectoryFact) -> impl Iterator<Item = &'a PublisherFact> {
    let is_current = move |publisher: &&PublisherFact| {
        let rows = directory.publishers.iter().filter(|row| row.uri == publisher.endpoint);
        rows.into_iter().any(|row| !row.is_stale(facts.now, facts.settings.publisher_timeout))
    };
    facts.publishers.iter().filter(is_current)
}

fn answers(facts: &Facts) -> Verdict {
    judged(facts, |directory| {
        let silent = problems(current(facts, directory), |publisher| {
            publisher.unresolved.clone().or_else(|| publisher.unconnected.clone())
        });
        Verdict::fail_for(silent, LEAVE, format!("{} publishers accept", current(facts, directory).count()))
    })
}

fn unlisted(facts: &Facts) -> Verdict {
    judged(facts, |directory| {
        let heard = facts.publishers.iter().filter(|publisher| publisher.in_settings);
        let missing = problems(heard, |publisher| {
            let id = &publisher.hello.as_ref()?.id;
            let is_listed = directory.publishers.iter().any(|row| row.id == *id);
            (!is_listed).then(|| format!("it answers as {id}, which the directory does not list"))
        });
        Verdict::warn_of(missing, "set use_nb_db and the same database at that service", "all are listed")
    })
}

fn ids(facts: &Facts) -> Verdict {
    judged(facts, |directory| {
        let wrong = problems(current(facts, directory), |publisher| {
            let id = &publisher.hello.as_ref()?.id;
            let others: Vec<&str> =
                publisher.listed_as.iter().map(String::as_str).filter(|listed| listed != id).collect();
            (!others.is_empty())
                .then(|| format!("it answers as {id}, and is listed as {}", others.join(" and ")))
        });
        Verdict::fail_for(
            wrong,
            "remove rows of ids that are not used any more: skimmer service leave --id ID",
            "the ids agree",
        )
    })
}

fn leases(facts: &Facts) -> Verdict {
    judged(facts, |directory| {
        let (now, timeout) = (facts.now, facts.settings.publisher_timeout);
        let old = directory.publishers.iter().filter(|row| row.is_stale(now, timeout));
        let problems = old.map(|row| {
            let age = now.saturating_sub(row.last_activity).as_secs();
            format!("publisher {} at {} has not renewed its row for {age} s", row.id, row.uri)
        });
        Verdict::warn_of(
            problems.collect(),
            LEAVE,
            format!("{} rows are current", directory.publishers.len()),
        )
    })
}

fn reports(facts: &Facts) -> Verdict {
    judged(facts, |directory| {
        let (now, down) = (facts.now, facts.settings.service_down_time);
        let old = directory.programs.iter().filter(|row| !row.is_up(now, down));
        let problems = old.map(|row| {
            let age = now.saturating_sub(row.last_seen_up).as_secs();
            format!("{} of {} has not reported for {age} s", row.binary, row.chassis)
        });
        let remedy =
            "start it; the row of a program that is gone for good may be removed: skimmer db rm service ID";
        Verdict::warn_of(problems.collect(), remedy, format!("{} programs report", directory.programs.len()))
    })
}
