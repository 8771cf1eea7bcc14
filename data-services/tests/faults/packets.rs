//! Packets that are lost, duplicated, reordered and delayed.

use std::time::Duration;

use faulty_driver::Faults;

use crate::station::{How, Role};
use crate::truth::edit;
use crate::world::{LATE_BY, World};

/// Three nodes of all roles work for twenty seconds under faults.
async fn under(mut world: World, faults: Faults) {
    for name in ["a", "b", "c"] {
        world.start(name, Role::All).await;
    }
    world.network.set_faults(faults);
    for round in 0..80_u64 {
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "a")] {
            let station = world.station(from);
            station.commit(&["left", "right"], How::Difference, edit(round)).await;
            station.commit(&["alone"], How::Whole, edit(round + 1)).await;
            station.call(to, Duration::from_millis(round * 10), Duration::from_secs(20), None);
        }
        world.run(Duration::from_millis(250)).await;
    }
    world.repair().await;
    let events = world.record.lock();
    assert_eq!(events.calls.ended.len(), 240);
    let failed: Vec<_> = events.calls.ended.iter().filter(|(_, ended)| ended[0].outcome.is_err()).collect();
    assert!(failed.len() < 24, "most calls succeed under packet loss: {failed:?}");
}

/// Runs each kind of fault on a mesh and around a broker.
macro_rules! cases {
    ($($name:ident: $faults:expr),* $(,)?) => {
        $(mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn on_a_mesh() {
                under(World::mesh(1), $faults).await;
            }

            #[tokio::test(start_paused = true)]
            async fn around_a_broker() {
                under(World::broker(1), $faults).await;
            }
        })*
    };
}

cases! {
    nothing_is_wrong_without_faults: Faults::NONE,
    five_percent_of_packets_are_lost: Faults { loss: 0.05, ..Faults::NONE },
    thirty_percent_of_packets_are_lost: Faults { loss: 0.3, ..Faults::NONE },
    thirty_percent_of_packets_arrive_twice: Faults { duplication: 0.3, ..Faults::NONE },
    thirty_percent_of_packets_are_overtaken: Faults { reordering: 0.3, late_by: LATE_BY, ..Faults::NONE },
    all_packets_are_late: Faults {
        delay: Duration::from_millis(100)..=Duration::from_millis(900),
        ..Faults::NONE
    },
    packets_are_lost_doubled_overtaken_and_late: Faults {
        loss: 0.2,
        duplication: 0.2,
        reordering: 0.2,
        late_by: LATE_BY,
        delay: Duration::from_millis(1)..=Duration::from_millis(300),
    },
}
