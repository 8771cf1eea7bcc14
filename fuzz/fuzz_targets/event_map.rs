//! What anyone may send as the map of an event.

#![no_main]

#[path = "../../pubsub-api/tests/checks/event_map.rs"]
mod event_map;
#[path = "../../pubsub-api/tests/checks/slow_map.rs"]
mod slow_map;

libfuzzer_sys::fuzz_target!(|input: &[u8]| event_map::check(input));
