//! What holds of the protocol for any peer: made traffic, damaged and cut, where fuzzing has bytes.

#[path = "checks/cuts.rs"]
mod cuts;
#[path = "checks/event_decoder.rs"]
mod event_decoder;
#[path = "checks/feed.rs"]
mod feed;
#[path = "checks/handshake.rs"]
mod handshake;
#[path = "checks/peer_decoder.rs"]
mod peer_decoder;
#[path = "checks/slow_frame.rs"]
mod slow_frame;
#[path = "checks/slow_handshake.rs"]
mod slow_handshake;
#[path = "checks/traffic.rs"]
mod traffic;

use std::time::{Duration, Instant};

use drivers_zmtp::protocol::{
    Decoded, EventDecoder, Greeting, Handshake, Heartbeat, MAX_PREFIX_BYTES, Mechanism, Peer, ProtocolError,
    Pulse, SocketType,
};
use proptest::prelude::{Just, TestCaseError, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::{Config, TestRunner};
use pubsub_api::wire::{MAX_RECEIVED_BYTES, WireError};
use traffic::{damaged, frame, property};

proptest! {
    #[test]
    fn traffic_decodes_the_same_however_it_is_cut_and_damaged(seed: u8, bytes in damaged(traffic::traffic())) {
        let input = [&[seed][..], &bytes].concat();
        event_decoder::check(&input);
        peer_decoder::check(&input);
    }

    #[test]
    fn a_handshake_ends_the_same_however_it_is_cut_and_damaged(seed: u8, bytes in damaged(traffic::ready())) {
        handshake::check(&[&[seed][..], &Greeting::encode(Mechanism::Null), &bytes].concat());
    }

    #[test]
    fn no_damage_to_a_greeting_makes_a_handshake_panic(seed: u8, bytes in damaged(traffic::greeting())) {
        handshake::check(&[&[seed][..], &bytes].concat());
    }

    #[test]
    fn an_event_of_ours_decodes_back(
        seed: u8,
        topic in prop::collection::vec(any::<u8>(), 0..=255),
        payload in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        event_decoder::check_own_event(seed, &topic, &payload);
    }

    #[test]
    fn a_subscription_of_ours_decodes_back(
        seed: u8,
        prefix in prop::collection::vec(any::<u8>(), 0..=MAX_PREFIX_BYTES),
    ) {
        peer_decoder::check_own_commands(seed, &prefix);
    }

    #[test]
    fn a_peer_is_known_by_its_socket_type_whatever_else_it_sends(
        before in prop::collection::vec(property(), 0..4),
        behind in prop::collection::vec(property(), 0..4),
        name in "[sS][oO][cC][kK][eE][tT]-[tT][yY][pP][eE]",
    ) {
        let others = |properties: Vec<(String, Vec<u8>)>| {
            properties.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Socket-Type"))
        };
        let properties = others(before).chain([(name, b"DEALER".to_vec())]).chain(others(behind)).collect();
        let sent = [&Greeting::encode(Mechanism::Null)[..], &traffic::packed_ready(properties)].concat();
        let mut said = Vec::new();
        let taken = Handshake::listener(&[SocketType::Dealer], &mut said).take(&sent, &mut said);
        let (socket_type, own_type) = (SocketType::Dealer, SocketType::Router);
        let peer = Peer { socket_type, own_type, minor: 1, alive_every: None, judges_subscriptions: false };
        prop_assert_eq!(taken, Ok((sent.len(), Some(peer))));
    }

    #[test]
    fn a_frame_that_announces_too_much_is_refused_by_its_head(
        size in (16 * MAX_RECEIVED_BYTES as u64 + 1)..=u64::MAX,
        more: bool,
        command: bool,
    ) {
        let flags = if command { 6 } else { 2 | u8::from(more) };
        let head = [&[flags][..], &size.to_be_bytes()].concat();
        prop_assert_eq!(EventDecoder::default().next(&head), Err(ProtocolError::FrameTooLong));
    }

    #[test]
    fn a_peer_dies_only_unheard_and_pinged_or_past_its_own_time(steps in prop::collection::vec(0..4000_u64, 1..60)) {
        check_heartbeat(&steps)?;
    }
}

/// Large frames are few, as each takes a while.
#[test]
fn a_message_that_is_too_large_is_stepped_over_in_pieces_of_any_size_and_nothing_of_it_kept() {
    let size = prop_oneof![Just(MAX_RECEIVED_BYTES + 1), MAX_RECEIVED_BYTES + 1..2 * MAX_RECEIVED_BYTES];
    let sizes = (size, 1_000..300_000_usize);
    let outcome = TestRunner::new(Config::with_cases(16)).run(&sizes, |(size, piece)| {
        let bytes = [frame(1, b"D"), frame(0, &vec![7; size]), frame(1, b"D"), frame(0, b"next")].concat();
        let ends: Vec<usize> = (piece..bytes.len()).step_by(piece).chain([bytes.len()]).collect();
        let mut decoder = EventDecoder::default();
        let found = feed::feed(&bytes, &ends, TWO_HEADS_BYTES, |_, arrived| {
            let (used, decoded) = decoder.next(arrived)?;
            Ok::<_, ProtocolError>((used, (decoded != Decoded::Incomplete).then_some(decoded)))
        });
        let next = Decoded::Event { topic: 2..3, payload: 5..9 };
        prop_assert_eq!(found.items, [Decoded::Dropped(WireError::TooBig), next]);
        prop_assert_eq!(found.end, Ok(bytes.len()));
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
}

/// The head of the topic, the topic, and the head of the map.
const TWO_HEADS_BYTES: usize = 2 + 1 + 9;

/// Steps of up to a second, at the end of each of which something happens, and what the heartbeat may then send.
fn check_heartbeat(steps: &[u64]) -> Result<(), TestCaseError> {
    let (interval, dead_after, start) = (Duration::from_secs(1), Duration::from_secs(3), Instant::now());
    let mut heartbeat = Heartbeat::new(interval, dead_after, false, start);
    let (mut now, mut heard, mut asked, mut written, mut own_time) = (start, start, false, None, None);
    for step in steps {
        now += Duration::from_millis(step % 1000);
        match step / 1000 {
            0 => {
                heartbeat.heard(now);
                (heard, asked, written) = (now, asked && written.is_none(), None);
            }
            1 => {
                let tenths = u16::try_from(step % 50).unwrap_or_default();
                heartbeat.pinged(tenths);
                own_time =
                    Some(Duration::from_millis(u64::from(tenths) * 100)).filter(|time| !time.is_zero());
            }
            2 if heartbeat.awaits_writing() => {
                heartbeat.ping_written(now);
                written = Some(now);
            }
            _ => {}
        }
        prop_assert_eq!(heartbeat.awaits_writing(), asked && written.is_none());
        let unwritten = asked && written.is_none();
        let dead = written.is_some_and(|written| now - written >= dead_after)
            || unwritten && now - heard >= interval + dead_after
            || own_time.is_some_and(|time| now - heard >= time);
        match heartbeat.tick(now) {
            Pulse::Dead => prop_assert!(dead, "dead before its time"),
            Pulse::Quiet => prop_assert!(!dead, "not dead after its time"),
            Pulse::Ping => {
                prop_assert!(!dead && !asked && now - heard >= interval, "pinged out of turn");
                asked = true;
            }
        }
    }
    Ok(())
}
