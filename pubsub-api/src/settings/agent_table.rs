use std::time::Duration;

use super::setting::{Kind, Reload, Setting};
use super::table::HOUR;

/// The settings of the section `[agent]`, in the order of the sample file.
pub(super) const AGENT: &[Setting] = &[
    Setting {
        section: "agent",
        name: "topics",
        kind: Kind::List,
        default: "[]",
        doc: "The topics that the agent subscribes to, exactly as published, 1 to 255 bytes each. Events to all (topic \
              `D`) need no entry. On reload the difference is subscribed and unsubscribed.",
        reload: Reload::Live,
    },
    Setting {
        section: "agent",
        name: "patterns",
        kind: Kind::List,
        default: "[]",
        doc: "The patterns that the agent subscribes to: words between dots, where `*` is one word and `#` any number, \
              or `prefix*`. On reload the difference is subscribed and unsubscribed.",
        reload: Reload::Live,
    },
    Setting {
        section: "agent",
        name: "max_delay",
        kind: Kind::Duration { min: Duration::from_secs(1), max: HOUR },
        default: r#""10s""#,
        doc: "How late what arrives from a publisher may be, 1s to 1h: above it the publisher is reported as `stale` with \
              its delay, until the delay is half of this. The clocks of hosts need not agree. The default is above what a \
              reconnect takes, after which a publisher has sent all that it kept.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "sync_from",
        kind: Kind::Choice(&["database", "publishers"]),
        default: r#""database""#,
        doc: "Where the agent has the rows from that it compares its table with: it reads the northbound database itself, as \
              `use_nb_db` says; or, where it cannot reach that, it asks a publisher that uses it, unless `use_nb_db` is \
              `no`. The driver must carry requests, which the default does.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "sync_delete_after",
        kind: Kind::Duration { min: Duration::from_secs(1), max: HOUR },
        default: r#""5s""#,
        doc: "After how long a row that the database does not have is deleted, 1s to 1h, counted from the first reading that \
              did not find it: a second reading must not find it either. It follows within a twenty-fourth of `db_sync_time` \
              (5s of 120s). Deletes that come as events are never delayed.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "sync_max_delete_percent",
        kind: Kind::Integer { min: 1, max: 100 },
        default: "50",
        doc: "The largest share of its rows that an agent deletes by comparison after `sync_delete_after`, 1 to 100 percent. \
              If the database lacks more, or all, it has probably lost them: the agent reports it (`sync_held`, a \
              warning), and deletes them only after `sync_mass_delete_after`. Ten rows and fewer are below any share, unless \
              they are all. With 100 nothing is held back.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "sync_mass_delete_after",
        kind: Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(24 * 3600) },
        default: r#""10m""#,
        doc: "After how long rows are deleted if the database lacks more than `sync_max_delete_percent` of them, 1s to 24h: \
              every reading from the first to one that began so much later must lack them.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "handler_queue_events",
        kind: Kind::Integer { min: 1, max: 1_000_000 },
        default: "1000",
        doc: "How many events wait for one handler, 1 to 1000000. When its queue is full, the agent stops reading \
              until there is room again: nothing is dropped, the publisher keeps what follows.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "handler_queue_bytes",
        kind: Kind::Bytes { min: 1, max: 1 << 30 },
        default: r#""8MiB""#,
        doc: "How many bytes of events wait for one handler, up to 1GiB; an event above that waits alone. When its queue \
              is full, the agent stops reading, as with `handler_queue_events`.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "handler_queue_age",
        kind: Kind::Duration { min: Duration::from_millis(10), max: HOUR },
        default: r#""30s""#,
        doc: "For how long a full queue of one handler may hold up the agent, 10ms to 1h: when its oldest event has \
              waited longer and another wants in, the events that have waited so long are dropped, counted, and told \
              (`handler_gap`). In a queue that is not full events wait for as long as it takes.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "conflate",
        kind: Kind::Bool,
        default: "false",
        doc: "Whether a handler that does not keep up gets only the latest event of a row: in a queue that is full, or \
              whose oldest event is older than `handler_queue_age`, an event takes the place of the one of its row that \
              waits there. What is left out is counted; the order of one row's events is kept.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "on_failure",
        kind: Kind::Choice(&["skip", "retry", "resync", "stop"]),
        default: r#""resync""#,
        doc: "What follows when a handler fails on an event, which is always counted and told: `skip` goes on with the \
              next; `retry` tries `handler_retries` times more, 0.1s to 5s apart, and then goes on; `resync` goes on, and \
              gives the handler all rows of that table again, at most once a minute; `stop` ends the agent. The links \
              are never touched.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "handler_retries",
        kind: Kind::Integer { min: 1, max: 100 },
        default: "3",
        doc: "How often an event is tried again with `on_failure = \"retry\"`, 1 to 100. The handler's other events wait \
              meanwhile.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "handler_timeout",
        kind: Kind::Duration { min: Duration::from_millis(10), max: HOUR },
        default: r#""30s""#,
        doc: "How long one run of an --exec command may take, 10ms to 1h. One that runs longer is killed and reported, \
              and the next event is handled.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "drain_timeout",
        kind: Kind::Duration { min: Duration::ZERO, max: HOUR },
        default: r#""5s""#,
        doc: "How long the agent goes on after SIGTERM to give the handlers what has arrived, 0s to 1h. What they \
              have not taken by then is counted and reported, and the exit status is 69.",
        reload: Reload::Live,
    },
    Setting {
        section: "agent",
        name: "keep_table",
        kind: Kind::Bool,
        default: "true",
        doc: "Whether the agent goes on where it stopped after a restart: it keeps its table, and how far that is, in the \
              file `agent-table` in `state_dir`, so that publishers need to send only what it has missed. Rows that it \
              has kept are not written to stdout again.",
        reload: Reload::Restart,
    },
    Setting {
        section: "agent",
        name: "save_interval",
        kind: Kind::Duration { min: Duration::from_millis(100), max: HOUR },
        default: r#""10s""#,
        doc: "How often the table is kept if something has changed, 100ms to 1h; at the end it is kept in any case. What \
              came after the last time is asked for again.",
        reload: Reload::Restart,
    },
];
