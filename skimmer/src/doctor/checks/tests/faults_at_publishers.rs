use super::Fault;
use crate::doctor::facts::{Facts, Greeted, HelloFact, PublisherFact, Requested};
use crate::doctor::verdict::Outcome::{Fail, Warn};

pub(super) const FAULTS: &[Fault] = &[
    ("broker-subscribes", Fail, "no subscription", |facts| {
        facts.broker = Some(Err("no subscription was confirmed".to_owned()));
    }),
    ("publishers-named", Fail, "receives nothing", |facts| facts.publishers.clear()),
    ("publishers-resolve", Fail, "no such name", |facts| {
        first(facts).unresolved = Some("no such name".to_owned());
    }),
    ("publishers-connect", Fail, "refused", |facts| first(facts).unconnected = Some("refused".to_owned())),
    ("publishers-greeting", Fail, "another program", |facts| {
        unheard(facts).greeted = Greeted::Foreign("it does not speak ZMTP".to_owned());
    }),
    ("publishers-greeting", Fail, "sends nothing", |facts| unheard(facts).greeted = Greeted::Nothing),
    ("publishers-greeting", Fail, "closes", |facts| unheard(facts).greeted = Greeted::End),
    ("publishers-keys", Fail, "publisher_keys names", |facts| refuses(facts, "curve_no_welcome")),
    ("publishers-keys", Fail, "refuses the key", |facts| refuses(facts, "curve_no_ready")),
    ("publishers-keys", Fail, "has no key for it", |facts| refuses(facts, "no_publisher_key")),
    ("publishers-hello", Warn, "no hello", |facts| unheard(facts).greeted = Greeted::AsWanted),
    ("publishers-requests", Fail, "no reply", |facts| first(facts).requested = Requested::Silent),
    ("publishers-requests", Fail, "no requests", |facts| first(facts).requested = Requested::Unsupported),
    ("publishers-ids", Fail, "tcp://10.0.0.5:8866 and tcp://10.0.0.6:8866 have the id api-1", |facts| {
        let hello = HelloFact { epoch: Some(2), ..hello(facts).clone() };
        facts
            .publishers
            .push(PublisherFact { hello: Some(hello), ..PublisherFact::at("tcp://10.0.0.6:8866") });
    }),
    ("both-mechanism", Fail, "it wants CURVE, and this host has NULL", |facts| {
        unheard(facts).greeted = Greeted::OtherMechanism("CURVE".to_owned());
    }),
    ("both-versions", Warn, "version 0.0.9", |facts| hello(facts).release = Some("0.0.9".to_owned())),
    ("both-versions", Warn, "does not state", |facts| hello(facts).release = None),
    ("both-event-size", Fail, "2097152", |facts| hello(facts).event_bytes = Some(2 << 20)),
    ("both-reports", Warn, "no reports", |facts| hello(facts).takes_reports = false),
    ("topics-published", Warn, "\"tenant-9\"", |facts| facts.settings.topics.push("tenant-9".to_owned())),
    ("topics-rights", Fail, "refuses tenant-1", |facts| {
        first(facts).refused_topics.push("tenant-1: no right".to_owned());
    }),
    ("clock-publishers", Warn, "5000 ms behind ours", |facts| first(facts).clock_ahead_ms = Some((-5000, 3))),
];

fn first(facts: &mut Facts) -> &mut PublisherFact {
    &mut facts.publishers[0]
}

fn hello(facts: &mut Facts) -> &mut HelloFact {
    first(facts).hello.as_mut().unwrap()
}

/// A publisher that has sent no hello.
fn unheard(facts: &mut Facts) -> &mut PublisherFact {
    first(facts).hello = None;
    first(facts)
}

fn refuses(facts: &mut Facts, cause: &str) {
    facts.settings.mechanism = Some("CURVE".to_owned());
    unheard(facts).refusals.push(cause.to_owned());
}

#[test]
fn one_publisher_with_two_addresses_is_no_duplicate() {
    let mut facts = super::healthy();
    let hello = hello(&mut facts).clone();
    facts.publishers.push(PublisherFact { hello: Some(hello), ..PublisherFact::at("tcp://10.0.1.5:8866") });
    assert_eq!(super::verdict("publishers-ids", &facts).outcome, super::Outcome::Pass);
}

#[test]
fn a_refused_key_is_not_reported_as_a_missing_hello_as_well() {
    let mut facts = super::healthy();
    refuses(&mut facts, "curve_no_ready");
    facts.publishers[0].greeted = Greeted::AsWanted;
    assert_eq!(super::verdict("publishers-hello", &facts).outcome, super::Outcome::Pass);
}
