use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};

use delivery::subscriber::Phase;

use crate::steps::{faultless, steps};
use crate::subscriber::Followed;
use crate::world::{Bounds, Mutation, World};

/// How an exploration ended.
pub(crate) enum Outcome {
    Holds { states: usize },
    Broken { what: &'static str, trace: Vec<String> },
}

/// More states than any of the bounds reaches.
const MOST_STATES: usize = 3_000_000;

/// Visits every state, the near ones first, and checks each.
pub(crate) fn explore(bounds: Bounds, mutation: Mutation) -> Outcome {
    let start = World::new(&bounds, mutation);
    // By hash, so that the states themselves need not be kept; where it was reached from.
    let mut reached: HashMap<u64, (u64, String)> = HashMap::from([(hash(&start), (0, String::new()))]);
    let mut waiting = VecDeque::from([start]);
    while let Some(world) = waiting.pop_front() {
        let here = hash(&world);
        let broken = broken(&world).or_else(|| settle(world.clone(), &bounds, mutation).err());
        if let Some(what) = broken {
            return Outcome::Broken { what, trace: trace(&reached, here) };
        }
        for (name, after) in steps(&world, &bounds, mutation) {
            let there = hash(&after);
            if let std::collections::hash_map::Entry::Vacant(place) = reached.entry(there) {
                place.insert((here, name));
                waiting.push_back(after);
            }
        }
        assert!(reached.len() < MOST_STATES, "the bounds are too large for an exploration");
    }
    Outcome::Holds { states: reached.len() }
}

fn hash(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

fn trace(reached: &HashMap<u64, (u64, String)>, mut at: u64) -> Vec<String> {
    let mut trace = Vec::new();
    while let Some((before, name)) = reached.get(&at).filter(|(before, _)| *before != 0) {
        trace.push(name.clone());
        at = *before;
    }
    trace.reverse();
    trace
}

/// What does not hold in this world.
fn broken(world: &World) -> Option<&'static str> {
    if let Some(what) = world.subscriber.broken {
        return Some(what);
    }
    for (service, followed) in world.services.iter().zip(&world.subscriber.followed) {
        if followed.tracker.phase() != Phase::Live || followed.publisher != service.publisher {
            continue;
        }
        let at = followed.tracker.position();
        // While live at n, the rows are at least as new as the changes 1 to n make them.
        let Some(changes) = service.history.get(&(at.epoch, at.sequence)) else { continue };
        let has = |key: &u8, version: &u8| {
            world.subscriber.rows.get(key).is_some_and(|row| row.version >= *version)
        };
        if !changes.iter().all(|(key, version)| has(key, version)) {
            return Some("complete or loud: live, and a change up to its number is missing");
        }
    }
    None
}

/// More steps than any fair run needs.
const PATIENCE: usize = 200;

const NOT_DELIVERED: &str = "delivered: what arrived was neither applied nor replaced nor reported missing";

const NOT_CONVERGENT: &str = "convergent: without further faults the database is not reached";

/// What is not well when nothing fails any more.
fn settle(mut world: World, bounds: &Bounds, mutation: Mutation) -> Result<(), &'static str> {
    for _ in 0..PATIENCE {
        let mut moved = false;
        for at in 0..world.services.len() {
            // Marks come last: they would never end.
            let next = faultless(&world, at, bounds, mutation);
            if let Some((_, after)) = next.into_iter().find(|(name, _)| !is_repeated(name)) {
                world = after;
                moved = true;
            }
        }
        if let Some(what) = broken(&world) {
            return Err(what);
        }
        if !moved {
            if has_converged(&world) {
                let is_done = |followed: &Followed| followed.pending.is_empty();
                let all_done = world.subscriber.followed.iter().all(is_done);
                return if all_done { Ok(()) } else { Err(NOT_DELIVERED) };
            }
            let mut marked = false;
            for at in 0..world.services.len() {
                let next = faultless(&world, at, bounds, mutation);
                if let Some((_, after)) = next.into_iter().find(|(name, _)| is_repeated(name)) {
                    world = after;
                    marked = true;
                }
            }
            if !marked {
                return Err(NOT_CONVERGENT);
            }
        }
    }
    Err(NOT_CONVERGENT)
}

/// Whether the publisher repeats this for ever.
fn is_repeated(step: &str) -> bool {
    matches!(step, "mark" | "bye again")
}

/// Whether the rows are the database's.
fn has_converged(world: &World) -> bool {
    let rows: std::collections::BTreeMap<u8, u8> =
        world.subscriber.rows.iter().map(|(key, row)| (*key, row.version)).collect();
    rows == world.database
}
