use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use delivery::subscriber::{Feed, FeedOptions, Introduction, Item};
use pubsub_api::{ErrorKind, Notice, Publisher};
use tokio::time::{sleep, timeout};

use crate::fake::{OPTIONS, ROUND_TRIP, Verdict, batch, broker, key_of, send};

/// *Complete or loud*, *ordered* and *unique*: what a caller saw as published reaches a subscriber once and in
/// order; and what was lost in doubt is reported as a gap, whatever the broker refuses, loses, or answers too late.
#[tokio::test(start_paused = true)]
async fn a_subscriber_receives_all_accepted_events_and_learns_of_all_in_doubt() {
    for seed in 0..40 {
        let (publisher, fake) = broker(OPTIONS);
        let mut random = fastrand::Rng::with_seed(seed);
        fake.judge(move |_| match random.u32(0..20) {
            0 => Verdict::Refuse(ErrorKind::InDoubt),
            1 => Verdict::TakeAndLoseAnswer,
            2 => Verdict::Refuse(ErrorKind::Unavailable),
            3 => Verdict::Refuse(ErrorKind::Internal),
            4 => Verdict::Panic,
            _ => Verdict::Take,
        });
        let callers: Vec<_> = (0..8_u32)
            .map(|caller| {
                let publisher = Arc::clone(&publisher);
                tokio::spawn(async move { publish(&publisher, caller, seed).await })
            })
            .collect();
        let (mut accepted, mut in_doubt) = (BTreeSet::new(), false);
        for caller in callers {
            let (keys, doubts) = caller.await.unwrap();
            accepted.extend(keys);
            in_doubt |= doubts;
        }
        fake.judge(|_| Verdict::Take);
        sleep(Duration::from_secs(10)).await;
        publisher.close().await.unwrap();

        let mut feed =
            Feed::new(FeedOptions { introduction: Introduction::ByBroker, ..FeedOptions::default() });
        for (at, envelope) in &*fake.published.lock().unwrap() {
            feed.message(envelope.clone(), *at);
        }
        // What was lost before a topic was heard of first is a `Resync` without a count.
        let (mut given, mut counted, mut gaps) = (Vec::new(), unheard(&fake.words()), 0);
        while let Some(item) = feed.next_item() {
            match item {
                Item::Event { envelope, .. } => {
                    given.push(key_of(&envelope));
                    *counted.entry(envelope.topic.to_string()).or_default() += 1;
                }
                Item::Notice(Notice::Gap { topic, events, .. }) => {
                    gaps += 1;
                    *counted.entry(topic.unwrap()).or_default() += events;
                }
                _ => {}
            }
        }
        let byes = fake.words().into_iter().filter_map(|word| Some(word.strip_prefix("bye ")?.to_owned()));
        let counted: Vec<String> = counted.iter().map(|(topic, last)| format!("{topic} {last}")).collect();
        assert_eq!(byes.collect::<BTreeSet<_>>(), counted.into_iter().collect(), "loud, with seed {seed}");
        let unique: BTreeSet<String> = given.iter().cloned().collect();
        assert_eq!(unique.len(), given.len(), "unique, with seed {seed}");
        assert!(
            accepted.is_subset(&unique),
            "complete, with seed {seed}: {:?}",
            accepted.difference(&unique)
        );
        assert!(gaps == 0 || in_doubt, "quiet, with seed {seed}");
        for caller in 0..8 {
            let own: Vec<&String> =
                given.iter().filter(|key| key.starts_with(&format!("{caller}-"))).collect();
            assert!(own.is_sorted(), "ordered, with seed {seed}: {own:?}");
        }
    }
}

/// How many numbers of each topic were used up before the first that a subscriber heard of.
fn unheard(words: &[String]) -> BTreeMap<String, u64> {
    let mut unheard = BTreeMap::new();
    for word in words {
        let parts: Vec<&str> = word.split(' ').collect();
        let (topic, before) = match parts[..] {
            ["mark" | "bye", topic, number] => (topic, number.parse().unwrap()),
            ["lost", topic, number] | [topic, number, _] => (topic, number.parse::<u64>().unwrap() - 1),
            _ => panic!("{word}"),
        };
        unheard.entry(topic.to_owned()).or_insert(before);
    }
    unheard
}

/// Sends one by one, in batches, and gives up some; the keys that were accepted, and whether something is in doubt.
async fn publish(publisher: &delivery::BrokerPublisher, caller: u32, seed: u64) -> (Vec<String>, bool) {
    let mut random = fastrand::Rng::with_seed(seed * 100 + u64::from(caller));
    let (mut accepted, mut in_doubt) = (Vec::new(), false);
    for round in 0..10 {
        let topic = if random.bool() { "a" } else { "b" };
        let keys: Vec<String> = (0..3).map(|nth| format!("{caller}-{:03}", round * 3 + nth)).collect();
        let patience = if random.u8(0..8) == 0 { ROUND_TRIP * random.u32(0..3) } else { ROUND_TRIP * 1000 };
        if random.bool() {
            let events: Vec<(&str, &str)> = keys.iter().map(|key| (topic, key.as_str())).collect();
            let mut events = batch(&events);
            let sent = timeout(patience, publisher.send_batch(&mut events)).await;
            in_doubt |= !matches!(&sent, Ok(Ok(())));
            accepted.extend(keys.iter().take(3 - events.len()).cloned());
        } else {
            for key in keys {
                match timeout(patience, send(publisher, topic, &key)).await {
                    Ok(Ok(())) => accepted.push(key),
                    Ok(Err(error)) => in_doubt |= error.kind() == ErrorKind::InDoubt,
                    Err(_) => in_doubt = true,
                }
            }
        }
    }
    (accepted, in_doubt)
}
