use crate::metrics::metric::Metric;
use crate::metrics::metric::MetricProgram::Agent;
use crate::metrics::source::{Source, labelled, plain};

use super::{counter, gauge, histogram};

/// What an agent has.
pub(super) const METRICS: &[Metric] = &[
    gauge(
        Agent,
        "subscriber_state",
        &["state"],
        "The number of publishers that this agent follows, by state. All but live are trouble, or its end.",
        Source::PeersByState(
            "delivery",
            &["live", "proving", "recovering", "stale", "overfull", "suspended"],
        ),
    ),
    gauge(
        Agent,
        "links",
        &["state"],
        "The number of links to publishers, by state.",
        Source::PeersByState("network", &["connecting", "up", "subscribed", "unreachable", "unanswered"]),
    ),
    gauge(
        Agent,
        "heartbeat_age_seconds",
        &[],
        "The time since the last hello of the publisher that was silent longest, of those that are followed.",
        Source::Counters(&[plain("delivery", "hello_age_ms").times(0.001)]),
    ),
    gauge(
        Agent,
        "disputed_publishers",
        &[],
        "Publishers whose id another one has at the same time. One of the two must get another publisher_id or state_dir.",
        Source::Counters(&[plain("delivery", "publishers_disputed")]),
    ),
    histogram(
        Agent,
        "receive_latency_seconds",
        "From the time in the stamp of a live event until this agent has received it. The clocks are those of two hosts: \
         the value has their difference, and a negative one (the publisher's clock is ahead) counts as 0. Replayed events \
         do not count.",
        Source::Latencies("delivery", "receive_latency"),
    ),
    histogram(
        Agent,
        "apply_latency_seconds",
        "As receive_latency_seconds, until the event is in the agent's table. Handlers follow in their own time.",
        Source::Latencies("agent", "apply_latency"),
    ),
    counter(
        Agent,
        "events_applied",
        &["table"],
        "Events that changed the agent's table, live and replayed. The first 32 tables have a series each; all others are \
         in $other.",
        Source::Named("agent", "events_applied"),
    ),
    counter(
        Agent,
        "superseded_events",
        &[],
        "Events that a newer one of the same row had overtaken.",
        Source::Counters(&[plain("agent", "events_superseded")]),
    ),
    counter(
        Agent,
        "unverified_events",
        &[],
        "Events without a number, from publishers that do not number: nobody knows whether any is missing.",
        Source::Counters(&[plain("delivery", "events_unverified")]),
    ),
    counter(
        Agent,
        "gaps_detected",
        &[],
        "How often events stayed missing; the notice gap tells how many.",
        Source::Counters(&[plain("delivery", "gaps")]),
    ),
    counter(
        Agent,
        "recoveries",
        &[],
        "How often a topic was found to have missing events, and they were requested.",
        Source::Counters(&[plain("delivery", "recoveries")]),
    ),
    counter(
        Agent,
        "resyncs",
        &[],
        "How often rows may have differed from the truth, so that a comparison with the database was due.",
        Source::Counters(&[plain("delivery", "resyncs")]),
    ),
    counter(
        Agent,
        "links_lost",
        &[],
        "Links to publishers that broke.",
        Source::Counters(&[plain("network", "links_lost")]),
    ),
    gauge(Agent, "table_bytes", &[], "The memory of the agent's table.", Source::Depth("agent", "table")),
    gauge(
        Agent,
        "table_bound_bytes",
        &[],
        "The most memory of the table (agent.table_bytes); events that need more are refused.",
        Source::Bound("agent", "table"),
    ),
    counter(
        Agent,
        "handler_events",
        &["result"],
        "Events that handlers have finished or failed on, attempts that were repeated, and events that a newer one of their \
         row replaced in the queue (agent.conflate). Without handlers there are none.",
        Source::Counters(&[
            labelled("handlers", "events_handled", &["handled"], &[]),
            labelled("handlers", "events_failed", &["failed"], &[]),
            labelled("handlers", "events_retried", &["retried"], &[]),
            labelled("handlers", "events_conflated", &["conflated"], &[]),
        ]),
    ),
    counter(
        Agent,
        "full_syncs",
        &["result"],
        "Comparisons of the table with the database: done, failed, or held since too many rows were absent. Only with a \
         database.",
        Source::Counters(&[
            labelled("database", "syncs", &["done"], &[]),
            labelled("database", "sync_failures", &["failed"], &[]),
            labelled("database", "syncs_held", &["held"], &[]),
        ]),
    ),
    counter(
        Agent,
        "tables_saved",
        &["result"],
        "How often the agent saved its table, or could not (agent.keep_table).",
        Source::Counters(&[
            labelled("agent", "tables_kept", &["saved"], &[]),
            labelled("agent", "tables_not_kept", &["failed"], &[]),
        ]),
    ),
];
