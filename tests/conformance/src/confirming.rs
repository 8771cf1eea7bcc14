//! Workers that have it confirmed what they sent: kept until then, and sent again to the next service.

use pubsub_api::{Batch, ErrorKind, Origin, Source};

use crate::check::{case, ensure};
use crate::patience::{until, within};
use crate::{Case, Fixture, Outcome, PATIENCE, Receiver};

/// A driver that stays within one process confirms when an event is in the subscriber's queue, which outlives nobody.
const NEEDS: [&str; 2] = ["confirms publish", "across processes"];

pub(crate) const CASES: &[Case] = &[
    case!(Multiproc, flush_returns_only_after_acknowledgement, needs: NEEDS),
    case!(Multiproc, close_waits_for_acknowledgement_and_tells_how_much_was_not_confirmed, needs: NEEDS),
    case!(Multiproc, what_was_not_acknowledged_comes_again_on_the_next_service, needs: NEEDS),
    case!(Multiproc, numbers_run_on_without_gaps_over_all_services, needs: NEEDS),
    case!(Multiproc, two_workers_are_told_apart_and_acknowledged_each_for_itself, needs: NEEDS),
    case!(Multiproc, unacknowledged_events_fill_the_outbox, needs: NEEDS),
];

/// How long a flush that must not end is watched.
const A_WHILE: std::time::Duration = std::time::Duration::from_millis(100);

/// Takes batches until so many events have come: their origins, and all sources.
async fn take(receiver: &Receiver, events: usize) -> Outcome<(Vec<Origin>, Vec<Source>)> {
    let (mut origins, mut sources, mut batch) = (Vec::new(), Vec::new(), Batch::new());
    while origins.len() < events {
        within("numbered events", receiver.recv_batch(&mut batch)).await??;
        for event in batch.iter() {
            origins.push(event.origin.ok_or("each event of a driver that confirms has a number")?);
        }
        sources.extend_from_slice(batch.sources());
        batch.clear();
    }
    ensure!(origins.len() == events, "{events} events were sent, and {} came", origins.len());
    Ok((origins, sources))
}

fn acknowledge(receiver: &Receiver, sources: &[Source], up_to: u64) -> Outcome {
    let acknowledger = receiver.acknowledger().ok_or("a driver that confirms has a way to acknowledge")?;
    let last = sources.last().ok_or("numbered events come from a source")?;
    acknowledger.acknowledge(last.peer, up_to);
    Ok(())
}

/// "With `confirms_publish`: until it is confirmed."
async fn flush_returns_only_after_acknowledgement(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    sender.publish_all("a", 0..10).await?;
    let (_, sources) = take(&receiver, 10).await?;
    acknowledge(&receiver, &sources, 9)?;
    let early = tokio::time::timeout(A_WHILE, sender.flush()).await;
    ensure!(early.is_err(), "one event is not acknowledged, and flush ended: {early:?}");
    acknowledge(&receiver, &sources, 10)?;
    within("the end of flush", sender.flush()).await??;
    Ok(())
}

/// "Hands over what was accepted, within `linger`, and says if that did not suffice."
async fn close_waits_for_acknowledgement_and_tells_how_much_was_not_confirmed(fixture: Fixture) -> Outcome {
    let receiver = fixture.subscriber(&[], &[]).await?;
    for (linger, acknowledged) in [("20s", 12), ("200ms", 5)] {
        let sender = fixture.publisher_with(&[&format!("linger={linger}")]).await?;
        sender.publish_all("a", 0..12).await?;
        let (_, sources) = take(&receiver, 12).await?;
        let acknowledging = async {
            tokio::task::yield_now().await;
            acknowledge(&receiver, &sources, acknowledged)
        };
        let (closed, told) = tokio::join!(within("close", sender.close()), acknowledging);
        told?;
        match closed? {
            Ok(()) if acknowledged == 12 => {}
            Err(error) if error.kind() == ErrorKind::Unavailable && error.to_string().contains('7') => {}
            other => {
                return Err(format!("{acknowledged} of 12 are acknowledged, and close told {other:?}").into());
            }
        }
    }
    Ok(())
}

/// "A worker keeps each event until it is acknowledged, and sends it again over its next connection."
async fn what_was_not_acknowledged_comes_again_on_the_next_service(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    sender.publish_all("a", 0..50).await?;
    let (origins, sources) = take(&receiver, 50).await?;
    ensure!(origins.iter().all(|origin| !origin.sent_before), "they come for the first time: {origins:?}");
    acknowledge(&receiver, &sources, 20)?;
    // An acknowledgement that is lost with the connection would let all of them come again, rightly.
    let is_acknowledged = || sender.status().queues.iter().any(|queue| queue.depth == 30);
    until("an outbox of 30 events", is_acknowledged).await?;
    receiver.close().await;
    sender.publish_all("a", 50..60).await?;

    let receiver = fixture.subscriber(&[], &[]).await?;
    let (again, sources) = take(&receiver, 40).await?;
    let worker = origins.first().map(|origin| origin.worker).unwrap_or_default();
    let in_order =
        again.iter().map(|origin| (origin.worker, origin.number)).eq((21..=60).map(|n| (worker, n)));
    ensure!(in_order, "21 to 60 must come, in order: {again:?}");
    let told = again.iter().all(|origin| origin.sent_before || origin.number > 50);
    ensure!(told, "up to 50 they came before, which must be told: {again:?}");
    acknowledge(&receiver, &sources, 60)?;
    within("the end of flush", sender.flush()).await??;
    Ok(())
}

/// A worker's numbers are 1, 2, 3 …, over whichever connection.
async fn numbers_run_on_without_gaps_over_all_services(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    let (mut next, mut workers) = (1, std::collections::BTreeSet::new());
    for round in 0..5_u64 {
        let receiver = fixture.subscriber(&[], &[]).await?;
        sender.publish_all("a", 0..100).await?;
        let (origins, sources) = take(&receiver, 100).await?;
        for origin in origins {
            ensure!(origin.number == next, "{next} must come in round {round}, and {origin:?} came");
            workers.insert(origin.worker);
            next += 1;
        }
        acknowledge(&receiver, &sources, next - 1)?;
        within("the end of flush", sender.flush()).await??;
        receiver.close().await;
    }
    ensure!(workers.len() == 1, "it is one worker, and it called itself {workers:?}");
    Ok(())
}

/// An acknowledgement is for one connection.
async fn two_workers_are_told_apart_and_acknowledged_each_for_itself(fixture: Fixture) -> Outcome {
    let receiver = fixture.subscriber(&[], &[]).await?;
    let (one, other) = (fixture.publisher().await?, fixture.publisher().await?);
    one.publish("a", 1).await?;
    let (of_one, sources) = take(&receiver, 1).await?;
    other.publish("a", 1).await?;
    let (of_other, _) = take(&receiver, 1).await?;
    let workers = of_one.first().zip(of_other.first()).map(|(one, other)| (one.worker, other.worker));
    ensure!(workers.is_some_and(|(one, other)| one != other), "two workers have two ids: {workers:?}");
    acknowledge(&receiver, &sources, 1)?;
    within("the end of flush", one.flush()).await??;
    let early = tokio::time::timeout(A_WHILE, other.flush()).await;
    ensure!(early.is_err(), "the other one's is not acknowledged, and its flush ended: {early:?}");
    Ok(())
}

/// "A full queue of a multiproc publisher makes `send` wait, at most `send_timeout`; then it is `Overloaded`": also when a
/// service has read everything, and acknowledged nothing.
async fn unacknowledged_events_fill_the_outbox(fixture: Fixture) -> Outcome {
    let receiver = fixture.subscriber(&[], &[]).await?;
    let sender = fixture.publisher_with(&["send_timeout=50ms"]).await?;
    let reading = async {
        let (mut batch, mut sources) = (Batch::new(), Vec::new());
        // Reads all that comes, and ends when nothing comes any more.
        while let Ok(received) = tokio::time::timeout(PATIENCE / 10, receiver.recv_batch(&mut batch)).await {
            received?;
            sources.extend_from_slice(batch.sources());
            batch.clear();
        }
        Ok::<_, crate::Failure>(sources)
    };
    let filling = async {
        for number in 0..1_000_000_u64 {
            match sender.publish("a", number).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Overloaded => return Ok(number),
                Err(error) => return Err(error.into()),
            }
        }
        Err(crate::Failure::from("a million events fit into a bounded outbox"))
    };
    let (sources, accepted) = tokio::join!(reading, filling);
    let (sources, accepted) = (sources?, accepted?);
    let last = sources.last().map(Source::last);
    ensure!(last == Some(accepted), "{accepted} were accepted, and {last:?} came");
    acknowledge(&receiver, &sources, accepted)?;
    let is_empty = || sender.status().queues.iter().all(|queue| queue.depth == 0);
    until("an empty outbox", is_empty).await?;
    sender.publish("a", "next").await?;
    receiver.expect("a", "next").await
}
