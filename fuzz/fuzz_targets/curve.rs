//! What a peer may do in a handshake of CURVE, and after it.

#![no_main]

#[path = "../../drivers/zmtp/tests/checks/curve.rs"]
mod curve;

libfuzzer_sys::fuzz_target!(|input: &[u8]| curve::check(input));
