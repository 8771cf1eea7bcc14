//! Peers that send invalid data, or nothing at all: the process lives, its memory does not grow, the others are served.
#![expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::thread;

use end_to_end::{Folder, RawPeer, counters, event, need_descriptors, until, zmtp_hello};
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use serde_json::Value;

const MIB: u64 = 1024 * 1024;

fn refused(status: &Value, part: &str, wanted: &str) -> u64 {
    let causes = counters(status, part, "peers_refused").into_iter();
    causes.filter(|(cause, _)| cause == wanted).map(|(_, count)| count).sum()
}

/// What closes a connection at once, by its cause; after the greeting and READY of `own`.
fn hostile_bytes(own: &str) -> Vec<(&'static str, Vec<u8>)> {
    let hello = zmtp_hello(own, 1);
    let after_greeting = |bytes: &[u8]| [&hello[..64], bytes].concat();
    let after_ready = |bytes: &[u8]| [&hello[..], bytes].concat();
    let mut old = hello.clone();
    old[10] = 2;
    let mut plain = hello.clone();
    plain[12..17].copy_from_slice(b"PLAIN");
    vec![
        ("bad_signature", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("bad_signature", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("old_version", old),
        ("wrong_mechanism", plain),
        ("frame_too_long", after_greeting(b"\x06\0\0\x01\0\0\0\0\0")),
        ("frame_too_long", after_ready(b"\x02\0\0\0\x02\0\0\0\0")),
        ("frame_too_long", after_ready(b"\x02\0\0\x01\0\0\0\0\0")),
        ("frame_too_long", after_ready(b"\x02\x80\0\0\0\0\0\0\0")),
        ("bad_flags", after_ready(b"\x10\0")),
    ]
}

/// Says these bytes and waits for the end of the connection.
fn say_and_be_closed<S: Read + Write>(mut peer: RawPeer<S>, bytes: &[u8]) {
    peer.say(bytes);
    peer.wait_until_closed();
}

#[test]
fn wrong_bytes_on_either_socket_close_the_connection_and_cost_no_memory() {
    const ROUNDS: u64 = 20;
    let folder = Folder::new();
    let mut service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let before = service.memory_bytes();
    for (part, own) in [("network", "SUB"), ("ipc", "PUSH")] {
        for (cause, bytes) in hostile_bytes(own) {
            let counted = refused(&folder.status("service"), part, cause);
            for _ in 0..ROUNDS {
                match part {
                    "network" => say_and_be_closed(RawPeer::tcp(service.address()), &bytes),
                    _ => say_and_be_closed(RawPeer::unix(&folder.socket()), &bytes),
                }
            }
            until(&format!("{part}: {cause} is counted"), || {
                (refused(&folder.status("service"), part, cause) == counted + ROUNDS).then_some(())
            });
        }
    }
    let grown = service.memory_bytes().saturating_sub(before);
    assert!(grown <= 16 * MIB, "the service has grown by {grown} bytes");
    assert!(service.is_running());
    let mark = agent.mark();
    folder.publish(&[event("t", "k", "set", "v", "D")]);
    assert_eq!(agent.wait_for_events(1).len(), 1);
    assert_eq!(agent.mark(), mark + 1, "no notice: {:?}", agent.notices());
}

#[test]
fn a_thousand_slow_connections_do_not_block_other_peers() {
    const SLOW: usize = 1000;
    const ASKING: usize = 100;
    need_descriptors(4000);
    let folder = Folder::new();
    let mut service = folder.service();
    let before = service.memory_bytes();
    let hello = zmtp_hello("SUB", 1);
    let mut on_tcp: Vec<_> = (0..SLOW).map(|_| RawPeer::tcp(service.address())).collect();
    on_tcp.iter_mut().for_each(|peer| peer.say(&hello[..20]));
    let agent = folder.subscribed_agent("agent", &service);

    let mut on_ipc: Vec<_> = (0..SLOW).map(|_| RawPeer::unix(&folder.socket())).collect();
    on_ipc.iter_mut().for_each(|peer| peer.say(&hello[..20]));
    folder.publish(&[event("t", "k", "set", "v", "D")]);
    assert_eq!(agent.wait_for_events(1).len(), 1);

    let status_socket = folder.state_dir("service.state").join("publisher-service.status");
    let _asking: Vec<_> =
        (0..ASKING).map(|_| UnixStream::connect(&status_socket).expect("it listens")).collect();
    let status = folder.status("service");
    assert!(refused(&status, "ipc", "too_many_handshakes") >= 500, "{status}");
    let late = folder.subscribed_agent("late", &service);
    folder.publish(&[event("t", "late", "set", "v", "D")]);
    // A newcomer may have the first row before it, by snapshot.
    late.wait_for("the later event", |line| line["key"] == "late");
    let grown = service.memory_bytes().saturating_sub(before);
    assert!(grown <= 16 * MIB, "the service has grown by {grown} bytes");
    assert!(service.is_running());
}

#[test]
fn a_worker_of_another_user_is_closed_at_once_whatever_the_socket_files_mode() {
    const NOBODY: u32 = 65_534;
    // A user that may not change its id is refused by name instead: in both cases the kernel decides.
    let may_become_another = geteuid().is_root();
    let allow = if may_become_another { String::new() } else { format!("\"uid:{NOBODY}\"") };
    let folder = Folder::with_settings(&format!("[drivers.zmtp]\nipc_allow = [{allow}]"));
    let service = folder.service();
    let mode = |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    assert_eq!(fs::metadata(folder.socket()).expect("a socket").permissions().mode() & 0o777, 0o660);
    mode(folder.path().to_path_buf(), 0o755);
    mode(folder.socket(), 0o666);
    thread::scope(|scope| {
        let knocking = scope.spawn(|| {
            if may_become_another {
                // Of this thread alone: it ends with the connection.
                let (group, user) = (Gid::from_raw(NOBODY), Uid::from_raw(NOBODY));
                set_thread_groups(&[]).expect("root may");
                set_thread_res_gid(group, group, group).expect("root may");
                set_thread_res_uid(user, user, user).expect("root may");
            }
            say_and_be_closed(RawPeer::unix(&folder.socket()), &zmtp_hello("PUSH", 1));
        });
        knocking.join().expect("it is closed");
    });
    let status = folder.status("service");
    assert_eq!(refused(&status, "ipc", "credentials"), 1, "{status}");
    assert!(service.stderr().contains("may not publish"), "{}", service.stderr());
}
