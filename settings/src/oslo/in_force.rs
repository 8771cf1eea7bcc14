use pubsub_api::settings::{Origin, Place, Setting, SettingValue, Slot};

use super::redis_hosts::RedisHosts;
use crate::oslo_rules::{DatabaseHosts, OsloRules};
use crate::warning::Warning;

/// What Dragonflow's options come to once it is known which drivers are in force.
#[derive(Debug, Default)]
pub(crate) struct InForce {
    /// The setting that names the hosts of the database, with its value.
    pub(crate) hosts: Option<(&'static Setting, SettingValue, Origin)>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) problem: Option<String>,
}

/// Dragonflow's options of its database, if the drivers that are in force read them and nothing else names its hosts; and a
/// warning about settings that keep our default, `place` being the file's.
pub(crate) fn in_force(
    redis: RedisHosts,
    slots: &[Slot],
    place: Option<Place>,
    rules: &OsloRules,
) -> InForce {
    let mut found = hosts(redis, slots, rules.hosts);
    let left_out =
        |name: &str| slots.iter().any(|slot| slot.setting.name == name && slot.origin == Origin::Default);
    let differs: Vec<_> = rules.own_defaults.iter().filter(|own| left_out(own.setting)).collect();
    if !differs.is_empty() {
        let differs: Vec<_> =
            differs.iter().map(|own| format!("`{}` {}", own.setting, own.difference)).collect();
        let text = format!(
            "Dragonflow's defaults hold for what is left out, except for drivers: {}",
            differs.join("; ")
        );
        found.warnings.push(Warning { place, text });
    }
    found
}

fn hosts(redis: RedisHosts, slots: &[Slot], rule: Option<DatabaseHosts>) -> InForce {
    let mut found = InForce::default();
    match (target(slots, rule), redis.hosts) {
        (Err(why), _) => {
            let text = |name: &str| format!("`{name}` has no effect here: {why}");
            found.warnings.extend(redis.set.iter().map(|(name, origin)| Warning::at(origin, text(name))));
        }
        (Ok(setting), Ok(hosts)) => {
            found.warnings.extend(redis.warning);
            found.hosts = Some((setting, SettingValue::List(hosts), redis.origin));
        }
        (Ok(_), Err(problem)) => found.problem = Some(Warning::at(&redis.origin, problem).to_string()),
    }
    found
}

/// The setting that the hosts are for, or why there is none.
fn target(slots: &[Slot], rule: Option<DatabaseHosts>) -> Result<&'static Setting, String> {
    let Some(DatabaseHosts { setting: (section, name), chosen_by, alias_prefix, database }) = rule else {
        return Err("this program has no setting for it".to_owned());
    };
    let reads = |slot: &Slot| {
        chosen_by.contains(&slot.setting.name)
            && matches!(&slot.value, SettingValue::Text(alias) if alias.starts_with(alias_prefix))
    };
    match slots.iter().find(|slot| (slot.setting.section, slot.setting.name) == (section, name)) {
        None => Err(format!("no driver of {database} is linked in")),
        Some(_) if !slots.iter().any(reads) => Err(format!("no driver of {database} is used")),
        Some(slot) if slot.origin != Origin::Default => Err(format!("`{section}.{name}` is set elsewhere")),
        Some(slot) => Ok(slot.setting),
    }
}
