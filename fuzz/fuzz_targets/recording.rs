//! What a disk, or another tool, may make of a recording.

#![no_main]

#[path = "../../recording/tests/checks/recording.rs"]
mod recording;

libfuzzer_sys::fuzz_target!(|input: &[u8]| recording::check(input));
