//! Which service a call reaches when services come and go.

use data_services::{Call, CallErrorKind, Node, ServiceHandle};
use serde_json::json;

use crate::bus::{Bus, on_each_driver};
use crate::wait::until;

on_each_driver!(
    a_call_goes_to_another_node_when_the_service_of_its_own_has_stopped,
    a_stopped_service_is_reached_by_none_of_its_addresses,
);

/// Starts a service that returns the name of its node.
async fn named(node: &Node, service: &str) -> ServiceHandle {
    let name = node.instance().node.to_string();
    let builder = node.service(service).address("sites.#").method("name", move |_: Call| {
        let name = name.clone();
        async move { Ok(name) }
    });
    builder.start().await.unwrap()
}

async fn a_call_goes_to_another_node_when_the_service_of_its_own_has_stopped(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let caller = one.service("caller").start().await.unwrap();
    let own = named(&one, "engine").await;
    let _other = named(&two, "engine").await;
    until("both are known", || async { caller.call_all("engine", "name", ()).await.unwrap().len() == 2 })
        .await;
    for _ in 0..5 {
        assert_eq!(caller.call("engine", "name", ()).await.unwrap(), json!("node-1"));
    }
    own.stop().await.unwrap();
    for _ in 0..5 {
        assert_eq!(caller.call("engine", "name", ()).await.unwrap(), json!("node-2"));
    }
}

async fn a_stopped_service_is_reached_by_none_of_its_addresses(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let caller = two.service("caller").start().await.unwrap();
    let service = named(&one, "boston").await;
    until("it is known", || async { caller.call("sites.a.b", "name", ()).await.is_ok() }).await;
    service.stop().await.unwrap();
    for address in ["boston", "sites", "sites.a.b"] {
        until("it is gone", || async {
            let result = caller.call(address, "name", ()).await;
            result.is_err_and(|error| error.kind() == CallErrorKind::NoService)
        })
        .await;
    }
    let again = named(&one, "boston").await;
    until("it is back", || async { caller.call("sites", "name", ()).await.is_ok() }).await;
    again.stop().await.unwrap();
}
