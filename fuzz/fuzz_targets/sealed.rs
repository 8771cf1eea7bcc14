//! What anyone may send as a sealed event, and any map that is sealed.

#![no_main]

#[path = "../../sealing/tests/checks/keys.rs"]
mod keys;
#[path = "../../sealing/tests/checks/opening.rs"]
mod opening;

libfuzzer_sys::fuzz_target!(|input: &[u8]| opening::check(input));
