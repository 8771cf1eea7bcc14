use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use listen::UnixClaim;
use pubsub_api::ErrorKind;
use tempfile::TempDir;

use crate::in_time::{ATTEMPTS, in_time};
use crate::process::Process;

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("publisher.sock");
    (directory, path)
}

fn files(directory: &TempDir) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_claim_leaves_its_socket_and_its_lock_file_and_a_release_only_the_lock_file() {
    let (directory, path) = place();
    let claim = UnixClaim::bind(&path).unwrap();
    assert_eq!(claim.path(), path);
    assert_eq!(files(&directory), ["publisher.sock", "publisher.sock.lock"].map(String::from).into());
    claim.release().unwrap();
    assert_eq!(files(&directory), ["publisher.sock.lock".to_owned()].into());
    drop(UnixClaim::bind(&path).unwrap());
    assert_eq!(files(&directory), ["publisher.sock.lock".to_owned()].into());
}

#[test]
fn a_listener_of_a_claim_is_nonblocking_and_accepts_connections() {
    let (_directory, path) = place();
    let claim = UnixClaim::bind(&path).unwrap();
    let listener = claim.listener().unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    let _worker = UnixStream::connect(&path).unwrap();
    listener.accept().unwrap();
}

#[test]
fn a_path_of_107_bytes_is_claimed_and_one_of_108_is_refused_before_anything_is_created() {
    let directory = tempfile::tempdir().unwrap();
    let room = 107 - directory.path().as_os_str().len() - 1;
    let longest = directory.path().join("p".repeat(room));
    let claim = UnixClaim::bind(&longest).unwrap();
    UnixStream::connect(&longest).unwrap();
    claim.release().unwrap();
    fs::remove_file(directory.path().join(format!("{}.lock", "p".repeat(room)))).unwrap();

    let error = UnixClaim::bind(&directory.path().join("p".repeat(room + 1))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Settings);
    assert!(
        error.to_string().contains("108 bytes long, but a Unix socket's path has at most 107"),
        "{error}"
    );
    assert!(files(&directory).is_empty());
}

#[test]
fn a_killed_holder_leaves_a_dead_socket_that_the_next_claim_replaces_within_200_ms() {
    let left_by_a_killed_holder = || {
        let (directory, path) = place();
        let holder = Process::holding("hold", &path);
        assert!(holder.answers(&path));
        holder.kill();
        assert!(path.exists(), "kill -9 leaves the socket file");
        (directory, path)
    };
    let places: Vec<_> = (0..ATTEMPTS).map(|_| left_by_a_killed_holder()).collect();
    let mut paths = places.iter().map(|(_, path)| path);
    // docs/guarantees.md#f06
    let claim = in_time(Duration::from_millis(200), || UnixClaim::bind(paths.next().unwrap()).unwrap());
    assert!(claim.is_in_place());
}

#[test]
fn a_living_holder_is_named_and_keeps_answering() {
    let (_directory, path) = place();
    let holder = Process::holding("hold", &path);
    let error = UnixClaim::bind(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(&format!("is in use by pid {} (", holder.pid())), "{error}");
    assert!(holder.answers(&path));
    holder.end();
    UnixClaim::bind(&path).unwrap();
}

#[test]
fn of_20_racing_processes_one_wins_and_all_others_name_it_and_not_a_killed_holder() {
    let (_directory, path) = place();
    Process::holding("hold", &path).kill();
    let mut processes: Vec<_> = (0..20).map(|_| Process::start("hold", &path)).collect();
    processes.iter_mut().for_each(Process::go);
    let reports: Vec<_> = processes.iter_mut().map(Process::line).collect();
    let won: Vec<_> = (0..20).filter(|n| reports[*n] == "claimed").collect();
    assert_eq!(won.len(), 1, "{reports:?}");
    let winner = &processes[won[0]];
    let by = format!("in use by pid {} (", winner.pid());
    assert_eq!(reports.iter().filter(|report| report.contains(&by)).count(), 19, "{reports:?}");
    assert!(winner.answers(&path));
}

#[test]
fn of_20_racing_threads_one_wins() {
    let (_directory, path) = place();
    let barrier = Barrier::new(20);
    let race = || {
        barrier.wait();
        UnixClaim::bind(&path)
    };
    let claims: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(race)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1, "{claims:?}");
    UnixStream::connect(&path).unwrap();
}

#[test]
fn under_umask_0_the_socket_never_has_a_mode_other_than_0660() {
    let (directory, path) = place();
    let umask_0 = ["sh", "-c", "umask 0; exec \"$0\" \"$@\""];
    let mut process = Process::start_under(&umask_0, "claim 200 times", &path);
    let ended = AtomicBool::new(false);
    let modes = thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut modes = BTreeSet::new();
            while !ended.load(Ordering::Relaxed) {
                modes.extend(fs::symlink_metadata(&path).map(|found| found.permissions().mode() & 0o7777));
            }
            modes
        });
        process.go();
        let report = process.line();
        ended.store(true, Ordering::Relaxed);
        assert_eq!(report, "claimed");
        watcher.join().unwrap()
    });
    assert_eq!(modes, [0o660].into());
    assert_eq!(mode(&directory.path().join("publisher.sock.lock")), 0o600);
}

#[test]
fn under_umask_077_the_group_may_still_connect() {
    let (_directory, path) = place();
    let mut process = Process::start_under(&["sh", "-c", "umask 077; exec \"$0\" \"$@\""], "hold", &path);
    process.go();
    assert_eq!(process.line(), "claimed");
    assert_eq!(mode(&path), 0o660);
}

#[test]
fn a_release_does_not_remove_a_file_that_replaced_ours() {
    let (_directory, path) = place();
    let claim = UnixClaim::bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(!claim.is_in_place());
    File::create(&path).unwrap();
    assert!(!claim.is_in_place());
    claim.release().unwrap();
    assert!(path.is_file());
}

#[test]
fn a_release_after_the_socket_was_deleted_succeeds_and_the_path_can_be_claimed_again() {
    let (_directory, path) = place();
    let claim = UnixClaim::bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    claim.release().unwrap();
    assert!(UnixClaim::bind(&path).unwrap().is_in_place());
}

#[test]
fn a_replaced_directory_is_detected_and_its_new_socket_stays() {
    let (directory, _) = place();
    let inner = directory.path().join("run");
    let path = inner.join("publisher.sock");
    fs::create_dir(&inner).unwrap();
    let first = UnixClaim::bind(&path).unwrap();
    fs::rename(&inner, directory.path().join("old")).unwrap();
    fs::create_dir(&inner).unwrap();
    assert!(!first.is_in_place());
    let second = UnixClaim::bind(&path).unwrap();
    first.release().unwrap();
    assert!(second.is_in_place());
    assert!(!directory.path().join("old/publisher.sock").exists());
}

#[test]
fn a_claim_that_runs_out_of_descriptors_at_any_step_leaves_only_the_lock_file() {
    let (_directory, path) = place();
    let mut process = Process::start("claim with few descriptors", &path);
    process.go();
    let reports: Vec<_> =
        std::iter::from_fn(|| Some(process.line()).filter(|line| line != "claimed")).collect();
    assert!(reports.len() >= 4, "directory, lock file, check of the path, socket: {reports:#?}");
    let clean = ["leaving []: ", "leaving [\"publisher.sock.lock\"]: "];
    for report in &reports {
        assert!(clean.iter().any(|clean| report.contains(clean)), "{report}");
        assert!(report.contains("Too many open files"), "{report}");
    }
}

#[test]
fn a_temporary_directory_of_a_killed_claim_is_removed() {
    let (directory, path) = place();
    let left = directory.path().join(".publisher.sock.bind");
    fs::create_dir(&left).unwrap();
    fs::set_permissions(&left, fs::Permissions::from_mode(0o700)).unwrap();
    drop(std::os::unix::net::UnixListener::bind(left.join("s")).unwrap());
    let _claim = UnixClaim::bind(&path).unwrap();
    assert!(!left.exists());
}

#[test]
fn a_foreign_file_under_the_temporary_name_stays() {
    let (directory, path) = place();
    let target = tempfile::tempdir().unwrap();
    fs::write(target.path().join("s"), "precious").unwrap();
    let name = directory.path().join(".publisher.sock.bind");
    std::os::unix::fs::symlink(&target, &name).unwrap();
    let error = UnixClaim::bind(&path).unwrap_err();
    assert!(error.to_string().contains("cannot create the temporary directory "), "{error}");
    assert_eq!(fs::read(target.path().join("s")).unwrap(), b"precious");
    assert!(name.is_symlink());
}
