use delivery::subscriber::Phase;

use crate::world::{Bounds, Change, Mutation, World};

/// What can happen in a world, each with its name.
pub(crate) fn steps(world: &World, bounds: &Bounds, mutation: Mutation) -> Vec<(String, World)> {
    let mut next = Vec::new();
    for service in 0..world.services.len() {
        for (name, after) in faultless(world, service, bounds, mutation) {
            next.push((format!("{name} {service}"), after));
        }
        for (name, after) in faults(world, service, bounds) {
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
    if !service.subscribed && service.channel.is_empty() {
        step("subscribe", &|after| {
            let service = &mut after.services[at];
            service.subscribed = true;
            // The hello, and before it the mark of who newly subscribes.
            let says = mutation != Mutation::NoMarks && service.file.last > 0;
            let mark = says.then(|| service.mark());
            service.channel.extend(mark);
            let epoch = service.epoch;
            after.subscriber.proved(at, epoch, &world.database);
        });
    }
    if let Some(message) = service.channel.first() {
        step("deliver", &|after| {
            after.services[at].channel.remove(0);
            after.subscriber.hear(at, message, &world.database);
        });
    }
    let marks = mutation != Mutation::NoMarks && service.subscribed && service.channel.is_empty();
    if marks && service.file.last > 0 {
        step("mark", &|after| {
            let mark = after.services[at].mark();
            after.services[at].channel.push(mark);
        });
    }
    if followed.tracker.phase() == Phase::Stale && service.subscribed {
        step("doubt", &|after| after.subscriber.doubt(at, &world.database));
    }
    let asks = followed.tracker.is_behind() && service.subscribed;
    if asks && service.request.is_none() && service.answer.is_none() {
        step("ask", &|after| {
            let position = followed.tracker.position();
            after.services[at].request = Some((position.epoch, position.number));
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
    next
}

fn faults(world: &World, at: usize, bounds: &Bounds) -> Vec<(&'static str, World)> {
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
            after.services[at].crash(true);
            after.subscriber.unproved(at);
        });
    }
    if world.file_losses < bounds.file_losses {
        step("lose file", &|after| {
            after.file_losses += 1;
            after.services[at].crash(false);
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
