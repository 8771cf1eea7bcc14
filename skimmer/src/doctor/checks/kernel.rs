use crate::doctor::check::Check;
use crate::doctor::facts::Facts;
use crate::doctor::host_role::HostRole::{Agent, Service};
use crate::doctor::verdict::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "kernel-backlog",
        of: &[Service],
        demands: "The kernel keeps at least 1,024 connections for a listener to accept (`net.core.somaxconn`): agents return \
                  together after a restart.",
        judge: backlog,
    },
    Check {
        id: "kernel-overflows",
        of: &[Service],
        demands: "No listener of the host has overflowed since its start.",
        judge: overflows,
    },
    Check {
        id: "kernel-buffers",
        of: &[Service, Agent],
        demands: "A TCP connection may have a buffer of 1 MiB (`net.ipv4.tcp_wmem` at a service, `tcp_rmem` at an agent).",
        judge: buffers,
    },
    Check {
        id: "kernel-ports",
        of: &[Service],
        demands: "The port of the service is not one that the kernel gives to outgoing connections.",
        judge: ports,
    },
    Check {
        id: "kernel-conntrack",
        of: &[Service, Agent],
        demands: "The connection tracker of the kernel is filled to less than three quarters.",
        judge: conntrack,
    },
    Check {
        id: "kernel-memory",
        of: &[Service],
        demands: "There is memory for the ring, the snapshots and the fan-out buffer.",
        judge: memory,
    },
];

const MIN_BACKLOG: u64 = 1024;

const MIN_BUFFER: u64 = 1 << 20;

fn unreadable() -> Verdict {
    Verdict::not_applicable("the kernel does not show it")
}

fn backlog(facts: &Facts) -> Verdict {
    match facts.host.somaxconn {
        None => unreadable(),
        Some(limit) if limit < MIN_BACKLOG => Verdict::warn(
            format!(
                "net.core.somaxconn is {limit}: the kernel drops connections if more agents return at once"
            ),
            "sysctl -w net.core.somaxconn=4096, and restart the service",
        ),
        Some(limit) => Verdict::pass(format!("net.core.somaxconn is {limit}")),
    }
}

fn overflows(facts: &Facts) -> Verdict {
    match facts.host.listen_overflows {
        None => unreadable(),
        Some(0) => Verdict::pass("no listener has overflowed"),
        Some(times) => Verdict::warn(
            format!("{times} connections to listeners of this host were dropped since it started"),
            "if the number rises while agents connect, raise net.core.somaxconn",
        ),
    }
}

fn buffers(facts: &Facts) -> Verdict {
    let limits = [
        ("net.ipv4.tcp_wmem", facts.host.send_buffer_max, Service),
        ("net.ipv4.tcp_rmem", facts.host.receive_buffer_max, Agent),
    ];
    let own: Vec<_> = limits.into_iter().filter(|(_, _, role)| facts.has_role(*role)).collect();
    if own.iter().all(|(_, limit, _)| limit.is_none()) {
        return unreadable();
    }
    let small = own.iter().filter_map(|(name, limit, _)| {
        let limit = (*limit)?;
        (limit < MIN_BUFFER).then(|| format!("the largest buffer of {name} has {limit} bytes"))
    });
    let remedy = "sysctl -w 'net.ipv4.tcp_wmem=4096 16384 4194304' and the same of tcp_rmem: bursts to distant hosts become faster";
    Verdict::warn_of(small.collect(), remedy, "buffers may have 1 MiB or more")
}

fn ports(facts: &Facts) -> Verdict {
    let Some((first, last)) = facts.host.ephemeral_ports else { return unreadable() };
    let port = u64::from(facts.settings.port);
    if port == 0 {
        return Verdict::not_applicable("the port is any free one");
    }
    if !(first..=last).contains(&port) || is_reserved(&facts.host.reserved_ports, port) {
        return Verdict::pass(format!("{port} is outside of {first} to {last}, or reserved"));
    }
    Verdict::warn(
        format!(
            "port {port} is one of {first} to {last}: while the service is down, another connection may get it"
        ),
        format!("sysctl -w net.ipv4.ip_local_reserved_ports={port}, or another publisher_port"),
    )
}

/// Whether a port is in a list such as `8080,9148-9150`.
fn is_reserved(list: &str, port: u64) -> bool {
    list.split(',').any(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let bounds = first.trim().parse::<u64>().ok().zip(last.trim().parse::<u64>().ok());
        bounds.is_some_and(|(first, last)| (first..=last).contains(&port))
    })
}

fn conntrack(facts: &Facts) -> Verdict {
    let Some((count, max)) = facts.host.conntrack else {
        return Verdict::not_applicable("connections are not tracked, or it cannot be read");
    };
    let reason = format!("{count} of {max} entries are in use");
    let remedy = "raise net.netfilter.nf_conntrack_max, or do not track the port of the service";
    match count.saturating_mul(100) / max.max(1) {
        90.. => Verdict::fail(format!("{reason}: the kernel drops new connections when it is full"), remedy),
        75.. => Verdict::warn(reason, remedy),
        _ => Verdict::pass(reason),
    }
}

fn memory(facts: &Facts) -> Verdict {
    const MIB: u64 = 1 << 20;
    let Some(available) = facts.host.memory_available else { return unreadable() };
    let settings = &facts.settings;
    let needed =
        settings.ring_bytes.saturating_add(settings.snapshot_bytes).saturating_add(settings.fanout_bytes);
    let reason =
        format!("{} MiB are available, and the buffers have up to {} MiB", available / MIB, needed / MIB);
    if available < needed {
        return Verdict::warn(
            reason,
            "lower service.ring_bytes, service.snapshot_bytes or drivers.zmtp.fanout_log_bytes",
        );
    }
    Verdict::pass(reason)
}
