//! The variables that Kubernetes sets in a container for the Services `skimmer` and `skimmer-publisher`.

#![expect(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

use pubsub_api::settings::{Origin, Settings};
use settings::Sources;
use settings::shown_settings;

const SERVICE_LINKS: &str = include_str!("settings/kubernetes-service-links.env");

fn service_links() -> Vec<(String, String)> {
    let pairs = SERVICE_LINKS.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn with(environment: Vec<(String, String)>) -> Sources {
    Sources { environment, ..Sources::default() }
}

fn port(settings: &Settings) -> (u16, Origin) {
    let entry = shown_settings(settings).find(|entry| entry.setting.name == "publisher_port").unwrap();
    (settings.pubsub().publisher_port, entry.origin.clone())
}

#[test]
fn service_links_are_passed_over_with_one_warning() {
    let (settings, warnings) = all_settings::load(&with(service_links()), &[]).unwrap();
    assert_eq!(port(&settings), (8866, Origin::Default));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for name in ["SKIMMER_SERVICE_HOST", "SKIMMER_PUBLISHER_PORT", "SKIMMER_PORT_8866_TCP_ADDR"] {
        assert!(warnings[0].to_string().contains(name), "{warnings:?}");
    }
}

#[test]
fn a_valid_setting_with_the_name_of_a_link_stays_in_force() {
    let mut environment = service_links();
    environment.retain(|(name, _)| name != "SKIMMER_PUBLISHER_PORT");
    environment.push(("SKIMMER_PUBLISHER_PORT".to_owned(), "8867".to_owned()));
    let (settings, _) = all_settings::load(&with(environment), &[]).unwrap();
    assert_eq!(port(&settings), (8867, Origin::Environment("SKIMMER_PUBLISHER_PORT".to_owned())));
}

#[test]
fn a_misspelt_setting_is_an_error_beside_service_links() {
    for (name, value) in [
        ("SKIMMER_PUBLISHER_PROT", "8866"),
        ("SKIMMER_PUBLISHER_PORT", "eighty"),
        ("SKIMMER_PORT", "8866"),
        ("SKIMMER_SERVICE_HOST", "localhost"),
        ("SKIMMER_SERVICE_DRAIN_TIMEOUT", "tcp://10.96.3.4:8866"),
    ] {
        let mut environment = service_links();
        environment.retain(|(link, _)| link != name);
        environment.push((name.to_owned(), value.to_owned()));
        let text = all_settings::load(&with(environment), &[]).unwrap_err().to_string();
        assert!(text.contains(name) && text.lines().count() == 1, "{name}={value}: {text}");
    }
}
