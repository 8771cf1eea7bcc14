use std::fs::{Permissions, read_to_string, set_permissions, write};
use std::os::unix::fs::PermissionsExt;

use super::{add, create, ids, mark_used, remove};

fn shown(path: &std::path::Path) -> String {
    let word = |(id, is_used): (String, bool)| if is_used { format!("{id}!") } else { id };
    ids(path).unwrap().into_iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_keyring_is_made_gets_keys_and_loses_them_and_keeps_its_comments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring");
    create(&path, "a").unwrap();
    assert_eq!((shown(&path), path.metadata().unwrap().permissions().mode() & 0o777), ("a!".into(), 0o600));
    assert!(create(&path, "a").is_err(), "a file is never overwritten");
    let text = format!("# of the cloud\n{}", read_to_string(&path).unwrap());
    write(&path, text.trim_end()).unwrap();
    add(&path, "b").unwrap();
    assert_eq!(shown(&path), "a! b");
    assert!(add(&path, "b").is_err() && add(&path, "rows").is_err() && add(&path, "b b").is_err());
    assert!(mark_used(&path, "c").unwrap_err().to_string().contains("no key \"c\""));
    assert!(remove(&path, "a").unwrap_err().to_string().contains("is used"));
    mark_used(&path, "b").unwrap();
    mark_used(&path, "b").unwrap();
    assert_eq!(shown(&path), "a b!");
    remove(&path, "a").unwrap();
    assert_eq!((shown(&path), path.metadata().unwrap().permissions().mode() & 0o777), ("b!".into(), 0o600));
    let text = read_to_string(&path).unwrap();
    assert!(
        text.starts_with("# of the cloud\nrows ") && text.lines().count() == 3,
        "{}",
        text.lines().count()
    );
}

#[test]
fn no_error_has_a_part_of_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring");
    create(&path, "a").unwrap();
    let good = read_to_string(&path).unwrap();
    let key = good.split_whitespace().nth(1).unwrap().to_owned();
    let swapped = good.replacen(&format!("a {key}"), &format!("{key} a"), 1);
    let longer = good.replacen(&key, &format!("{key}0"), 1);
    let twice = format!("{good}b {key}\n");
    let unused = good.replace(" use", "");
    for wrong in [&swapped, &longer, &twice, &unused, &format!("{good}x {key} used"), &key] {
        write(&path, wrong).unwrap();
        let error = format!("{:?}", ids(&path).unwrap_err());
        assert!(!error.contains(&key[..16]) && !error.contains(&key[48..]), "{error}");
    }
    write(&path, &good).unwrap();
    set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert!(ids(&path).unwrap_err().to_string().contains("mode 0640"));
}
