//! What a driver, a reload and the documentation see of the settings.

#![expect(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "settings/written.rs"]
mod written;

use settings::restart_only_changes;
use settings::shown_settings;
use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::ErrorKind;
use pubsub_api::settings::{Kind, Reload, Setting, Settings};
use settings::Sources;
use written::{DRIVERS, Written};

const GOOD: Setting = Setting {
    section: "drivers.other",
    name: "speed",
    kind: Kind::Integer { min: 0, max: 10 },
    default: "1",
    doc: "For tests.",
    reload: Reload::Restart,
    formerly: &[],
};

fn with(sets: &[&str]) -> Settings {
    let sources = Sources { sets: sets.iter().map(|&set| set.to_owned()).collect(), ..Sources::default() };
    all_settings::load(&sources, DRIVERS).unwrap().0
}

#[test]
fn a_driver_reads_its_settings_by_name_and_kind() {
    let settings = with(&["drivers.zeromq.ring=1KiB", "drivers.zeromq.peers=a,b"]);
    let zeromq = settings.section("drivers.zeromq");
    assert_eq!(zeromq.get::<i64>("recv_queue_events").unwrap(), 10_000);
    assert_eq!(zeromq.get::<usize>("recv_queue_events").unwrap(), 10_000);
    assert_eq!(zeromq.get::<u64>("ring").unwrap(), 1024);
    assert_eq!(zeromq.get::<String>("mode").unwrap(), "fast");
    assert_eq!(zeromq.get::<Duration>("heartbeat").unwrap(), Duration::from_secs(1));
    assert_eq!(zeromq.get::<PathBuf>("keys").unwrap().to_str(), Some("/etc/keys"));
    assert!(!zeromq.get::<bool>("confirm").unwrap());
    assert_eq!(zeromq.get::<Vec<String>>("peers").unwrap(), ["a", "b"]);
}

#[test]
fn what_a_user_misspells_in_a_section_of_a_driver_is_an_error_of_the_file() {
    let refusal = Written::new("skimmer.toml", "[drivers.zeromq]\nrng = 1\n").refusal();
    assert_eq!(refusal, "skimmer.toml:2:1: unknown setting `rng` in [drivers.zeromq]; did you mean `ring`?");
}

#[test]
fn what_a_driver_did_not_declare_is_an_internal_error() {
    let settings = with(&[]);
    for (error, says) in [
        (
            settings.section("drivers.zeromq").get::<i64>("rng").unwrap_err(),
            "no table declares the setting drivers.zeromq.rng",
        ),
        (
            settings.section("drivers.none").get::<String>("mode").unwrap_err(),
            "no table declares the setting drivers.none.mode",
        ),
        (settings.section("drivers.zeromq").get::<i64>("ring").unwrap_err(), "was read as another kind"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_table_that_contradicts_itself_is_an_internal_error() {
    const OTHER_DEFAULT: &[Setting] = &[GOOD, Setting { default: "2", ..GOOD }];
    const OTHER_SECTION: &[Setting] = &[Setting { section: "pubsub", ..GOOD }];
    const OUT_OF_RANGE: &[Setting] = &[Setting { default: "11", ..GOOD }];
    const NO_TOML: &[Setting] = &[Setting { default: "fast", ..GOOD }];
    for (table, says) in [
        (OTHER_DEFAULT, "the driver setting drivers.other.speed is declared twice, differently"),
        (OTHER_SECTION, "the driver setting speed must stand in a section drivers.<name>"),
        (
            OUT_OF_RANGE,
            "the default of drivers.other.speed is wrong: `speed` wants a whole number from 0 to 10, not 11",
        ),
        (NO_TOML, "the default of drivers.other.speed is wrong: "),
    ] {
        let error = all_settings::defaults(&[table]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_reload_reports_which_changes_need_a_restart() {
    let old = with(&["agent.topics=a"]);
    for (sets, names) in [
        (&["agent.topics=a"][..], &[][..]),
        (&["agent.topics=b", "agent.patterns=x.*", "publishers_ips=::1", "service.drain_timeout=1s"], &[]),
        (&["linger=1000ms"], &[]),
        (&["linger=2s", "drivers.zeromq.confirm=true"], &["linger", "drivers.zeromq.confirm"]),
    ] {
        let changes = restart_only_changes(&old, &with(sets));
        assert_eq!(changes.iter().map(|setting| setting.full_name()).collect::<Vec<_>>(), names, "{sets:?}");
    }
}

#[test]
fn the_sample_has_every_setting_and_loads_with_every_assignment_in_force() {
    let sample = all_settings::sample(DRIVERS);
    let is_assignment = |line: &&str| line.starts_with('#') && !line.starts_with("# ");
    let in_force = |line| if is_assignment(&line) { &line[1..] } else { line };
    let content: String = sample.lines().map(|line| format!("{}\n", in_force(line))).collect();

    let defaults = all_settings::defaults(DRIVERS).unwrap();
    assert_eq!(sample.lines().filter(is_assignment).count(), shown_settings(&defaults).count());
    for content in [&sample, &content] {
        let (settings, warnings) = Written::new("skimmer.toml", content).load().unwrap();
        assert!(warnings.is_empty());
        for (entry, default) in shown_settings(&settings).zip(shown_settings(&defaults)) {
            assert_eq!((entry.setting, entry.value), (default.setting, default.value));
        }
    }
    assert!(sample.lines().all(|line| line.chars().count() <= 100), "{sample}");
}

#[test]
fn every_entry_is_toml_that_sets_the_same_value() {
    let settings = with(&[
        "publisher_id=a\"\\\n\u{1}é",
        "linger=250ms",
        "drivers.zeromq.ring=3KiB",
        "agent.topics=a b,#",
    ]);
    let line = |entry: settings::ShownSetting<'_>| {
        format!("[{}]\n{} = {}\n", entry.setting.section, entry.setting.name, entry.value)
    };
    for entry in shown_settings(&settings) {
        let (again, _) = Written::new("skimmer.toml", line(entry.clone())).load().unwrap();
        let value = shown_settings(&again).find(|other| other.setting == entry.setting).unwrap().value;
        assert_eq!(value, entry.value);
    }
}
