//! Settings files through genuine oslo.config and through ours: what differs is in `docs/oslo-config-differences.md`, and
//! ours refuses it or warns.

#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a test ends where an expectation fails")]

#[path = "oslo_config/differences.rs"]
mod differences;
#[path = "oslo_config/generator.rs"]
mod generator;

use std::collections::BTreeMap;

use drivers as _;
use end_to_end::Folder;
use fastrand::Rng;
use interop::ask;
use pubsub_api::Registry;
use serde_json::{Value, json};
use settings::Sources;

use crate::differences::{Compared, names};
use crate::generator::{Generated, generate};

/// Three milliseconds each, of oslo.config and of ours.
const FILES: usize = 1_500;

/// The first case; `OSLO_SEED` begins with another.
const SEED: u64 = 20_261_129;

/// What oslo.config and ours make of the cases, and the table of differences with how often each occurred.
fn compare(cases: &[Generated]) -> BTreeMap<&'static str, u32> {
    let folder = Folder::new();
    let files: Vec<Vec<_>> =
        cases.iter().enumerate().map(|(number, case)| written(&folder, number, case)).collect();
    let asked = |(case, files): (&Generated, &Vec<_>)| {
        let environment: BTreeMap<_, _> = case.environment.iter().cloned().collect();
        json!({ "files": files, "environment": environment }).to_string()
    };
    let asked: Vec<_> = cases.iter().zip(&files).map(asked).collect();
    let answers = ask(&folder, "oslo.py", &(asked.join("\n") + "\n"));
    assert_eq!(answers.len(), cases.len());

    let registry = Registry::collect().expect("drivers");
    let (mut counts, mut unexplained) = (BTreeMap::new(), Vec::new());
    for ((case, files), theirs) in cases.iter().zip(&files).zip(&answers) {
        let environment: BTreeMap<_, _> = case.environment.iter().cloned().collect();
        let sources = Sources {
            files: files.clone(),
            environment: environment.into_iter().collect(),
            ..Sources::default()
        };
        let ours = all_settings::load(&sources, &registry.settings()).map_err(|error| error.to_string());
        if let Err(difference) = (Compared { theirs, ours }).judge(&mut counts) {
            unexplained.push(format!("{difference}\n{case:#?}"));
        }
    }
    let first: Vec<_> = unexplained.iter().take(5).map(String::as_str).collect();
    assert!(
        unexplained.is_empty(),
        "{} differences are in no table:\n{}",
        unexplained.len(),
        first.join("\n\n")
    );
    counts
}

fn written(folder: &Folder, number: usize, case: &Generated) -> Vec<std::path::PathBuf> {
    let file = |(part, text): (usize, &String)| folder.write(&format!("{number}-{part}.conf"), text);
    case.files.iter().enumerate().map(file).collect()
}

#[test]
fn generated_files_mean_what_oslo_config_makes_of_them_but_for_the_differences_of_the_table() {
    let seed = std::env::var("OSLO_SEED").map_or(SEED, |text| text.parse().expect("OSLO_SEED is a number"));
    println!("OSLO_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let cases: Vec<_> = (0..FILES).map(|_| generate(&mut random)).collect();
    let counts = compare(&cases);
    println!("{counts:#?}");
    let table = include_str!("../../../docs/oslo-config-differences.md");
    for name in names() {
        assert!(table.contains(&format!("| {name} |")), "{name} is not in docs/oslo-config-differences.md");
    }
}

#[test]
fn files_as_operators_have_them_mean_what_oslo_config_makes_of_them() {
    let files = [
        include_str!("oslo_config/files/local-ip.ini"),
        include_str!("oslo_config/files/value-on-the-next-line.ini"),
        include_str!("oslo_config/files/no-bind-address.ini"),
        include_str!("oslo_config/files/default-section-is-not-searched-first.ini"),
        include_str!("oslo_config/files/names-of-defaults.ini"),
        include_str!("oslo_config/files/lone-quotation-mark.ini"),
        include_str!("oslo_config/files/options-of-later-releases.ini"),
        include_str!("oslo_config/files/list-twice.ini"),
        include_str!("oslo_config/files/number-twice.ini"),
        include_str!("oslo_config/files/zmq-and-etcd.ini"),
        include_str!("../../../settings/all/tests/settings/dragonflow-redis.ini"),
    ];
    let case = |text: &str| Generated { files: vec![text.to_owned()], environment: Vec::new() };
    let cases: Vec<_> = files.into_iter().map(case).collect();
    let counts = compare(&cases);
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), ["drivers left out"], "{counts:?}");
}

#[test]
fn names_that_oslo_config_does_not_find_are_refused_here_too() {
    let folder = Folder::new();
    let registry = Registry::collect().expect("drivers");
    for text in [
        include_str!("oslo_config/files/default-in-small-letters.ini"),
        "[df]\nmy_ip = 10.0.0.2\npublishers_ips = $my_ip\n",
        "[df]\npublishers_ips = ${DEFAULT.local_ip}\n",
    ] {
        let file = folder.write("df.conf", text);
        let case = json!({ "files": [&file], "environment": {} });
        let theirs: Value = ask(&folder, "oslo.py", &format!("{case}\n")).remove(0);
        assert!(theirs["options"]["df.publishers_ips"]["error"].is_string(), "{theirs}");
        let sources = Sources { files: vec![file], ..Sources::default() };
        let refusal =
            all_settings::load(&sources, &registry.settings()).expect_err("a name that is not found");
        assert!(refusal.to_string().contains("cannot expand `publishers_ips`"), "{refusal}");
    }
}
