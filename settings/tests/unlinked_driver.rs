//! A program that was built without some driver: its settings are passed over, and its alias is refused with the remedy.

use pubsub_api::settings::PubSub;
use pubsub_api::{Registry, Role, UnlinkedDriver};
use settings::{Sources, load};

inventory::submit! {
    UnlinkedDriver { section: "drivers.absent", aliases: &["absent_pubsub_driver"], feature: "absent" }
}

#[test]
fn the_section_and_the_variables_of_an_unlinked_driver_are_passed_over_and_those_of_no_driver_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("skimmer.toml");
    let variable = |name: &str| (name.to_owned(), "1".to_owned());
    let sources = |text: &str, name: &str| {
        std::fs::write(&file, text).unwrap();
        Sources { files: vec![file.clone()], environment: vec![variable(name)], ..Sources::default() }
    };
    let shared = sources("[drivers.absent]\nhosts = [\"a\"]\n", "SKIMMER_DRIVERS_ABSENT_TIMEOUT");
    let (_settings, warnings) = load(&shared, &[PubSub::TABLE], &[]).unwrap();
    assert!(warnings.is_empty());
    let wrong = sources("[drivers.absnt]\nhosts = [\"a\"]\n", "SKIMMER_DRIVERS_ABSNT_TIMEOUT");
    let text = load(&wrong, &[PubSub::TABLE], &[]).unwrap_err().to_string();
    assert!(text.contains("unknown section [drivers.absnt]"), "{text}");
    assert!(text.contains("unknown variable `SKIMMER_DRIVERS_ABSNT_TIMEOUT`"), "{text}");
}

#[test]
fn the_alias_of_an_unlinked_driver_is_an_error_that_names_the_way_to_link_it() {
    let error = Registry::collect().unwrap().find("absent_pubsub_driver", Role::Network).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pub_sub_driver: this program was built without the driver \"absent_pubsub_driver\": enable the feature \
         \"absent\" of the crate `drivers`, or of the crate that passes it on"
    );
}
