use crate::MAX_TOPICS_PER_PUBLISHER;
use std::time::Duration;

use super::agent_table::AGENT;
use super::database_table::DATABASE;
use super::nearest::did_you_mean;
use super::setting::{Kind, Reload, Setting};
use super::shown::shown;
use crate::{Error, ErrorKind, Result};

pub(super) const HOUR: Duration = Duration::from_secs(3600);

const MEBIBYTE: u64 = 1024 * 1024;

/// Our sections, each with the sentence that opens it in the sample file.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    (
        "pubsub",
        "What publishers, subscribers and the service between them share. The names are Dragonflow's.",
    ),
    ("service", "The publisher service, one on each API host."),
    ("agent", "The subscriber agent, one on each node that cares."),
];

/// The settings of `[pubsub]`, in the order of the sample file. Dragonflow's defaults are in section 4 of its reference.
const PUBSUB: &[Setting] = &[
    Setting {
        section: "pubsub",
        name: "pub_sub_driver",
        kind: Kind::Text,
        default: r#""zmtp_pubsub_driver""#,
        doc: "Alias of the driver that carries events over the network. `skimmer drivers` lists the aliases; an \
              unknown one is an error at start. The default speaks the same wire as Dragonflow's, \
              `zmq_pubsub_driver`.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "pub_sub_multiproc_driver",
        kind: Kind::Text,
        default: r#""zmtp_pubsub_multiproc_driver""#,
        doc: "Alias of the driver that carries events from the API workers of a host to its publisher service. \
              `skimmer drivers` lists the aliases; an unknown one is an error at start. The default speaks the same wire \
              as Dragonflow's, `zmq_pubsub_multiproc_driver`.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "pub_sub_use_multiproc",
        kind: Kind::Bool,
        default: "true",
        doc: "Whether workers send through the publisher service of their host. If false, a process binds \
              `publisher_port` and publishes itself, which only one process of a host can. The default is Dragonflow's.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "publisher_port",
        kind: Kind::Integer { min: 0, max: 65535 },
        default: "8866",
        doc: "The TCP port that a publisher binds, and that subscribers connect to where `publishers_ips` gives none. \
              0 takes any free port, which serves tests and single hosts only, since nobody can know it beforehand. \
              If the port is taken, the start fails. The default is Dragonflow's.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "publisher_transport",
        kind: Kind::Text,
        default: r#""tcp""#,
        doc: "The transport under the network driver, the word before `://` in its endpoints: `tcp`, or another that \
              the driver supports. The driver refuses by name what it does not. The default is Dragonflow's.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "publisher_bind_address",
        kind: Kind::Text,
        default: r#""127.0.0.1""#,
        doc: "The local address that a publisher binds: an IPv4 or IPv6 address, a name, `*` for all IPv4 addresses of the \
              host, or `::` for all IPv6 addresses, and the IPv4 ones too unless net.ipv6.bindv6only is 1. Whoever reaches \
              it can read all events, so the default is the host itself, where Dragonflow's is `*`, which holds with a \
              Dragonflow file.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "publisher_multiproc_socket",
        kind: Kind::Path,
        default: r#""/var/run/zmq_pubsub/zmq-publisher-socket""#,
        doc: "The Unix socket between workers and their publisher service. Its folder must exist and be writable for \
              the service; who may write to the socket may publish. The default is Dragonflow's, whose newer releases \
              call it `ipc_socket`.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "publishers_ips",
        kind: Kind::Addresses,
        default: r#"["127.0.0.1"]"#,
        doc: "The publishers that a subscriber connects to, each `ip`, `ip:port`, `[ipv6]:port`, `host` or `host:port`. \
              Without a port it is `publisher_port`. With an empty list nothing is ever received. On reload new \
              ones are connected and dropped ones closed. Dragonflow's default, its `local_ip`, \
              holds with a Dragonflow file.",
        reload: Reload::Live,
    },
    Setting {
        section: "pubsub",
        name: "publisher_id",
        kind: Kind::Text,
        default: r#""""#,
        doc: "The identity of this publisher, at most 255 bytes, by which subscribers follow its streams across restarts; no \
              two may share one. If empty, it is the one that `state_dir` keeps: at the first start the uuid5 of host \
              name, bind address and port, and the same ever after.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "state_dir",
        kind: Kind::Path,
        default: r#""/var/lib/skimmer""#,
        doc: "The folder of the program's own: status socket and lock file. It must exist and be writable; two programs \
              of one kind need two folders.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "linger",
        kind: Kind::Duration { min: Duration::ZERO, max: HOUR },
        default: r#""1s""#,
        doc: "How long closing a publisher waits for accepted events to leave; 0s to 1h. What is left then is dropped, \
              and counted.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "send_timeout",
        kind: Kind::Duration { min: Duration::ZERO, max: HOUR },
        default: r#""5s""#,
        doc: "How long `send` waits for room in a full queue; 0s to 1h, where 0s does not wait. After it the send \
              fails as overloaded, and its event was not accepted.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "dead_after",
        kind: Kind::Duration { min: Duration::from_secs(2), max: HOUR },
        default: r#""3s""#,
        doc: "After how long without a sign a publisher that says hello counts as dead, and is connected anew; 2s to \
              1h. Publishers say hello every second: less than two of these would cut idle links.",
        reload: Reload::Restart,
    },
];

/// The settings of `[service]`.
const SERVICE: &[Setting] = &[
    Setting {
        section: "service",
        name: "drain_timeout",
        kind: Kind::Duration { min: Duration::ZERO, max: HOUR },
        default: r#""5s""#,
        doc: "The grace after SIGTERM, in which the service publishes what the workers have sent; 0s to 1h. Workers \
              that go on sending are cut off after three quarters of it. If something that had arrived could not be \
              published by then, the exit status is 69. Keep it below systemd's TimeoutStopSec.",
        reload: Reload::Live,
    },
    Setting {
        section: "service",
        name: "ring_bytes",
        kind: Kind::Bytes { min: MEBIBYTE, max: 16 * 1024 * MEBIBYTE },
        default: r#""64MiB""#,
        doc: "The latest events, in files in `state_dir` that outlive the process, 1MiB to 16GiB: what subscribers \
              that missed something are sent again. When full, the oldest eighth goes; who misses that gets a \
              snapshot, or is told to compare with the database.",
        reload: Reload::Restart,
    },
    Setting {
        section: "service",
        name: "snapshot_bytes",
        kind: Kind::Bytes { min: 0, max: 16 * 1024 * MEBIBYTE },
        default: r#""64MiB""#,
        doc: "The latest event of each row, in memory, 0 to 16GiB: what subscribers are sent that miss more than the \
              ring has. When full, the largest topic has no snapshots any more.",
        reload: Reload::Restart,
    },
    Setting {
        section: "service",
        name: "max_topics",
        kind: Kind::Integer { min: 16, max: MAX_TOPICS_PER_PUBLISHER as i64 },
        default: "65536",
        doc: "How many topics are followed at the same time, 16 to 1000000. When one more is published on, the one \
              that was idle longest is retired: if it comes back, its subscribers are told to compare with the \
              database.",
        reload: Reload::Restart,
    },
];

/// Ours, section by section.
fn ours() -> impl Iterator<Item = &'static Setting> {
    PUBSUB.iter().chain(DATABASE).chain(SERVICE).chain(AGENT)
}

/// All settings that a program knows: ours, then those of its drivers.
#[derive(Debug, Clone)]
pub(super) struct Table(Vec<&'static Setting>);

impl Table {
    /// Two aliases of one driver may bring the same slice.
    pub(super) fn new(drivers: &[&'static [Setting]]) -> Result<Self> {
        let mut known: Vec<&'static Setting> = ours().collect();
        for setting in drivers.iter().copied().flatten() {
            let name = setting.full_name();
            let defect =
                |why: &str| Error::new(ErrorKind::Internal, format!("the driver setting {name} {why}"));
            if setting.section.strip_prefix("drivers.").is_none_or(str::is_empty) {
                return Err(defect("must stand in a section drivers.<name>"));
            }
            match known.iter().find(|other| other.is(setting)) {
                Some(other) if *other == setting => {}
                Some(_) => return Err(defect("is declared twice, differently")),
                None => known.push(setting),
            }
        }
        Ok(Self(known))
    }

    /// The same without checks, for documentation: of two declarations the first counts.
    pub(super) fn lenient(drivers: &[&'static [Setting]]) -> Self {
        let mut known: Vec<&'static Setting> = ours().collect();
        for setting in drivers.iter().copied().flatten() {
            if !known.iter().any(|other| other.is(setting)) {
                known.push(setting);
            }
        }
        Self(known)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'static Setting> {
        self.0.iter().copied()
    }

    pub(super) fn find(&self, section: &str, name: &str) -> Option<&'static Setting> {
        self.iter().find(|setting| setting.section == section && setting.name == name)
    }

    /// The names of a section.
    pub(super) fn names(&self, section: &str) -> impl Iterator<Item = &'static str> {
        self.iter().filter(move |setting| setting.section == section).map(|setting| setting.name)
    }

    /// The sections, ours first, each once.
    pub(super) fn sections(&self) -> Vec<&'static str> {
        let mut sections = Vec::new();
        for setting in self.iter() {
            if !sections.contains(&setting.section) {
                sections.push(setting.section);
            }
        }
        sections
    }

    /// The sentence about a name that a section does not know.
    pub(super) fn unknown(&self, section: &str, name: &str) -> String {
        let near = did_you_mean(name, self.names(section));
        let hint = match self.iter().find(|setting| setting.name == name) {
            Some(elsewhere) if near.is_empty() => format!("; it stands in [{}]", elsewhere.section),
            _ => near,
        };
        format!("unknown setting `{}` in [{section}]{hint}", shown(name))
    }

    /// The sentence about a section that nobody knows.
    pub(super) fn unknown_section(&self, section: &str) -> String {
        let hint = did_you_mean(section, self.sections());
        let known =
            if hint.is_empty() { format!("; known are {}", self.sections().join(", ")) } else { hint };
        format!("unknown section [{}]{known}", shown(section))
    }
}
