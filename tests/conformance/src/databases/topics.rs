//! Topics as parts of a row's place, and calls without a topic.

use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;

use super::calls::{list_calls, row_calls};
use super::database_case::database_case;
use super::expectation::{create, fails, holds, is_absent, lists};
use crate::check::ensure;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(one_key_on_two_topics_is_two_rows),
    database_case!(a_call_without_topic_finds_the_only_row_with_its_key),
    database_case!(a_call_without_topic_is_refused_if_several_rows_have_the_key),
    database_case!(creating_without_topic_creates_a_row_without_topic),
    database_case!(a_row_without_topic_is_on_no_topic),
    database_case!(topics_are_plain_names_whatever_they_look_like),
    database_case!(a_topic_with_a_closing_brace_is_valid_or_unsupported_by_every_call),
];

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: None };

/// One key on two topics is two rows.
async fn one_key_on_two_topics_is_two_rows(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let (one, two) = (PORT.on("tenant-1"), PORT.on("tenant-2"));
    create(&*database, one, "one").await?;
    is_absent(&*database, two).await?;
    create(&*database, two, "two").await?;
    database.set_key(one, "three".into()).await?;
    holds(&*database, one, "three").await?;
    holds(&*database, two, "two").await?;
    lists(&*database, "lport", None, &[(one, "three"), (two, "two")]).await?;
    lists(&*database, "lport", Some("tenant-1"), &[(one, "three")]).await?;
    database.delete_key(one).await?;
    is_absent(&*database, one).await?;
    holds(&*database, two, "two").await
}

/// A call without topic finds the only row with its key.
async fn a_call_without_topic_finds_the_only_row_with_its_key(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for topic in [Some("tenant-1"), None] {
        let row = PORT.on(topic);
        create(&*database, row, "one").await?;
        holds(&*database, PORT, "one").await?;
        database.set_key(PORT, "two".into()).await?;
        // No second row (docs/dragonflow.md#d38).
        lists(&*database, "lport", None, &[(row, "two")]).await?;
        let batch = database.get_batch(&[PORT]).await?;
        ensure!(batch == [Some("two".into())], "get_batch must find {row} without its topic: {batch:?}");
        database.delete_key(PORT).await?;
        lists(&*database, "lport", None, &[]).await?;
    }
    Ok(())
}

/// If several rows have the key, a call without topic is refused and does nothing.
async fn a_call_without_topic_is_refused_if_several_rows_have_the_key(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let (one, two) = (PORT.on("tenant-1"), PORT.on("tenant-2"));
    create(&*database, one, "one").await?;
    for (other, value) in [(two, "two"), (PORT, "none")] {
        create(&*database, other, value).await?;
        let what = |call| format!("{call} of {PORT}, with several rows of this key,");
        fails(ErrorKind::Invalid, what("get"), database.get_key(PORT).await)?;
        fails(ErrorKind::Invalid, what("set"), database.set_key(PORT, "x".into()).await)?;
        fails(ErrorKind::Invalid, what("delete"), database.delete_key(PORT).await)?;
        fails(ErrorKind::Invalid, what("get_batch"), database.get_batch(&[one, PORT]).await)?;
        lists(&*database, "lport", None, &[(one, "one"), (other, value)]).await?;
        if other == two {
            database.delete_key(two).await?;
        }
    }
    Ok(())
}

/// `create_key` without a topic creates a row without topic.
async fn creating_without_topic_creates_a_row_without_topic(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let one = PORT.on("tenant-1");
    create(&*database, one, "one").await?;
    create(&*database, PORT, "none").await?;
    fails(ErrorKind::AlreadyExists, "creating it twice", create(&*database, PORT, "x").await)?;
    database.create_key(PORT, "other".into(), true).await?;
    holds(&*database, one, "one").await?;
    lists(&*database, "lport", None, &[(one, "one"), (PORT, "other")]).await
}

/// A call with a topic does not find a row without topic.
async fn a_row_without_topic_is_on_no_topic(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    create(&*database, PORT, "none").await?;
    let one = PORT.on("tenant-1");
    is_absent(&*database, one).await?;
    fails(ErrorKind::NotFound, "setting it on a topic", database.set_key(one, "x".into()).await)?;
    fails(ErrorKind::NotFound, "deleting it on a topic", database.delete_key(one).await)?;
    lists(&*database, "lport", Some("tenant-1"), &[]).await?;
    lists(&*database, "lport", None, &[(PORT, "none")]).await
}

/// Topics are compared bytewise: not as patterns, and not as prefixes (docs/dragonflow.md#d41).
async fn topics_are_plain_names_whatever_they_look_like(fixture: DatabaseFixture) -> Outcome {
    const TOPICS: &[&str] = &[
        "*", "?", "[ab]", "a", "A", "b", "ab", "a*", "a?", "{a", "a.", "a.b", ".", "redis", "%", "_", "a_",
        "\\", "'", "\"", "a b", " a", "a\nb", "ü", "u\u{308}", "🦀", "lport", "D", "None", "0",
    ];
    let database = fixture.database().await?;
    for topic in TOPICS {
        create(&*database, PORT.on(*topic), *topic).await?;
    }
    for topic in TOPICS {
        holds(&*database, PORT.on(*topic), topic).await?;
        lists(&*database, "lport", Some(topic), &[(PORT.on(*topic), topic)]).await?;
    }
    let mut left: Vec<_> = TOPICS.iter().map(|topic| (PORT.on(*topic), *topic)).collect();
    while let Some((row, _)) = left.pop() {
        lists(&*database, "lport", row.topic, &[(row, row.topic.unwrap_or_default())]).await?;
        database.delete_key(row).await?;
        lists(&*database, "lport", None, &left).await?;
    }
    Ok(())
}

/// A driver that names it among its limits may refuse a topic with a closing brace.
async fn a_topic_with_a_closing_brace_is_valid_or_unsupported_by_every_call(
    fixture: DatabaseFixture,
) -> Outcome {
    let database = fixture.database().await?;
    for topic in ["}", "a}", "{a}", "a}.b"] {
        let row = PORT.on(topic);
        match create(&*database, row, topic).await {
            Ok(()) => {
                lists(&*database, "lport", Some(topic), &[(row, topic)]).await?;
                holds(&*database, PORT, topic).await?;
                database.delete_key(row).await?;
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let mut ended = row_calls(&*database, row).await;
                ended.extend(list_calls(&*database, "lport", Some(topic)).await);
                for (call, ended) in ended {
                    fails(ErrorKind::Unsupported, format!("{call} of the topic {topic:?}"), ended)?;
                }
            }
            other => return Ok(other?),
        }
        lists(&*database, "lport", None, &[]).await?;
    }
    Ok(())
}
