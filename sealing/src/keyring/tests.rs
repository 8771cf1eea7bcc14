use std::fs::{read_to_string, write};
use std::time::{Duration, Instant};

use super::{Keyring, Keys};
use crate::keyring_lines;

/// Looks at the file until a change of it counts.
fn settle(keyring: &Keyring, now: &mut Instant) {
    for _ in 0..3 {
        *now += Keyring::LOOK;
        keyring.refresh(*now);
    }
}

#[test]
fn keys_are_changed_while_it_is_open_and_an_invalid_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring");
    keyring_lines::create(&path, "a").unwrap();
    let (keyring, mut now) = (Keyring::open_with_rows(&path).unwrap(), Instant::now());
    let seen = |keyring: &Keyring| (keyring.keys().used().id().to_owned(), keyring.keys().ids().join(" "));
    keyring_lines::add(&path, "b").unwrap();
    settle(&keyring, &mut now);
    assert_eq!(seen(&keyring), ("a".into(), "a b".into()));
    keyring_lines::mark_used(&path, "b").unwrap();
    settle(&keyring, &mut now);
    assert_eq!((seen(&keyring), keyring.changes()), (("b".into(), "a b".into()), 2));
    let good = read_to_string(&path).unwrap();
    let rows = good.lines().find(|line| line.starts_with("rows")).unwrap();
    let other_rows = good.replace(rows, &format!("rows {}", "5".repeat(64)));
    for wrong in ["", "b", &good.replace(" use", ""), &good.replace(rows, ""), &other_rows] {
        write(&path, wrong).unwrap();
        settle(&keyring, &mut now);
        assert_eq!((seen(&keyring), keyring.changes()), (("b".into(), "a b".into()), 2), "{wrong:?}");
    }
    write(&path, &good).unwrap();
    keyring_lines::remove(&path, "a").unwrap();
    now += Duration::from_secs(1);
    settle(&keyring, &mut now);
    assert_eq!(seen(&keyring), ("b".into(), "b".into()));
}

#[test]
fn debug_shows_ids_and_no_keys() {
    let (key, other) = ("0123456789abcdef".repeat(4), "fedcba9876543210".repeat(4));
    let keys = Keys::parse(&format!("one {key} use\r\n\n# two\nrows {other}\n")).unwrap();
    let shown = format!("{keys:?}");
    assert!(shown.contains("one") && !shown.contains("0123") && !shown.contains("[1, 35"), "{shown}");
    assert_eq!((*keys.used().secret().to_text()).to_owned(), key);
    assert!(Keys::parse(&format!("one {key}")).is_err() && Keys::parse("").is_err());
    assert!(Keys::parse_with_rows(&format!("one {key} use")).unwrap_err().contains("rows SECRET"));
}
