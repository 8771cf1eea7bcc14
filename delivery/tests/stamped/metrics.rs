use pubsub_api::{NamedCounters, Status};

use crate::fake::{batch, stamped};

fn by_topic(status: &Status) -> Vec<(String, u64)> {
    let named = status.named.iter().flat_map(|named| &named.values);
    named.map(|value| (value.of.clone(), value.value)).collect()
}

#[tokio::test]
async fn metrics_have_the_events_of_each_topic_their_latency_and_the_fill_that_the_status_has() {
    let (publisher, _fake, _inputs) = stamped(None).await;
    publisher.publish(&mut batch(&["a", "a", "b", "a"])).await.unwrap();
    publisher.publish(&mut batch(&["b"])).await.unwrap();
    let (metrics, status) = (publisher.delivery_metrics(), publisher.delivery_status());
    let counted = |of: &str, value| (of.to_owned(), value);
    assert_eq!(by_topic(&metrics), [counted("a", 3), counted("b", 2)]);
    assert_eq!(metrics.latencies.iter().map(|latency| latency.count()).collect::<Vec<_>>(), [5]);
    assert!(metrics.counter("ring_bytes_written", None) > 0);
    for name in ["ring", "topics", "workers"] {
        let of = |status: &Status| status.queues.iter().find(|queue| queue.name == name).cloned();
        assert_eq!(of(&metrics), of(&status), "{name}");
        assert!(of(&metrics).is_some(), "{name}");
    }
}

#[tokio::test]
async fn topics_beyond_the_bound_are_counted_together() {
    let (publisher, _fake, _inputs) = stamped(None).await;
    let topics: Vec<String> =
        (0..NamedCounters::MAX_NAMES + 3).map(|number| format!("topic-{number}")).collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    publisher.publish(&mut batch(&topics)).await.unwrap();
    let counted = by_topic(&publisher.delivery_metrics());
    assert_eq!(counted.len(), NamedCounters::MAX_NAMES + 1);
    assert_eq!(counted.last(), Some(&(NamedCounters::OTHER.to_owned(), 3)));
}
