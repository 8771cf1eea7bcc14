//! Maps that the service adds pairs to.

#![no_main]

#[path = "../../pubsub-api/tests/checks/grown_map.rs"]
mod grown_map;
#[path = "../../pubsub-api/tests/checks/slow_map.rs"]
mod slow_map;

libfuzzer_sys::fuzz_target!(|input: &[u8]| grown_map::check(input));
