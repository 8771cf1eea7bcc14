//! Servers that are no masters, and users that may not do everything.

use end_to_end::{Folder, Program, event, jsonl};
use redis_servers::{RedisServer, Sentinel};
use serde_json::Value;

/// Workers and agents without a database, which look at their server every half a second.
fn folder(host: &str, more: &str) -> Folder {
    Folder::with_settings(&format!(
        "pub_sub_driver = \"redis_db_pubsub_driver\"\nuse_nb_db = \"no\"\n\
         [drivers.redis]\nhosts = [\"{host}\"]\ntopology_check_interval = \"500ms\"\n{more}"
    ))
}

fn row(topic: &str, key: &str) -> Value {
    event("lport", key, "set", "{}", topic)
}

fn agent(folder: &Folder) -> Program {
    folder.launch("subscriber-agent", "agent").args(["--topic", "lport"]).start()
}

#[test]
fn a_master_that_is_demoted_under_a_worker_and_an_agent_is_reported_by_both() {
    let (demoted, promoted) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let folder = folder(&demoted.address(), "");
    let agent = agent(&folder);
    agent.wait_for_notice(0, "live");
    folder.publish(&[row("lport", "1")]);
    agent.wait_for_events(1);
    let mark = agent.mark();
    demoted.follow(&promoted);
    let master = promoted.address();
    let stale = agent.wait_for_notice(mark, "stale");
    assert!(stale["reason"].as_str().unwrap().contains(&format!("a replica of {master}")), "{stale}");
    let worker = folder.worker_launch("late").run_with(&jsonl(&[row("lport", "2")]));
    let _refused = worker.expect(69).says(&["is a replica of", &master, "drivers.redis.hosts"]);
    assert_eq!(agent.events().len(), 1);
    // The agent comes back, and its table may lack what was published meanwhile.
    demoted.follow_nobody();
    agent.wait_for_notice(mark, "resync");
    agent.wait_for_notice(mark, "live");
    folder.publish(&[row("lport", "3")]);
    agent.wait_for_events(2);
}

#[test]
fn an_agent_that_may_not_subscribe_to_the_marks_of_its_topic_is_not_live_before_it_may() {
    let server = RedisServer::start(&[]);
    let rules = [
        "on",
        "nopass",
        "resetchannels",
        "&D",
        "&$mark.D",
        "&lport",
        "-@all",
        "+ping",
        "+role",
        "+info",
        "+publish",
    ];
    let command = ["ACL", "SETUSER", "tenant"].into_iter().chain(rules).chain(["+@pubsub"]);
    server.raw().call(&command.collect::<Vec<_>>()).expect_ok();
    let secrets = Folder::new();
    let password = secrets.write("password", "any\n");
    let more = format!("user = \"tenant\"\npassword_file = \"{}\"\n", password.display());
    let folder = folder(&server.address(), &more);
    let agent = agent(&folder);
    let stale = agent.wait_for_notice(0, "stale");
    let reason = stale["reason"].as_str().unwrap();
    assert!(reason.contains("ACL SETUSER tenant &$mark.lport "), "{reason}");
    assert!(agent.stderr().contains("ACL SETUSER tenant &$mark.lport "), "{}", agent.stderr());
    let worker = folder.worker_launch("other").run_with(&jsonl(&[row("other", "1")]));
    let _refused = worker.expect(78).says(&["ACL SETUSER tenant &other "]);
    assert!(!agent.notices().contains(&"live".to_owned()), "{:?}", agent.notices());
    server.raw().call(&["ACL", "SETUSER", "tenant", "&$mark.lport"]).expect_ok();
    agent.wait_for_notice(0, "live");
}

#[test]
fn the_port_of_sentinel_is_an_error_of_settings_that_names_it() {
    let server = RedisServer::start(&[]);
    let sentinel = Sentinel::start(&server);
    let folder = folder(&sentinel.address(), "");
    let worker = folder.worker_launch("worker").run_with(&jsonl(&[row("lport", "1")]));
    let _refused = worker.expect(78).says(&["Sentinel", &sentinel.address(), "drivers.redis.hosts"]);
}
