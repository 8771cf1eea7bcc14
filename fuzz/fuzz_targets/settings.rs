//! Settings files, as people write them, or break them.

#![no_main]

#[path = "../../pubsub-api/tests/checks/settings.rs"]
mod settings;

libfuzzer_sys::fuzz_target!(|input: &[u8]| settings::check(input));
