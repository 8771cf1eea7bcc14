use std::time::Duration;

use super::bounds::Bounds;
use super::world::World;

/// One thing that happens. Messages have the ids of [`Flights`](super::flights::Flights).
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// The publisher declares the tables, or replaces them: it starts, or starts again.
    Declare,
    /// The publisher ends the tables.
    Withdraw,
    /// The next state of the tables.
    Publish,
    /// The follower begins.
    Follow,
    /// The topics reach the follower from now on.
    ActivateTopic,
    /// The registry at the publisher lists the follower.
    List,
    /// The publisher counts as down at the follower.
    Down,
    /// The publisher counts as up again.
    Up,
    /// The driver reports lost links at the follower.
    Reset,
    /// A heartbeat with the last positions leaves the publisher.
    Heartbeat,
    /// Time passes until something is due.
    Tick,
    /// Time passes, with heartbeats at their times; only when nothing fails any more.
    Pass(Duration),
    /// A message arrives.
    Deliver(u64),
    /// A message arrives, and will arrive again.
    Repeat(u64),
    /// A message is lost.
    Lose(u64),
}

impl World {
    /// Everything that can happen next.
    pub(super) fn steps(&self, bounds: &Bounds) -> Vec<Step> {
        let spent = &self.spent;
        let single = [
            (Step::Declare, spent.declares < bounds.declares),
            (Step::Withdraw, self.is_declared && spent.withdraws < bounds.withdraws),
            (Step::Publish, self.is_declared && spent.publishes < bounds.publishes),
            (Step::Follow, !self.is_following),
            (Step::ActivateTopic, self.is_following && !self.is_topic_active),
            (Step::List, self.is_following && !self.is_listed),
            (Step::Down, self.is_up && self.is_following && spent.downs < bounds.downs),
            (Step::Up, !self.is_up),
            (Step::Reset, self.is_following && spent.resets < bounds.resets),
            (Step::Heartbeat, self.is_declared && spent.heartbeats < bounds.heartbeats),
            (Step::Tick, self.until_due().is_some() && spent.ticks < bounds.ticks),
        ];
        let mut steps: Vec<Step> =
            single.into_iter().filter(|(_, is_possible)| *is_possible).map(|(step, _)| step).collect();
        for id in self.flights.ids() {
            steps.push(Step::Deliver(id));
            if spent.repeats < bounds.repeats {
                steps.push(Step::Repeat(id));
            }
            if spent.losses < bounds.losses {
                steps.push(Step::Lose(id));
            }
        }
        steps
    }

    /// The world after a step, checked.
    pub(super) fn after(&self, bounds: &Bounds, step: Step) -> Self {
        let mut world = self.clone();
        world.count(step);
        match step {
            Step::Declare => world.declare(bounds),
            Step::Withdraw => world.withdraw(),
            Step::Publish => world.publish(bounds),
            Step::Follow => world.follow(bounds),
            Step::ActivateTopic => world.is_topic_active = true,
            Step::List => world.list(bounds),
            Step::Down => world.set_up(bounds, false),
            Step::Up => world.set_up(bounds, true),
            Step::Reset => world.reset(bounds),
            Step::Heartbeat => world.heartbeat(),
            Step::Tick => world.pass(bounds, self.until_due().unwrap_or_default()),
            Step::Pass(time) => {
                world.pass(bounds, time);
                world.beat(time);
            }
            Step::Deliver(id) => world.deliver(bounds, id, false),
            Step::Repeat(id) => world.deliver(bounds, id, true),
            Step::Lose(id) => world.lose(id),
        }
        world.check(bounds);
        world
    }

    fn count(&mut self, step: Step) {
        let spent = &mut self.spent;
        match step {
            Step::Declare => spent.declares += 1,
            Step::Withdraw => spent.withdraws += 1,
            Step::Publish => spent.publishes += 1,
            Step::Down => spent.downs += 1,
            Step::Reset => spent.resets += 1,
            Step::Heartbeat => spent.heartbeats += 1,
            Step::Tick => spent.ticks += 1,
            Step::Repeat(_) => spent.repeats += 1,
            Step::Lose(_) => spent.losses += 1,
            Step::Follow | Step::ActivateTopic | Step::List | Step::Up => {}
            Step::Deliver(_) | Step::Pass(_) => {}
        }
    }
}
