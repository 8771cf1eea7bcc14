use crate::doctor::check::Check;
use crate::doctor::facts::{Facts, ProgramState, SocketState};
use crate::doctor::host_role::HostRole::{self, Service, Worker};
use crate::doctor::verdict::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "socket-status",
        of: HostRole::ALL,
        demands: "A program listens at each status socket in `state_dir`, and replies.",
        judge: status,
    },
    Check {
        id: "socket-access",
        of: HostRole::ALL,
        demands: "Only the user and the group of a program can connect to its status socket.",
        judge: access,
    },
    Check {
        id: "worker-socket",
        of: &[Service, Worker],
        demands: "The service listens at the socket of workers, and this user may connect.",
        judge: worker_socket,
    },
    Check {
        id: "worker-access",
        of: &[Service, Worker],
        demands: "Not every user of the host can connect to the socket of workers.",
        judge: worker_access,
    },
];

fn status(facts: &Facts) -> Verdict {
    let problems = facts.programs.iter().filter_map(|program| {
        let path = program.socket.path.display();
        match (&program.state, &program.socket.state) {
            (ProgramState::Mute(problem), _) => Some(format!("{path}: {problem}")),
            (_, SocketState::Stale) => Some(format!("{path} is stale: no program listens")),
            (_, SocketState::Denied) => Some(format!("{path}: permission denied")),
            (_, SocketState::NoSocket) => Some(format!("{path} is no socket")),
            _ => None,
        }
    });
    let remedy = "start the program: it replaces a stale socket; if permission is denied, run doctor as the user of the program";
    Verdict::fail_for(problems.collect(), remedy, "every program replies")
}

fn access(facts: &Facts) -> Verdict {
    let open = facts.programs.iter().filter(|program| program.socket.mode & 0o007 != 0);
    let problems = open.map(|program| {
        format!(
            "{} has mode {:04o}: every user can read the status",
            program.socket.path.display(),
            program.socket.mode
        )
    });
    Verdict::warn_of(problems.collect(), "chmod 0660; a restart of the program does it", "mode 0660 or less")
}

fn worker_socket(facts: &Facts) -> Verdict {
    let Some(socket) = &facts.worker_socket else {
        return Verdict::not_applicable("workers publish without a service");
    };
    let path = socket.path.display();
    match socket.state {
        SocketState::Listens => Verdict::pass(format!("a service listens at {path}")),
        SocketState::Stale => Verdict::fail(
            format!("{path} is stale: no service listens, so workers keep their events until one does"),
            "start publisher-service: it replaces the socket",
        ),
        SocketState::Missing => Verdict::fail(
            format!("{path} does not exist, so workers keep their events until it does"),
            "start publisher-service with this publisher_multiproc_socket",
        ),
        SocketState::NoSocket => {
            Verdict::fail(format!("{path} is no socket"), "remove it, and start publisher-service")
        }
        SocketState::Denied => Verdict::fail(
            format!("{path}: permission denied"),
            "run doctor as the user of a worker, or add that user to the socket's group",
        ),
        SocketState::Silent => Verdict::fail(
            format!("{path} does not accept"),
            "the service hangs or is stopped: see its log, and restart it",
        ),
    }
}

fn worker_access(facts: &Facts) -> Verdict {
    let Some(socket) = facts.worker_socket.as_ref().filter(|socket| socket.mode != 0) else {
        return Verdict::not_applicable("there is no socket of workers");
    };
    let found = format!(
        "{} has mode {:04o}, user {}, group {}",
        socket.path.display(),
        socket.mode,
        socket.uid,
        socket.gid
    );
    if socket.mode & 0o002 != 0 {
        return Verdict::warn(
            format!("{found}: every user can publish"),
            "chmod 0660, or list users in drivers.zmtp.ipc_allow",
        );
    }
    Verdict::pass(found)
}
