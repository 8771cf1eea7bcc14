//! Results and arguments in parts on a network that loses, duplicates, reorders and delays packets.

use std::time::Duration;

use data_services::{Call, CallOptions, Node, NodeOptions, ServiceBuilder, ServiceHandle};
use faulty_driver::{Faults, FaultyNetwork};
use serde_json::json;
use tokio::time::sleep;

use crate::world::LATE_BY;

async fn join(network: &FaultyNetwork, name: &str) -> Node {
    let options = NodeOptions::new(name).unwrap().seed("faulty://a:1");
    Node::join(options, network.node_at(name, name, 1), false).await.unwrap()
}

/// A caller whose calls of `method` pass a bad network.
async fn caller(
    network: &FaultyNetwork,
    method: impl FnOnce(ServiceBuilder) -> ServiceBuilder,
) -> ([Node; 2], ServiceHandle) {
    let nodes = [join(network, "a").await, join(network, "b").await];
    let _numbers = method(nodes[0].service("numbers")).start().await.unwrap();
    let caller = nodes[1].service("caller").start().await.unwrap();
    while caller
        .call("numbers", "count", ())
        .await
        .is_err_and(|error| error.to_string().contains("no service"))
    {
        // Virtual time passes in such steps.
        sleep(Duration::from_millis(100)).await;
    }
    network.set_faults(Faults {
        loss: 0.1,
        duplication: 0.1,
        reordering: 0.2,
        late_by: LATE_BY,
        delay: Duration::ZERO..=Duration::from_millis(50),
    });
    (nodes, caller)
}

#[tokio::test(start_paused = true)]
async fn under_any_faults_parts_arrive_in_order_and_once_before_the_end() {
    for seed in 1..10 {
        fastrand::seed(seed);
        let network = FaultyNetwork::mesh(seed);
        let count = |call: Call| async move {
            for part in 0..100 {
                call.send_part(part).await?;
            }
            Ok("end")
        };
        let (_nodes, caller) = caller(&network, |service| service.method("count", count)).await;
        let options = CallOptions::within(Duration::from_secs(3000));
        let mut stream = caller.call_stream("numbers", "count", (), options).await.unwrap();
        for part in 0..100 {
            assert_eq!(stream.next().await, Some(Ok(json!(part))), "seed {seed}");
        }
        assert_eq!(stream.next().await, None, "seed {seed}");
        assert_eq!(stream.end(), Some(&json!("end")));
    }
}

#[tokio::test(start_paused = true)]
async fn under_any_faults_parts_of_arguments_arrive_in_order_and_once_before_their_end() {
    for seed in 1..10 {
        fastrand::seed(seed);
        let network = FaultyNetwork::mesh(seed);
        let count = |call: Call| async move {
            let mut parts = Vec::new();
            while let Some(part) = call.next_part().await? {
                parts.push(part);
            }
            Ok(parts)
        };
        let (_nodes, caller) = caller(&network, |service| service.method_with_parts("count", count)).await;
        let options = CallOptions::within(Duration::from_secs(3000));
        let mut upload = caller.call_with_parts("numbers", "count", (), options).await.unwrap();
        for part in 0..100 {
            upload.send(part).await.unwrap();
        }
        let parts: Vec<u64> = (0..100).collect();
        assert_eq!(upload.finish().await.unwrap(), json!(parts), "seed {seed}");
    }
}
