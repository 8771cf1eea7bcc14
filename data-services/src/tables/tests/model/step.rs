use std::time::Duration;

use super::bounds::Bounds;
use super::follower::Follower;
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
    /// A follower begins.
    Follow(usize),
    /// A follower ends; it may begin again.
    Unfollow(usize),
    /// The topics reach a follower from now on.
    ActivateTopic(usize),
    /// The topics do not reach a follower any more that has ended.
    DeactivateTopic(usize),
    /// The registry at the publisher lists a follower.
    List(usize),
    /// The registry at the publisher does not list a follower any more that has ended.
    Unlist(usize),
    /// The publisher counts as down at a follower.
    Down(usize),
    /// The publisher counts as up again.
    Up(usize),
    /// The driver reports lost links at a follower.
    Reset(usize),
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
            (Step::Heartbeat, self.is_declared && spent.heartbeats < bounds.heartbeats),
            (Step::Tick, self.until_due().is_some() && spent.ticks < bounds.ticks),
        ];
        let mut steps: Vec<Step> =
            single.into_iter().filter(|(_, is_possible)| *is_possible).map(|(step, _)| step).collect();
        for number in 0..self.followers.len() {
            steps.extend(self.steps_of(bounds, number));
        }
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

    fn steps_of(&self, bounds: &Bounds, number: usize) -> impl Iterator<Item = Step> + use<> {
        let (spent, follower) = (&self.spent, &self.followers[number]);
        let is_following = follower.is_following;
        let steps = [
            (Step::Follow(number), !is_following),
            (Step::Unfollow(number), is_following && spent.unfollows < bounds.unfollows),
            (Step::ActivateTopic(number), is_following && !follower.is_topic_active),
            (Step::DeactivateTopic(number), !is_following && follower.is_topic_active),
            (Step::List(number), is_following && !follower.is_listed),
            (Step::Unlist(number), !is_following && follower.is_listed),
            (Step::Down(number), follower.is_up && is_following && spent.downs < bounds.downs),
            (Step::Up(number), !follower.is_up),
            (Step::Reset(number), is_following && spent.resets < bounds.resets),
        ];
        steps.into_iter().filter(|(_, is_possible)| *is_possible).map(|(step, _)| step)
    }

    /// The world after a step, checked.
    pub(super) fn after(&self, bounds: &Bounds, step: Step) -> Self {
        let mut world = self.clone();
        world.count(step);
        match step {
            Step::Declare => world.declare(bounds),
            Step::Withdraw => world.withdraw(),
            Step::Publish => world.publish(bounds),
            Step::Follow(number) => world.at(bounds, number, |follower| follower.follow(bounds)),
            Step::Unfollow(number) => world.at(bounds, number, |follower| follower.unfollow(bounds)),
            Step::ActivateTopic(number) => world.followers[number].is_topic_active = true,
            Step::DeactivateTopic(number) => world.followers[number].is_topic_active = false,
            Step::List(number) => world.list(bounds, number, true),
            Step::Unlist(number) => world.list(bounds, number, false),
            Step::Down(number) => world.at(bounds, number, |follower| follower.set_up(false)),
            Step::Up(number) => world.at(bounds, number, |follower| follower.set_up(true)),
            Step::Reset(number) => world.at(bounds, number, Follower::reset),
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
            Step::Down(_) => spent.downs += 1,
            Step::Reset(_) => spent.resets += 1,
            Step::Unfollow(_) => spent.unfollows += 1,
            Step::Heartbeat => spent.heartbeats += 1,
            Step::Tick => spent.ticks += 1,
            Step::Repeat(_) => spent.repeats += 1,
            Step::Lose(_) => spent.losses += 1,
            Step::Follow(_) | Step::ActivateTopic(_) | Step::List(_) | Step::Up(_) => {}
            Step::DeactivateTopic(_) | Step::Unlist(_) | Step::Deliver(_) | Step::Pass(_) => {}
        }
    }
}
