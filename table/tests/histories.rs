//! Random histories: three publishers, four topics, fifty keys, and everything that can go wrong on the way, with the real
//! [`Feed`](delivery::subscriber::Feed) and [`Table`](table::Table) as the subscriber.
//!
//! Each seed is one history. While it runs, what the application receives passes the validators, each of which has the name
//! of its guarantee (docs/guarantees.md#promises); when all faults are healed, the table must be the database's. A seed
//! that fails is named, and runs alone with `SEED=… cargo test -p table --test histories`.

#[cfg(test)]
#[path = "histories/database.rs"]
mod database;
#[cfg(test)]
#[path = "histories/faults.rs"]
mod faults;
#[cfg(test)]
#[path = "histories/service.rs"]
mod service;
#[cfg(test)]
#[path = "histories/subscriber.rs"]
mod subscriber;
#[cfg(test)]
#[path = "histories/validators.rs"]
mod validators;
#[cfg(test)]
#[path = "histories/world.rs"]
mod world;

#[cfg(test)]
use faults::Faults;
#[cfg(test)]
use world::World;

/// How many histories; `LONG=1` for a hundred times as many.
#[cfg(test)]
fn seeds(usual: u64) -> Vec<u64> {
    if let Ok(seed) = std::env::var("SEED") {
        return vec![seed.parse().expect("SEED is a number")];
    }
    let long = std::env::var("LONG").is_ok_and(|long| long == "1");
    (0..usual * if long { 100 } else { 1 }).collect()
}

#[cfg(test)]
fn run(seed: u64, faults: Faults) -> Result<World, String> {
    let mut world = World::new(seed, faults);
    for _ in 0..600 {
        world.step()?;
    }
    world.heal()?;
    Ok(world)
}

#[test]
fn whatever_goes_wrong_is_repaired_or_reported_and_the_tables_become_equal() {
    let mut totals = std::collections::BTreeMap::<String, u64>::new();
    for seed in seeds(150) {
        let world = run(seed, Faults::ALL).unwrap_or_else(|broken| panic!("SEED={seed}: {broken}"));
        for (name, count) in world.counted() {
            *totals.entry(name).or_default() += count;
        }
    }
    println!("{totals:?}");
    for name in [
        "events_replayed",
        "snapshots",
        "resyncs",
        "sync_busy",
        "events_duplicate",
        "events_to_be_asked_for_again",
    ] {
        assert!(totals.get(name).is_some_and(|count| *count > 0), "{name} never happened: {totals:?}");
    }
}

/// Publishers that change places, forget, and set their clocks back; topics that are retired; two at one address.
#[test]
fn whichever_publisher_is_at_an_address_the_tables_become_equal() {
    let mut resyncs = 0;
    for seed in seeds(100) {
        let world = run(seed, Faults::IDENTITIES).unwrap_or_else(|broken| panic!("SEED={seed}: {broken}"));
        resyncs +=
            world.counted().iter().filter(|(name, _)| name == "resyncs").map(|(_, it)| it).sum::<u64>();
    }
    assert!(resyncs > 0);
}

#[test]
fn a_restart_that_keeps_the_file_costs_nothing() {
    for seed in seeds(30) {
        let world = run(seed, Faults::RESTARTS).unwrap_or_else(|broken| panic!("SEED={seed}: {broken}"));
        let count =
            |name: &str| world.counted().into_iter().find(|(it, _)| it == name).map_or(0, |(_, count)| count);
        assert_eq!((count("snapshots"), count("resyncs"), count("gaps")), (0, 0, 0), "SEED={seed}");
    }
}

#[test]
fn marks_anywhere_change_nothing_that_is_applied() {
    for seed in seeds(30) {
        let applied = |more_marks| {
            let world = run(seed, Faults { more_marks, ..Faults::NONE });
            world.unwrap_or_else(|broken| panic!("SEED={seed}: {broken}")).applied()
        };
        assert_eq!(applied(false), applied(true), "SEED={seed}");
    }
}
