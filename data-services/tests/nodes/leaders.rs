//! Services that only their leader may call (Congress: `test_replicated_pe_exec`).

use data_services::{CallErrorKind, Node, ServiceHandle};
use pubsub_api::ErrorKind;
use serde_json::json;

use crate::bus::{Bus, on_each_driver};
use crate::calls::{echo, know};
use crate::membership::mortal_node;
use crate::wait::until;

on_each_driver!(
    only_the_leader_calls_leader_only_methods_until_it_releases_the_service,
    the_leadership_of_a_crashed_node_ends_and_another_leads,
    the_leadership_of_a_service_that_stops_ends,
    names_of_methods_of_the_engine_are_refused,
);

/// A service with a method for its leader and one for everyone.
async fn driver(node: &Node) -> ServiceHandle {
    let service = node.service("driver").leader_only_method("execute", |_| async { Ok("executed") });
    service.method("read", |_| async { Ok("read") }).start().await.unwrap()
}

async fn only_the_leader_calls_leader_only_methods_until_it_releases_the_service(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await, bus.node("node-3").await];
    let _driver = driver(&nodes[0]).await;
    let (one, _) = echo(&nodes[1], "engine").await;
    let (two, _) = echo(&nodes[2], "engine").await;
    know(&nodes[1], "driver", 1).await;
    know(&nodes[2], "driver", 1).await;
    let error = one.call("driver", "execute", ()).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("no leader"), "{error}");
    let leadership = one.lead("driver").await.unwrap();
    assert_eq!((leadership.service().as_str(), leadership.node().as_str()), ("driver", "node-1"));
    assert_eq!(one.call("driver", "execute", ()).await.unwrap(), json!("executed"));
    for error in [two.call("driver", "execute", ()).await.unwrap_err(), two.lead("driver").await.unwrap_err()]
    {
        assert_eq!(error.kind(), CallErrorKind::Denied, "{error}");
        assert!(error.to_string().contains("engine on node-2"), "it names the leader: {error}");
    }
    assert_eq!(two.call("driver", "read", ()).await.unwrap(), json!("read"));
    leadership.release().await.unwrap();
    let leadership = two.lead("driver").await.unwrap();
    assert_eq!(two.call("driver", "execute", ()).await.unwrap(), json!("executed"));
    drop(leadership);
    until("a dropped leadership ends", || async { one.lead("driver").await.is_ok() }).await;
}

async fn the_leadership_of_a_crashed_node_ends_and_another_leads(bus: Bus) {
    let one = bus.node("node-1").await;
    let _driver = driver(&one).await;
    let (second, _) = echo(&one, "engine").await;
    let (runtime, two) = mortal_node(&bus, "node-2").await;
    let (first, _) = echo(&two, "engine").await;
    know(&two, "driver", 1).await;
    let _leadership = first.lead("driver").await.unwrap();
    first.call("driver", "execute", ()).await.unwrap();
    assert_eq!(second.call("driver", "execute", ()).await.unwrap_err().kind(), CallErrorKind::Denied);
    runtime.shutdown_background();
    until("another leads", || async { second.lead("driver").await.is_ok() }).await;
    let _leadership = second.lead("driver").await.unwrap();
    assert_eq!(second.call("driver", "execute", ()).await.unwrap(), json!("executed"));
}

async fn the_leadership_of_a_service_that_stops_ends(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let _driver = driver(&nodes[0]).await;
    let (one, _) = echo(&nodes[1], "engine-1").await;
    let (two, _) = echo(&nodes[1], "engine-2").await;
    know(&nodes[0], "engine-1", 1).await;
    know(&nodes[1], "driver", 1).await;
    let _leadership = one.lead("driver").await.unwrap();
    assert_eq!(two.lead("driver").await.unwrap_err().kind(), CallErrorKind::Denied);
    one.stop().await.unwrap();
    until("another leads", || async { two.lead("driver").await.is_ok() }).await;
}

async fn names_of_methods_of_the_engine_are_refused(bus: Bus) {
    let node = bus.node("node-1").await;
    let started = node.service("s").method("$lead", |_| async { Ok(()) }).start().await;
    assert_eq!(started.unwrap_err().kind(), ErrorKind::Invalid);
}
