//! Services that change what they declare while they run.

use data_services::{BusId, KeyColumns, TableEvent};
use pubsub_api::ErrorKind;

use crate::bus::{Bus, on_each_driver, rows};
use crate::wait::{next_event, next_rows, until};

on_each_driver!(
    a_transaction_adds_and_ends_tables_with_their_rows,
    a_transaction_that_is_refused_declares_nothing,
    a_service_that_replaces_another_keeps_the_tables_that_it_asks_for,
    a_table_that_its_publisher_marks_is_stale_until_it_is_live_again,
);

async fn a_transaction_adds_and_ends_tables_with_their_rows(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").start().await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let mut p = subscriber.subscribe("b", "p").await.unwrap();
    let declared = publisher.transaction().declare("p", KeyColumns::Row).declare("q", KeyColumns::Row);
    assert_eq!(declared.publish("p", rows([1])).commit().await.unwrap(), 1);
    let TableEvent::Snapshot { rows: seen, .. } = next_rows(&mut p).await else { panic!("a snapshot") };
    assert_eq!(seen, rows([1]), "the rows are there with the table");
    let again =
        publisher.transaction().declare("p", KeyColumns::Row).publish("p", rows([1, 2])).commit().await;
    assert_eq!(again.unwrap(), 1, "a table that is declared again keeps its rows");
    assert!(matches!(next_rows(&mut p).await, TableEvent::Change { .. }));
    publisher.transaction().withdraw("p").withdraw("none").commit().await.unwrap();
    let TableEvent::Gone { removed, .. } = next_rows(&mut p).await else { panic!("gone") };
    assert_eq!(removed, rows([1, 2]));
    let tables = publisher.tables().await.unwrap();
    assert_eq!(tables.keys().map(data_services::TableId::as_str).collect::<Vec<_>>(), ["q"]);
}

async fn a_transaction_that_is_refused_declares_nothing(bus: Bus) {
    let node = bus.node("node-1").await;
    let service = node.service("b").table("old", KeyColumns::Row).start().await.unwrap();
    let new = service.transaction().declare("new", KeyColumns::Fields(vec!["id".into()])).withdraw("old");
    let error = new.publish("new", rows([1])).commit().await.unwrap_err();
    assert!(error.to_string().contains("lacks a key column"), "{error}");
    assert_eq!(service.tables().await.unwrap().len(), 1);
    assert_eq!(service.publish("old", rows([1])).await.unwrap(), 1);
    assert_eq!(service.publish("new", vec![]).await.unwrap_err().kind(), ErrorKind::NotFound);
}

async fn a_service_that_replaces_another_keeps_the_tables_that_it_asks_for(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let first =
        one.service("b").table("p", KeyColumns::Row).table("q", KeyColumns::Row).start().await.unwrap();
    first.publish("p", rows([1])).await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let mut p = subscriber.subscribe("b", "p").await.unwrap();
    let mut q = subscriber.subscribe("b", "q").await.unwrap();
    next_rows(&mut p).await;
    next_rows(&mut q).await;
    let buses = vec![BusId::new("other").unwrap()];
    let second = one.service("b").keep_tables().mirrored_from(buses.clone()).replace().await.unwrap();
    until("the new declaration is known", || async {
        let services = two.report().await.unwrap().services;
        services.iter().any(|one| one.mirrored_from == buses && one.tables.len() == 2)
    })
    .await;
    second.publish("p", rows([1, 2])).await.unwrap();
    let TableEvent::Change { change, .. } = next_rows(&mut p).await else { panic!("the rows were kept") };
    assert_eq!(change.added, rows([2]));
    one.service("b").table("p", KeyColumns::Row).replace().await.unwrap();
    assert!(matches!(next_rows(&mut q).await, TableEvent::Gone { .. }), "it is not declared any more");
    second.publish("p", rows([2])).await.unwrap();
    assert!(matches!(next_rows(&mut p).await, TableEvent::Change { .. }));
}

async fn a_table_that_its_publisher_marks_is_stale_until_it_is_live_again(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").table("p", KeyColumns::Row).start().await.unwrap();
    publisher.publish("p", rows([1])).await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let mut early = subscriber.subscribe("b", "p").await.unwrap();
    while !matches!(next_event(&mut early).await, TableEvent::Live { .. }) {}
    publisher.set_stale("p", Some("ü".repeat(150))).await.unwrap();
    let reason = loop {
        if let TableEvent::Stale { reason, .. } = next_event(&mut early).await {
            break reason;
        }
    };
    assert_eq!(reason, "ü".repeat(100), "200 bytes of it");
    let mut late = subscriber.subscribe("b", "p").await.unwrap();
    assert!(matches!(next_event(&mut late).await, TableEvent::Snapshot { .. }));
    assert!(matches!(next_event(&mut late).await, TableEvent::Stale { .. }));
    publisher.set_stale("p", None).await.unwrap();
    for subscription in [&mut early, &mut late] {
        while !matches!(next_event(subscription).await, TableEvent::Live { .. }) {}
    }
    let error = publisher.set_stale("q", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
