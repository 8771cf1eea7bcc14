//! Agents whose keys have rights by topic, or expire.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use drivers_zmtp::protocol::curve::AuthorizedAgent;
use pubsub_api::{Batch, Envelope, Incoming, Notice, TopicRights};

use super::fleet::{Fleet, PATIENCE, names, topic, until};

fn refusals(incoming: &[Incoming]) -> Vec<String> {
    let refused = incoming.iter().filter_map(|incoming| match incoming {
        Incoming::Notice(Notice::SubscriptionRefused { subscription, reason, .. }) => {
            assert!(reason.contains("no right"), "{reason}");
            Some(subscription.clone())
        }
        _ => None,
    });
    let mut refused: Vec<String> = refused.collect();
    refused.sort();
    refused
}

#[tokio::test]
async fn an_agent_receives_the_topics_of_its_key_and_its_other_subscriptions_are_refused_before_subscribed() {
    let fleet = Fleet::new(&["limited topic=tenant-1 topic=a.*", "all"], &[]).await;
    let all = fleet.agent_of("all", &["#"]).await;
    let wanted = ["tenant-1", "tenant-10", "tenant-*", "a.b", "a.*", "a.#", "#", "D"];
    let limited = fleet.agent_of("limited", &wanted).await;
    assert!(refusals(&fleet.subscribed(&all).await).is_empty());
    let before = fleet.subscribed(&limited).await;
    assert_eq!(refusals(&before), ["#", "D", "a.#", "tenant-*", "tenant-10"]);
    let published = ["tenant-1", "tenant-10", "tenant-2", "a.b", "a.b.c", "a", "a.", "D", "tenant-1"];
    fleet.publish_all(&published).await;
    let mut batch = Batch::new();
    let envelope = |name: &&str| Envelope { topic: topic(name), payload: Bytes::from((*name).to_owned()) };
    batch.extend(published.iter().map(envelope));
    fleet.publisher.send_batch(&mut batch).await.unwrap();
    let expected = ["tenant-1", "a.b", "a.", "tenant-1"];
    assert_eq!(names(&limited, 8).await, [expected, expected].concat());
    assert_eq!(names(&all, 18).await, [published, published].concat());
    let status = fleet.publisher.status();
    assert_eq!(status.counter("subscriptions_refused", Some("topic_right")), 5);
    let remembered = status.refusals.iter().find(|entry| entry.cause == "topic_right").unwrap();
    assert!(remembered.reason.contains("no right to the subscription"), "{remembered:?}");
    assert_eq!(limited.status().counter("events_received", None), 8, "nothing else came over the connection");
}

#[tokio::test]
async fn a_subscription_that_is_added_later_is_judged_as_well() {
    let fleet = Fleet::new(&["limited topic=a topic=b"], &[]).await;
    let limited = fleet.agent_of("limited", &["a"]).await;
    assert!(refusals(&fleet.subscribed(&limited).await).is_empty());
    limited.register_topic(topic("c").into()).unwrap();
    limited.register_topic(topic("b").into()).unwrap();
    let notice = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Incoming::Notice(notice) = limited.recv().await.unwrap() {
                return notice;
            }
        }
    });
    let Notice::SubscriptionRefused { subscription, publisher, .. } = notice.await.unwrap() else {
        panic!("no refusal")
    };
    assert_eq!((subscription.as_str(), publisher), ("c", fleet.endpoint()));
    fleet.publish_all(&["c", "b"]).await;
    assert_eq!(names(&limited, 1).await, ["b"]);
}

#[tokio::test]
async fn an_agent_whose_topics_change_is_served_by_its_new_rights_and_others_notice_nothing() {
    let fleet = Fleet::new(&["changes topic=a", "stays topic=a topic=b"], &[]).await;
    let changes = fleet.agent_of("changes", &["a", "b"]).await;
    let stays = fleet.agent_of("stays", &["a", "b"]).await;
    assert_eq!(refusals(&fleet.subscribed(&changes).await), ["b"]);
    fleet.subscribed(&stays).await;
    fleet.publish_all(&["a", "b"]).await;
    assert_eq!(names(&changes, 1).await, ["a"]);
    for (round, granted) in [(1, "b"), (2, "a")] {
        fleet.authorize(&[&format!("changes topic={granted}"), "stays topic=b topic=a"]);
        until("the end of its connection", || fleet.refused("curve_rights_changed") == round).await;
        let refused = if granted == "a" { "b" } else { "a" };
        assert_eq!(refusals(&fleet.subscribed(&changes).await), [refused]);
        fleet.publish_all(&["a", "b"]).await;
        assert_eq!(names(&changes, 1).await, [granted]);
    }
    assert_eq!(names(&stays, 6).await, ["a", "b", "a", "b", "a", "b"]);
    assert_eq!(stays.status().counter("links_lost", None), 0);
}

#[expect(clippy::disallowed_methods, reason = "a key expires by the clock on the wall")]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}

fn expiring(after: Duration) -> String {
    let key = drivers_zmtp::protocol::curve::SecretKey::generate().unwrap().public();
    let expires = Some(wall_clock() + after);
    let agent = AuthorizedAgent { key, name: "any".into(), rights: TopicRights::ALL, expires };
    format!("expires={}", agent.expires_text().unwrap())
}

/// Waits until a connection ends because its key expired, which must be within a second after `end`.
async fn expires_at(fleet: &Fleet, end: SystemTime, before: u64) {
    until("its expiry", || fleet.refused("curve_key_expired") > before).await;
    let late = wall_clock().duration_since(end).expect("not before its time");
    assert!(late < Duration::from_secs(1), "{late:?} after its expiry");
}

#[tokio::test]
async fn an_agent_is_disconnected_within_a_second_of_its_expiry_and_refused_until_it_is_extended() {
    let line = |after| format!("expires {}", expiring(Duration::from_secs(after)));
    let end = wall_clock() + Duration::from_secs(6);
    let fleet = Fleet::new(&[&line(6), "stays"], &[]).await;
    let (expires, stays) = (fleet.agent_of("expires", &["a"]).await, fleet.agent_of("stays", &["a"]).await);
    fleet.subscribed(&expires).await;
    fleet.subscribed(&stays).await;
    expires_at(&fleet, end, 0).await;
    fleet.publish("a").await;
    until("a refusal that the agent knows", || {
        expires.status().counter("peers_refused", Some("curve_key_refused")) >= 1
    })
    .await;
    fleet.authorize(&[&line(3600), "stays"]);
    fleet.subscribed(&expires).await;
    fleet.publish("a").await;
    assert_eq!(names(&expires, 1).await, ["a"], "the one after its extension");
    let (end, before) = (wall_clock() + Duration::from_secs(2), fleet.refused("curve_key_expired"));
    fleet.authorize(&[&line(2), "stays"]);
    expires_at(&fleet, end, before).await;
    assert_eq!(fleet.refused("curve_rights_changed"), 0, "another expiry is no other right");
    fleet.publish("a").await;
    assert_eq!(names(&stays, 3).await, ["a", "a", "a"]);
    assert_eq!(expires.status().counter("events_received", None), 1);
}

#[tokio::test]
async fn what_is_sent_to_one_peer_alone_and_requests_observe_its_rights() {
    let fleet = Fleet::new(&["limited topic=a"], &[]).await;
    let limited = fleet.agent_of("limited", &["a", "$mark.a"]).await;
    fleet.subscribed(&limited).await;
    let seen = fleet.publisher.subscribers_seen().unwrap();
    let (peer, rights) = loop {
        if let pubsub_api::SubscriptionSeen::Subscribed { peer, rights, .. } = seen.next().await.unwrap() {
            break (peer, rights);
        }
    };
    assert!(rights.allows(&topic("a")) && !rights.allows(&topic("ab")));
    let payload = Bytes::from_static(b"x");
    assert!(!seen.send_to(peer, &topic("ab"), &payload) && !seen.send_to(peer, &topic("$mark.ab"), &payload));
    assert!(seen.send_to(peer, &topic("$mark.a"), &payload));
    let request = Envelope { topic: topic("$ask"), payload };
    assert!(limited.requester().unwrap().request(&fleet.endpoint(), request));
    let request =
        tokio::time::timeout(PATIENCE, fleet.publisher.requests().unwrap().next()).await.unwrap().unwrap();
    assert_eq!(request.rights, rights);
    assert!(request.account.is_some() && request.name.ends_with("(limited)"), "{}", request.name);
}

#[tokio::test]
async fn connections_of_one_key_are_bounded_and_other_keys_are_served() {
    let fleet = Fleet::new(&["many", "other"], &["drivers.zmtp.max_connections_per_key=2"]).await;
    let mut agents = Vec::new();
    for _ in 0..3 {
        agents.push(fleet.agent_of("many", &["a"]).await);
    }
    until("one too many", || fleet.refused("too_many_of_key") >= 1).await;
    let other = fleet.agent_of("other", &["a"]).await;
    fleet.subscribed(&other).await;
    fleet.publish("a").await;
    assert_eq!(names(&other, 1).await, ["a"]);
    agents.pop();
    agents.pop();
    agents.pop();
    let again = fleet.agent_of("many", &["a"]).await;
    fleet.subscribed(&again).await;
}
