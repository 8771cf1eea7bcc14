use pubsub_api::settings::{Origin, Place, Setting, Slot, Value};

use super::redis_hosts::RedisHosts;
use crate::warning::Warning;

/// What differs from Dragonflow where a file of its names no driver.
const OUR_DRIVERS: &[(&str, &str)] = &[
    (
        "nb_db_class",
        "`nb_db_class` is sqlite_nb_db_driver, which no other host sees (Dragonflow: etcd_nb_db_driver, which Skimmer does \
         not have)",
    ),
    (
        "pub_sub_driver",
        "`pub_sub_driver` is zmtp_pubsub_driver, which speaks the wire of Dragonflow's zmq_pubsub_driver",
    ),
    (
        "pub_sub_multiproc_driver",
        "`pub_sub_multiproc_driver` is zmtp_pubsub_multiproc_driver, which speaks the wire of Dragonflow's \
         zmq_pubsub_multiproc_driver",
    ),
];

/// What Dragonflow's options come to once it is known which drivers are in force.
#[derive(Debug, Default)]
pub(crate) struct InForce {
    /// The setting that names the hosts of Redis, with its value.
    pub(crate) hosts: Option<(&'static Setting, Value, Origin)>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) problem: Option<String>,
}

/// Dragonflow's options of its database, if the drivers that are in force want Redis and nothing else names its hosts; and a
/// warning about drivers, `place` being the file's: Dragonflow's are not all ours, so the defaults of their aliases stay ours.
pub(crate) fn in_force(redis: RedisHosts, slots: &[Slot], place: Option<Place>) -> InForce {
    let mut found = redis_hosts(redis, slots);
    let left_out =
        |name: &str| slots.iter().any(|slot| slot.setting.name == name && slot.origin == Origin::Default);
    let differs: Vec<_> =
        OUR_DRIVERS.iter().filter(|(name, _)| left_out(name)).map(|(_, text)| *text).collect();
    if !differs.is_empty() {
        let text = format!(
            "Dragonflow's defaults hold for what is left out, except for drivers: {}",
            differs.join("; ")
        );
        found.warnings.push(Warning { place, text });
    }
    found
}

fn redis_hosts(redis: RedisHosts, slots: &[Slot]) -> InForce {
    let is_redis = |slot: &Slot| {
        ["pub_sub_driver", "nb_db_class"].contains(&slot.setting.name)
            && matches!(&slot.value, Value::Text(alias) if alias.starts_with("redis_"))
    };
    let used = slots.iter().any(is_redis);
    let is_hosts = |slot: &&Slot| (slot.setting.section, slot.setting.name) == ("drivers.redis", "hosts");
    let setting = match slots.iter().find(is_hosts) {
        None => Err("no driver of Redis is linked in"),
        Some(_) if !used => Err("no driver of Redis is used"),
        Some(slot) if slot.origin != Origin::Default => Err("`drivers.redis.hosts` is set elsewhere"),
        Some(slot) => Ok(slot.setting),
    };
    let mut found = InForce::default();
    match (setting, redis.hosts) {
        (Err(why), _) => {
            let text = |name: &str| format!("`{name}` has no effect here: {why}");
            found.warnings.extend(redis.set.iter().map(|(name, origin)| Warning::at(origin, text(name))));
        }
        (Ok(setting), Ok(hosts)) => {
            found.warnings.extend(redis.warning);
            found.hosts = Some((setting, Value::List(hosts), redis.origin));
        }
        (Ok(_), Err(problem)) => found.problem = Some(Warning::at(&redis.origin, problem).to_string()),
    }
    found
}
