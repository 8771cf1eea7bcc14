use crate::metrics::metric::Metric;
use crate::metrics::metric::MetricProgram::Both;
use crate::metrics::source::{CAUSE, Fact, FromCounter, Source, labelled, plain};

use super::{counter, gauge};

/// What both programs have.
pub(super) const METRICS: &[Metric] = &[
    gauge(
        Both,
        "build_info",
        &["program", "version"],
        "Always 1; the labels have the program and its version.",
        Source::Fact(Fact::Build),
    ),
    gauge(
        Both,
        "uptime_seconds",
        &[],
        "The time since the start of the program.",
        Source::Fact(Fact::Uptime),
    ),
    gauge(Both, "ready", &[], "1 if every check of /readyz is met, else 0.", Source::Fact(Fact::Readiness)),
    counter(
        Both,
        "config_reloads",
        &["result"],
        "Reloads of the settings by SIGHUP: applied as a whole, or refused as a whole.",
        Source::Counters(&[labelled("program", "config_reloads", &[CAUSE], &["applied", "refused"])]),
    ),
    counter(
        Both,
        "events_received",
        &["hop"],
        "Events that arrived: from workers (hop worker), or from publishers (hop network).",
        Source::Counters(&[
            labelled("ipc", "events_received", &["worker"], &[]),
            labelled("network", "events_received", &["network"], &[]),
        ]),
    ),
    counter(
        Both,
        "events_dropped",
        &["hop", "cause"],
        "Events and frames that were dropped, and were not delivered to everybody who wanted them. A sequence that is \
         missing is requested again; what stays missing is counted at the agent, with hop network and cause missing.",
        Source::Counters(DROPPED),
    ),
    counter(
        Both,
        "duplicate_events",
        &[],
        "Events that arrived again and were ignored: a worker resent them, or a publisher replayed them.",
        Source::Counters(&[plain("delivery", "events_repeated"), plain("delivery", "events_duplicate")]),
    ),
    counter(
        Both,
        "replayed_events",
        &[],
        "Events that were missed and sent again from the ring.",
        Source::Counters(&[plain("delivery", "events_replayed")]),
    ),
    counter(
        Both,
        "snapshots",
        &[],
        "Snapshots of a topic that the service sent, or that the agent received, since the ring did not have all that \
         was missed.",
        Source::Counters(&[
            plain("delivery", "sync_answers").only("snapshot"),
            plain("delivery", "snapshots"),
        ]),
    ),
    counter(
        Both,
        "snapshot_rows",
        &[],
        "Rows of these snapshots.",
        Source::Counters(&[plain("delivery", "snapshot_rows")]),
    ),
    counter(
        Both,
        "sync_requests",
        &[],
        "Requests for missed events: received by the service, sent by the agent.",
        Source::Counters(&[plain("delivery", "sync_requests")]),
    ),
    counter(
        Both,
        "handshake_failures",
        &["hop", "cause"],
        "Connections that were refused before an event passed: a wrong mechanism, an unknown key, a peer that is not \
         allowed. skimmer status lists who was refused.",
        Source::Counters(&[
            labelled(
                "network",
                "peers_refused",
                &["network", CAUSE],
                &["wrong_mechanism", "curve_key_refused"],
            ),
            labelled("ipc", "peers_refused", &["worker", CAUSE], &["not_allowed"]),
        ]),
    ),
    counter(
        Both,
        "database_failures",
        &["cause"],
        "Failed accesses to the northbound database, by kind of error. Only with a database.",
        Source::Counters(&[
            labelled("database", "opening_failures", &[CAUSE], &["unavailable"]),
            labelled("database", "sync_failures", &["sync"], &[]),
        ]),
    ),
    gauge(
        Both,
        "queue_depth",
        &["part", "queue", "unit"],
        "What is in a queue now, in the unit of its label.",
        Source::Depths,
    ),
    gauge(
        Both,
        "queue_bound",
        &["part", "queue", "unit"],
        "What the queue can hold. docs/design.md#when-a-queue-is-full describes what follows when it is full.",
        Source::Bounds,
    ),
];

const DROPPED: &[FromCounter] = &[
    labelled(
        "service",
        "events_dropped",
        &["worker", CAUSE],
        &["too_big", "not_a_map", "reserved_topic", "stamped"],
    ),
    labelled("ipc", "frames_dropped", &["worker", CAUSE], &[]),
    labelled("ipc", "publications_refused", &["worker", CAUSE], &[]),
    labelled("delivery", "events_refused", &["worker", CAUSE], &[]),
    labelled("delivery", "events_lost", &["network", CAUSE], &["internal", "refused"]),
    labelled("delivery", "events_dropped", &["network", CAUSE], &[]),
    labelled("delivery", "events_missed", &["network", "missing"], &[]),
    labelled("network", "events_dropped", &["network", CAUSE], &["slow_subscriber"]),
    labelled("network", "frames_dropped", &["network", CAUSE], &[]),
    labelled("network", "replies_dropped", &["network", CAUSE], &[]),
    labelled("agent", "events_dropped", &["table", CAUSE], &["no_keyring"]),
    labelled("agent", "rows_refused", &["table", "table_full"], &[]),
    labelled("handlers", "events_outdated", &["handler", "outdated"], &[]),
];
