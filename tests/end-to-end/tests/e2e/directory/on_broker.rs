//! A service where events go by a broker: the workers publish themselves, and it cares for the database.

use end_to_end::{Folder, Launch, until};
use redis_servers::RedisServer;
use serde_json::Value;

use super::scene::{quick, wait_for_action, wait_for_monitors};

fn with_broker(launch: Launch, redis: &RedisServer) -> Launch {
    launch.set("pub_sub_driver", "redis_db_pubsub_driver").set("drivers.redis.hosts", redis.address())
}

#[test]
fn a_service_on_a_broker_watches_the_database_and_has_no_address_of_its_own() {
    let (redis, folder) = (RedisServer::start(&[]), Folder::new());
    let launch = with_broker(folder.launch("publisher-service", "service"), &redis);
    let mut service = quick(launch.set("nb_db_class", "redis_nb_db_driver")).start();
    let ready = service.wait_for("the ready line", |line| line["ready"] == true);
    assert_eq!(ready["ipc"], Value::Null);
    let agent =
        with_broker(folder.agent_launch("agent", &redis.address()), &redis).args(["--pattern", "#"]).start();
    agent.wait_for_notice(0, "subscribed");
    wait_for_monitors(&folder, "service");
    let set = |key: &str, row: &str| redis.raw().call(&["SET", key, row]);
    set("{chassis.}a", r#"{"id":"a"}"#);
    wait_for_action(&agent, 0, "create", "a");
    set("{publisher.}old", r#"{"id":"old","uri":"tcp://192.0.2.1:8866"}"#);
    wait_for_action(&agent, 0, "delete", "old");
    let keys = |pattern: &str| redis.raw().call(&["KEYS", pattern]).list().len();
    until("its word that it is alive", || (keys("{service.}*") == 1).then_some(()));
    assert_eq!(keys("{publisher.}*"), 0, "agents connect to the broker, not to it");
    service.terminate();
}

#[test]
fn a_service_on_a_broker_without_a_database_has_nothing_to_do() {
    let (redis, folder) = (RedisServer::start(&[]), Folder::new());
    let ended = with_broker(folder.launch("publisher-service", "service"), &redis).run().expect(78);
    let _ = ended.says(&["publishes to a broker", "nothing to do", "use_nb_db", "nb_db_class"]);
}
