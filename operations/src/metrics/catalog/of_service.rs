use crate::metrics::metric::Metric;
use crate::metrics::metric::MetricProgram::Service;
use crate::metrics::source::{CAUSE, Source, labelled, plain};

use super::{counter, gauge, histogram};

/// What the publisher service has.
pub(super) const METRICS: &[Metric] = &[
    counter(
        Service,
        "events_published",
        &["topic"],
        "Events that were numbered, written to the ring and passed to the network driver. The first 32 topics have a \
         series each; all others are in $other. With a broker, workers publish themselves, and these are database changes.",
        Source::Named("delivery", "events_published"),
    ),
    histogram(
        Service,
        "publish_latency_seconds",
        "From the time in the stamp until the network driver has accepted the event. Both are of this host: a negative \
         value, after its clock was set back, counts as 0. With a broker it is not measured.",
        Source::Latencies("delivery", "fanout_latency"),
    ),
    counter(
        Service,
        "sent_bytes",
        &[],
        "Bytes of events that were written to subscribers. Only drivers that write to sockets themselves count them.",
        Source::Counters(&[plain("network", "bytes_written")]),
    ),
    gauge(
        Service,
        "subscriber_queue_bytes",
        &[],
        "The bytes that the subscriber that is furthest behind has still to receive (drivers.zmtp.fanout_log_bytes).",
        Source::Depth("network", "ring"),
    ),
    gauge(
        Service,
        "subscriber_queue_bound_bytes",
        &[],
        "Above this, that subscriber skips to the end and receives a gap.",
        Source::Bound("network", "ring"),
    ),
    counter(
        Service,
        "slow_subscribers",
        &["cause"],
        "How often a subscriber was too slow: it was told how much it missed (reported), or disconnected.",
        Source::Counters(&[labelled("network", "slow_subscribers", &[CAUSE], &["reported", "disconnected"])]),
    ),
    counter(
        Service,
        "subscribers_accepted",
        &[],
        "Connections from agents that were accepted, also those for requests.",
        Source::Counters(&[plain("network", "peers_accepted")]),
    ),
    counter(
        Service,
        "subscribers_left",
        &[],
        "Connections from agents that have ended.",
        Source::Counters(&[plain("network", "peers_left")]),
    ),
    counter(
        Service,
        "replays",
        &["result"],
        "Replies to requests for missed events, by topic: replay, snapshot, rows (a full sync), busy, too slow, or an unknown position.",
        Source::Counters(&[labelled(
            "delivery",
            "sync_answers",
            &[CAUSE],
            &["replay", "snapshot", "rows", "rows_unavailable", "busy", "too_slow", "unknown"],
        )]),
    ),
    gauge(
        Service,
        "ring_bytes",
        &[],
        "The bytes of the latest events that can be replayed. A ring is as good as full for most of its life: the oldest \
         eighth is removed for new events.",
        Source::Depth("delivery", "ring"),
    ),
    gauge(
        Service,
        "ring_bound_bytes",
        &[],
        "The most bytes of the ring (service.ring_bytes).",
        Source::Bound("delivery", "ring"),
    ),
    gauge(
        Service,
        "agents",
        &["state"],
        "The agents that report what they have applied: current, behind, or silent for half a minute. Subscribers that report \
         nothing are not counted.",
        Source::Counters(&[labelled("delivery", "agents", &[CAUSE], &["current", "behind", "silent"])]),
    ),
    gauge(
        Service,
        "subscriber_lag_events",
        &[],
        "The published events that the agent that is furthest behind has not applied; skimmer agents names it.",
        Source::Counters(&[plain("delivery", "agent_lag_events")]),
    ),
    gauge(
        Service,
        "subscriber_lag_seconds",
        &[],
        "For how long the agent that is behind for longest has not applied some event.",
        Source::Counters(&[plain("delivery", "agent_lag_seconds")]),
    ),
    counter(
        Service,
        "ring_written_bytes",
        &[],
        "Bytes that were written to the ring. The ring's bytes divided by the rate of these are how far back it reaches.",
        Source::Counters(&[plain("delivery", "ring_bytes_written")]),
    ),
    counter(
        Service,
        "ring_write_failures",
        &[],
        "Writes to the ring's folder that failed; the ring is in memory until the folder can be written to again.",
        Source::Counters(&[plain("delivery", "ring_write_failures")]),
    ),
    counter(
        Service,
        "topics_retired",
        &[],
        "Topics that were forgotten for new ones (service.max_topics).",
        Source::Counters(&[plain("delivery", "topics_retired")]),
    ),
    counter(
        Service,
        "forwarder_restarts",
        &["cause"],
        "Panics after which forwarding began again.",
        Source::Counters(&[labelled("service", "forwarder_restarts", &[CAUSE], &["internal"])]),
    ),
    counter(
        Service,
        "directory_renewals",
        &[],
        "How often the service has written its row in the directory of publishers. Only with a database.",
        Source::Counters(&[plain("directory", "leases_renewed")]),
    ),
    counter(
        Service,
        "directory_removals",
        &[],
        "Rows of ended publishers that the service has removed from the directory. Only with a database.",
        Source::Counters(&[plain("directory", "publishers_removed")]),
    ),
    counter(
        Service,
        "directory_failures",
        &["cause"],
        "Failed updates of the directory of publishers, by kind of error. Only with a database.",
        Source::Counters(&[labelled("directory", "directory_failures", &[CAUSE], &["unavailable"])]),
    ),
];
