use std::time::Duration;

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert_eq, proptest};
use pubsub_api::Batch;
use tempfile::TempDir;

use super::life::{Life, MAX_TOPICS, PUBLISHER, event, of_worker, options, stamps, three_segments};
use crate::Position;
use crate::publisher::numbering::workers::Progress;
use crate::publisher::ring::open_ring::RingStart;
use crate::publisher::ring::rebuild::{Extent, Rebuild};
use crate::publisher::ring::record::HEAD_BYTES;
use crate::publisher::sequencer::Now;
use crate::publisher::sync::replay::Replay;

/// What happens to a publisher.
#[derive(Debug, Clone)]
enum Step {
    /// It publishes on these topics, events of this number of bytes.
    Publish(Vec<u8>, usize),
    /// It dies, and is started again.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let topics = proptest::collection::vec(0_u8..6, 1..20);
    let publish = (topics, 0_usize..400).prop_map(|(topics, size)| Step::Publish(topics, size));
    proptest::collection::vec(
        proptest::prelude::prop_oneof![5 => publish, 1 => proptest::prelude::Just(Step::Restart)],
        0..40,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_publisher_recovers_its_state_whenever_it_is_killed(steps in steps(), ring_bytes in 4_000_u64..40_000) {
        let folder = TempDir::new().unwrap();
        let begin = |now| Life::begin(options(Some(folder.path()), ring_bytes, MAX_TOPICS), now);
        let mut life = begin(0);
        let mut epochs = 1;
        for step in steps {
            match step {
                Step::Publish(topics, size) => {
                    let mut batch = Batch::new();
                    topics.iter().for_each(|topic| batch.push(event(&topic.to_string(), size)));
                    let out = life.publish(batch);
                    assert_eq!(out.len(), topics.len());
                }
                Step::Restart => {
                    let before = life.known();
                    drop(life);
                    life = begin(0);
                    epochs += 1;
                    let after = life.known();
                    // A new segment may have pushed an old one out.
                    for (one, other) in before.iter().zip(&after) {
                        prop_assert_eq!((&one.topic, one.last), (&other.topic, other.last));
                        prop_assert_eq!(one.kept.strip_prefix(&one.kept[..one.kept.len() - other.kept.len()]), Some(&other.kept[..]));
                    }
                    prop_assert_eq!(before.len(), after.len());
                }
            }
            prop_assert_eq!(life.sequencer.publisher_state.epoch_history.epochs().len(), epochs.min(64));
            assert!(life.sequencer.ring.bytes() <= ring_bytes.max(ring_bytes / 8 * 7 + 20 * 500));
            for known in life.known() {
                let numbers: Vec<u64> = known.kept.iter().map(|(_, number)| *number).collect();
                prop_assert_eq!(numbers, (known.oldest..=known.last).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_flipped_bit_refuses_the_ring(bytes in proptest::collection::vec(any::<(u16, u8)>(), 200)) {
        let folder = TempDir::new().unwrap();
        let files = three_segments(&folder);
        for (at, bit) in bytes {
            let (number, good) = &files[usize::from(at) % files.len()];
            let mut changed = good.clone();
            let at = usize::from(at) % changed.len();
            changed[at] ^= 1 << (bit % 8);
            let mut rebuild = Rebuild::new(PUBLISHER, MAX_TOPICS);
            let refused = files.iter().try_for_each(|(of, bytes)| {
                let bytes = if of == number { &changed } else { bytes };
                rebuild.segment(bytes, *of, *of == 3).map(drop)
            });
            assert!(refused.is_err(), "bit {bit} of byte {at} in segment {number}");
        }
    }
}

#[test]
fn a_record_that_was_cut_off_anywhere_never_happened() {
    let folder = TempDir::new().unwrap();
    let files = three_segments(&folder);
    let (last, before) = files.split_last().unwrap();
    let mut whole = Rebuild::new(PUBLISHER, MAX_TOPICS);
    let mut extent = None;
    for (number, bytes) in &files {
        extent = whole.segment(bytes, *number, *number == 3).unwrap();
    }
    let Extent { begin, end, is_cut_off } = extent.unwrap();
    assert_eq!(
        (end as usize + HEAD_BYTES, is_cut_off),
        (last.1.len(), false),
        "the end marker is after the records"
    );
    let mut found = Vec::new();
    for length in 0..end as usize {
        let mut rebuild = Rebuild::new(PUBLISHER, MAX_TOPICS);
        for (number, bytes) in before {
            rebuild.segment(bytes, *number, false).unwrap();
        }
        let extent = rebuild.segment(&last.1[..length], 3, true).unwrap();
        assert_eq!(extent.is_none(), length < begin as usize, "{length} bytes");
        let publisher_state = rebuild.finish();
        let number = |topic: &[u8]| publisher_state.topics.named(topic).unwrap().sequence.last();
        found.push((number(b"a"), number(b"b"), number(b"c"), publisher_state.workers.get(7).unwrap().last));
    }
    found.dedup();
    assert_eq!(found, [(4, 2, 4, 21), (6, 3, 4, 21)], "the records before, and then one more");
}

#[test]
fn sequences_continue_over_a_restart_and_show_where_the_epoch_before_ended() {
    let folder = TempDir::new().unwrap();
    let mut life = Life::at(&folder, 1000);
    assert_eq!(life.start, RingStart::New);
    assert_eq!(stamps(&life.publish_on(&["a", "b", "a"])), [(1000, 1), (1000, 1), (1000, 2)]);
    drop(life);
    let mut life = Life::at(&folder, 500);
    assert_eq!(life.start, RingStart::Recovered);
    assert_eq!(stamps(&life.publish_on(&["a", "c"])), [(1001, 3), (1001, 1)]);
    let mark = |topic: &[u8]| {
        let id = life.sequencer.publisher_state.topics.id(topic).unwrap();
        let mark = life.sequencer.mark(id, 9).unwrap();
        (mark.stamp.sequence, mark.oldest, mark.prev)
    };
    let prev = |number| Some(Position { epoch: 1000, sequence: number });
    assert_eq!(mark(b"a"), (3, 1, prev(2)));
    assert_eq!(mark(b"b"), (1, 1, prev(1)));
    assert_eq!(mark(b"c"), (1, 1, prev(0)));
}

#[test]
fn repeats_of_workers_are_dropped_after_a_restart_and_reported_if_nobody_remembers() {
    let folder = TempDir::new().unwrap();
    let mut life = Life::at(&folder, 1000);
    assert_eq!(life.publish(of_worker(7, 1, 4, 0, "a")).len(), 4);
    drop(life);
    let mut life = Life::at(&folder, 2000);
    assert_eq!(life.publish(of_worker(7, 3, 4, 6, "a")).len(), 2, "5 and 6 are new");
    let reported = life.publish(of_worker(8, 3, 2, 4, "a"));
    let topics: Vec<&[u8]> = reported.iter().map(|event| event.topic).collect();
    assert_eq!(topics, [&b"$mark.a"[..], b"a", b"a"]);
    assert_eq!(life.last("a"), 9);
    assert_eq!(life.publish(of_worker(8, 5, 2, 4, "a")).len(), 2);
    drop(life);
    let life = Life::at(&folder, 3000);
    let progress = |worker, last| Some(Progress { worker, last, in_doubt: false });
    assert_eq!(life.sequencer.publisher_state.workers.get(7), progress(7, 6));
    assert_eq!(life.sequencer.publisher_state.workers.get(8), progress(8, 6));
    assert_eq!((life.last("a"), life.known()[0].kept.len()), (11, 11));
}

#[test]
fn an_event_that_could_not_be_published_is_replaced_under_its_sequence() {
    let folder = TempDir::new().unwrap();
    let mut life = Life::at(&folder, 1000);
    let out = life.publish_on(&["a", "a", "a"]);
    let second = {
        let mut rest = out;
        rest.advance(1);
        rest.first_envelope().unwrap().unwrap()
    };
    let now = Now { wall_us: 6, since_start: Duration::ZERO };
    let lost = life.sequencer.lose(&second, "refused", now).unwrap();
    assert_eq!(lost.topic.as_str(), "$mark.a");
    for _ in 0..2 {
        let [known] = &life.known()[..] else { panic!("one topic") };
        assert_eq!(known.kept, [(1000, 1), (1000, 2), (1000, 3)]);
        let place = life.sequencer.publisher_state.topics.named(b"a").unwrap().index.since(3, 2)[0];
        let mut batch = Batch::new();
        Replay::new(vec![place], life.sequencer.ring.segments()).read_some(&mut batch).unwrap();
        assert_eq!(batch.first_envelope().unwrap().unwrap(), lost);
        drop(life);
        life = Life::at(&folder, 2000);
    }
}

/// docs/guarantees.md#f48.
#[test]
fn a_wall_clock_that_jumps_changes_the_time_in_stamps_and_nothing_else() {
    const HOUR_US: u64 = 3_600_000_000;
    let mut life = Life::begin(options(None, 1 << 20, MAX_TOPICS), 5 * HOUR_US);
    let mut out = Batch::new();
    for wall_us in [5 * HOUR_US, 6 * HOUR_US, 4 * HOUR_US, 0, u64::MAX] {
        let mut batch = Batch::new();
        batch.push(event("D", 3));
        life.sequencer.number(&mut batch, Now { wall_us, since_start: Duration::ZERO }, &mut out);
    }
    let epoch = life.sequencer.publisher_state.epoch();
    assert_eq!(stamps(&out), [(epoch, 1), (epoch, 2), (epoch, 3), (epoch, 4), (epoch, 5)]);
    assert_eq!(
        life.sequencer.schedule.next(),
        Some(Duration::from_millis(250)),
        "marks keep to the other clock"
    );
}
