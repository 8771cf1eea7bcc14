//! The settings of the section `[agent]`.
//!
//! A crate of its own, because every program reads the same file and must refuse what is wrong in it, also about the
//! agent, without linking the agent.

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
        /// The topics that the agent subscribes to, exactly as published, 1 to 255 bytes each. Events to all (topic
        /// `D`) need no entry. On reload the difference is subscribed and unsubscribed.
        topics: Vec<String> = "[]", Kind::List, Live;
        /// The patterns that the agent subscribes to: words between dots, where `*` is one word and `#` any number,
        /// or `prefix*`. On reload the difference is subscribed and unsubscribed.
        patterns: Vec<String> = "[]", Kind::List, Live;
        /// How late what arrives from a publisher may be, 1s to 1h: above it the publisher is reported as `stale`
        /// with its delay, until the delay is half of this. The clocks of hosts need not agree. The default is
        /// above what a reconnect takes, after which a publisher has sent all that it kept.
        max_delay: Duration = r#""10s""#, Kind::Duration { min: Duration::from_secs(1), max: HOUR }, Restart;
        /// Where the agent has the rows from that it compares its table with: it reads the northbound database
        /// itself, as `use_nb_db` says; or, where it cannot reach that, it asks a publisher that uses it, unless
        /// `use_nb_db` is `no`. The driver must carry requests, which the default does.
        sync_from: SyncFrom = r#""database""#, Kind::Choice(SyncFrom::WORDS), Restart;
        /// After how long a row that the database does not have is deleted, 1s to 1h, counted from the first
        /// reading that did not find it: a second reading must not find it either. It follows within a
        /// twenty-fourth of `db_sync_time` (5s of 120s). Deletes that come as events are never delayed.
        sync_delete_after: Duration = r#""5s""#,
            Kind::Duration { min: Duration::from_secs(1), max: HOUR }, Restart;
        /// The largest share of its rows that an agent deletes by comparison after `sync_delete_after`, 1 to 100
        /// percent. If the database lacks more, or all, it has probably lost them: the agent reports it
        /// (`sync_held`, a warning), and deletes them only after `sync_mass_delete_after`. Ten rows and fewer are
        /// below any share, unless they are all. With 100 nothing is held back.
        sync_max_delete_percent: u8 = "50", Kind::Integer { min: 1, max: 100 }, Restart;
        /// After how long rows are deleted if the database lacks more than `sync_max_delete_percent` of them, 1s to
        /// 24h: every reading from the first to one that began so much later must lack them.
        sync_mass_delete_after: Duration = r#""10m""#,
            Kind::Duration { min: Duration::from_secs(1), max: DAY }, Restart;
        /// How many events wait for one handler, 1 to 1000000. When its queue is full, the agent stops reading
        /// until there is room again: nothing is dropped, the publisher keeps what follows.
        handler_queue_events: usize = "1000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
        /// How many bytes of events wait for one handler, up to 1GiB; an event above that waits alone. When its
        /// queue is full, the agent stops reading, as with `handler_queue_events`.
        handler_queue_bytes: usize = r#""8MiB""#, Kind::Bytes { min: 1, max: 1 << 30 }, Restart;
        /// For how long a full queue of one handler may hold up the agent, 10ms to 1h: when its oldest event has
        /// waited longer and another wants in, the events that have waited so long are dropped, counted, and told
        /// (`handler_gap`). In a queue that is not full events wait for as long as it takes.
        handler_queue_age: Duration = r#""30s""#,
            Kind::Duration { min: Duration::from_millis(10), max: HOUR }, Restart;
        /// Whether a handler that does not keep up gets only the latest event of a row: in a queue that is full, or
        /// whose oldest event is older than `handler_queue_age`, an event takes the place of the one of its row
        /// that waits there. What is left out is counted; the order of one row's events is kept.
        conflate: bool = "false", Kind::Bool, Restart;
        /// What follows when a handler fails on an event, which is always counted and told: `skip` goes on with the
        /// next; `retry` tries `handler_retries` times more, 0.1s to 5s apart, and then goes on; `resync` goes on,
        /// and gives the handler all rows of that table again, at most once a minute; `stop` ends the agent. The
        /// links are never touched.
        on_failure: FailurePolicy = r#""resync""#, Kind::Choice(FailurePolicy::WORDS), Restart;
        /// How often an event is tried again with `on_failure = "retry"`, 1 to 100. The handler's other events wait
        /// meanwhile.
        handler_retries: u32 = "3", Kind::Integer { min: 1, max: 100 }, Restart;
        /// How long one run of an --exec command may take, 10ms to 1h. One that runs longer is killed and reported,
        /// and the next event is handled.
        handler_timeout: Duration = r#""30s""#,
            Kind::Duration { min: Duration::from_millis(10), max: HOUR }, Restart;
        /// How long the agent goes on after SIGTERM to give the handlers what has arrived, 0s to 1h. What they have
        /// not taken by then is counted and reported, and the exit status is 69.
        drain_timeout: Duration = r#""5s""#, Kind::Duration { min: Duration::ZERO, max: HOUR }, Live;
        /// Whether the agent goes on where it stopped after a restart: it keeps its table, and how far that is, in
        /// the file `agent-table` in `state_dir`, so that publishers need to send only what it has missed. Rows
        /// that it has kept are not written to stdout again.
        keep_table: bool = "true", Kind::Bool, Restart;
        /// How often the table is kept if something has changed, 100ms to 1h; at the end it is kept in any case.
        /// What came after the last time is asked for again.
        save_interval: Duration = r#""10s""#,
            Kind::Duration { min: Duration::from_millis(100), max: HOUR }, Restart;
    }
}
