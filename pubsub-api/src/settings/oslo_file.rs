use std::collections::HashSet;

use super::load::{FileContent, wants};
use super::nearest::{did_you_mean, nearest};
use super::oslo_expand::Expander;
use super::oslo_lines::{Assignment, headers, read_lines};
use super::setting::{Kind, Setting};
use super::shown::shown;
use super::source_text::SourceText;
use super::table::Table;
use super::userinfo::check_no_userinfo;
use super::value::{Dialect, Value};

/// The sections that count.
const COUNTED: &[&str] = &["df", "df_zmq", "df_redis"];

/// Options of Dragonflow's that are known and mean nothing here: section 4 of its reference, and
/// `conf/df_common_params.py`, `conf/df_redis.py` of its releases.
const MEANINGLESS: &[(&str, &[&str])] = &[
    (
        "df",
        &[
            "apps_list",
            "distributed_lock_ttl",
            "enable_df_db_consistency",
            "enable_df_pub_sub",
            "enable_dpdk",
            "enable_neutron_notifier",
            "enable_port_status_notifier",
            "enable_virtual_tunnel_port",
            "integration_bridge",
            "local_ip",
            "metadata_interface",
            "neutron_listener_report_delay",
            "neutron_listener_report_interval",
            "neutron_notifier",
            "ovsdb_local_address",
            "port_status_notifier",
            "publisher_rate_limit_count",
            "publisher_rate_limit_timeout",
            "remote_db_hosts",
            "remote_db_ip",
            "remote_db_port",
            "tunnel_type",
            "tunnel_types",
            "use_centralized_ipv6_DHCP",
            "vhost_sock_dir",
            "vif_type",
        ],
    ),
    ("df_redis", &["batch_amount", "retries"]),
];

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

/// `[agent]` and `[service]` are sections of neutron.conf too, and tell nothing.
fn is_ours(section: &str) -> bool {
    section == "pubsub" || section.starts_with("drivers.")
}

/// Reads an oslo.config file.
pub(super) fn read(source: &SourceText, table: &Table) -> FileContent {
    let mut content = FileContent::default();
    for (offset, name) in headers(source).filter(|(_, name)| is_ours(name)) {
        content.problems.add(offset, || {
            let name = shown(&name);
            format!("[{name}] is a section of a TOML file, but this file is read as oslo.config; end its name in .toml")
        });
    }
    let assignments = read_lines(source, |section| COUNTED.contains(&section), &mut content.problems);
    let expander = Expander::new(&assignments, table);
    let mut reader = Reader { table, expander, warned: HashSet::new(), content };
    for assignment in assignments.iter().filter(|line| COUNTED.contains(&line.section.as_str())) {
        reader.option(assignment);
    }
    reader.content
}

struct Reader<'a> {
    table: &'a Table,
    expander: Expander<'a>,
    /// The options that had their one warning.
    warned: HashSet<(&'a str, &'a str)>,
    content: FileContent,
}

impl<'a> Reader<'a> {
    fn option(&mut self, line: &'a Assignment) {
        let setting = match (line.section.as_str(), line.name.as_str()) {
            ("df", name) => self.table.find("pubsub", name),
            ("df_zmq", "ipc_socket") => self.table.find("pubsub", "publisher_multiproc_socket"),
            _ => None,
        };
        match setting {
            Some(setting) => self.set(setting, line),
            None => self.without_effect(line),
        }
    }

    fn set(&mut self, setting: &'static Setting, line: &Assignment) {
        // Before it is expanded: what follows a `$` in a password would be shown as the name of an option.
        if setting.kind == Kind::Addresses
            && let Err(came) = check_no_userinfo(&line.text)
        {
            return self.problem(line, || wants(setting, &came));
        }
        let read = self.expander.expand(&line.section, &line.name, &line.text);
        let value = match read.map(|text| setting.kind.read_text(&text, Dialect::Oslo)) {
            Ok(Ok(value)) => value,
            Ok(Err(came)) => return self.problem(line, || wants(setting, &came)),
            Err(why) => {
                return self.problem(line, || format!("cannot expand `{}`: {why}", shown(&line.name)));
            }
        };
        let earlier = self.content.values.iter_mut().find(|(other, ..)| other.is(setting));
        match (earlier, value) {
            (None, value) => self.content.values.push((setting, value, line.offset)),
            (Some((_, Value::List(items), _)), Value::List(more)) => items.extend(more),
            (Some(_), _) => self.problem(line, || format!("`{}` is there twice; keep one", setting.name)),
        }
    }

    fn without_effect(&mut self, line: &'a Assignment) {
        let (section, name) = (line.section.as_str(), line.name.as_str());
        let table = self.table;
        let meaningless = MEANINGLESS.iter().any(|(known, names)| *known == section && names.contains(&name));
        if !meaningless && name.starts_with("pub") {
            return self.problem(line, || unknown(table, section, name));
        }
        if !self.warned.insert((section, name)) {
            return;
        }
        self.content.warnings.add(line.offset, || {
            let shown = shown(name);
            match nearest(name, table.names("pubsub")) {
                _ if meaningless => format!("`{shown}` is Dragonflow's and has no effect here"),
                Some(right) => format!("`{shown}` is unknown and has no effect; did you mean `{right}`?"),
                None => format!("`{shown}` is unknown and has no effect"),
            }
        });
    }

    fn problem(&mut self, line: &Assignment, text: impl FnOnce() -> String) {
        self.content.problems.add(line.offset, text);
    }
}

/// The sentence about a name that looks like ours: Dragonflow would pass over it without a word.
fn unknown(table: &Table, section: &str, name: &str) -> String {
    let hint = match (section, table.find("pubsub", name)) {
        ("df", _) | (_, None) => did_you_mean(name, table.names("pubsub")),
        (_, Some(_)) => "; it stands in [df]".to_owned(),
    };
    format!("unknown option `{}` in [{section}]{hint}", shown(name))
}
