//! The end of a bridge's node on the other bus.

use data_services::{CallErrorKind, ServiceConfig, ServiceHandle, ServiceId};
use serde_json::{Value as Json, json};

use super::{config, names, rows, service, set};
use crate::bus::{Bus, driver_settings};
use crate::mortal_driver;
use crate::view::View;
use crate::wait::{call, status_until, until};

/// A bridge whose driver can be ended.
fn mortal(to: &Bus) -> ServiceConfig {
    let mut sets = driver_settings();
    sets[0] = "pub_sub_driver=mortal_pubsub_driver".to_owned();
    let both = config("proxy", to).option("settings", json!({"set": sets}));
    both.option("import", json!({"prefix": "p"})).option("export", json!({"prefix": "q"}))
}

async fn is_lost(caller: &ServiceHandle) -> Json {
    status_until(caller, "proxy", "it has lost the other bus", |status| status["node"].is_null()).await
}

/// In one test, as the driver ends for all.
#[tokio::test]
async fn a_bridge_whose_driver_ends_keeps_stale_mirrors_and_resumes_them() {
    let (near, far) = (Bus::new("near"), Bus::new("far"));
    let compute = service(&far, "far-1", "compute").await;
    compute.publish("vms", rows(&[1, 2])).await.unwrap();
    let brief = service(&far, "far-2", "brief").await;
    brief.publish("vms", rows(&[9])).await.unwrap();
    let cage = near.cage("near-1").await;
    let screen = near.screen("near-2").await;
    cage.create(mortal(&far)).await.unwrap();
    let mut view = View::of(&screen, "p.compute", "vms").await;
    view.until_rows(&json!([[1], [2]])).await;
    let mut brief_view = View::of(&screen, "p.brief", "vms").await;
    brief_view.until_rows(&json!([[9]])).await;
    until("the near services are mirrored", || async { names(&compute).await.contains("q.screen") }).await;

    mortal_driver::refuse(true);
    mortal_driver::end_all();
    view.until("the mirror is stale", View::is_stale).await;
    let status = is_lost(&screen).await;
    assert!(status["last_error"].as_str().is_some_and(|text| text.contains("the test")), "{status}");
    assert_eq!(status["imported"], json!(["p.brief", "p.compute"]));
    until("calls fail", || async {
        let called = screen.call("p.compute", "double", 21).await;
        called.is_err_and(|error| error.kind() == CallErrorKind::PeerLost)
    })
    .await;
    // Meanwhile the table changes, and one service stops while another begins.
    compute.publish("vms", rows(&[2, 3])).await.unwrap();
    brief.stop().await.unwrap();
    let late = service(&far, "far-3", "late").await;
    late.publish("vms", rows(&[7])).await.unwrap();
    view.drain().await;
    assert!(view.has(&json!([[1], [2]])) && view.gone == 0, "{view:?}");

    mortal_driver::refuse(false);
    view.until("the mirror is live and equal", |view| !view.is_stale() && view.has(&json!([[2], [3]]))).await;
    assert_eq!((view.gone, view.changed), (0, 2), "subscribers receive the difference");
    assert_eq!(call(&screen, "p.compute", "double", json!(21)).await.unwrap(), 42);
    View::of(&screen, "p.late", "vms").await.until_rows(&json!([[7]])).await;
    until("the near services are mirrored again", || async { names(&compute).await.contains("q.screen") })
        .await;
    brief_view.drain().await;
    assert!(
        brief_view.is_stale() && brief_view.has(&json!([[9]])),
        "as of a node that is down: {brief_view:?}"
    );

    // A bridge that is stopped while its bus is lost takes its mirrors with it.
    mortal_driver::refuse(true);
    mortal_driver::end_all();
    view.until("the mirror is stale again", View::is_stale).await;
    cage.stop(&ServiceId::new("proxy").unwrap()).await.unwrap();
    view.until("the mirror is gone", |view| view.gone == 1).await;
    until("no mirror is left", || async { names(&screen).await == set(&["screen"]) }).await;
    mortal_driver::refuse(false);
}
