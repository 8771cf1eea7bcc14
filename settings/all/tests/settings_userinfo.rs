//! A password that stands in an address, where it does not belong, is shown by no error.

#[path = "settings/written.rs"]
mod written;

use settings::Sources;
use written::{DRIVERS, Written};

const ADDRESSES: &[&str] = &[
    "redis://:canary@10.0.0.1:6379",
    "redis://someone:canary@10.0.0.1:6379/0",
    "canary@10.0.0.1",
    ":x,canary@10.0.0.1:6379",
    ":canary,x@10.0.0.1:6379",
    ":$canary@10.0.0.1:6379",
    "rediss://:canary/and@more@10.0.0.1:6379",
];

#[track_caller]
fn assert_hidden(refusal: &str) {
    assert!(!refusal.contains("canary") && !refusal.contains("someone"), "{refusal}");
    assert!(refusal.contains("publishers_ips") && refusal.contains("write `host:port` alone"), "{refusal}");
    assert!(refusal.contains("`password_file` or `password_env`"), "{refusal}");
}

#[test]
fn a_file_does() {
    for address in ADDRESSES {
        let list = format!("[pubsub]\npublishers_ips = [\"10.0.0.2\", \"{address}\"]\n");
        assert_hidden(&Written::new("a.toml", list).refusal());
        let text = format!("[pubsub]\npublishers_ips = \"{address}\"\n");
        assert_hidden(&Written::new("a.toml", text).refusal());
        let oslo = format!("[df]\npublishers_ips = 10.0.0.2, {address}\n");
        assert_hidden(&Written::new("a.ini", oslo).refusal());
    }
}

#[test]
fn the_environment_and_the_command_line_do() {
    for address in ADDRESSES {
        let environment = vec![("SKIMMER_PUBLISHERS_IPS".to_owned(), (*address).to_owned())];
        let sources = Sources { environment, ..Sources::default() };
        assert_hidden(&all_settings::load(&sources, DRIVERS).unwrap_err().to_string());
        let sources = Sources { sets: vec![format!("publishers_ips={address}")], ..Sources::default() };
        assert_hidden(&all_settings::load(&sources, DRIVERS).unwrap_err().to_string());
    }
}

#[test]
fn an_address_for_a_setting_that_is_not_there_is_hidden_too() {
    for set in ["publisher_ips=redis://:canary@10.0.0.1", "redis://:canary@10.0.0.1"] {
        let sources = Sources { sets: vec![set.to_owned()], ..Sources::default() };
        let refusal = all_settings::load(&sources, DRIVERS).unwrap_err().to_string();
        assert!(!refusal.contains("canary"), "{refusal}");
    }
}
