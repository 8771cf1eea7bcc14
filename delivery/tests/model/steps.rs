use delivery::subscriber::Phase;

use crate::subscriber::Hello;
use crate::world::{Bounds, Change, Mutation, World};

/// What can happen in a world, each with its name.
pub(crate) fn steps(world: &World, bounds: &Bounds, mutation: Mutation) -> Vec<(String, World)> {
    let mut next = Vec::new();
    for service in 0..world.services.len() {
        for (name, after) in faultless(world, service, bounds, mutation) {
            next.push((format!("{name} {service}"), after));
        }
        for (name, after) in faults(world, service, bounds, mutation) {
            next.push((format!("{name} {service}"), after));
        }
        if world.published < bounds.publishes {
            for key in 0..bounds.keys {
                next.push((format!("write {key} {service}"), write(world, service, key)));
            }
        }
    }
    next
}

/// The worker writes the row, and sends the change.
fn write(world: &World, service: usize, key: u8) -> World {
    let mut after = world.clone();
    after.published += 1;
    let version = after.published;
    after.database.insert(key, version);
    after.services[service].outbox.push(Change { key, version });
    after
}

/// What goes on by itself when nothing fails.
pub(crate) fn faultless(
    world: &World,
    at: usize,
    bounds: &Bounds,
    mutation: Mutation,
) -> Vec<(&'static str, World)> {
    let mut next = Vec::new();
    let mut step = |name, act: &dyn Fn(&mut World)| {
        let mut after = world.clone();
        act(&mut after);
        next.push((name, after));
    };
    let (service, followed) = (&world.services[at], &world.subscriber.followed[at]);
    if service.taken < service.outbox.len() {
        step("take", &|after| after.services[at].take(bounds.ring, mutation));
    }
    if service.taken > 0 {
        step("acknowledge", &|after| after.services[at].acknowledge());
    }
    if bounds.staged && !service.subscribed_to_marks && service.channel.is_empty() {
        step("subscribe to marks", &|after| after.services[at].subscribe_to_marks(mutation));
    }
    if !service.subscribed && service.subscribed_to_marks == bounds.staged && service.channel.is_empty() {
        step("subscribe", &|after| subscribe(after, at, bounds, mutation));
    }
    if let Some(message) = service.channel.first() {
        step("deliver", &|after| {
            after.services[at].channel.remove(0);
            after.subscriber.hear(at, message, &world.database);
            if !after.subscriber.follows(at) {
                after.services[at].forget_request();
            }
        });
    }
    let marks = mutation != Mutation::NoMarks && service.subscribed && service.channel.is_empty();
    if marks && service.has_mark() {
        step("mark", &|after| {
            let mark = after.services[at].mark();
            after.services[at].channel.push(mark);
        });
    }
    let bye = service.bye_again().filter(|_| service.subscribed && service.channel.is_empty());
    if let Some(bye) = bye {
        step("bye again", &|after| after.services[at].channel.push(bye.clone()));
    }
    if followed.tracker.phase() == Phase::Stale && service.subscribed {
        step("doubt", &|after| after.subscriber.doubt(at, &world.database));
    }
    let is_asked = mutation == Mutation::AskedOnce && world.timeouts > 0;
    let asks = followed.tracker.is_behind() && service.subscribed && !is_asked;
    if asks && bounds.proxied {
        step("give up", &|after| after.subscriber.give_up(at, &world.database));
    } else if asks && service.request.is_none() && service.answer.is_none() {
        step("ask", &|after| {
            let position = followed.tracker.position();
            after.services[at].request = Some((position.epoch, position.sequence));
        });
    }
    if service.request.is_some() {
        step("serve", &|after| after.services[at].serve(mutation));
    }
    if let Some(answer) = &service.answer {
        step("answer", &|after| {
            after.services[at].answer = None;
            after.subscriber.answered(at, answer, &world.database);
        });
    }
    if service.late.is_some() {
        step("late answer", &|after| after.services[at].late = None);
    }
    next
}

/// The subscriptions stand. The hello comes, and before it the mark for a new subscriber.
fn subscribe(after: &mut World, at: usize, bounds: &Bounds, mutation: Mutation) {
    let is_first = after.services.iter().all(|service| !service.subscribed);
    let database = after.database.clone();
    let service = &mut after.services[at];
    service.subscribed = true;
    if !service.subscribed_to_marks {
        service.subscribe_to_marks(mutation);
    }
    if is_first || !bounds.proxied || mutation != Mutation::FirstHelloOnly {
        let first_number = service.first_number();
        let hello = Hello { publisher: service.publisher, epoch: service.epoch, first_number };
        after.subscriber.proved(at, hello, &database);
    }
}

fn faults(world: &World, at: usize, bounds: &Bounds, mutation: Mutation) -> Vec<(&'static str, World)> {
    let mut next = Vec::new();
    let mut step = |name, act: &dyn Fn(&mut World)| {
        let mut after = world.clone();
        act(&mut after);
        next.push((name, after));
    };
    let service = &world.services[at];
    if world.crashes < bounds.crashes {
        step("crash", &|after| {
            after.crashes += 1;
            after.services[at].crash(true, false);
            after.subscriber.unproved(at);
        });
    }
    if world.file_losses < bounds.file_losses {
        step("lose file", &|after| {
            after.file_losses += 1;
            after.services[at].crash(false, bounds.clock_back);
            after.subscriber.unproved(at);
        });
    }
    if world.drops < bounds.drops {
        if !service.channel.is_empty() {
            step("drop", &|after| {
                after.drops += 1;
                after.services[at].channel.remove(0);
            });
        }
        if service.answer.is_some() {
            step("lose answer", &|after| {
                after.drops += 1;
                after.services[at].answer = None;
            });
        }
    }
    if world.replacements < bounds.replacements {
        step("replace", &|after| {
            after.replacements += 1;
            let publisher = 10 + after.replacements;
            after.services[at].replace(publisher);
            after.subscriber.unproved(at);
        });
    }
    if world.retirements < bounds.retirements && service.has_mark() {
        step("retire", &|after| {
            after.retirements += 1;
            after.services[at].retire(mutation);
        });
    }
    if world.forgets < bounds.forgets && service.retired.is_some() {
        step("forget", &|after| {
            after.forgets += 1;
            after.services[at].retired = None;
        });
    }
    if world.breaks < bounds.breaks && service.subscribed {
        step("break", &|after| {
            after.breaks += 1;
            after.services[at].disconnect();
            after.subscriber.unproved(at);
        });
    }
    if world.timeouts < bounds.timeouts && service.answer.is_some() && service.late.is_none() {
        step("time out", &|after| {
            after.timeouts += 1;
            after.services[at].late = after.services[at].answer.take();
        });
    }
    if world.repeats < bounds.repeats
        && let Some(message) = service.channel.first()
    {
        step("repeat", &|after| {
            after.repeats += 1;
            after.services[at].channel.insert(0, message.clone());
        });
    }
    next
}
