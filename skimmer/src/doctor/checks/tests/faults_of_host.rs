use std::time::Duration;

use super::Fault;
use crate::doctor::facts::{ProgramState, SocketState};
use crate::doctor::verdict::Outcome::{Fail, Warn};

pub(super) const FAULTS: &[Fault] = &[
    ("host-role", Warn, "no program has run", |facts| facts.roles.clear()),
    ("settings-start", Fail, "port is taken", |facts| {
        facts.settings.refused.push("port is taken".to_owned())
    }),
    ("settings-warnings", Warn, "everybody", |facts| facts.settings.warnings.push("everybody".to_owned())),
    ("settings-reports", Warn, "0s", |facts| facts.settings.applied_interval = Duration::ZERO),
    ("settings-times", Warn, "service_down_time", |facts| {
        facts.settings.service_down_time = Duration::from_secs(40);
    }),
    ("settings-times", Warn, "max_delay", |facts| facts.settings.max_delay = Duration::from_secs(3)),
    // 100 MiB were written in an hour, and 224 KiB are kept.
    ("settings-retention", Warn, "reaches back for 7 s", |facts| facts.settings.ring_bytes = 256 << 10),
    ("state-dir", Fail, "permission denied", |facts| {
        facts.state_dir.problem = Some("permission denied".to_owned());
    }),
    ("state-dir", Fail, "every user", |facts| facts.state_dir.mode = 0o757),
    ("disk-space", Fail, "MiB are free", |facts| facts.state_dir.free_bytes = 1 << 20),
    ("disk-space", Warn, "may grow by 320 MiB", |facts| facts.state_dir.free_bytes = 100 << 20),
    ("disk-files", Fail, "0 more files", |facts| facts.state_dir.free_files = 0),
    ("disk-files", Warn, "10 more files", |facts| facts.state_dir.free_files = 10),
    ("file-system", Warn, "nfs", |facts| facts.state_dir.file_system = Some("nfs")),
    ("file-system", Warn, "in memory", |facts| facts.state_dir.file_system = Some("tmpfs")),
    ("socket-status", Fail, "stale", |facts| {
        facts.programs[0].state = ProgramState::Absent;
        facts.programs[0].socket.state = SocketState::Stale;
    }),
    ("socket-status", Fail, "no reply", |facts| {
        facts.programs[0].state = ProgramState::Mute("no reply".to_owned());
    }),
    ("socket-status", Fail, "permission denied", |facts| {
        facts.programs[0].state = ProgramState::Absent;
        facts.programs[0].socket.state = SocketState::Denied;
    }),
    ("socket-status", Fail, "no socket", |facts| {
        facts.programs[0].state = ProgramState::Absent;
        facts.programs[0].socket.state = SocketState::NoSocket;
    }),
    ("socket-access", Warn, "0666", |facts| facts.programs[0].socket.mode = 0o666),
    ("worker-socket", Fail, "stale", |facts| of_workers(facts, SocketState::Stale)),
    ("worker-socket", Fail, "does not exist", |facts| of_workers(facts, SocketState::Missing)),
    ("worker-socket", Fail, "permission denied", |facts| of_workers(facts, SocketState::Denied)),
    ("worker-socket", Fail, "no socket", |facts| of_workers(facts, SocketState::NoSocket)),
    ("worker-socket", Fail, "does not accept", |facts| of_workers(facts, SocketState::Silent)),
    ("worker-access", Warn, "every user can publish", |facts| {
        facts.worker_socket.as_mut().unwrap().mode = 0o666;
    }),
    ("kernel-backlog", Warn, "128", |facts| facts.host.somaxconn = Some(128)),
    ("kernel-overflows", Warn, "7 connections", |facts| facts.host.listen_overflows = Some(7)),
    ("kernel-buffers", Warn, "tcp_wmem", |facts| facts.host.send_buffer_max = Some(65_536)),
    ("kernel-buffers", Warn, "tcp_rmem", |facts| facts.host.receive_buffer_max = Some(65_536)),
    ("kernel-ports", Warn, "port 8866", |facts| {
        facts.host.ephemeral_ports = Some((1024, 60_999));
        facts.host.reserved_ports = "80,9000-9100".to_owned();
    }),
    ("kernel-conntrack", Fail, "95 of 100", |facts| facts.host.conntrack = Some((95, 100))),
    ("kernel-conntrack", Warn, "80 of 100", |facts| facts.host.conntrack = Some((80, 100))),
    ("kernel-memory", Warn, "up to 192 MiB", |facts| facts.host.memory_available = Some(1 << 20)),
];

fn of_workers(facts: &mut crate::doctor::facts::Facts, state: SocketState) {
    facts.worker_socket.as_mut().unwrap().state = state;
}

#[test]
fn a_port_that_is_reserved_is_not_given_to_others() {
    let mut facts = super::healthy();
    facts.host.ephemeral_ports = Some((1024, 60_999));
    facts.host.reserved_ports = "80,8800-8900".to_owned();
    assert_eq!(super::verdict("kernel-ports", &facts).outcome, super::Outcome::Pass);
}
