use pubsub_api::wire::EventRef;
use pubsub_api::{Batch, EncodedEvent, Topic};
use tempfile::TempDir;

use super::life::{Life, options, stamps};
use crate::Control;

#[test]
fn a_retired_topic_returns_above_its_sequences_also_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let begin = |now| Life::begin(options(Some(folder.path()), 1 << 20, 2), now);
    let mut life = begin(1000);
    for topic in ["a", "a", "a", "b", "c"] {
        life.publish_on(&[topic]);
    }
    assert_eq!(sent(&life.publish_on(&["a"])), ["bye b 1", "a 5"]);
    assert_eq!(life.known()[0].kept, [(1000, 5)], "what it had before cannot be replayed");
    let before = life.known();
    drop(life);
    let mut life = begin(2000);
    assert_eq!(life.known(), before);
    assert_eq!(
        sent(&life.publish_on(&["a", "c"])),
        ["a 6", "c 5"],
        "what was retired before the restart is over"
    );
    // More topics in a batch than may be followed.
    let sent = sent(&life.publish_on(&["d", "e", "f", "d"]));
    assert_eq!(sent, ["bye c 5", "bye a 6", "d 6", "e 7", "bye d 6", "bye e 7", "f 8", "d 9"]);
}

/// Topic and sequence of each event, and of each `bye`.
fn sent(batch: &Batch) -> Vec<String> {
    let word = |event: EncodedEvent<'_>| {
        let topic = Topic::new(event.topic.to_vec()).unwrap();
        match topic.marked() {
            None => {
                let stamp = EventRef::read(event.topic, event.payload).unwrap().stamp.unwrap();
                format!("{topic} {}", stamp.sequence)
            }
            Some(_) => match Control::read(&topic, event.payload) {
                Ok(Some(Control::Bye { topic, stamp, .. })) => format!("bye {topic} {}", stamp.sequence),
                other => panic!("{other:?}"),
            },
        }
    };
    batch.iter().map(word).collect()
}

#[test]
fn a_restart_with_another_bound_of_topics_keeps_the_ring_and_does_not_lower_the_floor() {
    for (before, after) in [(2, 9), (9, 2), (3, 2), (2, 3)] {
        let folder = TempDir::new().unwrap();
        let begin = |max_topics, now| Life::begin(options(Some(folder.path()), 1 << 20, max_topics), now);
        let mut life = begin(before, 1000);
        for topic in ["a", "a", "b", "c", "a", "d", "e", "b", "b"] {
            life.publish_on(&[topic]);
        }
        let floor = life.sequencer.publisher_state.topics.floor();
        let last = life.known().into_iter().map(|known| (known.topic, known.last));
        let last: Vec<_> = last.collect();
        drop(life);
        let mut life = begin(after, 2000);
        let epochs = life.sequencer.publisher_state.epoch_history.epochs().to_vec();
        assert_eq!(epochs, [1000, 2000], "from {before} to {after} topics: the ring is refused");
        let floor_after = life.sequencer.publisher_state.topics.floor();
        assert!(
            floor_after >= floor,
            "from {before} to {after} topics: the floor was {floor}, and is {floor_after}"
        );
        for (topic, last) in last.into_iter().filter(|_| after > before) {
            assert_eq!(life.last(&topic), last, "from {before} to {after} topics");
        }
        for topic in ["a", "b", "c", "d", "e", "f"] {
            let number = stamps(&life.publish_on(&[topic])).last().unwrap().1;
            assert!(number > 1 || floor_after == 0, "{topic} begins anew");
        }
    }
}
