//! Recordings as files: what is written is read, and what is damaged is found.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use delivery::subscriber::DeliveryMode;
use pubsub_api::{Action, Envelope, ErrorKind, Event, Notice, Topic};
use recording::{RecordedEntry, RecordedItem, Recorder, Recording};

fn envelope(number: usize) -> Envelope {
    let topic = Topic::new(format!("tenant-{}", number % 3)).unwrap();
    Envelope::pack(&Event::new("lport", number.to_string(), Action::Set, "x".repeat(number), topic)).unwrap()
}

const MODES: [DeliveryMode; 4] =
    [DeliveryMode::Live, DeliveryMode::Replay, DeliveryMode::Snapshot, DeliveryMode::Sync];

/// Records `count` events, a chunk for every three, and a notice in each.
fn record(path: &Path, count: usize) -> Vec<RecordedEntry> {
    let mut recorder = Recorder::create(path).unwrap();
    let mut all = Vec::new();
    for number in 0..count {
        let (at_ns, mode, envelope) = (1_000 + number as u64, MODES[number % 4], envelope(number));
        recorder.record_event(at_ns, mode, &envelope).unwrap();
        all.push(RecordedEntry { at_ns, entry: RecordedItem::Event { envelope, mode } });
        if number % 3 == 2 {
            let notice = Notice::LinkUp { publisher: number.to_string() };
            recorder.record_notice(at_ns, &notice).unwrap();
            let text = format!("{{\"notice\":\"link_up\",\"publisher\":\"{number}\"}}");
            all.push(RecordedEntry { at_ns, entry: RecordedItem::Notice(text) });
            recorder.flush().unwrap();
        }
    }
    recorder.finish().unwrap();
    all
}

/// The entries before the first error, whether everything was there, and the error.
fn read(bytes: &[u8]) -> (Vec<RecordedEntry>, bool, Option<pubsub_api::Error>) {
    let mut recording = match Recording::read(Cursor::new(bytes)) {
        Ok(recording) => recording,
        Err(error) => return (Vec::new(), false, Some(error)),
    };
    let mut entries = Vec::new();
    while let Some(next) = recording.next() {
        match next {
            Ok(entry) => entries.push(entry),
            Err(error) => {
                assert!(recording.next().is_none(), "there is nothing after an error");
                return (entries, false, Some(error));
            }
        }
    }
    (entries, recording.is_complete(), None)
}

#[test]
fn entries_are_read_as_they_were_recorded_and_only_the_owner_may_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let all = record(&path, 40);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (read, is_complete, error) = read(&fs::read(&path).unwrap());
    assert!(error.is_none() && is_complete, "{error:?}");
    assert_eq!(read, all);
}

#[test]
fn a_file_that_exists_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    fs::write(&path, "precious").unwrap();
    let refused = Recorder::create(&path).unwrap_err().to_string();
    assert!(refused.contains("exists already"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_recorder_that_vanishes_leaves_what_it_has_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let mut recorder = Recorder::create(&path).unwrap();
    for number in 0..4 {
        recorder.record_event(1, DeliveryMode::Live, &envelope(number)).unwrap();
        if number == 2 {
            recorder.flush().unwrap();
        }
    }
    let left = fs::read(&path).unwrap();
    let (entries, is_complete, error) = read(&left);
    assert!(error.is_none() && !is_complete, "{error:?}");
    assert_eq!(entries.len(), 3);
}

#[test]
fn a_chunk_is_written_when_it_is_large_whatever_the_caller_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let mut recorder = Recorder::create(&path).unwrap();
    for _ in 0..40 {
        recorder.record_event(1, DeliveryMode::Live, &envelope(100_000)).unwrap();
    }
    let written = fs::metadata(&path).unwrap().len();
    assert!(written > 3 * 1024 * 1024, "{written} bytes");
    assert!(recorder.bytes() >= 4_000_000 && recorder.bytes() < 4_100_000, "{}", recorder.bytes());
    recorder.finish().unwrap();
    assert_eq!(read(&fs::read(&path).unwrap()).0.len(), 40);
}

#[test]
fn a_file_that_is_cut_anywhere_yields_its_whole_chunks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let all = record(&path, 12);
    let bytes = fs::read(&path).unwrap();
    let mut lengths = Vec::new();
    for end in 0..bytes.len() {
        let (entries, is_complete, error) = read(&bytes[..end]);
        if let Some(error) = error {
            assert!(error.to_string().contains("is not a recording") && end < 100, "{end}: {error}");
            continue;
        }
        assert_eq!(entries, all[..entries.len()], "cut at {end}");
        // Whatever is cut after the checksum of the whole is the index.
        assert!(!is_complete || entries.len() == all.len(), "cut at {end}");
        lengths.push(entries.len());
    }
    lengths.dedup();
    assert_eq!(lengths, [0, 4, 8, 12, 16], "three events and a notice in each chunk");
}

#[test]
fn a_flipped_bit_yields_no_entry_that_was_not_recorded_and_hides_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let all = record(&path, 9);
    let bytes = fs::read(&path).unwrap();
    // Complete, and as its recorder leaves it when it is killed.
    let last_chunk = (0..bytes.len()).rev().find(|end| {
        let (entries, is_complete, _) = read(&bytes[..*end]);
        entries.len() == all.len() && !is_complete
    });
    let mut damaged = 0;
    for whole in [&bytes[..], &bytes[..last_chunk.unwrap()]] {
        for (position, bit) in (0..whole.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
            let mut flipped = whole.to_vec();
            flipped[position] ^= 1 << bit;
            let (entries, is_complete, error) = read(&flipped);
            assert_eq!(entries, all[..entries.len()], "bit {bit} of byte {position}");
            let is_whole = entries.len() == all.len();
            assert!(
                error.is_some() || is_whole || !is_complete,
                "bit {bit} of byte {position} hides entries"
            );
            damaged += usize::from(error.is_some());
        }
    }
    assert!(damaged > 1000, "{damaged} errors");
}

/// A record of a container.
fn raw(kind: u8, announced: u64, body: &[u8]) -> Vec<u8> {
    [&[kind], &announced.to_le_bytes()[..], body].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat()
}

fn with_profile(profile: &str) -> Vec<u8> {
    let body = [text(profile), text("")].concat();
    [&b"\x89MCAP0\r\n"[..], &raw(1, body.len() as u64, &body)].concat()
}

#[test]
fn what_is_no_recording_of_this_version_is_refused_with_the_reason() {
    for (bytes, reason) in [
        (Vec::new(), "it is not a recording"),
        (b"{\"table\":\"lport\"}\n".to_vec(), "it does not begin as an MCAP file does"),
        (b"\x89MCAP0\r\n".to_vec(), "ends in its header"),
        (with_profile("ros2"), "no recording of Skimmer: its profile is \"ros2\""),
        (with_profile("skimmer-recording-2"), "of a later version: \"skimmer-recording-2\""),
    ] {
        let error = read(&bytes).2.unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(reason), "{error}");
    }
    let (entries, is_complete, error) = read(&with_profile("skimmer-recording-1"));
    assert!(
        entries.is_empty() && !is_complete && error.is_none(),
        "a recorder that has recorded nothing yet"
    );
}

#[test]
fn a_length_beyond_the_bound_is_refused_with_its_place_and_one_within_it_is_not_believed() {
    let head = with_profile("skimmer-recording-1");
    for announced in [u64::MAX, 1 << 62, 8 * 1024 * 1024 + 1] {
        let error = read(&[&head[..], &raw(6, announced, b"x")].concat()).2.unwrap().to_string();
        let wanted = format!("the record at byte {} announces {announced} bytes", head.len());
        assert!(error.contains(&wanted), "{error}");
    }
    let (_, is_complete, error) = read(&[&head[..], &raw(6, 8 * 1024 * 1024, b"x")].concat());
    assert!(error.is_none() && !is_complete, "it ends there: {error:?}");
}

#[test]
fn zeros_that_a_host_left_in_the_place_of_a_chunk_are_damage() {
    let error = read(&[&with_profile("skimmer-recording-1")[..], &[0; 90]].concat()).2.unwrap().to_string();
    assert!(error.contains("damaged") && error.contains("has no kind"), "{error}");
}

#[test]
fn a_compressed_chunk_is_refused_with_what_to_do() {
    let times_size_and_checksum = [0; 28];
    let body = [&times_size_and_checksum[..], &text("zstd"), &[0; 8]].concat();
    let bytes = [with_profile("skimmer-recording-1"), raw(6, body.len() as u64, &body)].concat();
    let error = read(&bytes).2.unwrap().to_string();
    assert!(error.contains("compressed (zstd)") && error.contains("without compression"), "{error}");
}

#[test]
fn a_folder_and_a_file_that_is_not_there_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_path_buf(), folder.path().join("none")] {
        let error = Recording::open(&path).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}
