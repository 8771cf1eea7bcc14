//! Refusals of a server: passwords, and users without permission.

use std::fs;

use pubsub_api::{ErrorKind, Incoming, Notice, Pattern};
use redis_servers::RedisServer;
use tempfile::NamedTempFile;

use crate::ends::{Reader, driver, event, publisher, refused, topic, wait_until};

const CANARY: &str = "canary-7f3a-hunter2";

/// A server with a user `tenant` that has these rules, and the settings to log in as this user.
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

/// The next notices of a refusal: a `Resync` of the topic, or of all for a pattern, and then `Stale`.
async fn refusal_notices(reader: &mut Reader, wanted: Option<&str>) -> String {
    let is_resync = |notice: &Notice| {
        matches!(notice, Notice::Resync { topic, reason, .. }
            if topic.as_deref() == wanted && reason.contains("refuses the subscription"))
    };
    reader.until_notice("the refusal", is_resync).await;
    match reader.until_notice("Stale", |_| true).await {
        Notice::Stale { reason, .. } => reason,
        other => panic!("expected Stale, got {other:?}"),
    }
}

/// A refusal is reported with its topic and the missing rule, and does not affect other topics; the
/// subscriber does not count as subscribed before all subscriptions are granted.
#[tokio::test]
async fn subscribe_failed_is_reported_and_retried_and_the_other_topics_work() {
    let (server, _file, sets) =
        server_with(&["resetchannels", "&mine", "+subscribe", "+psubscribe", "+ping"]);
    let hosts = [server.address()];
    let mut reader = Reader::begin(&hosts, &["mine", "theirs"], &words(&sets)).await;
    let reason = refusal_notices(&mut reader, Some("theirs")).await;
    assert!(reason.contains("\"theirs\"") && reason.contains("ACL SETUSER tenant &theirs "), "{reason}");
    assert!(
        matches!(reader.notices[0], Notice::LinkUp { .. }) && reader.notices.len() == 3,
        "{:?}",
        reader.notices
    );
    let sender = publisher(&hosts, &[]).await;
    sender.send_event(&event("theirs", "1")).await.unwrap();
    sender.send_event(&event("mine", "1")).await.unwrap();
    reader.expect("mine", "1").await;
    // It is retried, and reported again only when it is granted.
    let refused = || reader.subscriber.status().counter("subscriptions_refused", None);
    wait_until("it is retried", || refused() >= 3).await;
    server.raw().call(&["ACL", "SETUSER", "tenant", "&theirs"]).expect_ok();
    let granted = reader.until_notice("the grant", |_| true).await;
    assert!(matches!(granted, Notice::Subscribed { .. }), "{granted:?}");
    let Notice::Resync { topic: Some(topic), reason, .. } = reader.until_notice("Resync", |_| true).await
    else {
        panic!("{:?}", reader.notices)
    };
    assert!(topic == "theirs" && reason.contains("accepts the subscription now"), "{reason}");
    sender.send_event(&event("theirs", "2")).await.unwrap();
    reader.expect("theirs", "2").await;
    assert_eq!(reader.subscriber.status().counter("links_lost", None), 0);
}

#[tokio::test]
async fn a_subscriber_without_its_refused_topic_is_subscribed_and_with_another_refused_one_stale_again() {
    let (server, _file, sets) =
        server_with(&["resetchannels", "&mine", "&port.*", "+subscribe", "+psubscribe", "+ping"]);
    let mut reader = Reader::begin(&[server.address()], &["mine", "theirs"], &words(&sets)).await;
    refusal_notices(&mut reader, Some("theirs")).await;
    reader.subscriber.unregister_topic(&topic("theirs").into());
    let next = reader.until_notice("Subscribed", |_| true).await;
    assert!(matches!(next, Notice::Subscribed { .. }), "{next:?}");
    // A pattern must be allowed literally: the channels that it matches do not matter.
    for (pattern, channels) in [("port.*", "port.*"), ("port.a.*", "port.a.*")] {
        reader.subscriber.register_topic(pattern.parse::<Pattern>().unwrap().into()).unwrap();
        if channels == "port.a.*" {
            let reason = refusal_notices(&mut reader, None).await;
            assert!(reason.contains("ACL SETUSER tenant &port.a.* "), "{reason}");
        }
    }
}

#[tokio::test]
async fn a_revoked_permission_ends_the_link_and_is_reported() {
    let (server, _file, sets) = server_with(&["allchannels", "+subscribe", "+psubscribe", "+ping"]);
    let mut reader = Reader::subscribed(&[server.address()], &["mine", "theirs"], &words(&sets)).await;
    server.raw().call(&["ACL", "SETUSER", "tenant", "resetchannels", "&mine"]).expect_ok();
    reader.until_notice("the loss", |notice| matches!(notice, Notice::LinkDown { .. })).await;
    let is_it =
        |notice: &Notice| matches!(notice, Notice::Resync { topic: Some(topic), .. } if topic == "theirs");
    reader.until_notice("the refusal", is_it).await;
}

#[tokio::test]
async fn a_publisher_without_permission_gets_an_error_and_can_still_send_on_other_topics() {
    let (server, _file, sets) = server_with(&["resetchannels", "&mine", "+publish"]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["mine"], &[]).await;
    let sender = publisher(&hosts, &words(&sets)).await;
    let text = refused(sender.send_event(&event("theirs", "1")).await, ErrorKind::Settings);
    assert!(text.contains("drivers.redis.user") && !text.contains(CANARY), "{text}");
    assert!(text.contains("publish \"theirs\"") && text.contains("ACL SETUSER tenant &theirs "), "{text}");
    sender.send_event(&event("mine", "1")).await.unwrap();
    reader.expect("mine", "1").await;
    assert_eq!(sender.status().counter("redis_connections_made", None), 1);
}

#[tokio::test]
async fn a_command_that_is_not_allowed_is_named() {
    let (server, _file, sets) = server_with(&["allchannels", "+ping"]);
    let hosts = [server.address()];
    let sender = publisher(&hosts, &words(&sets)).await;
    let text = refused(sender.send_event(&event("a", "1")).await, ErrorKind::Settings);
    assert!(text.contains("ACL SETUSER tenant +publish "), "{text}");
    let mut reader = Reader::begin(&hosts, &["a"], &words(&sets)).await;
    let reason = refusal_notices(&mut reader, Some("a")).await;
    assert!(reason.contains("ACL SETUSER tenant +subscribe "), "{reason}");
}

/// The rules in the README for publishers and subscribers.
#[tokio::test]
async fn the_rules_in_the_readme_are_sufficient() {
    let rules = ["resetchannels", "&lport", "&$mark.lport", "&port.*", "-@all"];
    let commands = ["+publish", "+subscribe", "+psubscribe", "+unsubscribe", "+punsubscribe"];
    let more = ["+ping", "+role", "+info", "+cluster|slots", "+cluster|myid"];
    let (server, _file, sets) = server_with(&[&rules[..], &commands, &more].concat());
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["lport", "$mark.lport", "port.*"], &words(&sets)).await;
    let sender = publisher(&hosts, &words(&sets)).await;
    sender.send_event(&event("lport", "1")).await.unwrap();
    reader.expect("lport", "1").await;
    assert_eq!(server.raw().call(&["ACL", "LOG"]).list().len(), 0, "nothing was refused");
}

#[tokio::test]
async fn a_wrong_password_is_an_error_of_settings_that_is_not_retried() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, CANARY).unwrap();
    let set = format!("drivers.redis.password_file={}", file.path().display());
    let hosts = [server.address()];
    for (more, says) in [(vec![set.as_str()], "refuses the password"), (vec![], "requires a password")] {
        let sender = publisher(&hosts, &more).await;
        let text = refused(sender.send_event(&event("a", "1")).await, ErrorKind::Settings);
        assert!(text.contains(says) && !text.contains(CANARY), "{text}");
    }
    let missing = driver(&hosts, &["drivers.redis.password_file=/nonexistent/secret"]);
    refused(missing.publisher().initialize().await, ErrorKind::Settings);
    refused(missing.subscriber().initialize().await, ErrorKind::Settings);
}

#[tokio::test]
async fn passwords_are_sent_and_never_shown() {
    let server = RedisServer::start(&["--requirepass", CANARY]);
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, CANARY).unwrap();
    let set = format!("drivers.redis.password_file={}", file.path().display());
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["a"], &[&set]).await;
    let sender = publisher(&hosts, &[&set]).await;
    sender.send_event(&event("a", "1")).await.unwrap();
    assert!(matches!(reader.next("the event").await, Incoming::Event(_)));
    let shown =
        format!("{sender:?} {:?} {:?} {:?}", reader.subscriber, sender.status(), reader.subscriber.status());
    assert!(!shown.contains(CANARY), "{shown}");
}

#[tokio::test]
async fn several_hosts_that_are_not_a_cluster_are_refused() {
    let (one, other) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let sender = publisher(&[one.address(), other.address()], &[]).await;
    let text = refused(sender.send_event(&event("a", "1")).await, ErrorKind::Settings);
    assert!(text.contains("set one host"), "{text}");
}
