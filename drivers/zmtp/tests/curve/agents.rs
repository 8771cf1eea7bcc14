//! Our agents at our publisher: who is served, what arrives, and what changes while they are connected.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use bytes::Bytes;
use drivers_zmtp::protocol::curve::SecretKey;
use pubsub_api::{Batch, Envelope, Incoming, Notice, Reply};

use super::fleet::{Fleet, PATIENCE, event, open, topic, until};

#[tokio::test]
async fn events_of_all_sizes_arrive_in_order_at_authorized_agents() {
    let names: Vec<String> = (0..20).map(|number| format!("node-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fleet = Fleet::new(&names, &[]).await;
    let mut agents = Vec::new();
    for name in &names {
        agents.push(fleet.agent(name, fleet.key).await);
    }
    fleet.seen(names.len()).await;
    let sizes = [0, 1, 30, 31, 32, 33, 200, 255, 256, 20_000, 300];
    for (number, size) in sizes.into_iter().enumerate() {
        let payload = vec![u8::try_from(number).unwrap(); size];
        fleet.publisher.send(&topic("D"), Bytes::from(payload)).await.unwrap();
    }
    let mut batch = Batch::new();
    batch.extend((0..3000_u32).map(|number| Envelope {
        topic: topic(if number % 3 == 0 { "other" } else { "D" }),
        payload: Bytes::from(format!("event {number}")),
    }));
    fleet.publisher.send_batch(&mut batch).await.unwrap();
    for agent in &agents {
        for (number, size) in sizes.into_iter().enumerate() {
            assert_eq!(event(agent).await, vec![u8::try_from(number).unwrap(); size]);
        }
        for number in (0..3000_u32).filter(|number| number % 3 != 0) {
            assert_eq!(event(agent).await, format!("event {number}").into_bytes());
        }
    }
    let peers = fleet.publisher.status().peers;
    assert!(peers.iter().any(|peer| peer.endpoint.ends_with("(node-7)")), "{peers:?}");
}

#[tokio::test]
async fn the_largest_events_arrive_whole_between_small_ones() {
    let fleet = Fleet::new(&["node"], &[]).await;
    let agent = fleet.agent("node", fleet.key).await;
    fleet.seen(1).await;
    for size in [10, 1 << 20, 20, 1 << 20, 30] {
        fleet.publisher.send(&topic("D"), Bytes::from(vec![7; size])).await.unwrap();
        assert_eq!(event(&agent).await.len(), size);
    }
}

#[tokio::test]
async fn a_request_is_answered_to_the_agent_that_asked() {
    let fleet = Fleet::new(&["one", "two"], &[]).await;
    let (one, _two) = (fleet.agent("one", fleet.key).await, fleet.agent("two", fleet.key).await);
    fleet.seen(2).await;
    let request = Envelope { topic: topic("$ask"), payload: Bytes::from(vec![b'?'; 5000]) };
    let requester = one.requester().unwrap();
    assert!(requester.request(&fleet.endpoint(), request.clone()));
    let requests = fleet.publisher.requests().unwrap();
    let asked = tokio::time::timeout(PATIENCE, requests.next()).await.unwrap().unwrap();
    assert_eq!(asked.envelope, request);
    let part =
        |number: usize| Envelope { topic: topic("$answer"), payload: Bytes::from(vec![7; number * 1000]) };
    let mut batch = Batch::new();
    batch.extend((0..200).map(part));
    let answering = requests.answer(asked.peer, &mut batch);
    let reading = async {
        for number in 0..200 {
            let reply = tokio::time::timeout(PATIENCE, requester.next()).await.unwrap().unwrap();
            let Reply::Part { envelope, .. } = reply else { panic!("{reply:?}") };
            assert_eq!(envelope, part(number));
        }
    };
    let (answered, ()) = tokio::join!(answering, reading);
    answered.unwrap();
}

#[tokio::test]
async fn an_agent_that_is_removed_is_disconnected_and_accepted_again_when_it_is_added() {
    let fleet = Fleet::new(&["stays", "leaves"], &[]).await;
    let (stays, leaves) = (fleet.agent("stays", fleet.key).await, fleet.agent("leaves", fleet.key).await);
    fleet.seen(2).await;
    fleet.publisher.send(&topic("D"), Bytes::from_static(b"before")).await.unwrap();
    assert_eq!(event(&leaves).await, b"before");
    fleet.authorize(&["stays"]);
    until("the end of its connection", || fleet.refused("curve_key_removed") == 1).await;
    fleet.publisher.send(&topic("D"), Bytes::from_static(b"secret")).await.unwrap();
    until("a refusal", || fleet.refused("curve_unknown_key") >= 1).await;
    until("a refusal that the agent knows", || {
        leaves.status().counter("peers_refused", Some("curve_key_refused")) >= 1
    })
    .await;
    fleet.authorize(&["leaves", "stays"]);
    fleet.seen(1).await;
    fleet.publisher.send(&topic("D"), Bytes::from_static(b"after")).await.unwrap();
    assert_eq!(event(&leaves).await, b"after", "without a restart, and without what it had no right to");
    for wanted in ["before", "secret", "after"] {
        assert_eq!(event(&stays).await, wanted.as_bytes());
    }
    assert_eq!(stays.status().counter("links_lost", None), 0);
}

#[tokio::test]
async fn a_publisher_without_the_pinned_key_is_refused_by_the_agent() {
    let fleet = Fleet::new(&["node"], &[]).await;
    let agent = fleet.agent("node", SecretKey::generate().unwrap().public()).await;
    until("the refusal at the publisher", || fleet.refused("curve_bad_hello") >= 2).await;
    until("the refusal at the agent", || {
        agent.status().counter("peers_refused", Some("curve_no_welcome")) >= 2
    })
    .await;
}

#[tokio::test]
async fn an_agent_of_null_is_refused_by_name_and_a_publisher_of_null_by_an_agent_of_curve() {
    let fleet = Fleet::new(&["node"], &[]).await;
    let plain = open(vec!["drivers.zmtp.mechanism=null".to_owned()]).subscriber();
    plain.register_topic(topic("D").into()).unwrap();
    plain.register_listen_address(&fleet.endpoint()).unwrap();
    plain.initialize().await.unwrap();
    until("the refusal", || fleet.refused("wrong_mechanism") >= 2).await;
    let null = vec!["drivers.zmtp.mechanism=null".to_owned(), "publisher_port=0".to_owned()];
    let bare = open(null).publisher();
    bare.initialize().await.unwrap();
    let sets = vec![
        format!("drivers.zmtp.agent_key_file={}", fleet.key_file("node").display()),
        format!("drivers.zmtp.publisher_keys={}", fleet.key),
    ];
    let agent = open(sets).subscriber();
    agent.register_listen_address(&bare.endpoint().unwrap()).unwrap();
    agent.initialize().await.unwrap();
    until("the refusal of CURVE", || bare.status().counter("peers_refused", Some("wrong_mechanism")) >= 2)
        .await;
}

#[tokio::test]
async fn an_idle_connection_is_kept_alive_by_heartbeats() {
    let fleet = Fleet::new(&["node"], &["dead_after=2s"]).await;
    let agent = fleet.agent("node", fleet.key).await;
    fleet.seen(1).await;
    // Longer than a silent peer lives.
    tokio::time::sleep(Duration::from_secs(5)).await;
    fleet.publisher.send(&topic("D"), Bytes::from_static(b"still")).await.unwrap();
    assert_eq!(event(&agent).await, b"still");
    assert_eq!(fleet.refused("dead"), 0);
}

#[tokio::test]
async fn an_agent_that_is_far_behind_receives_a_gap_and_then_what_is_new() {
    const EVENTS: u32 = 200;
    let fleet = Fleet::new(&["slow"], &["drivers.zmtp.fanout_log_bytes=4MiB"]).await;
    let agent = fleet.agent("slow", fleet.key).await;
    fleet.seen(1).await;
    for number in 0..EVENTS {
        let mut payload = vec![0; 200_000];
        payload[..4].copy_from_slice(&number.to_be_bytes());
        fleet.publisher.send(&topic("D"), Bytes::from(payload)).await.unwrap();
    }
    fleet.publisher.send(&topic("D"), Bytes::from_static(b"last")).await.unwrap();
    let (mut next, mut missed) = (0_u32, 0_u32);
    loop {
        match tokio::time::timeout(PATIENCE, agent.recv()).await.expect("more in time").unwrap() {
            Incoming::Event(event) if event.payload == "last" => break,
            Incoming::Event(event) if event.topic.as_str() == "D" => {
                assert_eq!(
                    event.payload[..4],
                    (next + missed).to_be_bytes(),
                    "in order, and none unreported"
                );
                next += 1;
            }
            Incoming::Notice(Notice::Gap { events, .. }) => missed += u32::try_from(events).unwrap(),
            _ => {}
        }
    }
    assert_eq!(next + missed, EVENTS);
}

#[tokio::test]
async fn keys_that_are_missing_or_readable_by_others_end_the_start_in_words() {
    let fleet = Fleet::new(&["node"], &[]).await;
    let no_keys = open(vec!["publisher_port=0".to_owned()]);
    let error = no_keys.publisher().initialize().await.unwrap_err().to_string();
    assert!(error.contains("drivers.zmtp.publisher_key_file is empty"), "{error}");
    assert!(no_keys.publisher().check().is_err());
    let error = no_keys.subscriber().initialize().await.unwrap_err().to_string();
    assert!(error.contains("drivers.zmtp.agent_key_file is empty"), "{error}");
    set_permissions(fleet.key_file("node"), Permissions::from_mode(0o644)).unwrap();
    let agent = fleet.agent_with("node", fleet.key).unwrap();
    let error = agent.initialize().await.unwrap_err().to_string();
    assert!(error.contains("node.key") && error.contains("mode 0644"), "{error}");
}
