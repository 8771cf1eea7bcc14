use bytes::{Bytes, BytesMut};
use pubsub_api::wire::MAX_RECEIVED_BYTES;

use super::{Bounds, Decoder, Malformed, RespFrame, command};

fn bulk(text: &str) -> RespFrame {
    RespFrame::Bulk(Bytes::copy_from_slice(text.as_bytes()))
}

/// The frames in bytes that arrive in pieces of this size.
fn decoded(bytes: &[u8], piece: usize, bounds: Bounds) -> Result<Vec<RespFrame>, Malformed> {
    let (mut decoder, mut buffer, mut frames) = (Decoder::new(bounds), BytesMut::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        buffer.extend_from_slice(piece);
        while let Some(frame) = decoder.next(&mut buffer)? {
            frames.push(frame);
        }
    }
    assert!(buffer.is_empty(), "all bytes are parsed");
    Ok(frames)
}

#[test]
fn frames_are_parsed_however_the_bytes_are_split() {
    let bytes = b"+PONG\r\n-NOPERM no\r\n:3\r\n$-1\r\n$0\r\n\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$4\r\n\r\n\r\n\r\n*0\r\n";
    let wanted = [
        RespFrame::Status("PONG".to_owned()),
        RespFrame::Refused("NOPERM no".to_owned()),
        RespFrame::Int(3),
        RespFrame::Nil,
        bulk(""),
        RespFrame::List(vec![bulk("message"), bulk("a"), bulk("\r\n\r\n")]),
        RespFrame::List(vec![]),
    ];
    for piece in 1..bytes.len() {
        assert_eq!(decoded(bytes, piece, Bounds::PUBSUB).unwrap(), wanted, "in pieces of {piece}");
    }
}

#[test]
fn nested_lists_are_parsed() {
    let bytes = b"*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$1\r\nh\r\n:1\r\n";
    let range =
        vec![RespFrame::Int(0), RespFrame::Int(5), RespFrame::List(vec![bulk("h"), RespFrame::Int(1)])];
    assert_eq!(decoded(bytes, 3, Bounds::SLOTS).unwrap(), [RespFrame::List(vec![RespFrame::List(range)])]);
    assert_eq!(decoded(bytes, 3, Bounds::PUBSUB), Err(Malformed));
}

#[test]
fn a_value_larger_than_an_event_is_skipped_and_not_kept_in_memory() {
    let (mut decoder, mut buffer) = (Decoder::new(Bounds::PUBSUB), BytesMut::new());
    let length = MAX_RECEIVED_BYTES * 3;
    buffer.extend_from_slice(format!("*2\r\n$1\r\na\r\n${length}\r\n").as_bytes());
    assert_eq!(decoder.next(&mut buffer), Ok(None));
    for _ in 0..length / 1024 {
        buffer.extend_from_slice(&[b'x'; 1024]);
        assert_eq!(decoder.next(&mut buffer), Ok(None));
        assert!(buffer.is_empty(), "nothing is kept");
    }
    buffer.extend_from_slice(b"\r\n:1\r\n");
    assert_eq!(decoder.next(&mut buffer), Ok(Some(RespFrame::List(vec![bulk("a"), RespFrame::TooBig]))));
    assert_eq!(decoder.next(&mut buffer), Ok(Some(RespFrame::Int(1))));
}

#[test]
fn the_largest_event_passes() {
    let payload = vec![b'x'; MAX_RECEIVED_BYTES];
    let bytes = [format!("${}\r\n", payload.len()).as_bytes(), &payload, b"\r\n"].concat();
    assert_eq!(decoded(&bytes, 100_000, Bounds::PUBSUB).unwrap(), [RespFrame::Bulk(payload.into())]);
}

#[test]
fn input_that_is_not_resp2_is_malformed() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\n"[..],
        b"\r\n",
        b"+no carriage return\n",
        b"$x\r\n",
        b"$-2\r\n",
        b"$1\r\nabc\r\n",
        b"*9\r\n",
        b"*-2\r\n",
        b"$99999999999999999999\r\n",
        b">2\r\n",
        b"%1\r\n",
    ] {
        assert_eq!(decoded(bytes, 5, Bounds::PUBSUB), Err(Malformed), "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(decoded(&[b'+'; 20_000], 1_000, Bounds::PUBSUB), Err(Malformed), "a line without end");
}

#[test]
fn an_announced_length_allocates_no_memory() {
    let (mut decoder, mut buffer) = (Decoder::new(Bounds::SLOTS), BytesMut::new());
    buffer.extend_from_slice(b"*1000000\r\n$1048576\r\n");
    assert_eq!(decoder.next(&mut buffer), Ok(None));
    assert!(buffer.capacity() < 1_000);
    assert!(decoder.open.iter().all(|(_, list)| list.capacity() == 0));
}

#[test]
fn a_command_is_a_list_of_bulk_strings() {
    let mut out = BytesMut::new();
    command(&mut out, &[b"PUBLISH", b"a", b"\r\n"]);
    assert_eq!(out, &b"*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$2\r\n\r\n\r\n"[..]);
}
