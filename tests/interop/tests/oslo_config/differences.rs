use std::collections::BTreeMap;

use pubsub_api::settings::{Origin, Settings};
use serde_json::Value;
use settings::{ShownSetting, Warning, parse_duration, shown_settings};

/// What ours refuses and oslo.config does not: the name of the difference in the table, and a part of our refusal.
const REFUSED: &[(&str, &str)] = &[
    ("lone dollar", "a dollar wants a name after it"),
    ("lone dollar", "`${` wants a name"),
    ("misspelt option", "unknown option `pub"),
    ("address", "wants a list of addresses"),
    ("database host", "`remote_db_hosts` wants"),
    ("empty number", ", not \"\""),
    ("bounds", "wants a duration from"),
    ("bounds", "not \"99999999999999999999\""),
    ("empty path", "wants a path, not \"\""),
    ("other digits", "not \"９\""),
];

/// What ours reads otherwise, with a part of the warning.
const WARNED: &[(&str, &str)] = &[
    ("undeclared option", "options that Dragonflow does not declare"),
    ("byte order mark", "the file begins with a byte order mark"),
    ("drivers left out", "except for drivers"),
    ("IPv6 database", "where Dragonflow leaves out the brackets"),
    ("milliseconds", "rounded down to whole milliseconds"),
    ("socket of later releases", "`ipc_socket` of [df_zmq] counts"),
];

/// The names of all differences that the table has to list.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    REFUSED.iter().chain(WARNED).map(|(name, _)| *name)
}

/// What both made of one case.
pub(crate) struct Compared<'a> {
    pub(crate) theirs: &'a Value,
    pub(crate) ours: Result<(Settings, Vec<Warning>), String>,
}

/// The options that are compared, and what they are called here.
const COMPARED: &[(&str, &str)] = &[
    ("df.publisher_port", "publisher_port"),
    ("df.publisher_timeout", "publisher_timeout"),
    ("df.db_sync_time", "db_sync_time"),
    ("df.service_down_time", "service_down_time"),
    ("df.report_interval", "report_interval"),
    ("df.monitor_table_poll_time", "monitor_table_poll_time"),
    ("df.pub_sub_use_multiproc", "pub_sub_use_multiproc"),
    ("df.enable_selective_topology_distribution", "enable_selective_topology_distribution"),
    ("df.management_ip", "management_ip"),
    ("df.publishers_ips", "publishers_ips"),
    ("df.publisher_bind_address", "publisher_bind_address"),
    ("df.publisher_transport", "publisher_transport"),
    ("df.publisher_multiproc_socket", "publisher_multiproc_socket"),
    ("df.nb_db_class", "nb_db_class"),
    ("df.pub_sub_driver", "pub_sub_driver"),
    ("df.pub_sub_multiproc_driver", "pub_sub_multiproc_driver"),
    ("df.remote_db_hosts", "drivers.redis.hosts"),
];

impl Compared<'_> {
    /// Counts the differences that the table names; the first one that it does not is returned.
    pub(crate) fn judge(&self, counts: &mut BTreeMap<&'static str, u32>) -> Result<(), String> {
        match &self.ours {
            Err(refusal) => self.judge_refusal(refusal, counts),
            Ok((settings, warnings)) => self.judge_values(settings, warnings, counts),
        }
    }

    fn judge_refusal(&self, refusal: &str, counts: &mut BTreeMap<&'static str, u32>) -> Result<(), String> {
        let theirs_fail = self.theirs["options"]
            .as_object()
            .is_none_or(|options| options.values().any(|option| !option["error"].is_null()));
        for line in refusal.lines() {
            match REFUSED.iter().find(|(_, part)| line.contains(part)) {
                Some((name, _)) if !theirs_fail => *counts.entry(name).or_default() += 1,
                None if !theirs_fail => {
                    return Err(format!("oslo.config reads what is refused here: {line}"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn judge_values(
        &self,
        settings: &Settings,
        warnings: &[Warning],
        counts: &mut BTreeMap<&'static str, u32>,
    ) -> Result<(), String> {
        let mut differs = |name: &'static str, what: &dyn Fn() -> String| {
            let parts = WARNED.iter().filter(|(known, _)| *known == name).map(|(_, part)| *part);
            let mut warned = parts.map(|part| warnings.iter().any(|warning| warning.text.contains(part)));
            if !warned.any(|warned| warned) {
                return Err(what());
            }
            *counts.entry(name).or_default() += 1;
            Ok(())
        };
        if self.theirs["options"].is_null() {
            let what = || format!("oslo.config refuses what is read here: {}", self.theirs["refused"]);
            return differs("byte order mark", &what);
        }
        let uses_redis = settings.pubsub().pub_sub_driver.starts_with("redis_")
            || settings.pubsub().nb_db_class.starts_with("redis_");
        for (option, setting) in COMPARED {
            let mut entries = shown_settings(settings);
            let entry = entries.find(|entry| entry.setting.full_name() == *setting).expect("a setting");
            let theirs = &self.theirs["options"][*option];
            let is_unused = *setting == "drivers.redis.hosts" && !uses_redis;
            if is_unused || is_same(&theirs["value"], &entry.json) {
                continue;
            }
            let what = || format!("{option}: oslo.config has {theirs}, here it is {}", entry.json);
            match self.difference(setting, &entry, theirs) {
                Some(name) => differs(name, &what)?,
                // Dragonflow 4.0 has one name for the socket, and its last version the other.
                None if self.theirs["options"]["df.publisher_multiproc_socket"]["value"]
                    == DEFAULT_SOCKET => {}
                None => differs("socket of later releases", &what)?,
            }
        }
        Ok(())
    }

    /// The difference that may be the reason, or that the socket goes by its later name.
    fn difference(&self, setting: &str, entry: &ShownSetting<'_>, theirs: &Value) -> Option<&'static str> {
        let later_socket = &self.theirs["options"]["df_zmq.ipc_socket"]["value"];
        match setting {
            "nb_db_class" | "pub_sub_driver" | "pub_sub_multiproc_driver"
                if *entry.origin == Origin::Default =>
            {
                Some("drivers left out")
            }
            "publisher_multiproc_socket" if is_same(later_socket, &entry.json) => None,
            "drivers.redis.hosts" if theirs["error"].is_null() => Some("IPv6 database"),
            "monitor_table_poll_time" if theirs["error"].is_null() => Some("milliseconds"),
            _ => Some("undeclared option"),
        }
    }
}

const DEFAULT_SOCKET: &str = "/var/run/zmq_pubsub/zmq-publisher-socket";

/// Whether a value of oslo.config is one of ours; numbers of time are seconds there.
fn is_same(theirs: &Value, ours: &Value) -> bool {
    let seconds = theirs.as_f64().zip(ours.as_str().and_then(|text| parse_duration(text).ok()));
    theirs == ours || seconds.is_some_and(|(theirs, ours)| theirs == ours.as_secs_f64())
}
