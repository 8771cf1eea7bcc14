use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use listen::UnixClaim;
use pubsub_api::ErrorKind;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::in_time::in_time;
use crate::process::Process;

#[test]
fn a_lock_file_that_is_not_a_regular_file_is_refused_by_type_and_not_followed() {
    type Make = fn(&Path);
    let cases: [(&str, Make); 4] = [
        ("is a symbolic link", |path| symlink(path.with_file_name("target"), path).unwrap()),
        ("is a directory", |path| fs::create_dir(path).unwrap()),
        ("is a fifo", |path| mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap()),
        ("is a socket", |path| drop(std::os::unix::net::UnixListener::bind(path).unwrap())),
    ];
    for (name, make) in cases {
        let directory = tempfile::tempdir().unwrap();
        make(&directory.path().join("publisher.sock.lock"));
        let error = UnixClaim::bind(&directory.path().join("publisher.sock")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error.to_string().contains(&format!("publisher.sock.lock {name}, not a regular file")),
            "{error}"
        );
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "{name}");
    }
}

#[test]
fn a_lock_file_that_this_user_may_not_open_is_refused_with_the_command_that_fixes_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("publisher.sock");
    let lock = File::create(directory.path().join("publisher.sock.lock")).unwrap();
    lock.set_permissions(Permissions::from_mode(0o0)).unwrap();
    let mut process = Process::start_under_permissions("hold", &path);
    process.go();
    let report = process.line();
    assert!(report.contains(" may not open the lock file ") && report.contains(": chown "), "{report}");
    assert!(!path.exists());
}

#[test]
fn a_holder_signs_with_its_pid_and_clears_the_signature_on_release() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("publisher.sock");
    let lock = directory.path().join("publisher.sock.lock");
    let holder = Process::holding("hold", &path);
    assert!(fs::read_to_string(&lock).unwrap().starts_with(&format!("{} ", holder.pid())));
    holder.end();
    assert_eq!(fs::read_to_string(&lock).unwrap(), "");
}

#[test]
fn a_pid_in_an_unlocked_lock_file_is_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("publisher.sock");
    let living = std::process::id();
    fs::write(directory.path().join("publisher.sock.lock"), format!("{living} 1\n")).unwrap();
    UnixClaim::bind(&path).unwrap();
}

#[test]
fn a_held_lock_with_an_invalid_signature_names_no_process_within_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("publisher.sock");
    let lock = directory.path().join("publisher.sock.lock");
    let file = File::create(&lock).unwrap();
    file.lock().unwrap();
    for signature in ["", "1 1\n", "4194305 12\n", "not a signature\n"] {
        fs::write(&lock, signature).unwrap();
        // docs/guarantees.md#f07
        let text = in_time(Duration::from_secs(1), || UnixClaim::bind(&path).unwrap_err().to_string());
        assert!(text.contains("in use by a process that is not visible from here"), "{text}");
    }
}

#[test]
fn a_deleted_lock_file_does_not_let_a_second_claim_take_a_socket_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("publisher.sock");
    let holder = Process::holding("hold", &path);
    fs::remove_file(directory.path().join("publisher.sock.lock")).unwrap();
    let text = UnixClaim::bind(&path).unwrap_err().to_string();
    assert!(text.contains(&format!("in use by pid {} (", holder.pid())), "{text}");
    assert!(holder.answers(&path));
}
