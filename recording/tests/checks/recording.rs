//! A recording, whatever its bytes: it is read the same however the reader gets them, and what is read of it is recorded as the same.

use std::io::{Cursor, Read};

use ::recording::{RecordedEntry, RecordedItem, Recorder, Recording, redacted, unstamped};

/// A source that has one byte at a time.
struct Slow<'a>(Cursor<&'a [u8]>);

impl Read for Slow<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let one = bytes.len().min(1);
        self.0.read(&mut bytes[..one])
    }
}

/// The entries before an error or the end, and how it ended.
fn read(source: impl Read) -> (Vec<RecordedEntry>, String) {
    let mut recording = match Recording::read(source) {
        Ok(recording) => recording,
        Err(error) => return (Vec::new(), error.to_string()),
    };
    let mut entries = Vec::new();
    for next in recording.by_ref() {
        match next {
            Ok(entry) => entries.push(entry),
            Err(error) => return (entries, error.to_string()),
        }
    }
    (entries, format!("{} {:?}", recording.is_complete(), recording.torn_at()))
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &(body.len() as u64).to_le_bytes()[..], body].concat()
}

/// A recording whose only chunk has these records, and a right checksum.
fn of_chunk(records: &[u8]) -> Vec<u8> {
    let profile = b"skimmer-recording-1";
    let header = [&(profile.len() as u32).to_le_bytes()[..], profile, &[0; 4]].concat();
    let size = (records.len() as u64).to_le_bytes();
    let checksum = crc32fast::hash(records).to_le_bytes();
    let chunk = [&[0; 16], &size[..], &checksum, &[0; 4], &size, records].concat();
    [&b"\x89MCAP0\r\n"[..], &framed(1, &header), &framed(6, &chunk)].concat()
}

/// `input` stands for a whole file, and for the records of a chunk.
pub(crate) fn check(input: &[u8]) {
    for file in [input, &of_chunk(input)] {
        let (entries, ending) = read(Cursor::new(file));
        assert_eq!(read(Slow(Cursor::new(file))), (entries.clone(), ending));
        let (of_part, _) = read(Cursor::new(&file[..file.len() / 2]));
        assert!(entries.starts_with(&of_part), "a file that is cut has no other entries");
        record_again(&entries);
    }
}

/// Events are recorded again, and are the same; their parts can be taken off.
fn record_again(entries: &[RecordedEntry]) {
    let Ok(folder) = tempfile::tempdir() else { unreachable!("there is no place for a folder") };
    let path = folder.path().join("again");
    let Ok(mut recorder) = Recorder::create(&path) else { unreachable!("a file can be made") };
    let mut events = Vec::new();
    for recorded in entries {
        if let RecordedItem::Event { envelope, mode } = &recorded.entry {
            assert!(recorder.record_event(recorded.at_ns, *mode, envelope).is_ok());
            let author = unstamped(&envelope.payload).expect("a checked event is a map");
            assert_eq!(unstamped(&author).expect("a map"), author, "there is one stamp at most");
            assert_eq!(redacted(&redacted(envelope)), redacted(envelope));
            events.push(recorded.clone());
        }
    }
    assert!(recorder.finish().is_ok());
    let again: Result<Vec<_>, _> = Recording::open(&path).expect("a recording").collect();
    assert_eq!(again.expect("no damage"), events);
}
