use bench_kit::LatencyHistogram;

use super::{Connection, Latencies};
use crate::block::Block;
use crate::payload::{PROBE, Payload};
use crate::rota::Rota;
use crate::wire::{What, Wire};

/// The bytes that a server sends for the bytes that a pusher writes.
fn delivered(wire: Wire, pushed: &[u8]) -> Vec<u8> {
    match wire {
        Wire::Zmtp | Wire::Hop | Wire::Bare => pushed.to_vec(),
        Wire::Nats => replaced(pushed, b"PUB D 252", b"MSG D 1 252"),
        Wire::Redis => replaced(pushed, b"PUBLISH", b"message"),
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(from) {
            out.extend_from_slice(to);
            at += from.len();
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// The bytes before the first event.
fn greeting(wire: Wire) -> Vec<u8> {
    match wire {
        // A server's greeting and READY equal ours.
        Wire::Zmtp | Wire::Hop => wire.opening(crate::wire::End::Push, &[]),
        Wire::Bare => Vec::new(),
        Wire::Nats => b"INFO {\"server_id\":\"x\"}\r\nPING\r\n".to_vec(),
        Wire::Redis => b"*3\r\n$9\r\nsubscribe\r\n$1\r\nD\r\n:1\r\n".to_vec(),
    }
}

fn events(wire: Wire, numbers: &[u64]) -> Vec<u8> {
    let mut block = Block::new(wire, Rota::Single).unwrap();
    let events = numbers.iter().flat_map(|number| block.fill(0, 1, 5, |_| *number).0.to_vec());
    delivered(wire, &events.collect::<Vec<_>>())
}

fn connection(wire: Wire) -> Connection {
    let share = Rota::Single.shares(1, 1).remove(0);
    Connection::new(wire, share, Payload::new("D").unwrap().head_at)
}

const WIRES: [Wire; 4] = [Wire::Zmtp, Wire::Bare, Wire::Nats, Wire::Redis];

#[test]
fn the_count_does_not_depend_on_how_the_stream_is_split() {
    for wire in WIRES {
        let mut stream = greeting(wire);
        stream.extend(events(wire, &[PROBE + 1, 0, 1, 2]));
        if wire == Wire::Nats {
            stream.extend_from_slice(b"PING\r\n");
        }
        stream.extend(events(wire, &[3, 4]));
        for step in 1..stream.len() {
            let mut connection = connection(wire);
            let mut answer = Vec::new();
            for chunk in stream.chunks(step) {
                answer.extend(connection.take(chunk, 0, None).unwrap());
            }
            assert_eq!((connection.count(), connection.probed()), (5, 1), "{wire:?}, {step} bytes at a time");
            let greeted: &[u8] = match wire {
                Wire::Zmtp | Wire::Hop => b"\x00\x02\x01D",
                Wire::Bare | Wire::Redis => b"",
                Wire::Nats => {
                    b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB D 1\r\nPONG\r\nPONG\r\n"
                }
            };
            assert_eq!(answer.escape_ascii().to_string(), greeted.escape_ascii().to_string());
        }
    }
}

#[test]
fn lost_repeated_and_misplaced_events_are_detected() {
    for wire in WIRES {
        for (numbers, word) in
            [(&[0, 1, 3, 4][..], "lost"), (&[0, 1, 1, 2], "twice"), (&[0, 2, 1, 3], "lost")]
        {
            let stream = events(wire, numbers);
            // Only events that are swapped within one block are not detected, because not every event is checked.
            for (step, each) in [(stream.len(), true), (stream.len() - 1, true), (300, false), (7, false)] {
                let mut latencies =
                    each.then(|| Latencies { from: 0, histogram: LatencyHistogram::new().unwrap() });
                let mut connection = connection(wire);
                connection.take(&events(wire, &[PROBE + 1]), 0, None).unwrap();
                let mut chunks = stream.chunks(step);
                let outcome =
                    chunks.try_for_each(|chunk| connection.take(chunk, 0, latencies.as_mut()).map(drop));
                let error = outcome.unwrap_err().to_string();
                assert!(error.contains(word), "{wire:?} {numbers:?}: {error}");
            }
        }
    }
}

#[test]
fn a_block_with_a_loss_is_detected_by_its_last_event() {
    for wire in WIRES {
        for numbers in [&[0, 1, 3, 4][..], &[0, 1, 1, 2], &[1, 2, 3], &[0, 0]] {
            let mut connection = connection(wire);
            connection.take(&events(wire, &[PROBE + 1]), 0, None).unwrap();
            connection.take(&events(wire, numbers), 0, None).unwrap_err();
        }
    }
}

#[test]
fn latencies_are_recorded_for_the_counted_events_only() {
    let mut latencies = Latencies { from: 1, histogram: LatencyHistogram::new().unwrap() };
    let mut connection = connection(Wire::Zmtp);
    connection.take(&events(Wire::Zmtp, &[0, 1, 2]), 105, Some(&mut latencies)).unwrap();
    assert_eq!((latencies.histogram.count(), latencies.histogram.max_ns()), (2, 100));
}

#[test]
fn errors_of_a_server_are_reported() {
    for (wire, bytes, word) in [
        (Wire::Nats, &b"-ERR 'Authorization Violation'\r\n"[..], "Authorization"),
        (Wire::Redis, b"-ERR unknown command\r\n", "unknown command"),
        (Wire::Zmtp, b"\x04\x0b\x05ERROR\x04nope", "nope"),
        (Wire::Zmtp, b"\x00\x01D", "two frames"),
    ] {
        let error = connection(wire).take(bytes, 0, None).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_receipt_is_distinguished_from_an_event() {
    let piece = Wire::Redis.next(b":10\r\n:10\r\n").unwrap().unwrap();
    assert_eq!((piece.bytes, piece.what), (5, What::Receipt));
}
