use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::bounds::Bounds;
use super::follower::Follower;
use super::spent::Spent;
use super::step::Step;
use super::world::World;

/// How long it may take without faults until the follower is live with the rows of the publisher: two of the longest
/// pauses between two requests, and a heartbeat.
pub(super) const PATIENCE: Duration = Duration::from_secs(12);

/// More states than any of the bounds reaches.
const MOST_STATES: usize = 20_000_000;

/// More steps than any continuation needs.
const MOST_STEPS: usize = 2_000;

/// How much of a continuation is shown.
const SHOWN_STEPS: usize = 100;

const NOT_CONVERGENT: &str =
    "convergent: without further faults the rows of the publisher are not reached in time";

/// How an exploration ended.
pub(super) enum Outcome {
    Holds {
        states: usize,
    },
    /// What does not hold, after which steps, and what happens without faults then.
    Broken {
        what: &'static str,
        trace: Vec<Step>,
        then: Vec<String>,
    },
}

/// The time that states need to converge, by hash.
type Known = HashMap<u64, Duration>;

/// Visits every state, the near ones first, and checks each.
pub(super) fn explore(bounds: &Bounds) -> Outcome {
    let mut known = Known::new();
    let start = start(bounds);
    // By hash, so that the states themselves need not be kept; where it was reached from.
    let mut reached: HashMap<u64, Option<(u64, Step)>> = HashMap::from([(hash(&start), None)]);
    let mut waiting = VecDeque::from([start]);
    while let Some(world) = waiting.pop_front() {
        let here = hash(&world);
        let broken = world.broken.or_else(|| settle(&world, bounds, &mut known).err());
        if let Some(what) = broken {
            let (trace, then) = (trace(&reached, here), continuation(world, bounds));
            return Outcome::Broken { what, trace, then };
        }
        for step in world.steps(bounds) {
            let after = world.after(bounds, step);
            if let Entry::Vacant(place) = reached.entry(hash(&after)) {
                place.insert(Some((here, step)));
                waiting.push_back(after);
            }
        }
        assert!(reached.len() < MOST_STATES, "the bounds are too large for an exploration");
    }
    Outcome::Holds { states: reached.len() }
}

fn start(bounds: &Bounds) -> World {
    let mut start = World::new(bounds);
    if bounds.begins_live {
        start = start.after(bounds, Step::Declare).after(bounds, Step::Publish);
        while let Some(step) = next_step(&start, bounds) {
            start = start.after(bounds, step);
        }
        start.spent = Spent::default();
    }
    start
}

fn hash(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

fn trace(reached: &HashMap<u64, Option<(u64, Step)>>, mut at: u64) -> Vec<Step> {
    let mut trace = Vec::new();
    while let Some(Some((before, step))) = reached.get(&at) {
        trace.push(*step);
        at = *before;
    }
    trace.reverse();
    trace
}

/// What happens next when nothing fails any more; `None` if everything is as it should be.
fn next_step(world: &World, bounds: &Bounds) -> Option<Step> {
    let of_follower = |(number, follower): (usize, &Follower)| {
        [
            (Step::Up(number), !follower.is_up),
            (Step::Follow(number), !follower.is_following),
            (Step::ActivateTopic(number), !follower.is_topic_active),
            (Step::List(number), !follower.is_listed),
        ]
    };
    let restores = [(Step::Declare, !world.is_declared)]
        .into_iter()
        .chain(world.followers.iter().enumerate().flat_map(of_follower));
    let mut missing = restores.filter(|(_, is_missing)| *is_missing).map(|(step, _)| step);
    let restore = missing.next();
    let arrival = || world.flights.ids().next().map(Step::Deliver);
    let rest = || (!world.is_equal(bounds)).then_some(Step::Pass(world.until_next()));
    restore.or_else(arrival).or_else(rest)
}

/// The first steps of a continuation without faults.
fn continuation(mut world: World, bounds: &Bounds) -> Vec<String> {
    let mut steps = Vec::new();
    while let Some(step) = next_step(&world, bounds).filter(|_| steps.len() < SHOWN_STEPS) {
        steps.push(match step {
            Step::Deliver(id) => format!("{:?}", world.flights.get(id)),
            step => format!("{step:?}"),
        });
        world = world.after(bounds, step);
    }
    steps
}

/// What is not well when nothing fails any more.
fn settle(world: &World, bounds: &Bounds, known: &mut Known) -> Result<(), &'static str> {
    let mut world = world.clone();
    let mut path: Vec<(u64, Duration)> = Vec::new();
    let mut time = Duration::ZERO;
    let rest = loop {
        // What has happened does not matter for what happens without faults.
        world.spent = Spent::default();
        let here = hash(&world);
        if let Some(rest) = known.get(&here) {
            break *rest;
        }
        path.push((here, time));
        let Some(step) = next_step(&world, bounds) else { break Duration::ZERO };
        if let Step::Pass(takes) = step {
            time += takes;
        }
        world = world.after(bounds, step);
        if world.broken.is_some() || time > PATIENCE || path.len() > MOST_STEPS {
            return Err(world.broken.unwrap_or(NOT_CONVERGENT));
        }
    };
    let total = time + rest;
    known.extend(path.into_iter().map(|(state, at)| (state, total - at)));
    if total > PATIENCE { Err(NOT_CONVERGENT) } else { Ok(()) }
}
