use std::time::Duration;

use pubsub_api::settings::{Kind, declare_settings};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

declare_settings! {
    /// The settings of `[pubsub]` about the northbound database, beside those that choose it.
    ///
    /// The names but `monitor_tables`, and the defaults, are Dragonflow's.
    pub struct DatabaseSettings in "pubsub" {
        /// Whether the change of an object is published on the object's own topic (its tenant) instead of `D`. Agents
        /// then compare only the rows of the topics that they subscribe to, and rows without a topic.
        enable_selective_topology_distribution: bool = "false", Kind::Bool, Restart;
        /// The IP address or name of this host's publisher in the directory, if the publisher binds all addresses
        /// (`publisher_bind_address` is `*` or `::`). If it is not set and the database is shared between hosts, the
        /// service uses the only address of the host that is not a loopback address; on a host with several it
        /// refuses to start.
        management_ip: String = r#""127.0.0.1""#, Kind::Text, Restart;
        /// A publisher's row that is not renewed for this long is removed from the directory, 3s to 24h. Agents also
        /// keep the address of a removed publisher for this long. A publisher renews its row every third of this
        /// time. Each host measures with its own clock for how long a row has not changed, so the clocks of hosts may
        /// differ.
        publisher_timeout: Duration = r#""300s""#,
            Kind::Duration { min: Duration::from_secs(3), max: DAY }, Restart;
        /// The tables of the northbound database that the service watches. It publishes rows that another program
        /// writes without publishing, as `create`, `set` and `delete` on `D`. The directory of publishers needs no
        /// entry here.
        monitor_tables: Vec<String> = r#"["chassis"]"#, Kind::List, Restart;
        /// How often the service reads each table in `monitor_tables`, 100ms to 1h, with 20 % of jitter; each read
        /// fetches the whole table. If the database reports changes, the service also reads the tables after a
        /// change, at most every tenth of this time. A row that is missing is published as deleted only after a
        /// second read does not find it either.
        monitor_table_poll_time: Duration = r#""30s""#,
            Kind::Duration { min: Duration::from_millis(100), max: HOUR }, Restart;
        /// How often an agent compares its whole table with the northbound database, 1s to 24h, with 20 % of jitter.
        /// It also does so at its start, and soon after each `resync`.
        db_sync_time: Duration = r#""120s""#,
            Kind::Duration { min: Duration::from_secs(1), max: DAY }, Restart;
        /// How often service and agents report to the northbound database that they are running, 1s to 1h.
        report_interval: Duration = r#""25s""#,
            Kind::Duration { min: Duration::from_secs(1), max: HOUR }, Restart;
        /// `skimmer service list` shows a service or an agent without a report for this long as down, 2s to 24h.
        service_down_time: Duration = r#""80s""#,
            Kind::Duration { min: Duration::from_secs(2), max: DAY }, Restart;
    }
}
