use std::collections::{BTreeMap, BTreeSet};

use pubsub_api::{Counter, CounterReading, LatencyCounter, NamedCounters, PeerReading, QueueReading, Status};

use super::{MetricKind, Scrape, exposition, metrics, metrics_page};

fn scrape(program: &str, parts: BTreeMap<String, Status>) -> Scrape {
    Scrape {
        program: program.to_owned(),
        version: "1.2.3".to_owned(),
        is_ready: true,
        uptime_seconds: 7.5,
        parts,
    }
}

fn of_part(part: &str, status: Status) -> BTreeMap<String, Status> {
    BTreeMap::from([(part.to_owned(), status)])
}

fn lines(scrape: Scrape) -> Vec<String> {
    exposition(scrape).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn names_are_unique_and_have_base_units_and_every_help_is_a_sentence() {
    let names: Vec<String> = metrics().map(|metric| metric.full_name()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    for metric in metrics() {
        let name = metric.full_name();
        assert!(
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit()),
            "{name}"
        );
        assert!(!metric.name.ends_with("_total"), "the encoder adds it: {name}");
        for unit in ["_ms", "_us", "_millis", "_kb", "_percent"] {
            assert!(!metric.name.ends_with(unit), "{name}");
        }
        if metric.kind() == MetricKind::Histogram {
            assert!(metric.name.ends_with("_seconds"), "{name}");
        }
        assert!(
            metric.help.ends_with('.') && !metric.help.contains(['\n', '\\', '|']),
            "{name}: {}",
            metric.help
        );
    }
}

#[test]
fn the_page_in_docs_is_the_generated_one() {
    let page = include_str!("../../../docs/metrics.md");
    assert_eq!(page, metrics_page(), "skimmer metrics > docs/metrics.md");
}

#[test]
fn topics_and_tables_with_quotation_marks_backslashes_and_line_feeds_are_escaped() {
    let tables = NamedCounters::new("events_applied", "table");
    for (table, times) in [("a\"b", 1), ("c\\d", 2), ("e\nf", 3), ("ü{}=,", 4)] {
        tables.count(table, times);
    }
    let status = Status { named: vec![tables.read()], ..Status::default() };
    let lines = lines(scrape("subscriber-agent", of_part("agent", status)));
    for line in [
        r#"skimmer_events_applied_total{table="a\"b"} 1.0"#,
        r#"skimmer_events_applied_total{table="c\\d"} 2.0"#,
        r#"skimmer_events_applied_total{table="e\nf"} 3.0"#,
        r#"skimmer_events_applied_total{table="ü{}=,"} 4.0"#,
    ] {
        assert!(lines.iter().any(|found| found == line), "{line} in {lines:#?}");
    }
    assert_eq!(lines.last().map(String::as_str), Some("# EOF"));
}

#[test]
fn every_drop_has_a_cause_and_the_usual_ones_have_a_zero_before_they_occur() {
    let dropped = Counter::with_cause("events_dropped", "not_utf8");
    dropped.add(3);
    let status = Status { counters: vec![dropped.read()], ..Status::default() };
    let lines = lines(scrape("publisher-service", of_part("service", status)));
    let of_metric: Vec<&String> =
        lines.iter().filter(|line| line.starts_with("skimmer_events_dropped_total")).collect();
    assert!(of_metric.iter().all(|line| line.contains("hop=\"worker\",cause=\"")), "{of_metric:?}");
    for line in [
        r#"skimmer_events_dropped_total{hop="worker",cause="not_utf8"} 3.0"#,
        r#"skimmer_events_dropped_total{hop="worker",cause="too_big"} 0.0"#,
    ] {
        assert!(of_metric.iter().any(|found| *found == line), "{line} in {of_metric:?}");
    }
}

#[test]
fn latencies_are_a_histogram_in_seconds() {
    let histogram = LatencyCounter::new("receive_latency");
    histogram.add(-5, 1);
    histogram.add(700, 2);
    histogram.add(90_000_000, 1);
    let status = Status { latencies: vec![histogram.read()], ..Status::default() };
    let lines = lines(scrape("subscriber-agent", of_part("delivery", status)));
    for line in [
        "# TYPE skimmer_receive_latency_seconds histogram",
        r#"skimmer_receive_latency_seconds_bucket{le="0.0"} 1"#,
        r#"skimmer_receive_latency_seconds_bucket{le="0.001"} 3"#,
        r#"skimmer_receive_latency_seconds_bucket{le="60.0"} 3"#,
        r#"skimmer_receive_latency_seconds_bucket{le="+Inf"} 4"#,
        "skimmer_receive_latency_seconds_count 4",
        "skimmer_receive_latency_seconds_sum 90.0014",
    ] {
        assert!(lines.iter().any(|found| found == line), "{line} in {lines:#?}");
    }
}

#[test]
fn queues_peers_and_gauges_have_their_values() {
    let peer = |state: &str| PeerReading { endpoint: "tcp://a".to_owned(), state: state.to_owned() };
    let status = Status {
        counters: vec![CounterReading { name: "hello_age_ms".to_owned(), cause: None, value: 1500 }],
        queues: vec![QueueReading::new("gap_buffers", "bytes", (7, 9), "…")],
        peers: vec![peer("live"), peer("live"), peer("stale"), peer("unheard of")],
        ..Status::default()
    };
    let lines = lines(scrape("subscriber-agent", of_part("delivery", status)));
    for line in [
        r#"skimmer_subscriber_state{state="live"} 2.0"#,
        r#"skimmer_subscriber_state{state="stale"} 1.0"#,
        r#"skimmer_subscriber_state{state="recovering"} 0.0"#,
        r#"skimmer_queue_depth{part="delivery",queue="gap_buffers",unit="bytes"} 7.0"#,
        r#"skimmer_queue_bound{part="delivery",queue="gap_buffers",unit="bytes"} 9.0"#,
        "skimmer_heartbeat_age_seconds 1.5",
        r#"skimmer_build_info{program="subscriber-agent",version="1.2.3"} 1.0"#,
        "skimmer_ready 1.0",
        "skimmer_uptime_seconds 7.5",
    ] {
        assert!(lines.iter().any(|found| found == line), "{line} in {lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.contains("unheard of")), "states are bounded");
}
