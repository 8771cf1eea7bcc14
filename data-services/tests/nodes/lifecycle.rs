//! Nodes and services start and stop.

use data_services::KeyColumns;
use pubsub_api::ErrorKind;
use tokio::time::timeout;

use crate::bus::{Bus, on_each_driver};
use crate::wait::{PATIENCE, ended, until};

on_each_driver!(
    a_node_knows_its_services_and_those_of_others_hidden_ones_included,
    a_second_service_of_one_name_is_refused_on_a_node,
    invalid_names_are_refused,
    a_node_that_has_left_refuses_everything,
    changes_of_the_registry_are_reported_however_slow_the_reader_is,
);

async fn a_node_knows_its_services_and_those_of_others_hidden_ones_included(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let _a = one
        .service("test1")
        .table("t", KeyColumns::Row)
        .method("m", |_| async { Ok(()) })
        .start()
        .await
        .unwrap();
    let b = two.service("test2").start().await.unwrap();
    let _c = two.service("_hidden").start().await.unwrap();
    for node in [&one, &two] {
        until("all services are known", || async {
            let services = node.report().await.unwrap().services;
            let mut names: Vec<_> = services.iter().map(|one| one.service.to_string()).collect();
            names.sort_unstable();
            names == ["_hidden", "test1", "test2"]
        })
        .await;
    }
    let services = two.report().await.unwrap().services;
    let test1 = services.iter().find(|one| one.service.as_str() == "test1").unwrap();
    assert_eq!((test1.tables.len(), test1.methods.len(), test1.node.as_str()), (1, 1, "node-1"));
    b.stop().await.unwrap();
    until("the stopped service is gone", || async { one.report().await.unwrap().services.len() == 2 }).await;
}

async fn a_second_service_of_one_name_is_refused_on_a_node(bus: Bus) {
    let node = bus.node("node-1").await;
    let _first = node.service("a").start().await.unwrap();
    let error = node.service("a").start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("already runs a service a"), "{error}");
}

async fn invalid_names_are_refused(bus: Bus) {
    let node = bus.node("node-1").await;
    for service in [
        node.service("a..b"),
        node.service("a").table("", KeyColumns::Row),
        node.service("a").address("$x"),
        node.service("a").method("", |_| async { Ok(()) }),
    ] {
        assert_eq!(service.start().await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    let service = node.service("a").start().await.unwrap();
    assert_eq!(service.subscribe("", "t").await.unwrap_err().kind(), ErrorKind::Invalid);
}

async fn a_node_that_has_left_refuses_everything(bus: Bus) {
    let node = bus.node("node-1").await;
    let service = node.service("a").table("t", KeyColumns::Row).start().await.unwrap();
    let mut subscription = service.subscribe("a", "t").await.unwrap();
    node.leave().await;
    while subscription.next().await.is_some() {}
    assert_eq!(service.publish("t", vec![]).await.unwrap_err().kind(), ErrorKind::Closed);
    let error = node.service("b").start().await.unwrap_err();
    assert!(error.to_string().contains("it has left"), "{error}");
    assert_eq!(ended(&node).await.kind(), ErrorKind::Closed);
    node.leave().await;
}

async fn changes_of_the_registry_are_reported_however_slow_the_reader_is(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let mut changes = two.registry_changes();
    let mut services = Vec::new();
    for number in 0..50 {
        services.push(one.service(format!("s-{number}")).start().await.unwrap());
    }
    let mut known = 0;
    while known < 50 {
        timeout(PATIENCE, changes.changed()).await.unwrap().unwrap();
        known = two.report().await.unwrap().services.len();
    }
    services[0].stop().await.unwrap();
    while known != 49 {
        timeout(PATIENCE, changes.changed()).await.unwrap().unwrap();
        known = two.report().await.unwrap().services.len();
    }
    two.leave().await;
    let ended = async { while changes.changed().await.is_ok() {} };
    timeout(PATIENCE, ended).await.unwrap();
}
