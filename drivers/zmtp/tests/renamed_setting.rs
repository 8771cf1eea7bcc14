//! A setting that was renamed: its old name is an error that points to the new one.

use drivers_zmtp::SETTINGS;
use pubsub_api::settings::PubSub;
use settings::Sources;

fn refusal(sources: &Sources) -> String {
    match settings::load(sources, &[PubSub::TABLE], &[SETTINGS]) {
        Ok(_) => "accepted".to_owned(),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn ring_bytes_is_refused_in_every_source_with_the_name_fanout_log_bytes() {
    let set = Sources { sets: vec!["drivers.zmtp.ring_bytes=64MiB".to_owned()], ..Sources::default() };
    assert!(
        refusal(&set).ends_with("; it is called `drivers.zmtp.fanout_log_bytes` now"),
        "{}",
        refusal(&set)
    );

    let variable = ("SKIMMER_DRIVERS_ZMTP_RING_BYTES".to_owned(), "64MiB".to_owned());
    let environment = Sources { environment: vec![variable], ..Sources::default() };
    let says = refusal(&environment);
    assert!(says.ends_with("; it is called `SKIMMER_DRIVERS_ZMTP_FANOUT_LOG_BYTES` now"), "{says}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("skimmer.toml");
    std::fs::write(&file, "[drivers.zmtp]\nring_bytes = \"64MiB\"\n").expect("a file");
    let says = refusal(&Sources { files: vec![file], ..Sources::default() });
    assert!(
        says.ends_with("unknown setting `ring_bytes` in [drivers.zmtp]; it is called `fanout_log_bytes` now"),
        "{says}"
    );
}
