//! The settings of the section `[agent]`.
//!
//! A crate of its own, because every program reads the same file and must refuse what is wrong in it, also about the
//! agent, without linking the agent.

use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::settings::{Kind, choice, declare_settings};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

choice! {
    /// The source of the rows for a full sync.
    pub enum SyncFrom {
        /// The agent reads the northbound database itself.
        Database = "database",
        /// The agent requests the rows from a publisher that reads the database.
        Publishers = "publishers",
    }
}

choice! {
    /// What follows when a handler fails on an event.
    pub enum FailurePolicy {
        /// The next event.
        Skip = "skip",
        /// The same event again, `handler_retries` times; then the next one.
        Retry = "retry",
        /// The next event, and all rows of that table again.
        Resync = "resync",
        /// The agent ends with an error.
        Stop = "stop",
    }
}

declare_settings! {
    /// The settings of the section `[agent]`.
    pub struct AgentSettings in "agent" {
        /// The topics that the agent subscribes to, exactly as published, 1 to 255 bytes each. The send-all topic `D`
        /// needs no entry. A reload subscribes to new entries and unsubscribes from removed ones.
        topics: Vec<String> = "[]", Kind::List, Live;
        /// The patterns that the agent subscribes to: words separated by dots, where `*` matches one word and `#` any
        /// number of words, or `prefix*`. A reload subscribes to new entries and unsubscribes from removed ones.
        patterns: Vec<String> = "[]", Kind::List, Live;
        /// The name of the agent in its reports to publishers, which `skimmer agents` shows; up to 255 bytes. If it is
        /// empty, it is the name of the host.
        name: String = r#""""#, Kind::Text, Restart;
        /// How often the agent reports to each publisher which events it has applied, up to 10s; shorter intervals than 1s
        /// count as 1s. 0s: never, and `skimmer agents` does not list it. A report is a message on the connection
        /// for requests, which therefore stays open: with reports an agent has two connections to each publisher.
        applied_interval: Duration = r#""1s""#,
            Kind::Duration { min: Duration::ZERO, max: Duration::from_secs(10) }, Restart;
        /// The longest acceptable delay of a publisher's events, 1s to 1h. A publisher with a longer delay is
        /// reported as `stale`, with the delay, until the delay falls below half of this. The clocks of hosts may
        /// differ. The default is longer than a reconnect takes, after which the publisher sends everything that it
        /// has kept.
        max_delay: Duration = r#""10s""#, Kind::Duration { min: Duration::from_secs(1), max: HOUR }, Restart;
        /// The source of the rows for a full sync. `database`: the agent reads the northbound database itself, if
        /// `use_nb_db` allows it. `publishers`: the agent requests the rows from a publisher, for hosts that cannot
        /// reach the database, unless `use_nb_db` is `no`; the network driver must support requests, as the default
        /// driver does.
        sync_from: SyncFrom = r#""database""#, Kind::Choice(SyncFrom::WORDS), Restart;
        /// How long the agent waits before it deletes a row that is missing from the database, 1s to 1h, counted from
        /// the first read that did not find the row. A second read, which follows within a twenty-fourth of
        /// `db_sync_time` (5s of 120s), must not find it either. Deletes that arrive as events are never delayed.
        sync_delete_after: Duration = r#""5s""#,
            Kind::Duration { min: Duration::from_secs(1), max: HOUR }, Restart;
        /// The largest share of its rows that the agent deletes after `sync_delete_after` because the database does
        /// not contain them, 1 to 100 percent. If more are missing, or all, the database has probably lost them: the
        /// agent logs a warning, reports `sync_held`, and deletes them only after `sync_mass_delete_after`. Up to ten
        /// rows are always below the share, unless they are all rows. With 100 nothing is held back.
        sync_max_delete_percent: u8 = "50", Kind::Integer { min: 1, max: 100 }, Restart;
        /// How long the agent waits before it deletes more rows than `sync_max_delete_percent` allows, 1s to 24h.
        /// Every read during this time must find them missing.
        sync_mass_delete_after: Duration = r#""10m""#,
            Kind::Duration { min: Duration::from_secs(1), max: DAY }, Restart;
        /// The number of events that may wait for one handler, 1 to 1000000. When its queue is full, the agent stops
        /// reading until there is room; nothing is dropped, and the publisher keeps the events that follow.
        handler_queue_events: usize = "1000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// The bytes of events that may wait for one handler, up to 1GiB; a larger event waits alone. When the queue
        /// is full, the agent stops reading, as with `handler_queue_events`.
        handler_queue_bytes: usize = r#""8MiB""#, Kind::Bytes { min: 1, max: 1 << 30 }, Restart;
        /// How long the full queue of one handler may block the agent, 10ms to 1h. If the queue is full, its oldest
        /// event is older than this and a new event arrives, the agent drops all events that are older, counts them
        /// and reports them (`handler_gap`). Events in a queue that is not full wait without limit.
        handler_queue_age: Duration = r#""30s""#,
            Kind::Duration { min: Duration::from_millis(10), max: HOUR }, Restart;
        /// Whether a handler that is too slow receives only the latest event of each row. If its queue is full, or
        /// the oldest event in it is older than `handler_queue_age`, a new event replaces the waiting event of the
        /// same row. Replaced events are counted; the order of the events of one row is kept.
        conflate: bool = "false", Kind::Bool, Restart;
        /// What the agent does after a handler fails on an event; each failure is counted and reported. `skip`
        /// continues with the next event. `retry` tries the event again, `handler_retries` times, 0.1s to 5s apart,
        /// and then continues. `resync` continues, and sends the handler all rows of that table again, at most once a
        /// minute. `stop` ends the agent. Connections to publishers are not affected.
        on_failure: FailurePolicy = r#""resync""#, Kind::Choice(FailurePolicy::WORDS), Restart;
        /// The number of times that an event is tried again with `on_failure = "retry"`, 1 to 100. The other events
        /// of the handler wait meanwhile.
        handler_retries: u32 = "3", Kind::Integer { min: 1, max: 100 }, Restart;
        /// How long one run of an --exec command may take, 10ms to 1h. The agent kills and reports a command that
        /// runs longer, and continues with the next event.
        handler_timeout: Duration = r#""30s""#,
            Kind::Duration { min: Duration::from_millis(10), max: HOUR }, Restart;
        /// How long the agent continues after SIGTERM to deliver the received events to the handlers, 0s to 1h.
        /// Events that are not handled by then are counted and reported, and the exit status is 69.
        drain_timeout: Duration = r#""5s""#, Kind::Duration { min: Duration::ZERO, max: HOUR }, Live;
        /// Whether the agent saves its table, and its position in each stream, in the file `agent-table` in
        /// `state_dir`. After a restart it continues from there, and publishers send only the events that it missed.
        /// Saved rows are not written to stdout again.
        keep_table: bool = "true", Kind::Bool, Restart;
        /// The memory of the table's rows, 2MiB to 1TiB: about 400 bytes a row beside its names and its value. A row that
        /// needs more is refused: the agent reports `table_full`, is not `live`, and keeps what it has; deletes, and
        /// changes that need no more memory, are applied. When there is room again, because rows were deleted or a
        /// reload raised the bound, it reports `table_has_room` and requests the refused rows.
        table_bytes: usize = r#""1GiB""#, Kind::Bytes { min: 2 << 20, max: 1 << 40 }, Live;
        /// How often the agent saves its table if something has changed, 100ms to 1h. It also saves it when it stops.
        /// After a crash it requests the events since the last save again.
        save_interval: Duration = r#""10s""#,
            Kind::Duration { min: Duration::from_millis(100), max: HOUR }, Restart;
        /// The address of the HTTP endpoint for operators: `/livez`, `/readyz`, `/metrics`, `/status.json`
        /// (docs/operations.md). `127.0.0.1:9466`, `[::1]:9466`, `*:9466`, or `unix:` and a path, such as
        /// `unix:/run/skimmer/subscriber-agent.http`, whose file has the mode 0660. Port 0 is any free one, which `skimmer status`
        /// shows. If empty, there is no endpoint. An address that other hosts can connect to needs
        /// `operations_token_file`.
        operations_bind: String = r#""""#, Kind::Text, Restart;
        /// The file with the token that requests to `operations_bind` must have, as `Authorization: Bearer TOKEN`: one
        /// line of 16 to 256 visible ASCII characters, mode 0600. It is read again when it changes, and never shown.
        /// If empty, requests need no token. The endpoint speaks HTTP without TLS: on a network that others can
        /// listen to, put a proxy with TLS in front of a loopback address.
        operations_token_file: Option<PathBuf> = r#""""#, Kind::Text, Restart;
    }
}
