//! Settings files, as people write them, or break them.

#![no_main]

#[path = "../../settings/all/tests/checks/settings.rs"]
mod settings_file;

libfuzzer_sys::fuzz_target!(|input: &[u8]| settings_file::check(input));
