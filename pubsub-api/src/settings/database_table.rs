use std::time::Duration;

use super::setting::{Kind, Reload, Setting};
use super::table::HOUR;

/// The settings of `[pubsub]` about the northbound database, in the order of the sample file. The names but `use_nb_db` and
/// `monitor_tables`, and the defaults, are Dragonflow's (section 4 of its reference).
pub(super) const DATABASE: &[Setting] = &[
    Setting {
        section: "pubsub",
        name: "nb_db_class",
        kind: Kind::Text,
        default: r#""sqlite_nb_db_driver""#,
        doc: "Alias of the driver of the northbound database, where objects are written before their changes are \
              published. `skimmer drivers` lists the aliases. The default keeps them in a file of this host; Dragonflow's \
              is `etcd_nb_db_driver`, which is not among them.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "use_nb_db",
        kind: Kind::Choice(&["auto", "yes", "no"]),
        default: r#""auto""#,
        doc: "Whether service and agents use the northbound database: the service keeps its row in the directory of \
              publishers and watches tables; agents find publishers there, and compare what they have with it. `auto` does \
              where the driver of the database joins hosts. With `yes` every event is to be about a row of the database: \
              agents delete rows that it does not have.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "enable_selective_topology_distribution",
        kind: Kind::Bool,
        default: "false",
        doc: "Whether the change of an object is published on the object's own topic (its tenant), and not on `D`, and \
              whether agents therefore compare only rows of the topics that they subscribe to, and those without topic.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "management_ip",
        kind: Kind::Text,
        default: r#""127.0.0.1""#,
        doc: "The IP address or name under which this host's publisher is found in the directory if it binds all addresses \
              (`publisher_bind_address` is `*` or `::`). If it is not set and the database joins hosts, the one address of \
              the host that is not loopback is found by itself; a host with several refuses to start.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "publisher_timeout",
        kind: Kind::Duration { min: Duration::from_secs(3), max: Duration::from_secs(24 * 3600) },
        default: r#""300s""#,
        doc: "After how long without renewal the row of a publisher is removed from the directory, and for how long agents \
              stay with the address of a removed one; 3s to 24h. A publisher renews its row every third of it. Whoever judges \
              counts on its own clock how long the row has not changed, so the clocks of hosts may differ.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "monitor_tables",
        kind: Kind::List,
        default: r#"["chassis"]"#,
        doc: "The tables of the northbound database that the service watches: rows that somebody writes without publishing \
              are published as `create`, `set` and `delete` on `D`. The directory needs no entry.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "monitor_table_poll_time",
        kind: Kind::Duration { min: Duration::from_millis(100), max: HOUR },
        default: r#""30s""#,
        doc: "How often the service reads the tables that it watches, 100ms to 1h.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "db_sync_time",
        kind: Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(24 * 3600) },
        default: r#""120s""#,
        doc: "How often an agent compares all that it has with the northbound database, give or take a fifth, 1s to 24h. \
              It does so at its start, too, and soon after each `resync`.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "report_interval",
        kind: Kind::Duration { min: Duration::from_secs(1), max: HOUR },
        default: r#""25s""#,
        doc: "How often service and agents say in the northbound database that they are alive, 1s to 1h.",
        reload: Reload::Restart,
    },
    Setting {
        section: "pubsub",
        name: "service_down_time",
        kind: Kind::Duration { min: Duration::from_secs(2), max: Duration::from_secs(24 * 3600) },
        default: r#""80s""#,
        doc: "After how long without such a word `skimmer service list` calls one down, 2s to 24h.",
        reload: Reload::Restart,
    },
];
