use std::time::Duration;

use pubsub_api::settings::{Kind, declare_settings};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

declare_settings! {
    /// The settings of `[pubsub]` about the northbound database, beside those that choose it.
    ///
    /// The names but `monitor_tables`, and the defaults, are Dragonflow's.
    pub struct DatabaseSettings in "pubsub" {
        /// Whether the change of an object is published on the object's own topic (its tenant), and not on `D`, and
        /// whether agents therefore compare only rows of the topics that they subscribe to, and those without
        /// topic.
        enable_selective_topology_distribution: bool = "false", Kind::Bool, Restart;
        /// The IP address or name under which this host's publisher is found in the directory if it binds all
        /// addresses (`publisher_bind_address` is `*` or `::`). If it is not set and the database joins hosts, the
        /// one address of the host that is not loopback is found by itself; a host with several refuses to start.
        management_ip: String = r#""127.0.0.1""#, Kind::Text, Restart;
        /// After how long without renewal the row of a publisher is removed from the directory, and for how long
        /// agents stay with the address of a removed one; 3s to 24h. A publisher renews its row every third of it.
        /// Whoever judges counts on its own clock how long the row has not changed, so the clocks of hosts may
        /// differ.
        publisher_timeout: Duration = r#""300s""#,
            Kind::Duration { min: Duration::from_secs(3), max: DAY }, Restart;
        /// The tables of the northbound database that the service watches: rows that somebody writes without
        /// publishing are published as `create`, `set` and `delete` on `D`. The directory needs no entry.
        monitor_tables: Vec<String> = r#"["chassis"]"#, Kind::List, Restart;
        /// How often the service reads the tables that it watches, 100ms to 1h.
        monitor_table_poll_time: Duration = r#""30s""#,
            Kind::Duration { min: Duration::from_millis(100), max: HOUR }, Restart;
        /// How often an agent compares all that it has with the northbound database, give or take a fifth, 1s to
        /// 24h. It does so at its start, too, and soon after each `resync`.
        db_sync_time: Duration = r#""120s""#,
            Kind::Duration { min: Duration::from_secs(1), max: DAY }, Restart;
        /// How often service and agents say in the northbound database that they are alive, 1s to 1h.
        report_interval: Duration = r#""25s""#,
            Kind::Duration { min: Duration::from_secs(1), max: HOUR }, Restart;
        /// After how long without such a word `skimmer service list` calls one down, 2s to 24h.
        service_down_time: Duration = r#""80s""#,
            Kind::Duration { min: Duration::from_secs(2), max: DAY }, Restart;
    }
}
