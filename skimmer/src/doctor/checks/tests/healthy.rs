use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use delivery::{AgentReading, AgentState};
use northbound::{PublisherRow, ServiceRow};
use pubsub_api::{CounterReading, PeerReading, QueueReading, Status};
use service_kit::StatusDocument;

use crate::doctor::facts::{
    AgentsFact, DatabaseFact, Descriptors, DirectoryFact, Facts, FolderFact, Greeted, HelloFact, HostFact,
    ProgramFact, ProgramState, PublisherFact, Requested, SettingsFact, SocketFact, SocketState,
};
use crate::doctor::host_role::HostRole;

const NOW: Duration = Duration::from_secs(1_800_000_000);

/// A host with every role, on which everything is as it should be.
pub(super) fn healthy() -> Facts {
    Facts {
        roles: HostRole::ALL.to_vec(),
        now: NOW,
        settings: settings(),
        state_dir: FolderFact {
            path: PathBuf::from("/var/lib/skimmer"),
            problem: None,
            mode: 0o750,
            free_bytes: 1 << 40,
            total_bytes: 1 << 41,
            free_files: 1 << 20,
            total_files: 1 << 21,
            used_bytes: 0,
            file_system: None,
        },
        host: HostFact {
            name: "api-1".to_owned(),
            somaxconn: Some(4096),
            send_buffer_max: Some(4 << 20),
            receive_buffer_max: Some(6 << 20),
            ephemeral_ports: Some((32_768, 60_999)),
            reserved_ports: String::new(),
            conntrack: Some((10, 100)),
            listen_overflows: Some(0),
            memory_available: Some(8 << 30),
        },
        programs: vec![program("publisher-service"), program("subscriber-agent")],
        worker_socket: Some(socket("/run/skimmer/workers")),
        agents: Some(AgentsFact { agents: vec![agent()], unknown: Some(BTreeMap::new()) }),
        database: DatabaseFact::Read(DirectoryFact {
            publishers: vec![PublisherRow {
                id: "api-1".to_owned(),
                uri: "tcp://10.0.0.5:8866".to_owned(),
                last_activity: NOW,
            }],
            programs: vec![ServiceRow::new("api-1", "skimmer-publisher-service", "api-1", NOW)],
            unreadable: Vec::new(),
        }),
        publishers: vec![publisher()],
        broker: None,
    }
}

fn settings() -> SettingsFact {
    SettingsFact {
        network_driver: "zmtp_pubsub_driver".to_owned(),
        mechanism: Some("NULL".to_owned()),
        transport: "tcp".to_owned(),
        port: 8866,
        publishers: vec!["tcp://10.0.0.5:8866".to_owned()],
        state_dir: PathBuf::from("/var/lib/skimmer"),
        ring_bytes: 64 << 20,
        snapshot_bytes: 64 << 20,
        fanout_bytes: 64 << 20,
        max_connections: 16_384,
        dead_after: Duration::from_secs(3),
        max_delay: Duration::from_secs(10),
        applied_interval: Duration::from_secs(1),
        topics: vec!["tenant-1".to_owned()],
        publisher_timeout: Duration::from_secs(300),
        report_interval: Duration::from_secs(25),
        service_down_time: Duration::from_secs(80),
        ..SettingsFact::default()
    }
}

fn socket(path: &str) -> SocketFact {
    SocketFact { path: PathBuf::from(path), state: SocketState::Listens, mode: 0o660, uid: 1, gid: 1 }
}

fn program(name: &str) -> ProgramFact {
    let counter = |name: &str, value| CounterReading { name: name.to_owned(), cause: None, value };
    let delivery = Status {
        counters: vec![counter("ring_persistent", 1), counter("ring_bytes_written", 100 << 20)],
        queues: vec![
            QueueReading::new("topics", "topics", (1, 100), ""),
            QueueReading::new("ring", "bytes", (9, 9), ""),
        ],
        peers: vec![PeerReading { endpoint: "tcp://10.0.0.5:8866".to_owned(), state: "live".to_owned() }],
        ..Status::default()
    };
    let document = StatusDocument {
        status_version: 1,
        program: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: 1,
        uptime_seconds: 3600,
        endpoints: BTreeMap::from([("network".to_owned(), Some("tcp://0.0.0.0:8866".to_owned()))]),
        last_reload: Some("applied".to_owned()),
        parts: BTreeMap::from([("delivery".to_owned(), delivery)]),
    };
    ProgramFact {
        name: name.to_owned(),
        socket: socket(&format!("/var/lib/skimmer/{name}.status")),
        state: ProgramState::Runs(Box::new(document)),
        descriptors: Some(Descriptors { limit: 65_536, open: Some(100) }),
        unmet: Some(Ok(Vec::new())),
    }
}

fn agent() -> AgentReading {
    AgentReading {
        name: "compute-7".to_owned(),
        instance: String::new(),
        address: "10.0.0.7:1".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        state: AgentState::Reporting,
        stream: "live".to_owned(),
        report_age_seconds: 1,
        lag_events: 0,
        lag_seconds: 0,
        topics: 1,
        topics_left_out: 0,
        last_error: None,
        last_error_age_seconds: None,
    }
}

fn publisher() -> PublisherFact {
    PublisherFact {
        in_settings: true,
        listed_as: vec!["api-1".to_owned()],
        is_own: true,
        greeted: Greeted::AsWanted,
        hello: Some(HelloFact {
            id: "api-1".to_owned(),
            epoch: Some(1),
            takes_reports: true,
            release: Some(env!("CARGO_PKG_VERSION").to_owned()),
            event_bytes: Some(1 << 20),
        }),
        known_topics: ["tenant-1".to_owned()].into(),
        requested: Requested::Answered,
        clock_ahead_ms: Some((20, 5)),
        ..PublisherFact::at("tcp://10.0.0.5:8866")
    }
}
