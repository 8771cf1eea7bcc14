//! Requests of subscribers, and the publisher's replies to the requester.

mod steps;

use bytes::Bytes;
use pubsub_api::{Envelope, ErrorKind, Role, Topic};

use crate::check::{case, ensure};
use crate::patience::within;
use crate::receiver::topic;
use crate::requests::steps::{
    answer, answer_while, ask, asked, batch, envelope, expect, expect_lost, requester_of, requests_of,
};
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Both, only_drivers_that_promise_replay_carry_requests),
    case!(Network, a_request_arrives_with_its_peer_and_only_that_peer_receives_the_reply, needs: ["replay"]),
    case!(Network, requests_of_one_peer_arrive_in_order, needs: ["replay"]),
    case!(Network, an_event_is_refused_as_a_request, needs: ["replay"]),
    case!(Network, a_request_to_an_unregistered_address_is_refused, needs: ["replay"]),
    case!(Network, a_long_reply_arrives_complete_and_in_order, needs: ["replay"]),
    case!(Network, a_requester_that_does_not_read_delays_only_its_own_reply, needs: ["replay"]),
    case!(Network, closing_a_publisher_reports_its_open_requests_as_lost, needs: ["replay"]),
    case!(Network, unregistering_an_address_reports_its_open_requests_as_lost, needs: ["replay"]),
    case!(Network, requests_work_again_after_the_publisher_returns, needs: ["replay"]),
    case!(Network, closed_ends_refuse_requests_and_replies, needs: ["replay"]),
];

/// The capability matches what the methods return.
async fn only_drivers_that_promise_replay_carry_requests(fixture: Fixture) -> Outcome {
    let promised = fixture.capabilities().replay && fixture.role() == Role::Network;
    let driver = fixture.open(&[])?;
    let (publisher, subscriber) = (driver.publisher(), driver.subscriber());
    let there = (publisher.requests().is_some(), subscriber.requester().is_some());
    ensure!(
        there == (promised, promised),
        "replay is promised: {promised}; requests and requester: {there:?}"
    );
    Ok(())
}

/// A requester is distinguished from all other connections; a reply goes only to the requester, outside of the stream of its
/// subscriptions.
async fn a_request_arrives_with_its_peer_and_only_that_peer_receives_the_reply(fixture: Fixture) -> Outcome {
    let (sender, one) = fixture.linked(&[topic("a")?]).await?;
    let (address, other) = (sender.address()?, fixture.joined(&[topic("a")?], &sender).await?);
    ask(&one, &address, "one's")?;
    let first = asked(&sender, "one's").await?;
    ask(&other, &address, "other's")?;
    let second = asked(&sender, "other's").await?;
    ensure!(first != second, "two peers must have different ids, but both are {first:?}");
    answer(&sender, first, batch(["to one"])?).await?;
    answer(&sender, second, batch(["to other"])?).await?;
    expect(&one, &address, "to one").await?;
    expect(&other, &address, "to other").await?;
    sender.publish("a", 1).await?;
    one.expect("a", 1).await?;
    other.expect("a", 1).await
}

/// Requests of one peer arrive in the order in which it sent them, and so do the replies.
async fn requests_of_one_peer_arrive_in_order(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    let address = sender.address()?;
    for number in 0..50 {
        ask(&receiver, &address, number)?;
    }
    let mut peers = Vec::new();
    for number in 0..50 {
        peers.push(asked(&sender, number).await?);
    }
    let first = *peers.first().ok_or("no request arrived")?;
    ensure!(peers.iter().all(|peer| *peer == first), "one peer must have one id, but it had {peers:?}");
    for number in 0..50 {
        answer(&sender, first, batch([number])?).await?;
    }
    for number in 0..50 {
        expect(&receiver, &address, number).await?;
    }
    Ok(())
}

/// A request is one envelope on a reserved topic.
async fn an_event_is_refused_as_a_request(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    let address = sender.address()?;
    let event = Envelope { topic: Topic::new("a")?, payload: Bytes::from_static(b"an event") };
    ensure!(
        !requester_of(&receiver)?.request(&address, event),
        "an event is not a request, but was accepted as one"
    );
    ask(&receiver, &address, "a request")?;
    asked(&sender, "a request").await.map(drop)
}

/// A request to an address that is not registered is `false`.
async fn a_request_to_an_unregistered_address_is_refused(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    let address = sender.address()?;
    let stranger = fixture.publisher().await?.address()?;
    let requester = requester_of(&receiver)?;
    ensure!(
        !requester.request(&stranger, envelope(1)?),
        "{stranger} is not registered, but accepted a request"
    );
    receiver.unregister_listen_address(&address);
    ensure!(!requester.request(&address, envelope(1)?), "{address} is unregistered, but accepted a request");
    Ok(())
}

/// A reply may have any number of envelopes, which arrive in order.
async fn a_long_reply_arrives_complete_and_in_order(fixture: Fixture) -> Outcome {
    const EVENTS: usize = 20_000;
    let (sender, receiver) = fixture.linked(&[]).await?;
    let address = sender.address()?;
    ask(&receiver, &address, "all")?;
    let peer = asked(&sender, "all").await?;
    let mut batch = batch((0..EVENTS).map(|number| format!("{number:0200}")))?;
    let answering = requests_of(&sender)?.answer(peer, &mut batch);
    let reads = async {
        for number in 0..EVENTS {
            expect(&receiver, &address, format!("{number:0200}")).await?;
        }
        Ok(())
    };
    answer_while(answering, reads).await?;
    ensure!(batch.is_empty(), "sent envelopes must leave the batch, but {} are left", batch.len());
    Ok(())
}

/// A requester that does not read costs a bounded amount of memory, and others receive their replies meanwhile.
async fn a_requester_that_does_not_read_delays_only_its_own_reply(fixture: Fixture) -> Outcome {
    // More than the queues of both ends and any socket between them hold.
    const EVENTS: usize = 1000;
    let rest = "0".repeat(60_000);
    let text = |number: usize| format!("{number} {rest}");
    let (sender, stalled) = fixture.linked(&[topic("a")?]).await?;
    let (address, lively) = (sender.address()?, fixture.joined(&[topic("a")?], &sender).await?);
    ask(&stalled, &address, "all")?;
    let peer = asked(&sender, "all").await?;
    let mut batch = batch((0..EVENTS).map(text))?;
    let requests = requests_of(&sender)?;
    let mut answering = std::pin::pin!(requests.answer(peer, &mut batch));
    let others = async {
        for number in 0..20 {
            ask(&lively, &address, number)?;
            let peer = asked(&sender, number).await?;
            answer(&sender, peer, self::batch([number])?).await?;
            expect(&lively, &address, number).await?;
            sender.publish("a", number).await?;
            lively.expect("a", number).await?;
            stalled.expect("a", number).await?;
        }
        Outcome::Ok(())
    };
    tokio::select! {
        answered = &mut answering => {
            return Err(format!("no reader, but the whole reply was accepted: {answered:?}").into());
        }
        served = others => served?,
    }
    let reads = async {
        for number in 0..EVENTS {
            expect(&stalled, &address, text(number)).await?;
        }
        Ok(())
    };
    answer_while(answering, reads).await
}

/// When the publisher closes before it has replied, the requester receives `Reply::Lost`.
async fn closing_a_publisher_reports_its_open_requests_as_lost(fixture: Fixture) -> Outcome {
    let (mut sender, receiver) = fixture.linked(&[]).await?;
    let address = sender.address()?;
    ask(&receiver, &address, "in time")?;
    let peer = asked(&sender, "in time").await?;
    answer(&sender, peer, batch(["a part"])?).await?;
    expect(&receiver, &address, "a part").await?;
    sender.fall_silent();
    sender.close().await?;
    expect_lost(&receiver, &address).await
}

async fn unregistering_an_address_reports_its_open_requests_as_lost(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    let address = sender.address()?;
    ask(&receiver, &address, "in time")?;
    let peer = asked(&sender, "in time").await?;
    receiver.unregister_listen_address(&address);
    expect_lost(&receiver, &address).await?;
    let gone = async {
        loop {
            let mut batch = batch(["too late"])?;
            match requests_of(&sender)?.answer(peer, &mut batch).await {
                // A poll, within the limit below.
                Ok(()) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                Err(error) => return Ok::<_, crate::Failure>((error, batch.len())),
            }
        }
    };
    let (error, left) = within("the end of the requester", gone).await??;
    ensure!(
        error.kind() == ErrorKind::Unavailable,
        "a requester that has disconnected must be `Unavailable`, not {error:?}"
    );
    ensure!(left == 1, "unsent envelopes must stay in the batch, but {left} are left");
    Ok(())
}

/// Lost requests can be sent again.
async fn requests_work_again_after_the_publisher_returns(fixture: Fixture) -> Outcome {
    let (mut sender, receiver) = fixture.linked(&[]).await?;
    let address = sender.address()?;
    ask(&receiver, &address, "before")?;
    asked(&sender, "before").await?;
    sender.fall_silent();
    sender.close().await?;
    expect_lost(&receiver, &address).await?;
    let sender = fixture.publisher_at(&address).await?;
    receiver.subscribed(&address).await?;
    ask(&receiver, &address, "after")?;
    let peer = asked(&sender, "after").await?;
    answer(&sender, peer, batch(["here"])?).await?;
    expect(&receiver, &address, "here").await
}

/// After `close` of the publisher or the subscriber, calls are `Closed`.
async fn closed_ends_refuse_requests_and_replies(fixture: Fixture) -> Outcome {
    let (mut sender, receiver) = fixture.linked(&[]).await?;
    let address = sender.address()?;
    ask(&receiver, &address, "in time")?;
    let peer = asked(&sender, "in time").await?;
    receiver.close().await;
    let end = within("the end of replies", requester_of(&receiver)?.next()).await?;
    let closed = |error: &pubsub_api::Error| error.kind() == ErrorKind::Closed;
    ensure!(end.as_ref().is_err_and(closed), "a closed subscriber must return `Closed`, not {end:?}");
    ensure!(
        !requester_of(&receiver)?.request(&address, envelope(1)?),
        "a closed subscriber must accept no request"
    );
    sender.fall_silent();
    sender.close().await?;
    let end = within("the end of requests", requests_of(&sender)?.next()).await?;
    ensure!(end.as_ref().is_err_and(closed), "a closed publisher must return `Closed`, not {end:?}");
    let end = within("the end of replies", requests_of(&sender)?.answer(peer, &mut batch([1])?)).await?;
    ensure!(end.as_ref().is_err_and(closed), "a closed publisher must return `Closed`, not {end:?}");
    Ok(())
}
