//! The kind `bridge`, between buses of the memory driver.

mod changes;
mod losses;

use std::collections::{BTreeMap, BTreeSet};

use data_services::{
    Cage, Call, CallError, CallErrorKind, KeyColumns, Row, ServiceConfig, ServiceHandle, ServiceId,
    ServiceState,
};
use pubsub_api::ErrorKind;
use serde_json::{Value as Json, json};

use crate::bus::{Bus, driver_settings};
use crate::view::View;
use crate::wait::{call, status_until, until};

fn rows(numbers: &[u64]) -> Vec<Row> {
    numbers.iter().map(|number| Row::of(&(number,)).unwrap()).collect()
}

/// A bridge to another bus.
fn config(id: &str, to: &Bus) -> ServiceConfig {
    ServiceConfig::new(id, "bridge")
        .option("bus", to.name())
        .option("seeds", json!([to.seed()]))
        .option("settings", json!({"set": driver_settings()}))
        .option("interval", "50ms")
}

/// A service with a table, an address and a method.
async fn service(bus: &Bus, node: &str, name: &str) -> ServiceHandle {
    let node = bus.node(node).await;
    let service = node
        .service(name)
        .address(format!("{name}.instance.update"))
        .table("vms", KeyColumns::Positions(vec![0]))
        .method("double", |call: Call| async move { Ok(2 * call.arguments::<u64>()?) })
        .method("fail", |_| async { Err::<(), _>(CallError::new(CallErrorKind::Denied, "not you")) })
        .start();
    service.await.unwrap()
}

/// The services that a node sees on its bus, apart from hidden ones.
async fn names(service: &ServiceHandle) -> BTreeSet<String> {
    let services = service.node().report().await.unwrap().services;
    services.iter().filter(|one| !one.service.is_hidden()).map(|one| one.service.to_string()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn services_of_another_bus_are_mirrored_with_tables_addresses_and_methods() {
    let (near, far) = (Bus::new("near"), Bus::new("far"));
    let compute = service(&far, "far-1", "compute").await;
    compute.publish("vms", rows(&[1, 2])).await.unwrap();
    let other = service(&far, "far-2", "other").await;
    let cage = near.cage("near-1").await;
    let screen = near.screen("near-2").await;
    let import = json!({"prefix": "openstack1", "services": ["compute.#"]});
    cage.create(config("proxy", &far).option("import", import)).await.unwrap();
    let mut by_name = View::of(&screen, "openstack1.compute", "vms").await;
    let mut by_address = View::of(&screen, "openstack1.compute.instance.update", "vms").await;
    by_name.until_rows(&json!([[1], [2]])).await;
    by_address.until_rows(&json!([[1], [2]])).await;
    compute.change("vms", rows(&[3]), vec![]).await.unwrap();
    by_name.until_rows(&json!([[1], [2], [3]])).await;
    assert_eq!((by_name.gone, by_address.gone), (0, 0));
    assert_eq!(call(&screen, "openstack1.compute", "double", json!(21)).await.unwrap(), 42);
    for (method, kind) in [("fail", CallErrorKind::Denied), ("no", CallErrorKind::NoMethod)] {
        let error = call(&screen, "openstack1.compute", method, Json::Null).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    let error = call(&screen, "openstack1.compute", "double", json!("x")).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::BadArguments);
    assert_eq!(names(&screen).await, set(&["openstack1.compute", "proxy", "screen"]));
    assert_eq!(names(&other).await, set(&["compute", "other"]));
    let status = status_until(&screen, "proxy", "it runs", |_| true).await;
    assert_eq!((&status["imported"], &status["exported"]), (&json!(["openstack1.compute"]), &json!([])));
}

#[tokio::test]
async fn a_mirror_is_stale_and_gone_with_its_service_and_follows_its_declaration() {
    let (near, far) = (Bus::new("near"), Bus::new("far"));
    let compute = service(&far, "far-1", "compute").await;
    compute.publish("vms", rows(&[1])).await.unwrap();
    let cage = near.cage("near-1").await;
    let screen = near.screen("near-2").await;
    cage.create(config("proxy", &far).option("import", json!({"prefix": "p"}))).await.unwrap();
    let mut view = View::of(&screen, "p.compute", "vms").await;
    view.until_rows(&json!([[1]])).await;
    compute.set_stale("vms", Some("its poll fails".to_owned())).await.unwrap();
    view.until("the mirror is stale", View::is_stale).await;
    compute.set_stale("vms", None).await.unwrap();
    view.until("the mirror is live", |view| !view.is_stale()).await;
    let node = compute.node().clone();
    let more = node
        .service("compute")
        .table("vms", KeyColumns::Positions(vec![0]))
        .table("more", KeyColumns::Row)
        .method("triple", |call: Call| async move { Ok(3 * call.arguments::<u64>()?) })
        .replace()
        .await
        .unwrap();
    until("the new method is mirrored", || async {
        screen.call("p.compute", "triple", 1).await.is_ok_and(|result| result == 3)
    })
    .await;
    View::of(&screen, "p.compute", "more").await.until("the new table", View::is_known).await;
    view.drain().await;
    assert!(view.has(&json!([[1]])) && view.gone == 0, "{view:?}");
    more.stop().await.unwrap();
    view.until("the mirror is gone", |view| view.gone == 1).await;
    until("the service is gone", || async { names(&screen).await == set(&["proxy", "screen"]) }).await;
}

#[tokio::test]
async fn a_source_that_is_silent_is_stale_at_the_mirror_and_its_rows_stay() {
    let (near, far) = (Bus::new("near"), Bus::new("far"));
    let seed = far.node("far-1").await;
    // A node on a runtime of its own, which ends without a goodbye.
    let options = far.options("far-2");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let node = runtime.spawn(async move { crate::bus::join_with(options).await }).await.unwrap();
    let start = async move {
        let service = node.service("compute").table("vms", KeyColumns::Row).start().await.unwrap();
        service.publish("vms", rows(&[1])).await.unwrap();
    };
    runtime.spawn(start).await.unwrap();
    let cage = near.cage("near-1").await;
    let screen = near.screen("near-2").await;
    cage.create(config("proxy", &far).option("import", json!({"prefix": "p"}))).await.unwrap();
    let mut view = View::of(&screen, "p.compute", "vms").await;
    view.until_rows(&json!([[1]])).await;
    runtime.shutdown_background();
    view.until("the mirror is stale", View::is_stale).await;
    until("the node is down", || async {
        let peers = seed.report().await.unwrap().peers;
        peers.iter().any(|peer| peer.peer.node.as_str() == "far-2" && peer.state == "down")
    })
    .await;
    view.drain().await;
    assert!(view.has(&json!([[1]])) && view.gone == 0, "stale rows stay readable: {view:?}");
}

#[tokio::test]
async fn a_bridge_mirrors_both_ways_and_sends_nothing_back() {
    let (east, west) = (Bus::new("east"), Bus::new("west"));
    let one = service(&east, "east-1", "nova").await;
    let two = service(&west, "west-1", "nova").await;
    one.publish("vms", rows(&[1])).await.unwrap();
    two.publish("vms", rows(&[2])).await.unwrap();
    let cage = east.cage("east-2").await;
    let both = |config: ServiceConfig| {
        config.option("import", json!({"prefix": "west"})).option("export", json!({"prefix": "east"}))
    };
    cage.create(both(config("bridge-1", &west))).await.unwrap();
    View::of(&one, "west.nova", "vms").await.until_rows(&json!([[2]])).await;
    View::of(&two, "east.nova", "vms").await.until_rows(&json!([[1]])).await;
    // A second bridge between the same buses must not carry back what the first has brought.
    let again = east.cage("east-3").await;
    again.create(both(config("bridge-2", &west))).await.unwrap();
    let status = |name: &'static str, polls: u64| {
        let caller = one.clone();
        async move {
            status_until(&caller, name, "it compares", |status| {
                status["number_of_updates"].as_u64() >= Some(polls)
            })
            .await
        }
    };
    let polls = status("bridge-1", 1).await["number_of_updates"].as_u64().unwrap();
    status("bridge-1", polls + 10).await;
    status("bridge-2", 10).await;
    // Each bridge exports the other's service `bridge-…`, which is an ordinary one of this bus.
    assert_eq!(names(&one).await, set(&["bridge-1", "bridge-2", "nova", "west.nova"]));
    assert_eq!(names(&two).await, set(&["east.bridge-1", "east.bridge-2", "east.nova", "nova"]));
    cage.stop(&ServiceId::new("bridge-1").unwrap()).await.unwrap();
    again.stop(&ServiceId::new("bridge-2").unwrap()).await.unwrap();
    until("the mirrors are gone", || async {
        names(&one).await == set(&["nova"]) && names(&two).await == set(&["nova"])
    })
    .await;
}

#[tokio::test]
async fn a_ring_of_three_buses_makes_no_loop() {
    let buses = [Bus::new("a"), Bus::new("b"), Bus::new("c")];
    let mut services = Vec::new();
    for (bus, name) in buses.iter().zip(["xa", "xb", "xc"]) {
        services.push(service(bus, "n-1", name).await);
    }
    let mut cages: Vec<Cage> = Vec::new();
    // Each bus imports from the one before.
    for (at, bus) in buses.iter().enumerate() {
        let from = &buses[(at + 2) % 3];
        let cage = bus.cage("n-2").await;
        let import = json!({"prefix": from.name()});
        cage.create(config("ring", from).option("import", import)).await.unwrap();
        cages.push(cage);
    }
    let expected: BTreeMap<&str, BTreeSet<String>> = BTreeMap::from([
        ("a", set(&["c.b.ring", "c.b.xb", "c.ring", "c.xc", "ring", "xa"])),
        ("b", set(&["a.c.ring", "a.c.xc", "a.ring", "a.xa", "ring", "xb"])),
        ("c", set(&["b.a.ring", "b.a.xa", "b.ring", "b.xb", "ring", "xc"])),
    ]);
    for (bus, service) in buses.iter().zip(&services) {
        until("every service has gone round", || async { names(service).await == expected[bus.name()] })
            .await;
    }
    let mut polls = Vec::new();
    for service in &services {
        polls.push(
            status_until(service, "ring", "it runs", |_| true).await["number_of_updates"].as_u64().unwrap(),
        );
    }
    for (service, polls) in services.iter().zip(polls) {
        let later = |status: &Json| status["number_of_updates"].as_u64() >= Some(polls + 10);
        status_until(service, "ring", "ten more comparisons", later).await;
    }
    for (bus, service) in buses.iter().zip(&services) {
        assert_eq!(names(service).await, expected[bus.name()], "nothing more is mirrored on {}", bus.name());
    }
    services[0].publish("vms", rows(&[7])).await.unwrap();
    View::of(&services[2], "b.a.xa", "vms").await.until_rows(&json!([[7]])).await;
    assert_eq!(call(&services[2], "b.a.xa", "double", json!(4)).await.unwrap(), 8, "a call over two bridges");
}

#[tokio::test]
async fn two_buses_of_one_name_and_a_bridge_without_direction_are_refused() {
    let (near, far) = (Bus::new("bus"), Bus::new("bus"));
    let _far = far.node("far-1").await;
    let cage = near.cage("near-1").await;
    let screen = near.screen("near-2").await;
    let error = cage.create(config("proxy", &far)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Settings);
    assert!(error.to_string().contains("without `import` or `export`"), "{error}");
    cage.create(config("proxy", &far).option("import", json!({"prefix": "p"}))).await.unwrap();
    until("the bridge is refused, again and again", || async {
        let services = screen.node().report().await.unwrap().services;
        services.iter().any(|one| one.service.as_str() == "proxy" && one.state == ServiceState::Restarting)
    })
    .await;
    assert_eq!(names(&screen).await, set(&["proxy", "screen"]));
}
