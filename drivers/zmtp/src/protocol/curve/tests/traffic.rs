//! Messages after the handshake.

use super::exchange::sessions;
use crate::protocol::curve::MESSAGE_OVERHEAD_BYTES;
use crate::protocol::{Command, ProtocolError, put_event};

const ENOUGH: usize = usize::MAX;
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

fn frames() -> Vec<u8> {
    let mut frames = Vec::new();
    put_event(&mut frames, b"D", b"one");
    Command::Ping { ttl: 7, context: b"c" }.put(&mut frames);
    put_event(&mut frames, b"", b"");
    put_event(&mut frames, b"tenant", &[b'x'; 300]);
    put_event(&mut frames, b"big", &vec![b'y'; 1 << 20]);
    Command::Subscribe(b"D").put(&mut frames);
    frames
}

#[test]
fn frames_come_back_as_they_were_however_the_bytes_are_cut() {
    let frames = frames();
    let (mut client, mut server) = sessions();
    for (from, to) in [(&mut client.sealer, &mut server.opener), (&mut server.sealer, &mut client.opener)] {
        for piece in [1, 7, 1000, 1 << 22] {
            let mut sealed = Vec::new();
            assert_eq!(from.seal(&frames, ENOUGH, &mut sealed), Ok(frames.len()));
            let (mut arrived, mut opened) = (Vec::new(), Vec::new());
            // Bytes one by one only of the small frames: the large one is opened when it is whole.
            let (small, large) = sealed.split_at(1000);
            for part in small.chunks(piece).chain(large.chunks(piece.max(4096))) {
                arrived.extend_from_slice(part);
                let used = to.open(&arrived, MAX_BODY_BYTES, &mut opened).unwrap();
                arrived.drain(..used);
            }
            assert!(opened == frames && arrived.is_empty(), "in pieces of {piece}");
        }
    }
}

#[test]
fn a_seal_stops_when_it_has_enough_at_the_end_of_a_message() {
    let (mut client, mut server) = sessions();
    let mut frames = Vec::new();
    for _ in 0..10 {
        put_event(&mut frames, b"D", &[b'x'; 100]);
    }
    let (mut sealed, mut opened) = (Vec::new(), Vec::new());
    let used = server.sealer.seal(&frames, 1, &mut sealed).unwrap();
    assert_eq!(used, frames.len() / 10);
    assert_eq!(server.sealer.seal(&frames[used..used + 50], ENOUGH, &mut sealed), Ok(3), "whole frames only");
    client.opener.open(&sealed, MAX_BODY_BYTES, &mut opened).unwrap();
    assert_eq!(opened, frames[..used + 3]);
    assert_eq!(sealed.len(), used + 3 + 3 * MESSAGE_OVERHEAD_BYTES);
}

/// Three messages, each sealed.
fn three() -> (Box<crate::protocol::curve::Session>, Vec<Vec<u8>>) {
    let (client, mut server) = sessions();
    let messages = ["one", "two", "three"].map(|text| {
        let (mut frames, mut sealed) = (Vec::new(), Vec::new());
        put_event(&mut frames, b"D", text.as_bytes());
        server.sealer.seal(&frames, ENOUGH, &mut sealed).unwrap();
        sealed
    });
    (client, messages.to_vec())
}

#[test]
fn what_is_replayed_reordered_or_changed_ends_the_session_and_leaves_no_text() {
    let whole = |order: &[usize]| {
        let (mut client, messages) = three();
        let sent: Vec<u8> = order.iter().flat_map(|number| messages[*number].clone()).collect();
        client.opener.open(&sent, MAX_BODY_BYTES, &mut Vec::new()).map(drop)
    };
    assert_eq!(whole(&[0, 1, 2]), Ok(()));
    assert_eq!(whole(&[0, 2]), Ok(()), "a number may be left out, as at libzmq");
    assert_eq!(whole(&[0, 0]), Err(ProtocolError::CurveBadNonce));
    assert_eq!(whole(&[1, 0]), Err(ProtocolError::CurveBadNonce));
    let (_, messages) = three();
    for at in 2..messages[0].len() {
        let (mut client, mut messages) = three();
        messages[0][at] ^= 1;
        let mut opened = Vec::new();
        let ended = client.opener.open(&messages[0], MAX_BODY_BYTES, &mut opened);
        let head_of_second = 2 + MESSAGE_OVERHEAD_BYTES + 1;
        if at == head_of_second || at == head_of_second + 1 {
            assert!(ended.is_err() || ended.is_ok_and(|used| used < messages[0].len()));
        } else {
            assert!(ended.is_err(), "changed at {at}");
        }
        assert!(opened.is_empty() || at >= head_of_second, "changed at {at}: {opened:?}");
    }
}

#[test]
fn what_is_no_message_is_refused() {
    let mut bare = Vec::new();
    put_event(&mut bare, b"D", b"in the clear");
    let mut short = b"\0\x20\x07MESSAGE".to_vec();
    short.resize(2 + 0x20, 0xff);
    for (bytes, wanted) in [
        (&b"\0\x0d\x01in the clear"[..], ProtocolError::CurveUnexpectedCommand),
        (&bare, ProtocolError::CurveBadMessage),
        (&short, ProtocolError::CurveBadMessage),
        (b"\x02\0\0\0\0\x7f\xff\xff\xff", ProtocolError::FrameTooLong),
        (b"\x10", ProtocolError::BadFlags),
    ] {
        let (mut client, _) = sessions();
        let ended = client.opener.open(bytes, MAX_BODY_BYTES, &mut Vec::new());
        assert_eq!(ended, Err(wanted), "{bytes:?}");
    }
}

#[test]
fn a_message_of_another_connection_or_of_the_other_direction_does_not_open() {
    let (_, messages) = three();
    let (mut client, mut server) = sessions();
    let mut frames = Vec::new();
    assert_eq!(
        client.opener.open(&messages[2], MAX_BODY_BYTES, &mut frames),
        Err(ProtocolError::CurveBadMessage)
    );
    let mut sealed = Vec::new();
    put_event(&mut frames, b"D", b"back");
    server.sealer.seal(&frames, ENOUGH, &mut sealed).unwrap();
    assert_eq!(
        server.opener.open(&sealed, MAX_BODY_BYTES, &mut Vec::new()).map(drop),
        // The number is that of the last one of the client, or the box is of the other side.
        Err(ProtocolError::CurveBadNonce)
    );
}
