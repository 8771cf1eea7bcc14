//! Leaders of services on a network that is cut and healed.

use std::time::Duration;

use data_services::{CallErrorKind, Leadership, Node, NodeOptions, ServiceHandle};
use faulty_driver::FaultyNetwork;
use serde_json::json;
use tokio::time::{Instant, sleep};

/// How long anything takes at most, in virtual time.
const PATIENCE: Duration = Duration::from_secs(60);

async fn join(network: &FaultyNetwork, name: &str) -> Node {
    let options = NodeOptions::new(name).unwrap().seed("faulty://a:1");
    Node::join(options, network.node_at(name, name, 1), false).await.unwrap()
}

async fn engine(node: &Node) -> ServiceHandle {
    node.service("engine").start().await.unwrap()
}

async fn until_leader(service: &ServiceHandle) -> Leadership {
    let began = Instant::now();
    loop {
        if let Ok(leadership) = service.lead("driver").await {
            return leadership;
        }
        assert!(began.elapsed() < PATIENCE, "it does not become the leader");
        // Virtual time passes in such steps.
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_is_followed_by_another_and_is_not_obeyed_after_the_heal() {
    for seed in 1..4 {
        fastrand::seed(seed);
        let network = FaultyNetwork::mesh(seed);
        let nodes = [join(&network, "a").await, join(&network, "b").await, join(&network, "c").await];
        let driver = nodes[0].service("driver").leader_only_method("execute", |_| async { Ok(1) });
        let _driver = driver.start().await.unwrap();
        let (first, second) = (engine(&nodes[1]).await, engine(&nodes[2]).await);
        let _leadership = until_leader(&first).await;
        assert_eq!(first.call("driver", "execute", ()).await.unwrap(), json!(1));
        network.partition(&["b"], &["a", "c"]);
        let began = Instant::now();
        let _leadership = until_leader(&second).await;
        assert!(began.elapsed() >= Duration::from_secs(4), "a short silence ends no leadership");
        network.heal();
        let began = Instant::now();
        // The former leader finds the service again, and learns that it does not lead it.
        loop {
            let error = first.call("driver", "execute", ()).await.unwrap_err();
            if error.kind() == CallErrorKind::Denied {
                assert!(error.to_string().contains("engine on c"), "{error}");
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{error}");
            // Virtual time passes in such steps.
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(second.call("driver", "execute", ()).await.unwrap(), json!(1));
    }
}
