//! The events that a subscription to a pattern receives. `pubsub-api` tests the matcher; here, that a driver uses it
//! whatever its transport filters.

use crate::check::{case, ensure};
use crate::receiver::{pattern, topic};
use crate::topics::delivers;
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Network, a_star_matches_one_word),
    case!(Network, a_hash_matches_any_number_of_words),
    case!(Network, a_prefix_matches_every_topic_that_begins_with_it),
    case!(Network, wildcards_never_match_reserved_topics),
    case!(Network, a_pattern_with_the_dollar_matches_reserved_topics),
    case!(Network, a_pattern_can_be_registered_and_unregistered_while_running),
];

/// `*` matches one word.
async fn a_star_matches_one_word(fixture: Fixture) -> Outcome {
    let wanted = vec![pattern("port.*.up")?, pattern("*.created")?];
    let published = [
        "port.7.up",
        "port..up",
        "port.up",
        "port.7.8.up",
        "port.7.up.x",
        "xport.7.up",
        "net.created",
        "created",
    ];
    delivers(&fixture, wanted, &published, &["port.7.up", "port..up", "net.created"]).await
}

/// `#` matches any number of words.
async fn a_hash_matches_any_number_of_words(fixture: Fixture) -> Outcome {
    let wanted = vec![pattern("port.#.up")?, pattern("net.#")?];
    let published =
        ["port.up", "port.7.up", "port.7.8.up", "port.7", "net", "net.1", "net.1.2", "network", "a.net"];
    let delivered = ["port.up", "port.7.up", "port.7.8.up", "net", "net.1", "net.1.2"];
    delivers(&fixture, wanted, &published, &delivered).await
}

/// `tenant-*` matches a prefix.
async fn a_prefix_matches_every_topic_that_begins_with_it(fixture: Fixture) -> Outcome {
    let wanted = vec![pattern("tenant-*")?, pattern("projekt-ü*")?];
    let published = ["tenant-", "tenant-1", "tenant-1.x", "tenant", "Tenant-1", "projekt-ü1", "projekt-u1"];
    delivers(&fixture, wanted, &published, &["tenant-", "tenant-1", "tenant-1.x", "projekt-ü1"]).await
}

/// A wildcard never matches the `$` at the start of a reserved topic.
async fn wildcards_never_match_reserved_topics(fixture: Fixture) -> Outcome {
    let wanted = vec![pattern("#")?, pattern("*")?, pattern("*.D")?, pattern("#.hello")?];
    // Hellos are sent continuously: one that was delivered would be one event too many.
    delivers(&fixture, wanted, &["D", "$mark.D", "$x", "$hello"], &["D"]).await
}

/// `$mark.#` matches all marks.
async fn a_pattern_with_the_dollar_matches_reserved_topics(fixture: Fixture) -> Outcome {
    let published = ["$mark.D", "$mark.tenant.1", "$marked", "mark.D", "$hello"];
    delivers(&fixture, vec![pattern("$mark.#")?], &published, &["$mark.D", "$mark.tenant.1"]).await
}

/// Patterns can be registered and unregistered at any time.
async fn a_pattern_can_be_registered_and_unregistered_while_running(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("b")?]).await?;
    ensure!(receiver.register_topic(pattern("a.*")?)?, "a new pattern must be `true`");
    receiver.proved(&sender, "a.1").await?;
    sender.publish("a.2", 1).await?;
    receiver.expect("a.2", 1).await?;
    ensure!(receiver.unregister_topic(&pattern("a.*")?), "a known pattern must be `true`");
    sender.publish("a.2", "unwanted").await?;
    sender.publish("b", 1).await?;
    receiver.expect("b", 1).await
}
