use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use listen::{UnixClaim, check_directory};
use pubsub_api::ErrorKind;

use crate::process::Process;

/// The check and the claim return the same error, and the claim creates nothing.
fn refusal(socket: &Path) -> String {
    let checked = check_directory(socket).unwrap_err();
    let claimed = UnixClaim::bind(socket).unwrap_err();
    assert_eq!(checked.kind(), ErrorKind::Unavailable);
    assert_eq!(checked.to_string(), claimed.to_string());
    checked.to_string()
}

#[test]
fn a_directory_that_can_hold_a_socket_passes_and_stays_empty() {
    let directory = tempfile::tempdir().unwrap();
    check_directory(&directory.path().join("publisher.sock")).unwrap();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
}

#[test]
fn a_missing_directory_is_refused_with_the_command_that_creates_it() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("run");
    let text = refusal(&missing.join("publisher.sock"));
    assert!(text.contains("does not exist"), "{text}");
    let path = missing.display();
    assert!(
        text.contains(&format!("mkdir -p {path} && chown ")) && text.ends_with(&format!(" {path}")),
        "{text}"
    );
    assert!(!missing.exists());
}

#[test]
fn the_command_in_an_error_fixes_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let open = directory.path().join("open to all");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    let file = directory.path().join("file");
    File::create(&file).unwrap();
    for (broken, command) in
        [(directory.path().join("missing one"), "mkdir "), (open, "chmod "), (file, "mv ")]
    {
        let socket = broken.join("publisher.sock");
        let text = refusal(&socket);
        let command = &text[text.find(command).unwrap()..];
        assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
        check_directory(&socket).unwrap();
        UnixClaim::bind(&socket).unwrap();
    }
}

#[test]
fn a_directory_writable_by_everybody_needs_a_sticky_bit() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("publisher.sock");
    fs::set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
    let text = refusal(&socket);
    assert!(text.ends_with(&format!("chmod o-w {}", directory.path().display())), "{text}");
    fs::set_permissions(&directory, Permissions::from_mode(0o1777)).unwrap();
    check_directory(&socket).unwrap();
    UnixClaim::bind(&socket).unwrap();
}

#[test]
fn a_directory_that_this_user_cannot_write_is_refused_with_the_command_that_opens_it() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(&directory, Permissions::from_mode(0o555)).unwrap();
    let socket = directory.path().join("publisher.sock");
    for role in ["check the directory", "hold"] {
        let mut process = Process::start_under_permissions(role, &socket);
        process.go();
        let report = process.line();
        assert!(report.starts_with("refused: ") && report.contains("is not writable by "), "{report}");
        assert!(report.contains("chown "), "{report}");
    }
}

#[test]
fn a_file_system_that_accepts_no_files_makes_the_claim_fail_even_for_root() {
    let error = UnixClaim::bind(Path::new("/proc/publisher.sock")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("/proc"), "{error}");
}
