use std::fs::{self, File};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::time::Duration;

use listen::UnixClaim;
use pubsub_api::ErrorKind;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

use crate::in_time::in_time;
use crate::process::Process;

/// Claims the path, checks that nothing was left, and returns the text of the error.
fn refusal(path: &Path) -> String {
    let error = UnixClaim::bind(path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let directory = fs::read_dir(path.parent().unwrap()).unwrap();
    let left: Vec<_> = directory.map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".bind")), "{left:?}");
    error.to_string()
}

#[test]
fn a_file_that_is_not_a_socket_is_refused_by_type_and_stays() {
    type Make = fn(&Path);
    let cases: [(&str, Make); 5] = [
        ("is a regular file", |path| drop(File::create(path).unwrap())),
        ("is a directory", |path| fs::create_dir(path).unwrap()),
        ("is a symbolic link", |path| std::os::unix::fs::symlink("elsewhere", path).unwrap()),
        ("is a symbolic link", |path| std::os::unix::fs::symlink(path.parent().unwrap(), path).unwrap()),
        ("is a fifo", |path| mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap()),
    ];
    for (name, make) in cases {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("publisher.sock");
        make(&path);
        let before = fs::symlink_metadata(&path).unwrap();
        let text = refusal(&path);
        assert!(text.contains(name) && text.contains("publisher.sock"), "{text}");
        let after = fs::symlink_metadata(&path).unwrap();
        assert_eq!(before.file_type(), after.file_type(), "{name}");
        assert_eq!(before.modified().unwrap(), after.modified().unwrap(), "{name}");
    }
}

#[test]
fn a_symbolic_link_to_a_dead_socket_is_refused_and_both_stay() {
    let directory = tempfile::tempdir().unwrap();
    let (path, target) = (directory.path().join("publisher.sock"), directory.path().join("target.sock"));
    drop(UnixListener::bind(&target).unwrap());
    std::os::unix::fs::symlink(&target, &path).unwrap();
    assert!(refusal(&path).contains("is a symbolic link"));
    assert!(path.is_symlink() && target.exists());
}

#[test]
fn a_listener_without_our_lock_is_named_by_pid_and_keeps_answering() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("publisher.sock");
    let foreign = Process::holding("listen without a lock", &path);
    let text = refusal(&path);
    assert!(text.contains(&format!("is in use by pid {} (", foreign.pid())), "{text}");
    assert!(foreign.answers(&path));
    foreign.kill();
    UnixClaim::bind(&path).unwrap();
}

#[test]
fn a_listener_whose_backlog_is_full_is_refused_without_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("publisher.sock");
    let address = SocketAddrUnix::new(&path).unwrap();
    let stream =
        || socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::NONBLOCK, None).unwrap();
    let busy = stream();
    bind(&busy, &address).unwrap();
    listen(&busy, 1).unwrap();
    let mut waiting = Vec::new();
    loop {
        let socket = stream();
        match connect(&socket, &address) {
            Ok(()) => waiting.push(socket),
            Err(Errno::AGAIN) => break,
            Err(errno) => panic!("{errno}"),
        }
    }
    assert!(in_time(Duration::from_secs(1), || refusal(&path)).contains("is in use by"));
    assert!(path.exists());
}

#[test]
fn a_socket_that_is_bound_but_not_a_stream_listener_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("publisher.sock");
    let datagram = UnixDatagram::bind(&path).unwrap();
    assert!(refusal(&path).contains("is in use by"));
    drop(datagram);
    UnixClaim::bind(&path).unwrap().release().unwrap();

    let silent = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    bind(&silent, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    assert!(refusal(&path).contains("is in use by"));
    listen(&silent, 1).unwrap();
    std::os::unix::net::UnixStream::connect(&path).expect("its file is still there");
}

#[test]
fn a_socket_that_this_user_may_not_connect_to_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("publisher.sock");
    let _foreign = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o0)).unwrap();
    let mut process = Process::start_under_permissions("hold", &path);
    process.go();
    let report = process.line();
    assert!(report.contains("cannot find out whether ") && report.contains("was left in place"), "{report}");
    assert!(path.exists());
}
