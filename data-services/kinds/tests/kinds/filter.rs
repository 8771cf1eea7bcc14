//! The kind `filter`.

use data_services::{KeyColumns, Node, Row, ServiceConfig, ServiceHandle};
use pubsub_api::ErrorKind;
use serde_json::{Value as Json, json};

use crate::bus::Bus;
use crate::view::View;
use crate::wait::{has_error, status_until};

fn rows(rows: &Json) -> Vec<Row> {
    rows.as_array().unwrap().iter().cloned().map(Row::from_json).collect::<pubsub_api::Result<_>>().unwrap()
}

async fn publisher(node: &Node, service: &str) -> ServiceHandle {
    let service = node.service(service).address("vSphere.node.list");
    service.table("hosts", KeyColumns::Fields(vec!["name".into()])).start().await.unwrap()
}

fn config() -> ServiceConfig {
    ServiceConfig::new("large", "filter")
        .option("address", "vSphere.node.list")
        .option("table", "hosts")
        .option("where", json!([{"field": "cores", "above": 8}]))
        .option("columns", json!(["name"]))
        .option("publisher_column", "at")
}

#[tokio::test]
async fn rows_of_all_publishers_that_fulfil_the_conditions_are_one_table() {
    let bus = Bus::new("bus");
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let cage = bus.cage("node-3").await;
    let screen = bus.screen("node-4").await;
    let boston = publisher(&one, "vSphere.Boston").await;
    boston
        .publish("hosts", rows(&json!([{"name": "a", "cores": 8}, {"name": "b", "cores": 16}])))
        .await
        .unwrap();
    cage.create(config()).await.unwrap();
    let mut large = View::of(&screen, "large", "hosts").await;
    let (at_boston, at_chicago) = ("vSphere.Boston on node-1", "vSphere.Chicago on node-2");
    large.until_rows(&json!([{"at": at_boston, "name": "b"}])).await;
    let chicago = publisher(&two, "vSphere.Chicago").await;
    chicago.publish("hosts", rows(&json!([{"name": "b", "cores": 32}]))).await.unwrap();
    large.until_rows(&json!([{"at": at_boston, "name": "b"}, {"at": at_chicago, "name": "b"}])).await;
    large.changed = 0;
    boston
        .change("hosts", rows(&json!([{"name": "a", "cores": 9}, {"name": "b", "cores": 17}])), vec![])
        .await
        .unwrap();
    let expected = json!([
        {"at": at_boston, "name": "a"}, {"at": at_boston, "name": "b"}, {"at": at_chicago, "name": "b"}
    ]);
    large.until_rows(&expected).await;
    assert_eq!(large.changed, 1, "a row whose columns are the same is not sent again");
    chicago.stop().await.unwrap();
    large.until_rows(&json!([{"at": at_boston, "name": "a"}, {"at": at_boston, "name": "b"}])).await;
    assert_eq!(large.gone, 0);
}

#[tokio::test]
async fn a_filter_is_stale_and_gone_with_its_source() {
    let bus = Bus::new("bus");
    let node = bus.node("node-1").await;
    let cage = bus.cage("node-2").await;
    let screen = bus.screen("node-3").await;
    cage.create(config()).await.unwrap();
    let mut large = View::of(&screen, "large", "hosts").await;
    for _ in 0..2 {
        let boston = publisher(&node, "vSphere.Boston").await;
        boston.publish("hosts", rows(&json!([{"name": "b", "cores": 16}]))).await.unwrap();
        large.until("the row is there", |view| view.rows().len() == 1).await;
        boston.set_stale("hosts", Some("its disk is full".to_owned())).await.unwrap();
        large.until("the filter is stale", View::is_stale).await;
        assert_eq!(large.rows().len(), 1);
        boston.set_stale("hosts", None).await.unwrap();
        large.until("the filter is live", |view| !view.is_stale()).await;
        boston.stop().await.unwrap();
        large.until("the table is gone", |view| !view.is_known()).await;
    }
    assert_eq!(large.gone, 2);
}

#[tokio::test]
async fn a_reload_with_other_conditions_keeps_the_subscribers() {
    let bus = Bus::new("bus");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    let boston = publisher(screen.node(), "vSphere.Boston").await;
    boston
        .publish("hosts", rows(&json!([{"name": "a", "cores": 8}, {"name": "b", "cores": 16}])))
        .await
        .unwrap();
    cage.create(config()).await.unwrap();
    let mut large = View::of(&screen, "large", "hosts").await;
    let at = "vSphere.Boston on node-2";
    large.until_rows(&json!([{"at": at, "name": "b"}])).await;
    cage.reload(config().option("where", json!([]))).await.unwrap();
    large.until_rows(&json!([{"at": at, "name": "a"}, {"at": at, "name": "b"}])).await;
    assert_eq!((large.gone, large.changed), (0, 1));
}

#[tokio::test]
async fn an_array_is_filtered_by_position_and_a_filter_does_not_read_itself() {
    let bus = Bus::new("bus");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    let source = screen.node().service("source").table("t", KeyColumns::Row).start().await.unwrap();
    source.publish("t", rows(&json!([["a", 1], ["b", 2]]))).await.unwrap();
    let config = ServiceConfig::new("all", "filter")
        .option("address", "#")
        .option("table", "t")
        .option("where", json!([{"field": 0, "equals": "b"}]))
        .option("columns", json!([1]))
        .option("key", json!([0]));
    cage.create(config).await.unwrap();
    let mut view = View::of(&screen, "all", "t").await;
    view.until_rows(&json!([[2]])).await;
    source.publish("t", rows(&json!([["b", 3]]))).await.unwrap();
    view.until_rows(&json!([[3]])).await;
}

#[tokio::test]
async fn rows_without_a_key_column_are_left_out_and_reported() {
    let bus = Bus::new("bus");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    let boston = publisher(screen.node(), "vSphere.Boston").await;
    boston.publish("hosts", rows(&json!([{"name": "a", "x": 1}, {"name": "b"}]))).await.unwrap();
    let config = ServiceConfig::new("keyed", "filter")
        .option("address", "vSphere.Boston")
        .option("table", "hosts")
        .option("publish_as", "xs")
        .option("key", json!(["x"]));
    cage.create(config).await.unwrap();
    View::of(&screen, "keyed", "xs").await.until_rows(&json!([{"name": "a", "x": 1}])).await;
    status_until(&screen, "keyed", "the error is shown", |status| {
        has_error(status, "1 rows lack a key column")
    })
    .await;
}

#[tokio::test]
async fn wrong_options_are_refused() {
    let bus = Bus::new("bus");
    let cage = bus.cage("node-1").await;
    for (option, value, says) in [
        ("address", json!("$x"), "begins with `$`"),
        ("where", json!([{"field": "a"}]), "asks for nothing"),
        ("where", json!([{"field": "a", "like": "b"}]), "unknown field `like`"),
        ("columns", json!([0, "a"]), "not both"),
    ] {
        let error = cage.create(config().option(option, value)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings, "{error}");
        assert!(error.to_string().contains(says), "{option}: {error}");
    }
}
