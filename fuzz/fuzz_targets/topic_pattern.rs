//! Patterns of topics, as people write them.

#![no_main]

#[path = "../../pubsub-api/tests/checks/topic_pattern.rs"]
mod topic_pattern;

libfuzzer_sys::fuzz_target!(|input: &[u8]| topic_pattern::check(input));
