//! What the first bytes of a connection may do.

#![no_main]

#[path = "../../drivers/zmtp/tests/checks/cuts.rs"]
mod cuts;
#[path = "../../drivers/zmtp/tests/checks/handshake.rs"]
mod handshake;
#[path = "../../drivers/zmtp/tests/checks/slow_frame.rs"]
mod slow_frame;
#[path = "../../drivers/zmtp/tests/checks/slow_handshake.rs"]
mod slow_handshake;

libfuzzer_sys::fuzz_target!(|input: &[u8]| handshake::check(input));
