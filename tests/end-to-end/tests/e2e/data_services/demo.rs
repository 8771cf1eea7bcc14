//! `skimmer demo --dse`.

use end_to_end::{Folder, Launch};

fn plays(more: &[&str]) {
    let folder = Folder::new();
    let demo = Launch::new("skimmer", "demo", folder.path()).args(["demo", "--dse"]).args(more);
    let demo = demo.run().expect(0);
    let table = &demo.stdout;
    assert!(table.contains("The shown table equals what follows from the files."), "{table}");
    let differing =
        table.lines().find(|line| line.contains("rows that differ")).expect("a row of the summary");
    assert!(differing.contains("| 0 "), "{table}");
    assert!(!table.contains("never"), "{table}");
}

#[test]
fn the_demo_shows_what_follows_from_the_files_on_zmtp() {
    plays(&[]);
}

#[test]
fn the_demo_shows_what_follows_from_the_files_on_redis() {
    plays(&["--redis"]);
}
