//! Which events a subscription to a pattern gets. The matcher itself is proved in `pubsub-api`; here, that a driver
//! uses it whatever its transport filters.

use crate::check::{case, ensure};
use crate::receiver::{pattern, topic};
use crate::topics::delivers;
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Network, a_star_is_one_word),
    case!(Network, a_hash_is_any_number_of_words),
    case!(Network, a_prefix_is_every_topic_that_begins_so),
    case!(Network, wildcards_never_see_reserved_topics),
    case!(Network, a_pattern_that_names_the_dollar_sees_reserved_topics),
    case!(Network, a_pattern_comes_and_goes_while_running),
];

/// "`*` one word."
async fn a_star_is_one_word(fixture: Fixture) -> Outcome {
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

/// "`#` any number of words."
async fn a_hash_is_any_number_of_words(fixture: Fixture) -> Outcome {
    let wanted = vec![pattern("port.#.up")?, pattern("net.#")?];
    let published =
        ["port.up", "port.7.up", "port.7.8.up", "port.7", "net", "net.1", "net.1.2", "network", "a.net"];
    let delivered = ["port.up", "port.7.up", "port.7.8.up", "net", "net.1", "net.1.2"];
    delivers(&fixture, wanted, &published, &delivered).await
}

/// "… or a prefix (`tenant-*`)."
async fn a_prefix_is_every_topic_that_begins_so(fixture: Fixture) -> Outcome {
    let wanted = vec![pattern("tenant-*")?, pattern("projekt-ü*")?];
    let published = ["tenant-", "tenant-1", "tenant-1.x", "tenant", "Tenant-1", "projekt-ü1", "projekt-u1"];
    delivers(&fixture, wanted, &published, &["tenant-", "tenant-1", "tenant-1.x", "projekt-ü1"]).await
}

/// "A wildcard never matches the `$` at the start of a reserved topic."
async fn wildcards_never_see_reserved_topics(fixture: Fixture) -> Outcome {
    let wanted = vec![pattern("#")?, pattern("*")?, pattern("*.D")?, pattern("#.hello")?];
    // Hellos flow all the time: one that came through would be one event too many.
    delivers(&fixture, wanted, &["D", "$mark.D", "$x", "$hello"], &["D"]).await
}

/// "… `$mark.#` sees all marks."
async fn a_pattern_that_names_the_dollar_sees_reserved_topics(fixture: Fixture) -> Outcome {
    let published = ["$mark.D", "$mark.tenant.1", "$marked", "mark.D", "$hello"];
    delivers(&fixture, vec![pattern("$mark.#")?], &published, &["$mark.D", "$mark.tenant.1"]).await
}

/// "Addresses and topics can be registered … at any time after", patterns too.
async fn a_pattern_comes_and_goes_while_running(fixture: Fixture) -> Outcome {
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
