//! Services that come and go, and bridges that are reloaded.

use data_services::ServiceId;
use serde_json::{Value as Json, json};

use super::{config, names, rows, service, set};
use crate::bus::Bus;
use crate::view::View;
use crate::wait::{call, status_until, until};

#[tokio::test]
async fn services_that_start_and_stop_are_mirrored_without_waiting_for_the_interval() {
    let (near, far) = (Bus::new("near"), Bus::new("far"));
    let _seed = far.node("far-1").await;
    let cage = near.cage("near-1").await;
    let screen = near.screen("near-2").await;
    let both = config("proxy", &far).option("interval", "1h").option("import", json!({"prefix": "there"}));
    cage.create(both.option("export", json!({"prefix": "here"}))).await.unwrap();
    status_until(&screen, "proxy", "it runs", |status| status["initialized"] == true).await;
    let (compute, other) = (service(&far, "far-2", "compute").await, service(&near, "near-3", "other").await);
    View::of(&screen, "there.compute", "vms").await.until_rows(&json!([])).await;
    View::of(&compute, "here.other", "vms").await.until_rows(&json!([])).await;
    compute.stop().await.unwrap();
    other.stop().await.unwrap();
    until("the mirrors are gone", || async {
        names(&screen).await == set(&["proxy", "screen"])
            && names(&compute).await == set(&["here.proxy", "here.screen"])
    })
    .await;
}

#[tokio::test]
async fn a_reload_keeps_the_mirrors_that_are_still_wanted_with_rows_and_subscribers() {
    let (near, far) = (Bus::new("near"), Bus::new("far"));
    let compute = service(&far, "far-1", "compute").await;
    compute.publish("vms", rows(&[1])).await.unwrap();
    let here = service(&near, "near-3", "here").await;
    here.publish("vms", rows(&[2])).await.unwrap();
    let cage = near.cage("near-1").await;
    let screen = near.screen("near-2").await;
    let bridge = config("proxy", &far).option("import", json!({"prefix": "p"}));
    let first = bridge.clone().option("export", json!({"prefix": "q"}));
    cage.create(first.clone()).await.unwrap();
    let mut imported = View::of(&screen, "p.compute", "vms").await;
    imported.until_rows(&json!([[1]])).await;
    let mut exported = View::of(&compute, "q.here", "vms").await;
    exported.until_rows(&json!([[2]])).await;
    let node = |status: &Json| status["node"].clone();
    let before =
        node(&status_until(&screen, "proxy", "it runs", |status| status["initialized"] == true).await);

    // A reload with other options of the same bus.
    cage.reload(first.option("interval", "75ms")).await.unwrap();
    let status =
        status_until(&screen, "proxy", "it runs again", |status| status["initialized"] == true).await;
    assert_eq!(node(&status), before, "the bridge stays on the other bus");
    compute.publish("vms", rows(&[1, 3])).await.unwrap();
    imported.until_rows(&json!([[1], [3]])).await;
    here.publish("vms", rows(&[2, 4])).await.unwrap();
    exported.until_rows(&json!([[2], [4]])).await;
    assert_eq!((imported.gone, exported.gone), (0, 0));
    assert_eq!(call(&screen, "p.compute", "double", json!(4)).await.unwrap(), 8);

    // A reload that ends one direction and narrows the other one.
    let none = bridge.option("import", json!({"prefix": "p", "services": ["other"]}));
    cage.reload(none).await.unwrap();
    imported.until("the mirror is not wanted any more", |view| view.gone == 1).await;
    exported.until("nothing is exported any more", |view| view.gone == 1).await;
    cage.stop(&ServiceId::new("proxy").unwrap()).await.unwrap();
    until("the bridge has left", || async { names(&compute).await == set(&["compute"]) }).await;
}
