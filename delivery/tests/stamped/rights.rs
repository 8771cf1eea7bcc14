//! Subscribers that may not receive every topic: neither requests nor first marks say anything about the others.

use delivery::{Control, Position, StampedPublisher, SyncItem, SyncReply, SyncReplyKind, SyncRequest};
use pubsub_api::{Pattern, PeerId, Request, SubscriptionSeen, Topic, TopicRights};

use crate::fake::{Inputs, To, batch, stamped, until};

fn rights(pattern: &str) -> TopicRights {
    pattern.parse::<Pattern>().unwrap().into()
}

async fn ask(inputs: &Inputs, id: u64, topics: &[&str], rights: &TopicRights) {
    let item =
        |name: &&str| SyncItem { topic: Topic::new((*name).to_owned()).unwrap(), position: Position::NONE };
    let request = SyncRequest { id, items: topics.iter().map(item).collect() };
    let request = Request { rights: rights.clone(), ..Request::new(PeerId(1), request.pack().unwrap()) };
    inputs.requests.send(request).await.unwrap();
}

fn counter(publisher: &StampedPublisher, name: &str, cause: &str) -> u64 {
    publisher.delivery_status().counter(name, Some(cause))
}

#[tokio::test]
async fn items_outside_the_rights_are_refused_alike_whether_their_topics_exist_or_not() {
    let (publisher, fake, inputs) = stamped(None).await;
    publisher.publish(&mut batch(&["mine", "secret", "secret"])).await.unwrap();
    ask(&inputs, 1, &["secret", "mine", "never", "$mark.secret"], &rights("mine")).await;
    ask(&inputs, 2, &["secret"], &rights("mine")).await;
    let envelopes = until("all replies", || {
        let all = fake.answers.lock().unwrap();
        (all.len() == 6).then(|| all.iter().map(|(_, envelope)| envelope.clone()).collect::<Vec<_>>())
    })
    .await;
    let heads: Vec<SyncReply> = envelopes.iter().filter_map(|it| SyncReply::read(it).unwrap()).collect();
    let refused: Vec<(u64, &str)> = heads
        .iter()
        .filter(|head| head.kind == SyncReplyKind::Refused)
        .map(|head| (head.stamp.sequence, head.topic.as_str()))
        .collect();
    assert_eq!(refused, [(0, "secret"), (0, "never"), (0, "$mark.secret"), (0, "secret")]);
    assert!(heads.iter().any(|head| head.topic.as_str() == "mine" && head.kind != SyncReplyKind::Refused));
    let events = envelopes.iter().filter(|it| SyncReply::read(it).unwrap().is_none());
    assert!(events.map(|it| it.topic.as_str()).eq(["mine"]), "and nothing of the others");
    assert_eq!(counter(&publisher, "sync_requests_refused", "topic_right"), 2);
}

#[tokio::test]
async fn a_new_subscriber_receives_the_first_marks_of_its_topics_only() {
    let (publisher, fake, inputs) = stamped(None).await;
    publisher.publish(&mut batch(&["a.1", "a.1.x", "a.2", "b"])).await.unwrap();
    let prefix = bytes::Bytes::from_static(b"$mark.a.");
    let seen = SubscriptionSeen::Subscribed { peer: PeerId(7), prefix, rights: rights("a.*") };
    inputs.seen.send(seen).await.unwrap();
    let marks = || {
        let controls = fake.controls();
        let to_peer = controls.iter().filter(|(_, to, _)| *to == To::Peer(PeerId(7)));
        let marks = to_peer.filter_map(|(_, _, control)| match control {
            Control::Mark(mark) => Some(mark.topic.to_string()),
            _ => None,
        });
        marks.collect::<Vec<_>>()
    };
    until("both marks", || (marks().len() >= 2).then_some(())).await;
    assert_eq!(marks(), ["a.1", "a.2"]);
}

#[tokio::test]
async fn the_connections_of_one_key_share_a_rate_and_another_key_is_served() {
    let (publisher, fake, inputs) = stamped(None).await;
    publisher.publish(&mut batch(&["a"])).await.unwrap();
    let request = |peer, account| {
        let item = SyncItem { topic: Topic::new("a").unwrap(), position: Position::NONE };
        let request = SyncRequest { id: 1, items: vec![item] }.pack().unwrap();
        Request {
            account: Some(account),
            name: "10.0.0.7:1 (greedy)".to_owned(),
            ..Request::new(PeerId(peer), request)
        }
    };
    for peer in 0..16_u64 {
        for _ in 0..30 {
            inputs.requests.send(request(100 + peer, 1)).await.unwrap();
        }
    }
    inputs.requests.send(request(1, 2)).await.unwrap();
    until("the reply to the other key", || {
        fake.answers.lock().unwrap().iter().any(|(peer, _)| *peer == PeerId(1)).then_some(())
    })
    .await;
    let limited = counter(&publisher, "sync_requests_limited", "too_many_of_key");
    assert!(
        (200..=480).contains(&limited),
        "{limited} of 480, of which the key has 128 at once and 80 a second"
    );
}
