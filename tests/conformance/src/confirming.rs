//! Workers whose events are acknowledged: they keep events until then, and send them again to the next service.

use pubsub_api::{Batch, ErrorKind, Source, WorkerPosition};

use crate::check::{case, ensure};
use crate::patience::{until, within};
use crate::{Case, Fixture, Outcome, PATIENCE, Receiver};

/// A driver within one process confirms when an event is in the subscriber's queue, which ends with the process.
const NEEDS: [&str; 2] = ["confirms publish", "across processes"];

pub(crate) const CASES: &[Case] = &[
    case!(Multiproc, flush_returns_only_after_acknowledgement, needs: NEEDS),
    case!(Multiproc, close_waits_for_acknowledgement_and_reports_unconfirmed_events, needs: NEEDS),
    case!(Multiproc, unacknowledged_events_are_sent_again_to_the_next_service, needs: NEEDS),
    case!(Multiproc, sequence_numbers_continue_without_gaps_over_all_services, needs: NEEDS),
    case!(Multiproc, two_workers_are_distinguished_and_acknowledged_separately, needs: NEEDS),
    case!(Multiproc, unacknowledged_events_fill_the_outbox, needs: NEEDS),
];

/// Time for which a flush that must not end is watched.
const A_WHILE: std::time::Duration = std::time::Duration::from_millis(100);

/// Receives batches until this many events have arrived; returns their origins, and all sources.
async fn take(receiver: &Receiver, events: usize) -> Outcome<(Vec<WorkerPosition>, Vec<Source>)> {
    let (mut origins, mut sources, mut batch) = (Vec::new(), Vec::new(), Batch::new());
    while origins.len() < events {
        within("numbered events", receiver.recv_batch(&mut batch)).await??;
        for event in batch.iter() {
            origins.push(event.origin.ok_or("each event of a driver that confirms has a sequence number")?);
        }
        sources.extend_from_slice(batch.sources());
        batch.clear();
    }
    ensure!(origins.len() == events, "{events} events were sent, but {} arrived", origins.len());
    Ok((origins, sources))
}

fn acknowledge(receiver: &Receiver, sources: &[Source], up_to: u64) -> Outcome {
    let acknowledger = receiver.acknowledger().ok_or("a driver that confirms must have an acknowledger")?;
    let last = sources.last().ok_or("numbered events must have a source")?;
    acknowledger.acknowledge(last.peer, up_to);
    Ok(())
}

/// With `confirms_publish`, `flush` waits until all events are confirmed.
async fn flush_returns_only_after_acknowledgement(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    sender.publish_all("a", 0..10).await?;
    let (_, sources) = take(&receiver, 10).await?;
    acknowledge(&receiver, &sources, 9)?;
    let early = tokio::time::timeout(A_WHILE, sender.flush()).await;
    ensure!(early.is_err(), "one event is not acknowledged, but flush ended: {early:?}");
    acknowledge(&receiver, &sources, 10)?;
    within("the end of flush", sender.flush()).await??;
    Ok(())
}

/// `close` delivers accepted events within `linger`, and reports if that was not enough.
async fn close_waits_for_acknowledgement_and_reports_unconfirmed_events(fixture: Fixture) -> Outcome {
    let receiver = fixture.subscriber(&[], &[]).await?;
    for (linger, acknowledged) in [("20s", 12), ("200ms", 5)] {
        let sender = fixture.publisher_with(&[&format!("linger={linger}")]).await?;
        sender.publish_all("a", 0..12).await?;
        let (_, sources) = take(&receiver, 12).await?;
        let acknowledging = async {
            tokio::task::yield_now().await;
            acknowledge(&receiver, &sources, acknowledged)
        };
        let (closed, acknowledged_all) = tokio::join!(within("close", sender.close()), acknowledging);
        acknowledged_all?;
        match closed? {
            Ok(()) if acknowledged == 12 => {}
            Err(error) if error.kind() == ErrorKind::Unavailable && error.to_string().contains('7') => {}
            other => {
                return Err(
                    format!("{acknowledged} of 12 are acknowledged, but close returned {other:?}").into()
                );
            }
        }
    }
    Ok(())
}

/// A worker keeps each event until it is acknowledged, and sends it again on its next connection.
async fn unacknowledged_events_are_sent_again_to_the_next_service(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    sender.publish_all("a", 0..50).await?;
    let (origins, sources) = take(&receiver, 50).await?;
    ensure!(
        origins.iter().all(|origin| !origin.sent_before),
        "they are sent for the first time: {origins:?}"
    );
    acknowledge(&receiver, &sources, 20)?;
    // If an acknowledgement were lost with the connection, all events would correctly be sent again.
    let is_acknowledged = || sender.status().queues.iter().any(|queue| queue.depth == 30);
    until("an outbox of 30 events", is_acknowledged).await?;
    receiver.close().await;
    sender.publish_all("a", 50..60).await?;

    let receiver = fixture.subscriber(&[], &[]).await?;
    let (again, sources) = take(&receiver, 40).await?;
    let worker = origins.first().map(|origin| origin.worker).unwrap_or_default();
    let in_order =
        again.iter().map(|origin| (origin.worker, origin.number)).eq((21..=60).map(|n| (worker, n)));
    ensure!(in_order, "expected 21 to 60, in order: {again:?}");
    let marked = again.iter().all(|origin| origin.sent_before || origin.number > 50);
    ensure!(marked, "events up to 50 must be marked as sent before: {again:?}");
    acknowledge(&receiver, &sources, 60)?;
    within("the end of flush", sender.flush()).await??;
    Ok(())
}

/// A worker's sequence numbers are 1, 2, 3 …, over all connections.
async fn sequence_numbers_continue_without_gaps_over_all_services(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    let (mut next, mut workers) = (1, std::collections::BTreeSet::new());
    for round in 0..5_u64 {
        let receiver = fixture.subscriber(&[], &[]).await?;
        sender.publish_all("a", 0..100).await?;
        let (origins, sources) = take(&receiver, 100).await?;
        for origin in origins {
            ensure!(origin.number == next, "expected {next} in round {round}, got {origin:?}");
            workers.insert(origin.worker);
            next += 1;
        }
        acknowledge(&receiver, &sources, next - 1)?;
        within("the end of flush", sender.flush()).await??;
        receiver.close().await;
    }
    ensure!(workers.len() == 1, "there is one worker, but it had the ids {workers:?}");
    Ok(())
}

/// An acknowledgement applies to one connection.
async fn two_workers_are_distinguished_and_acknowledged_separately(fixture: Fixture) -> Outcome {
    let receiver = fixture.subscriber(&[], &[]).await?;
    let (one, other) = (fixture.publisher().await?, fixture.publisher().await?);
    one.publish("a", 1).await?;
    let (of_one, sources) = take(&receiver, 1).await?;
    other.publish("a", 1).await?;
    let (of_other, _) = take(&receiver, 1).await?;
    let workers = of_one.first().zip(of_other.first()).map(|(one, other)| (one.worker, other.worker));
    ensure!(workers.is_some_and(|(one, other)| one != other), "two workers must have two ids: {workers:?}");
    acknowledge(&receiver, &sources, 1)?;
    within("the end of flush", one.flush()).await??;
    let early = tokio::time::timeout(A_WHILE, other.flush()).await;
    ensure!(early.is_err(), "the other worker's event is not acknowledged, but its flush ended: {early:?}");
    Ok(())
}

/// A full queue of a multiproc publisher makes `send` wait, at most `send_timeout`; then it is `Overloaded`. That also
/// applies when a service has read everything and acknowledged nothing.
async fn unacknowledged_events_fill_the_outbox(fixture: Fixture) -> Outcome {
    let receiver = fixture.subscriber(&[], &[]).await?;
    let sender = fixture.publisher_with(&["send_timeout=50ms"]).await?;
    let reading = async {
        let (mut batch, mut sources) = (Batch::new(), Vec::new());
        // Reads everything, and ends when nothing arrives any more.
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
        Err(crate::Failure::from("a million events fitted into a bounded outbox"))
    };
    let (sources, accepted) = tokio::join!(reading, filling);
    let (sources, accepted) = (sources?, accepted?);
    let last = sources.last().map(Source::last);
    ensure!(last == Some(accepted), "{accepted} were accepted, but {last:?} arrived");
    acknowledge(&receiver, &sources, accepted)?;
    let is_empty = || sender.status().queues.iter().all(|queue| queue.depth == 0);
    until("an empty outbox", is_empty).await?;
    sender.publish("a", "next").await?;
    receiver.expect("a", "next").await
}
