//! What a server refuses: passwords, and users who may not.

use std::fs;

use pubsub_api::{ErrorKind, Incoming, Notice};
use redis_servers::{PATIENCE, RedisServer};
use tempfile::NamedTempFile;
use tokio::time::{Duration, timeout};

use crate::ends::{Reader, driver, event, publisher, refused};

const CANARY: &str = "canary-7f3a-hunter2";

/// A server with a user `tenant` who may do this, and the settings to log in as it.
fn server_with(rules: &[&str]) -> (RedisServer, NamedTempFile, Vec<String>) {
    let server = RedisServer::start(&[]);
    let password = format!(">{CANARY}");
    let command = ["ACL", "SETUSER", "tenant", "on", &password].into_iter().chain(rules.iter().copied());
    server.raw().call(&command.collect::<Vec<_>>()).expect_ok();
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, CANARY).unwrap();
    let sets = vec![
        "drivers.redis.user=tenant".to_owned(),
        format!("drivers.redis.password_file={}", file.path().display()),
    ];
    (server, file, sets)
}

fn words(sets: &[String]) -> Vec<&str> {
    sets.iter().map(String::as_str).collect()
}

/// Seed 004, case 3: a refusal is told with its topic, and costs the others nothing.
#[tokio::test]
async fn subscribe_failed_is_told_and_tried_again_and_the_others_hold() {
    let (server, _file, sets) =
        server_with(&["resetchannels", "&mine", "+subscribe", "+psubscribe", "+ping"]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["mine", "theirs"], &words(&sets)).await;
    let of_topic = |notice: &Notice| match notice {
        Notice::Resync { topic: Some(topic), reason, .. } if topic == "theirs" => Some(reason.clone()),
        _ => None,
    };
    let told: Vec<_> = reader.told.iter().filter_map(of_topic).collect();
    assert!(told.len() == 1 && told[0].contains("refuses the subscription"), "{:?}", reader.told);
    let sender = publisher(&hosts, &[]).await;
    sender.send_event(&event("theirs", "1")).await.unwrap();
    sender.send_event(&event("mine", "1")).await.unwrap();
    reader.expect("mine", "1").await;
    // It is asked for again, and told again only when it is granted.
    let asked_again = async {
        while reader.subscriber.status().counter("subscriptions_refused", None) < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, asked_again).await.expect("it is asked for again");
    server.raw().call(&["ACL", "SETUSER", "tenant", "&theirs"]).expect_ok();
    let granted = reader.until_notice("that it is granted", |_| true).await;
    assert!(
        of_topic(&granted).is_some_and(|reason| reason.contains("takes the subscription now")),
        "{granted:?}"
    );
    sender.send_event(&event("theirs", "2")).await.unwrap();
    reader.expect("theirs", "2").await;
    assert_eq!(reader.subscriber.status().counter("links_lost", None), 0);
}

#[tokio::test]
async fn a_right_that_is_taken_away_ends_the_link_and_is_told() {
    let (server, _file, sets) = server_with(&["allchannels", "+subscribe", "+psubscribe", "+ping"]);
    let mut reader = Reader::subscribed(&[server.address()], &["mine", "theirs"], &words(&sets)).await;
    server.raw().call(&["ACL", "SETUSER", "tenant", "resetchannels", "&mine"]).expect_ok();
    reader.until_notice("the loss", |notice| matches!(notice, Notice::LinkDown { .. })).await;
    let is_it =
        |notice: &Notice| matches!(notice, Notice::Resync { topic: Some(topic), .. } if topic == "theirs");
    reader.until_notice("the refusal", is_it).await;
}

#[tokio::test]
async fn who_may_not_publish_is_told_and_may_do_nothing_else() {
    let (server, _file, sets) = server_with(&["resetchannels", "&mine", "+publish"]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["mine"], &[]).await;
    let sender = publisher(&hosts, &words(&sets)).await;
    let text = refused(sender.send_event(&event("theirs", "1")).await, ErrorKind::Settings);
    assert!(text.contains("drivers.redis.user") && !text.contains(CANARY), "{text}");
    sender.send_event(&event("mine", "1")).await.unwrap();
    reader.expect("mine", "1").await;
    assert_eq!(sender.status().counter("redis_connections_made", None), 1);
}

#[tokio::test]
async fn a_wrong_password_is_an_error_of_settings_that_is_not_tried_again() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, CANARY).unwrap();
    let set = format!("drivers.redis.password_file={}", file.path().display());
    let hosts = [server.address()];
    for (more, says) in [(vec![set.as_str()], "refuses the password"), (vec![], "wants a password")] {
        let sender = publisher(&hosts, &more).await;
        let text = refused(sender.send_event(&event("a", "1")).await, ErrorKind::Settings);
        assert!(text.contains(says) && !text.contains(CANARY), "{text}");
    }
    let missing = driver(&hosts, &["drivers.redis.password_file=/nonexistent/secret"]);
    refused(missing.publisher().initialize().await, ErrorKind::Settings);
    refused(missing.subscriber().initialize().await, ErrorKind::Settings);
}

#[tokio::test]
async fn passwords_are_given_and_shown_nowhere() {
    let server = RedisServer::start(&["--requirepass", CANARY]);
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, CANARY).unwrap();
    let set = format!("drivers.redis.password_file={}", file.path().display());
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["a"], &[&set]).await;
    let sender = publisher(&hosts, &[&set]).await;
    sender.send_event(&event("a", "1")).await.unwrap();
    assert!(matches!(reader.next("the event").await, Incoming::Message(_)));
    let shown =
        format!("{sender:?} {:?} {:?} {:?}", reader.subscriber, sender.status(), reader.subscriber.status());
    assert!(!shown.contains(CANARY), "{shown}");
}

#[tokio::test]
async fn several_hosts_that_are_no_cluster_are_refused() {
    let (one, other) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let sender = publisher(&[one.address(), other.address()], &[]).await;
    let text = refused(sender.send_event(&event("a", "1")).await, ErrorKind::Settings);
    assert!(text.contains("name one host"), "{text}");
}
