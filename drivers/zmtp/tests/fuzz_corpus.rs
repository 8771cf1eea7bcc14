//! The inputs that fuzzing kept, replayed: `fuzz/corpus` holds them, by target.

#[path = "../../../pubsub-api/tests/checks/corpus.rs"]
mod corpus;
#[path = "checks/curve.rs"]
mod curve;
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

#[test]
fn no_first_bytes_of_a_connection_break_the_handshake() {
    corpus::replay("handshake", handshake::check);
}

#[test]
fn no_peer_without_a_key_breaks_curve_or_is_let_in() {
    corpus::replay("curve", curve::check);
}

#[test]
fn no_traffic_of_a_publisher_breaks_the_decoder_of_events() {
    corpus::replay("event_decoder", event_decoder::check);
}

#[test]
fn no_traffic_of_a_subscriber_breaks_the_decoder_of_peers() {
    corpus::replay("peer_decoder", peer_decoder::check);
}
