//! What a server refuses: passwords, and users who may not.

use std::fs;

use pubsub_api::{ErrorKind, Incoming, Notice, Pattern};
use redis_servers::{PATIENCE, RedisServer};
use tempfile::NamedTempFile;
use tokio::time::{Duration, timeout};

use crate::ends::{Reader, driver, event, publisher, refused, topic};

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

/// The next notice of a refusal: a `Resync` of the topic, or of all if it is a pattern's, and then `Stale`.
async fn told_of_refusal(reader: &mut Reader, wanted: Option<&str>) -> String {
    let is_resync = |notice: &Notice| {
        matches!(notice, Notice::Resync { topic, reason, .. }
            if topic.as_deref() == wanted && reason.contains("refuses the subscription"))
    };
    reader.until_notice("the refusal", is_resync).await;
    match reader.until_notice("Stale", |_| true).await {
        Notice::Stale { reason, .. } => reason,
        other => panic!("Stale must be next, and {other:?} was"),
    }
}

/// Seed 004, case 3: a refusal is told with its topic and the rule that is missing, and costs the others nothing; the
/// subscriber does not count as subscribed before all is granted.
#[tokio::test]
async fn subscribe_failed_is_told_and_tried_again_and_the_others_hold() {
    let (server, _file, sets) =
        server_with(&["resetchannels", "&mine", "+subscribe", "+psubscribe", "+ping"]);
    let hosts = [server.address()];
    let mut reader = Reader::begin(&hosts, &["mine", "theirs"], &words(&sets)).await;
    let reason = told_of_refusal(&mut reader, Some("theirs")).await;
    assert!(reason.contains("\"theirs\"") && reason.contains("ACL SETUSER tenant &theirs "), "{reason}");
    assert!(matches!(reader.told[0], Notice::LinkUp { .. }) && reader.told.len() == 3, "{:?}", reader.told);
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
    let granted = reader.until_notice("that all is granted", |_| true).await;
    assert!(matches!(granted, Notice::Subscribed { .. }), "{granted:?}");
    let Notice::Resync { topic: Some(topic), reason, .. } = reader.until_notice("Resync", |_| true).await
    else {
        panic!("{:?}", reader.told)
    };
    assert!(topic == "theirs" && reason.contains("takes the subscription now"), "{reason}");
    sender.send_event(&event("theirs", "2")).await.unwrap();
    reader.expect("theirs", "2").await;
    assert_eq!(reader.subscriber.status().counter("links_lost", None), 0);
}

#[tokio::test]
async fn a_subscriber_that_gives_up_what_is_refused_is_subscribed_and_one_that_wants_more_is_stale_again() {
    let (server, _file, sets) =
        server_with(&["resetchannels", "&mine", "&port.*", "+subscribe", "+psubscribe", "+ping"]);
    let mut reader = Reader::begin(&[server.address()], &["mine", "theirs"], &words(&sets)).await;
    told_of_refusal(&mut reader, Some("theirs")).await;
    reader.subscriber.unregister_topic(&topic("theirs").into());
    let next = reader.until_notice("Subscribed", |_| true).await;
    assert!(matches!(next, Notice::Subscribed { .. }), "{next:?}");
    // A pattern is allowed literally: what it matches does not matter.
    for (pattern, channels) in [("port.*", "port.*"), ("port.a.*", "port.a.*")] {
        reader.subscriber.register_topic(pattern.parse::<Pattern>().unwrap().into()).unwrap();
        if channels == "port.a.*" {
            let reason = told_of_refusal(&mut reader, None).await;
            assert!(reason.contains("ACL SETUSER tenant &port.a.* "), "{reason}");
        }
    }
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
    let reason = told_of_refusal(&mut reader, Some("a")).await;
    assert!(reason.contains("ACL SETUSER tenant +subscribe "), "{reason}");
}

/// The rules that the README names for both ends.
#[tokio::test]
async fn what_the_readme_allows_is_enough() {
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
