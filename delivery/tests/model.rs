//! The exhaustive model: every interleaving of publishing, losing, repeating, crashing and asking, at small bounds, with the
//! real [`Tracker`](delivery::subscriber::Tracker) as the subscriber.
//!
//! A worker writes the database and sends over an acknowledged hop; a service numbers, keeps a ring in a file that survives
//! a crash (or does not), and publishes over a channel that loses and repeats; the subscriber tracks, asks, and merges
//! rows. After each step the invariants are checked (docs/guarantees.md#promises), and from each state a fault-free
//! continuation must reach the database. Each mutation takes one rule away, and the model must notice.

#[cfg(test)]
#[path = "model/explore.rs"]
mod explore;
#[cfg(test)]
#[path = "model/service.rs"]
mod service;
#[cfg(test)]
#[path = "model/steps.rs"]
mod steps;
#[cfg(test)]
#[path = "model/subscriber.rs"]
mod subscriber;
#[cfg(test)]
#[path = "model/world.rs"]
mod world;

#[cfg(test)]
use explore::{Outcome, explore};
#[cfg(test)]
use world::{Bounds, Mutation};

/// A loss, a crash that keeps the file and one that loses it, a repeat, another publisher, a topic that is retired, a slow
/// answer: each with everything else.
const BOUNDS: [(&str, Bounds); 16] = [
    (
        "a file that is lost, and what was on its way",
        Bounds { publishes: 2, file_losses: 1, drops: 1, keys: 1, ..Bounds::NONE },
    ),
    (
        "a file that is lost twice",
        Bounds { publishes: 2, file_losses: 2, keys: 1, ring: 2, clock_back: true, ..Bounds::NONE },
    ),
    ("a loss and a crash", Bounds { publishes: 3, crashes: 1, drops: 1, ring: 2, keys: 1, ..Bounds::NONE }),
    ("a crash that loses the file", Bounds { publishes: 3, file_losses: 1, ring: 2, ..Bounds::NONE }),
    ("losses and a repeat", Bounds { publishes: 3, drops: 2, repeats: 1, keys: 1, ..Bounds::NONE }),
    ("two crashes", Bounds { publishes: 2, crashes: 2, ring: 2, ..Bounds::NONE }),
    ("two publishers", Bounds { publishes: 3, drops: 1, publishers: 2, keys: 1, ..Bounds::NONE }),
    (
        "two publishers behind one address",
        Bounds { publishes: 2, drops: 1, crashes: 1, publishers: 2, keys: 1, proxied: true, ..Bounds::NONE },
    ),
    (
        "another publisher at the same address",
        Bounds { publishes: 2, replacements: 1, breaks: 1, ring: 2, keys: 1, ..Bounds::NONE },
    ),
    (
        "a publisher that forgets and whose clock went back",
        Bounds { publishes: 2, file_losses: 1, clock_back: true, ..Bounds::NONE },
    ),
    (
        "a topic that is retired, while its subscriber is there or away",
        Bounds { publishes: 2, retirements: 1, forgets: 1, breaks: 1, keys: 1, ring: 2, ..Bounds::NONE },
    ),
    (
        "a topic that is retired, and a crash",
        // What is dropped for want of room and retired before it is requested is reported by a `Resync` only: here there is room.
        Bounds { publishes: 2, retirements: 1, crashes: 1, keys: 1, ring: 2, buffer: 2, ..Bounds::NONE },
    ),
    (
        "a topic that is retired after its last event was lost",
        Bounds { publishes: 2, retirements: 1, drops: 1, keys: 1, ring: 2, ..Bounds::NONE },
    ),
    (
        "a topic that is retired after its last event was lost, as is its bye",
        Bounds { publishes: 2, retirements: 1, drops: 3, breaks: 1, keys: 1, ring: 2, ..Bounds::NONE },
    ),
    (
        "a topic that is retired after an event that was published while the link returned",
        Bounds { publishes: 2, retirements: 1, breaks: 1, keys: 1, ring: 2, staged: true, ..Bounds::NONE },
    ),
    (
        "answers that are slower than a timeout",
        Bounds { publishes: 2, timeouts: 1, drops: 1, keys: 1, ..Bounds::NONE },
    ),
];

#[test]
fn all_invariants_hold_in_every_interleaving() {
    for (name, bounds) in BOUNDS {
        let started = std::time::Instant::now();
        match explore(bounds, Mutation::None) {
            Outcome::Holds { states } => {
                println!("{name}: {states} states, {:?}", started.elapsed());
                assert!(states > 1000, "{name}: {states} states are no exploration");
            }
            Outcome::Broken { what, trace } => panic!("{name}: {what} after {trace:?}"),
        }
    }
}

#[test]
fn every_mutation_is_caught() {
    for (mutation, name) in Mutation::ALL {
        let (_, bounds) = BOUNDS.iter().find(|(known, _)| *known == name).expect("bounds of that name");
        match explore(*bounds, mutation) {
            Outcome::Holds { .. } => panic!("{mutation:?} was not noticed in {name}"),
            Outcome::Broken { what, trace } => {
                println!("{mutation:?}: {what} after {} steps ({name})", trace.len());
            }
        }
    }
}
