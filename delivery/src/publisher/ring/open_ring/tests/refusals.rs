use std::fs;
use std::path::Path;
use std::time::Duration;

use pubsub_api::ErrorKind;
use tempfile::TempDir;

use super::life::{Life, MAX_TOPICS, PUBLISHER, options, stamps, three_segments};
use crate::publisher::ring::damage::Damage;
use crate::publisher::ring::open_ring::{Opened, RingStart, open};
use crate::publisher::ring::rebuild::{Extent, Rebuild};
use crate::publisher::ring::segment::Segment;
use crate::publisher::ring::{Ring, RingBound};
use crate::publisher::sequencer::Sequencer;

#[test]
fn a_ring_that_was_changed_is_moved_aside_whole() {
    type Spoil = fn(&Path);
    let spoil: [(&str, Spoil); 5] = [
        ("checksum", |path| {
            let mut bytes = fs::read(path.join("segment-00000003")).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(path.join("segment-00000003"), bytes).unwrap();
        }),
        ("missing_segment", |path| fs::remove_file(path.join("segment-00000002")).unwrap()),
        ("no_ring", |path| fs::write(path.join("segment-00000001"), "something else").unwrap()),
        ("version", |path| {
            let mut bytes = fs::read(path.join("segment-00000001")).unwrap();
            bytes[8] += 1;
            fs::write(path.join("segment-00000001"), bytes).unwrap();
        }),
        ("ends_too_early", |path| {
            let bytes = fs::read(path.join("segment-00000001")).unwrap();
            fs::write(path.join("segment-00000001"), &bytes[..bytes.len() - 1]).unwrap();
        }),
    ];
    for (cause, spoil) in spoil {
        let folder = TempDir::new().unwrap();
        three_segments(&folder);
        let path = folder.path().join(format!("ring-{PUBLISHER:016x}"));
        spoil(&path);
        let mut life = Life::at(&folder, 9000);
        assert_eq!(life.start, RingStart::Refused(cause));
        assert_eq!(stamps(&life.publish_on(&["a"])), [(9000, 1)]);
        assert!(fs::read_dir(path.join("refused")).unwrap().count() >= 2);
        drop(life);
        assert_eq!(Life::at(&folder, 9001).start, RingStart::Recovered);
    }
}

#[test]
fn another_publishers_ring_is_refused() {
    let folder = TempDir::new().unwrap();
    let files = three_segments(&folder);
    let mut rebuild = Rebuild::new(PUBLISHER + 1, MAX_TOPICS);
    assert_eq!(rebuild.segment(&files[0].1, 1, false), Err(Damage::Foreign));
}

#[test]
fn a_ring_is_for_one_publisher_at_a_time_and_the_error_names_it() {
    let folder = TempDir::new().unwrap();
    let _first = Life::at(&folder, 1000);
    let error = open(options(Some(folder.path()), 1 << 20, MAX_TOPICS), 1001).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(&format!("in use by pid {}", std::process::id())), "{error}");
}

#[test]
fn without_a_folder_the_ring_is_in_memory() {
    let missing = Path::new("/nonexistent/folder");
    for state_dir in [None, Some(missing)] {
        let mut life = Life::begin(options(state_dir, 4000, MAX_TOPICS), 1000);
        assert_eq!(life.start, RingStart::InMemory);
        for _ in 0..100 {
            life.publish_on(&["a", "b"]);
        }
        let known = life.known();
        assert!(known[0].oldest > 1 && known[0].last == 100, "{known:?}");
        assert!(!life.sequencer.ring.is_persistent());
    }
}

#[test]
fn on_a_full_disk_the_ring_continues_in_memory_and_its_files_are_removed() {
    let folder = TempDir::new().unwrap();
    let mut life = Life::begin(options(Some(folder.path()), 8000, MAX_TOPICS), 1000);
    let path = folder.path().join(format!("ring-{PUBLISHER:016x}"));
    life.publish_on(&["a", "a"]);
    // Where the next segment belongs, there is something else.
    fs::create_dir(path.join("segment-00000002")).unwrap();
    for _ in 0..20 {
        life.publish_on(&["a", "b"]);
    }
    assert_eq!((life.last("a"), life.sequencer.ring.failures()), (22, 1));
    assert!(!life.sequencer.ring.is_persistent());
    assert!(!path.join("segment-00000001").exists(), "it would hold less than was published");
    assert_eq!(life.known()[0].kept.len() as u64, 23 - life.known()[0].oldest);
}

#[test]
fn when_a_write_fails_the_record_goes_to_memory() {
    let full = fs::File::options().read(true).write(true).open("/dev/full").unwrap();
    let segment = (Segment::new(1, full), Extent { begin: 0, end: 0, is_cut_off: false });
    let ring = Ring::new(None, RingBound { ring_bytes: 1 << 20 }, vec![segment]);
    let Opened { mut publisher_state, .. } = open(options(None, 1 << 20, MAX_TOPICS), 1).unwrap();
    publisher_state.begin_epoch(1000);
    let mut life = Life {
        sequencer: Sequencer::new(publisher_state, ring, Duration::ZERO, None),
        start: RingStart::New,
    };
    life.publish_on(&["a", "a"]);
    assert_eq!((life.known()[0].kept.len(), life.sequencer.ring.failures()), (2, 1));
}
