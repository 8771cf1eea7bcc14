//! What a subscriber, or a peer that poses as one, may send after the handshake.

#![no_main]

#[path = "../../drivers/zmtp/tests/checks/cuts.rs"]
mod cuts;
#[path = "../../drivers/zmtp/tests/checks/feed.rs"]
mod feed;
#[path = "../../drivers/zmtp/tests/checks/peer_decoder.rs"]
mod peer_decoder;
#[path = "../../drivers/zmtp/tests/checks/slow_frame.rs"]
mod slow_frame;

libfuzzer_sys::fuzz_target!(|input: &[u8]| peer_decoder::check(input));
