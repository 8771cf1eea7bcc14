use std::time::Duration;

use northbound::{PublisherRow, ServiceRow};

use super::Fault;
use crate::doctor::facts::{DatabaseFact, DirectoryFact, Facts, PublisherFact};
use crate::doctor::verdict::Outcome::{Fail, Warn};

pub(super) const FAULTS: &[Fault] = &[
    ("database", Fail, "no reply", |facts| facts.database = DatabaseFact::Unavailable("no reply".to_owned())),
    ("directory-rows", Warn, "service/7", |facts| {
        directory(facts).unreadable.push("service/7: it is not JSON".to_owned());
    }),
    ("directory-own", Fail, "no row has port 8866", |facts| directory(facts).publishers.clear()),
    ("directory-answers", Fail, "tcp://10.0.0.6:8866: refused", |facts| {
        list(facts, "api-2", "tcp://10.0.0.6:8866", 0);
        let unconnected = Some("refused".to_owned());
        facts.publishers.push(PublisherFact { unconnected, ..PublisherFact::at("tcp://10.0.0.6:8866") });
    }),
    ("directory-unlisted", Warn, "answers as api-1", |facts| directory(facts).publishers.clear()),
    ("directory-ids", Fail, "answers as api-1, and is listed as api-0", |facts| {
        facts.publishers[0].listed_as = vec!["api-0".to_owned()];
    }),
    ("directory-leases", Warn, "not renewed its row for 400 s", |facts| {
        list(facts, "api-2", "tcp://10.0.0.6:8866", 400);
    }),
    ("directory-reports", Warn, "skimmer-subscriber-agent of compute-9 has not reported for 90 s", |facts| {
        let row = ServiceRow::new("compute-9", "skimmer-subscriber-agent", "a", ago(facts, 90));
        directory(facts).programs.push(row);
    }),
    ("clock-directory", Warn, "60.0 s in the future", |facts| {
        let row = ServiceRow::new(
            "compute-9",
            "skimmer-subscriber-agent",
            "a",
            facts.now + Duration::from_secs(60),
        );
        directory(facts).programs.push(row);
    }),
    ("both-transport", Fail, "redis://10.0.0.6:6379", |facts| {
        list(facts, "api-2", "redis://10.0.0.6:6379", 0)
    }),
    ("both-ports", Fail, "publishers_ips has 10.0.0.5:8866, and the directory port 8867", |facts| {
        directory(facts).publishers[0].uri = "tcp://10.0.0.5:8867".to_owned();
    }),
];

fn directory(facts: &mut Facts) -> &mut DirectoryFact {
    match &mut facts.database {
        DatabaseFact::Read(directory) => directory,
        other => panic!("{other:?}"),
    }
}

fn ago(facts: &Facts, seconds: u64) -> Duration {
    facts.now - Duration::from_secs(seconds)
}

fn list(facts: &mut Facts, id: &str, uri: &str, seconds: u64) {
    let last_activity = ago(facts, seconds);
    directory(facts).publishers.push(PublisherRow { id: id.to_owned(), uri: uri.to_owned(), last_activity });
}

#[test]
fn a_publisher_whose_row_is_old_is_not_expected_to_answer() {
    let mut facts = super::healthy();
    list(&mut facts, "api-2", "tcp://10.0.0.6:8866", 400);
    let unconnected = Some("refused".to_owned());
    facts.publishers.push(PublisherFact { unconnected, ..PublisherFact::at("tcp://10.0.0.6:8866") });
    assert_eq!(super::verdict("directory-answers", &facts).outcome, super::Outcome::Pass);
}
