//! A table of 100,000 rows, on a network that loses, duplicates, delays and reorders packets.

use std::sync::Arc;
use std::time::Duration;

use faulty_driver::Faults;
use tokio::time::Instant;

use crate::station::{How, Role};
use crate::truth::{Rows, edit};
use crate::world::World;

const ROWS: u64 = 100_000;

/// How long the join may take under these faults, in virtual time.
const PATIENCE: Duration = Duration::from_secs(120);

/// Joins while the table changes.
async fn join_under_faults(mut world: World) {
    world.start("a", Role::Publisher).await;
    let fill = |rows: &mut Rows| rows.extend((0..ROWS).map(|number| (format!("{number:06}"), number)));
    world.station("a").commit(&["alone"], How::Whole, fill).await;
    world.network.set_faults(Faults {
        loss: 0.1,
        duplication: 0.1,
        reordering: 0.1,
        late_by: Duration::from_millis(500),
        delay: Duration::from_millis(1)..=Duration::from_millis(100),
    });
    world.start("b", Role::Calls).await;
    world.station_mut("b").subscribe("alone", Duration::ZERO).await;
    let replica = Arc::clone(&world.station("b").replicas[0]);
    let began = Instant::now();
    let mut round = 0;
    while replica.lock().unwrap().views.get("a").is_none_or(|view| view.rows.len() < 100_000 || !view.is_live)
    {
        assert!(began.elapsed() < PATIENCE, "the table is not complete after {PATIENCE:?}");
        world.station("a").commit(&["alone"], How::Difference, edit(round)).await;
        world.run(Duration::from_secs(1)).await;
        round += 1;
    }
    world.repair().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_joins_a_table_of_100000_rows_under_faults_ends_with_equal_rows_on_a_mesh() {
    join_under_faults(World::mesh(11)).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_joins_a_table_of_100000_rows_under_faults_ends_with_equal_rows_around_a_broker() {
    join_under_faults(World::broker(12)).await;
}
