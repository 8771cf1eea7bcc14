//! The exhaustive model of the table stream: every interleaving of publishing, joining, restarting, losing, repeating,
//! overtaking and waiting, at small bounds, with the real state machines of both ends.
//!
//! A step is one of [`Step`](step::Step): any message on its way may arrive next, be lost, or arrive and arrive again later,
//! and time may pass until something is due, whatever is on its way. After each step the invariants are checked
//! (`World::check` and [`View`](view::View), by the names of docs/guarantees.md#promises), and from each state a
//! continuation without faults must make the follower live with the rows of the publisher within
//! [`PATIENCE`](explore::PATIENCE). States that differ in counters only are one state, and times count from the present.
//!
//! A normal run visits 25,000 states in about 20 s (debug build, one core). With `LONG` set it visits those of [`LONG`] too, in
//! some minutes.
//!
//! A follower that ends may begin again: before or after its topics and its entry in the registry have ended, and while messages
//! of its first time are on their way. None of these may prove topics that have ended since. Two followers have all faults apart.
//!
//! Not in it: drivers, the registry (an entry arrives once, soon or late), hooks and raw values. `chaos.rs` and
//! `data-services/tests/faults` have those, at random.
//!
//! # What it notices
//! Each of these changes, made by hand, fails the test:
//!
//! - The head in a heartbeat is heard, and what it names is not missed: the last change before silence stays lost.
//! - A request is answered from the ring although its position is of an earlier epoch.
//! - A change with sequence 1 of a new epoch is applied to the rows of the old one, as DSE2 did.
//! - A restarted publisher sends no mark, or a publisher none that is requested.
//! - A follower is live before a mark has arrived on the topic that answers a request of it.
//! - A late message of a subscription that has ended proves that the topic reaches the follower.
//! - A change is applied when its first part has arrived.
//! - A snapshot is applied although the stream has overtaken it.
//! - A snapshot that was kept names the latest position instead of its own.
//! - A ring replays one change too few.
//! - A live stream does not become stale in silence.
//! - A publisher that had no such table is not asked again when it has.
//! - Changes of one commit are applied one by one.
//! - A stream that is followed again still has the rows of the first time.
//!
//! It has found that a live follower began to pull a newer snapshot anew with each of its pages. Reading around that found that
//! a follower that was late went on to pull a snapshot that its stream had overtaken, and requested nothing else (`pulls.rs`).

mod bounds;
mod explore;
mod flights;
mod follower;
mod spent;
mod step;
mod view;
mod world;

use std::time::Instant;

use bounds::Bounds;
use explore::{Outcome, explore};

const NONE: Bounds = Bounds::NONE;

/// Nothing is there at the start.
const JOIN: Bounds = Bounds { begins_live: false, declares: 1, ..NONE };

/// Changes and snapshots travel in pieces.
const PIECES: Bounds = Bounds { rows: 3, part_bytes: 100, is_keyed: true, ..NONE };

/// Two tables change in each commit.
const COMMITS: Bounds = Bounds { tables: &["p", "q"], ..NONE };

/// Each fault with everything else.
const BOUNDS: [(&str, Bounds); 22] = [
    ("a join while the table changes", Bounds { publishes: 2, ..JOIN }),
    ("a join with a loss", Bounds { publishes: 1, losses: 1, ..JOIN }),
    ("a join with a repeat", Bounds { publishes: 1, repeats: 1, ..JOIN }),
    ("a publisher that is late", Bounds { publishes: 1, ticks: 1, ..JOIN }),
    ("a loss before silence", Bounds { publishes: 1, losses: 1, heartbeats: 1, ticks: 3, ..NONE }),
    ("losses and a repeat", Bounds { publishes: 2, losses: 2, repeats: 1, ticks: 1, ..NONE }),
    ("a ring that has forgotten", Bounds { publishes: 2, losses: 1, ticks: 2, ring_bytes: 1, ..NONE }),
    ("a restart and a loss", Bounds { publishes: 2, declares: 1, losses: 1, ticks: 1, ..NONE }),
    ("two restarts and a repeat", Bounds { publishes: 2, declares: 2, repeats: 1, ..NONE }),
    (
        "a publisher that is away for a while",
        Bounds { publishes: 1, withdraws: 1, declares: 1, losses: 1, ticks: 2, ..NONE },
    ),
    ("a publisher that is taken for down", Bounds { publishes: 1, downs: 1, losses: 1, ticks: 2, ..NONE }),
    ("a driver that lost its links", Bounds { publishes: 1, resets: 1, losses: 1, ticks: 2, ..NONE }),
    ("pages, joined while they change", Bounds { begins_live: false, declares: 1, publishes: 2, ..PIECES }),
    ("parts and a loss", Bounds { publishes: 2, losses: 1, ticks: 1, ..PIECES }),
    ("pages after a restart", Bounds { publishes: 1, declares: 1, losses: 1, ticks: 1, ..PIECES }),
    ("commits and a loss", Bounds { publishes: 2, losses: 1, ticks: 1, ..COMMITS }),
    ("commits and a restart", Bounds { publishes: 1, declares: 1, ticks: 1, ..COMMITS }),
    ("a follower that begins again", Bounds { publishes: 2, unfollows: 1, ..NONE }),
    ("a follower that begins again, and a loss", Bounds { publishes: 1, unfollows: 1, losses: 1, ..NONE }),
    (
        "a follower that begins again, and a restart",
        Bounds { publishes: 1, declares: 1, unfollows: 1, ..NONE },
    ),
    ("two followers and a loss", Bounds { followers: 2, publishes: 1, losses: 1, ticks: 1, ..NONE }),
    ("two followers, one of which begins again", Bounds { followers: 2, publishes: 1, unfollows: 1, ..NONE }),
];

/// More of each.
const LONG: [(&str, Bounds); 10] = [
    ("a long join", Bounds { publishes: 2, ticks: 1, ..JOIN }),
    ("a join with a loss", Bounds { publishes: 1, losses: 1, heartbeats: 1, ticks: 1, ..JOIN }),
    ("a loss before silence", Bounds { publishes: 2, losses: 1, heartbeats: 1, ticks: 3, ..NONE }),
    (
        "a restart and a loss",
        Bounds { publishes: 2, declares: 1, losses: 1, heartbeats: 1, ticks: 2, ..NONE },
    ),
    ("a publisher that is taken for down", Bounds { publishes: 2, downs: 1, losses: 1, ticks: 2, ..NONE }),
    ("a driver that lost its links", Bounds { publishes: 2, resets: 1, losses: 1, ticks: 2, ..NONE }),
    (
        "pages, joined with a loss while they change",
        Bounds { begins_live: false, declares: 1, publishes: 2, losses: 1, ..PIECES },
    ),
    (
        "pages, joined with a repeat while the ring forgets",
        Bounds { begins_live: false, declares: 1, publishes: 2, repeats: 1, ring_bytes: 1, ..PIECES },
    ),
    ("parts and a loss", Bounds { publishes: 2, losses: 1, ticks: 2, ..PIECES }),
    ("commits and a loss", Bounds { publishes: 2, losses: 1, ticks: 2, ..COMMITS }),
];

#[test]
fn all_promises_hold_in_every_interleaving_of_a_table_stream() {
    let longer = std::env::var_os("LONG").map(|_| LONG.iter());
    let mut visited = 0;
    for (name, bounds) in BOUNDS.iter().chain(longer.into_iter().flatten()) {
        let started = Instant::now();
        match explore(bounds) {
            Outcome::Holds { states } => {
                println!("{name}: {states} states, {:?}", started.elapsed());
                visited += states;
            }
            Outcome::Broken { what, trace, then } => {
                panic!("{name}: {what} after {trace:#?}, and without faults {then:#?}")
            }
        }
    }
    assert!(visited > 10_000, "{visited} states are no exploration");
}
