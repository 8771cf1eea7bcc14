//! What anyone may send as a mark, a request or an answer.

#![no_main]

#[path = "../../delivery/tests/checks/control.rs"]
mod control;

libfuzzer_sys::fuzz_target!(|input: &[u8]| control::check(input));
