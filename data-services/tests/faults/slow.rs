//! Handlers and readers that are slow.

use std::time::Duration;

use data_services::CallErrorKind;

use crate::station::{How, Role};
use crate::truth::edit;
use crate::world::World;

/// How long the callers of the slow method wait.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn a_slow_handler_delays_nobody_and_its_callers_get_an_error_at_their_deadline() {
    for mut world in [World::mesh(7), World::broker(7)] {
        for name in ["a", "b", "c"] {
            world.start(name, Role::All).await;
        }
        for round in 0..40 {
            world.station("b").call("a", Duration::from_secs(600), PATIENCE, None);
            // The same service, another one of the same node, and another node.
            for (from, to) in [("b", "a"), ("a", "a"), ("c", "b")] {
                world.station(from).call(to, Duration::ZERO, 2 * PATIENCE, None);
            }
            world.station("a").commit(&["left", "right"], How::Difference, edit(round)).await;
            world.run(Duration::from_millis(250)).await;
        }
        world.repair().await;
        let events = world.record.lock();
        let calls = events.calls.ended.values().map(|ended| &ended[0]);
        let (slow, quick): (Vec<_>, Vec<_>) = calls.partition(|ended| ended.deadline == PATIENCE);
        assert_eq!((slow.len(), quick.len()), (40, 120));
        for ended in slow {
            assert_eq!(ended.outcome, Err(CallErrorKind::Timeout), "{ended:?}");
        }
        for ended in quick {
            assert!(ended.outcome.is_ok() && ended.after < Duration::from_millis(100), "{ended:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_whole_tables_and_the_last_rows_and_delays_no_other_reader() {
    for mut world in [World::mesh(8), World::broker(8)] {
        world.start("a", Role::Publisher).await;
        world.start_with("b", Role::Subscriber, |options| options.subscription_updates = 4).await;
        world.station_mut("b").subscribe("alone", Duration::from_millis(500)).await;
        for round in 0..400 {
            world.station("a").commit(&["alone"], How::Difference, edit(round)).await;
            world.run(Duration::from_millis(50)).await;
        }
        let report = world.station("b").node.report().await.unwrap();
        let dropped: Vec<u64> =
            report.subscriptions.iter().map(|one| one.dropped).filter(|one| *one > 0).collect();
        assert!(dropped.len() == 1 && dropped[0] > 100, "only the slow reader misses changes: {report:?}");
        world.repair().await;
    }
}
