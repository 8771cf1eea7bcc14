//! What a disk may make of a saved table.

#![no_main]

#[path = "../../table/tests/checks/saved.rs"]
mod saved;

libfuzzer_sys::fuzz_target!(|input: &[u8]| saved::check(input));
