use crate::doctor::check::Check;
use crate::doctor::facts::Facts;
use crate::doctor::host_role::HostRole::{Agent, Service};
use crate::doctor::verdict::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "state-dir",
        of: &[Service, Agent],
        demands: "`state_dir` can be read, and only its user and group can write to it.",
        judge: state_dir,
    },
    Check {
        id: "disk-space",
        of: &[Service, Agent],
        demands: "The file system of `state_dir` has room for the ring and the snapshots, beside what they have already.",
        judge: disk_space,
    },
    Check {
        id: "disk-files",
        of: &[Service, Agent],
        demands: "The file system of `state_dir` has room for more files (inodes).",
        judge: disk_files,
    },
    Check {
        id: "file-system",
        of: &[Service, Agent],
        demands: "`state_dir` is on a disk of this host: no network file system, and not in memory.",
        judge: file_system,
    },
    Check {
        id: "ring-written",
        of: &[Service],
        demands: "The service has written its ring and its snapshots to files without an error since its start.",
        judge: ring_written,
    },
    Check {
        id: "ring-of-others",
        of: &[Service],
        demands: "`state_dir` has no ring of another publisher id.",
        judge: ring_of_others,
    },
];

const MIB: u64 = 1 << 20;

/// Below this, a ring cannot be written for long.
const LITTLE_SPACE: u64 = 64 * MIB;

/// Below this, a program soon makes no more files.
const FEW_FILES: u64 = 1000;

fn state_dir(facts: &Facts) -> Verdict {
    let folder = &facts.state_dir;
    let path = folder.path.display();
    if let Some(problem) = &folder.problem {
        let remedy =
            format!("run it as root or the user of the program; if the folder is missing: mkdir -p {path}");
        return Verdict::fail(format!("{path}: {problem}"), remedy);
    }
    if folder.mode & 0o002 != 0 {
        let reason = format!("every user can write to {path}, and so replace sockets and rings");
        return Verdict::fail(reason, format!("chmod o-w {path}"));
    }
    Verdict::pass(format!("{path}, mode {:04o}", folder.mode))
}

fn disk_space(facts: &Facts) -> Verdict {
    let folder = &facts.state_dir;
    if folder.problem.is_some() {
        return Verdict::not_applicable("state_dir cannot be read");
    }
    let free = folder.free_bytes;
    let wanted = match facts.has_role(Service) {
        // Snapshots have up to four times their memory on disk (docs/design.md#when-a-queue-is-full).
        true => facts.settings.ring_bytes.saturating_add(facts.settings.snapshot_bytes.saturating_mul(4)),
        false => LITTLE_SPACE,
    };
    let missing = wanted.saturating_sub(folder.used_bytes);
    let reason = format!("{} MiB are free in {}", free / MIB, folder.path.display());
    if free < LITTLE_SPACE {
        return Verdict::fail(
            reason,
            "free space: the service loses its ring and agents their tables at the next restart",
        );
    }
    if free < missing {
        let reason = format!("{reason}, and ring and snapshots may grow by {} MiB", missing / MIB);
        return Verdict::warn(reason, "free space, or lower service.ring_bytes or service.snapshot_bytes");
    }
    Verdict::pass(reason)
}

fn disk_files(facts: &Facts) -> Verdict {
    let folder = &facts.state_dir;
    if folder.problem.is_some() || folder.total_files == 0 {
        return Verdict::not_applicable("the file system does not count its files");
    }
    let reason = format!("{} more files can be made in {}", folder.free_files, folder.path.display());
    match folder.free_files {
        0 => Verdict::fail(reason, "remove files"),
        free if free < FEW_FILES => Verdict::warn(reason, "remove files"),
        _ => Verdict::pass(reason),
    }
}

fn file_system(facts: &Facts) -> Verdict {
    match facts.state_dir.file_system {
        None => Verdict::pass("it is a disk of this host, as far as can be told"),
        Some("tmpfs") => {
            Verdict::warn("it is in memory (tmpfs): rings and tables are lost when the host restarts", REMEDY)
        }
        Some(name) => Verdict::warn(
            format!("it is {name}: a slow server holds back events, and locks may not work"),
            REMEDY,
        ),
    }
}

const REMEDY: &str = "set state_dir to a folder on a disk of this host";

fn ring_written(facts: &Facts) -> Verdict {
    let document = facts.program(Service).and_then(|program| program.document());
    let Some(delivery) = document.and_then(|document| document.parts.get("delivery")) else {
        return Verdict::not_applicable("no service with a ring runs");
    };
    let count = |name| delivery.counter(name, None);
    let remedy = "see the log of the service for the error, and restart it when the disk is in order";
    if count("ring_persistent") == 0 {
        return Verdict::fail("the ring is in memory only: a restart loses it", remedy);
    }
    let failures = count("ring_write_failures") + count("rows_write_failures");
    match failures {
        0 => Verdict::pass("no write failed"),
        failures => Verdict::fail(format!("{failures} writes failed since the start"), remedy),
    }
}

fn ring_of_others(facts: &Facts) -> Verdict {
    let document = facts.program(Service).and_then(|program| program.document());
    let Some(delivery) = document.and_then(|document| document.parts.get("delivery")) else {
        return Verdict::not_applicable("no service with a ring runs");
    };
    match delivery.counter("rings_of_other_publishers", None) {
        0 => Verdict::pass("there is none"),
        others => Verdict::warn(
            format!(
                "{others} rings of other ids: the id of the publisher has changed, or two services share the folder"
            ),
            "remove the folders ring-* of ids that do not return, or give each service a state_dir of its own",
        ),
    }
}
