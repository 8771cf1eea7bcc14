//! Settings from oslo.config files of Dragonflow's, and from the variables that oslo.config reads.
//!
//! What a file means is what oslo.config 10.7.0 makes of it with the declarations of Dragonflow 4.0.0. What differs is in
//! `docs/oslo-config-differences.md`, and each difference is an error or a warning.

mod convert;
mod declared;
mod in_force;
mod lines;
mod options;
mod oslo_content;
mod python;
mod read;
mod redis_hosts;
mod template;

pub(super) use in_force::{InForce, in_force};
pub(super) use oslo_content::OsloContent;
pub(super) use read::read;
pub(super) use redis_hosts::RedisHosts;

use super::source_text::SourceText;
use lines::headers;

/// The sections that count.
const COUNTED: &[&str] = &["df", "df_zmq", "df_redis"];

/// The beginnings of the variables that are read with an oslo.config file: of each section that counts, and of the
/// options that these may name.
pub(super) const VARIABLES: &[&str] = &["OS_DF__", "OS_DF_ZMQ__", "OS_DF_REDIS__", "OS_DEFAULT__"];

/// Whether the file is oslo.config INI: by its ending, or because it has sections of Dragonflow's and none of ours.
pub(super) fn is_oslo(source: &SourceText) -> bool {
    if source.path().extension().is_some_and(|ending| ending == "ini" || ending == "conf") {
        return true;
    }
    let (mut oslo, mut ours) = (false, false);
    for (_, name) in headers(source) {
        oslo |= name == "default" || COUNTED.contains(&name.as_str());
        ours |= is_ours(&name);
    }
    oslo && !ours
}

/// `[agent]` and `[service]` are sections of neutron.conf too, and prove nothing.
fn is_ours(section: &str) -> bool {
    section == "pubsub" || section.starts_with("drivers.")
}
