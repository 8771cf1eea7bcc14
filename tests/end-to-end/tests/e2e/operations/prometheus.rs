//! A real Prometheus scrapes a service and an agent with traffic: it stores every metric, and every panel has data.
#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::collections::BTreeSet;

use end_to_end::{event, http_get, until};
use serde_json::Value;

use super::prometheus_server::{PrometheusServer, promtool};
use super::scene::{Scene, WithTraffic};

const DASHBOARD: &str = include_str!("../../../../../etc/grafana/skimmer.json");
const RULES: &str = include_str!("../../../../../etc/prometheus/skimmer.rules.yml");

/// A name that the exposition format must escape: quotation mark, backslash, line feed.
const ODD: &str = "odd \"name\" \\ with\na line feed";

/// The expressions of the dashboard, with each variable replaced by what stands for all.
fn expressions() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("the dashboard is JSON");
    let panels = dashboard["panels"].as_array().cloned().unwrap_or_default();
    let of_panel = |panel: &Value| {
        let title = panel["title"].as_str().unwrap_or_default().to_owned();
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        let expression =
            move |target: Value| (title.clone(), target["expr"].as_str().unwrap_or_default().to_owned());
        targets.into_iter().map(expression).collect::<Vec<_>>()
    };
    let filled = |(title, expression): (String, String)| {
        let expression = expression.replace("$__rate_interval", "30s");
        (title, expression.replace("$service", ".*").replace("$agent", ".*"))
    };
    panels.iter().flat_map(of_panel).map(filled).collect()
}

#[test]
fn a_real_prometheus_stores_every_declared_metric_and_every_panel_of_the_dashboard_has_data() {
    let mut scene = WithTraffic::new();
    let prometheus = PrometheusServer::start(
        &scene.folder,
        &[("publisher-service", &scene.at_service), ("subscriber-agent", &scene.at_agent)],
    );
    scene.publish(&event(ODD, "port-1", "create", "{}", ODD));
    until("Prometheus has scraped both programs", || {
        scene.publish_one();
        let up = prometheus.query("up == 1");
        (up.len() == 2).then_some(())
    });
    for metric in operations::metrics() {
        for job in ["publisher-service", "subscriber-agent"].into_iter().filter(|job| metric.is_of(job)) {
            let endings: &[&str] = match metric.kind() {
                operations::MetricKind::Histogram => &["_bucket", "_sum", "_count"],
                operations::MetricKind::Counter | operations::MetricKind::Gauge => &[""],
            };
            for ending in endings {
                let name = metric.full_name() + ending;
                let series = format!("{name}{{job=\"{job}\"}}");
                let found = until(&format!("{series} is stored"), || {
                    scene.publish_one();
                    Some(prometheus.query(&series)).filter(|found| !found.is_empty())
                });
                let labels = metric.labels();
                assert!(
                    found.iter().all(|one| labels.iter().all(|label| one["metric"][label].is_string())),
                    "{found:?}"
                );
            }
        }
    }
    for (series, label) in
        [("skimmer_events_published_total", "topic"), ("skimmer_events_applied_total", "table")]
    {
        until(&format!("{series} of the odd {label}"), || {
            prometheus.query(series).iter().find(|one| one["metric"][label] == ODD).cloned()
        });
    }
    let expressions = expressions();
    assert!(expressions.len() > 40, "{}", expressions.len());
    for (title, expression) in expressions {
        until(&format!("the panel {title:?} has data: {expression}"), || {
            scene.publish_one();
            prometheus.query(&expression).iter().any(|one| one["value"][1] != "NaN").then_some(())
        });
    }
    let metadata = prometheus.get("/api/v1/metadata?metric=skimmer_gaps_detected_total").to_string()
        + &prometheus.get("/api/v1/metadata?metric=skimmer_gaps_detected").to_string();
    assert!(metadata.contains("counter"), "{metadata}");
}

#[test]
fn the_metrics_have_what_both_programs_did() {
    // Without a database: with one, the service publishes its own row.
    let scene = Scene::new();
    let received = |endpoint: &str, line: &str| {
        let text = http_get(endpoint, "/metrics", &[]);
        assert_eq!(text.status, 200, "{text:?}");
        assert!(text.has_header("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"));
        text.body.lines().any(|found| found.starts_with(line))
    };
    let events: Vec<Value> =
        (0..20).map(|number| event("lport", &format!("port-{number}"), "create", "{}", "D")).collect();
    scene.folder.publish(&events);
    scene.agent.wait_for_events(20);
    for (endpoint, line) in [
        (&scene.at_service, "skimmer_events_received_total{hop=\"worker\"} 20.0"),
        (&scene.at_service, "skimmer_events_published_total{topic=\"D\"} 20.0"),
        (&scene.at_service, "skimmer_publish_latency_seconds_count 20"),
        (&scene.at_service, "skimmer_ready 1.0"),
        (&scene.at_agent, "skimmer_events_received_total{hop=\"network\"} "),
        (&scene.at_agent, "skimmer_events_applied_total{table=\"lport\"} 20.0"),
        (&scene.at_agent, "skimmer_receive_latency_seconds_count 20"),
        (&scene.at_agent, "skimmer_apply_latency_seconds_count 20"),
        (&scene.at_agent, "skimmer_subscriber_state{state=\"live\"} 1.0"),
    ] {
        until(line, || received(endpoint, line).then_some(()));
    }
}

#[test]
fn the_alerts_pass_their_unit_tests_and_the_example_of_a_configuration_is_valid() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../etc/prometheus");
    for arguments in [
        &["check", "rules", "skimmer.rules.yml"][..],
        &["test", "rules", "skimmer.test.yml"],
        &["check", "config", "prometheus.yml"],
    ] {
        let promtool = promtool().args(arguments).current_dir(folder).output().expect("promtool runs");
        let (out, errors) =
            (String::from_utf8_lossy(&promtool.stdout), String::from_utf8_lossy(&promtool.stderr));
        assert!(promtool.status.success(), "{arguments:?}: {out}\n{errors}");
    }
    let tests =
        std::fs::read_to_string(format!("{folder}/skimmer.test.yml")).expect("the tests of the alerts");
    for alert in RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("name: {alert} fires")), "{alert} has no test");
    }
}

#[test]
fn every_metric_that_an_alert_or_a_panel_names_is_declared() {
    let declared: BTreeSet<String> = operations::metrics().map(operations::Metric::full_name).collect();
    let is_name = |char: char| char.is_ascii_lowercase() || char == '_';
    let expressions: Vec<String> = expressions().into_iter().map(|(_, expression)| expression).collect();
    let rules =
        RULES.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let text = rules.replace("skimmer.rules", "") + &expressions.join("\n");
    let words: BTreeSet<&str> =
        text.split(|char| !is_name(char)).filter(|word| word.starts_with("skimmer_")).collect();
    assert!(words.len() > 30, "{words:?}");
    for word in words {
        let ends = ["_bucket", "_sum", "_count"].iter().filter_map(|end| word.strip_suffix(end));
        assert!(declared.contains(word) || ends.into_iter().any(|base| declared.contains(base)), "{word}");
    }
}
