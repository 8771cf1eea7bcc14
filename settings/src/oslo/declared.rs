use pubsub_api::settings::quoted;

use super::python;

/// An option as Dragonflow declares it to oslo.config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: OptionKind,
    /// As it would be written in a file; `None` where the option has no default.
    pub(super) default: Option<&'static str>,
}

/// The types of oslo.config that Dragonflow uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OptionKind {
    Text,
    Bool,
    Integer,
    Port,
    Float,
    Ip,
    List,
}

/// The value of an option after oslo.config has converted it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum OptionValue {
    /// An option without a default, or a number that is left empty.
    None,
    Text(String),
    Bool(bool),
    Integer(i64),
    Float(f64),
    List(Vec<String>),
}

const fn df(name: &'static str, kind: OptionKind, default: &'static str) -> Declared {
    Declared { section: "df", name, kind, default: Some(default) }
}

/// The options of `[df]` in Dragonflow 4.0.0 (`conf/df_common_params.py`), and those of `[df_zmq]` and `[df_redis]` of its
/// last version.
pub(super) const DECLARED: &[Declared] = &[
    df("remote_db_ip", OptionKind::Ip, "127.0.0.1"),
    df("remote_db_port", OptionKind::Port, "4001"),
    df("remote_db_hosts", OptionKind::List, "$remote_db_ip:$remote_db_port"),
    df("nb_db_class", OptionKind::Text, "etcd_nb_db_driver"),
    df("local_ip", OptionKind::Ip, "127.0.0.1"),
    df("management_ip", OptionKind::Ip, "127.0.0.1"),
    df("tunnel_types", OptionKind::List, "geneve,vxlan,gre"),
    df("enable_dpdk", OptionKind::Bool, "False"),
    df("apps_list", OptionKind::List, "l2,l3_proactive,dhcp"),
    df("integration_bridge", OptionKind::Text, "br-int"),
    df("use_centralized_ipv6_DHCP", OptionKind::Bool, "False"),
    df("enable_df_pub_sub", OptionKind::Bool, "False"),
    df("pub_sub_driver", OptionKind::Text, "zmq_pubsub_driver"),
    df("pub_sub_multiproc_driver", OptionKind::Text, "zmq_pubsub_multiproc_driver"),
    df("enable_neutron_notifier", OptionKind::Bool, "False"),
    df("neutron_notifier", OptionKind::Text, "nb_api_neutron_notifier_driver"),
    df("publishers_ips", OptionKind::List, "$local_ip"),
    df("publisher_port", OptionKind::Port, "8866"),
    df("publisher_transport", OptionKind::Text, "tcp"),
    df("publisher_bind_address", OptionKind::Text, "*"),
    df("pub_sub_use_multiproc", OptionKind::Bool, "True"),
    df("publisher_multiproc_socket", OptionKind::Text, "/var/run/zmq_pubsub/zmq-publisher-socket"),
    df("publisher_timeout", OptionKind::Integer, "300"),
    df("db_sync_time", OptionKind::Integer, "120"),
    df("publisher_rate_limit_timeout", OptionKind::Integer, "180"),
    df("publisher_rate_limit_count", OptionKind::Integer, "1"),
    df("monitor_table_poll_time", OptionKind::Float, "30"),
    df("enable_selective_topology_distribution", OptionKind::Bool, "False"),
    df("ovsdb_local_address", OptionKind::Text, "/usr/local/var/run/openvswitch/db.sock"),
    df("distributed_lock_ttl", OptionKind::Integer, "120"),
    df("vif_type", OptionKind::Text, "ovs"),
    df("vhost_sock_dir", OptionKind::Text, "/var/run/openvswitch"),
    df("service_down_time", OptionKind::Integer, "80"),
    df("report_interval", OptionKind::Integer, "25"),
    df("neutron_listener_report_interval", OptionKind::Integer, "25"),
    df("neutron_listener_report_delay", OptionKind::Integer, "10"),
    Declared { section: "df", name: "external_host_ip", kind: OptionKind::Text, default: None },
    Declared {
        section: "df_zmq",
        name: "ipc_socket",
        kind: OptionKind::Text,
        default: Some("/var/run/zmq_pubsub/zmq-publisher-socket"),
    },
    Declared { section: "df_redis", name: "batch_amount", kind: OptionKind::Integer, default: Some("50") },
    Declared { section: "df_redis", name: "retries", kind: OptionKind::Integer, default: Some("5") },
];

/// Options of other releases of Dragonflow, which files still have; they mean nothing here.
pub(super) const OTHER_RELEASES: &[&str] = &[
    "auto_detect_port_behind_port",
    "datapath_allocation_output_path",
    "datapath_autoalloc_table_offset",
    "datapath_layout_path",
    "enable_df_db_consistency",
    "enable_port_status_notifier",
    "enable_virtual_tunnel_port",
    "metadata_interface",
    "overwrite_datapath_allocation_output_path",
    "port_status_notifier",
    "switch_backend",
    "tunnel_type",
    "write_datapath_allocation",
];

pub(super) fn declared(section: &str, name: &str) -> Option<&'static Declared> {
    DECLARED.iter().find(|option| option.section == section && option.name == name)
}

impl OptionKind {
    /// Reads a text as oslo.config 10.7.0's `types.py` does. The refusal names what is expected and what it found.
    pub(super) fn read(self, text: &str) -> Result<OptionValue, String> {
        let wants = |what: &str| format!("wants {what}, not {}", quoted(text));
        let number = |value: Option<OptionValue>, what: &str| match python::strip(text).is_empty() {
            true => Ok(OptionValue::None),
            false => value.ok_or_else(|| wants(what)),
        };
        match self {
            Self::Text => Ok(OptionValue::Text(text.to_owned())),
            Self::Bool => read_bool(text).map(OptionValue::Bool).ok_or_else(|| wants("true or false")),
            Self::Integer => number(python::integer(text).map(OptionValue::Integer), "a whole number"),
            Self::Port => {
                let port = python::integer(text).filter(|port| (0..=65535).contains(port));
                number(port.map(OptionValue::Integer), "a whole number from 0 to 65535")
            }
            Self::Float => number(python::float(text).map(OptionValue::Float), "a number"),
            Self::Ip if is_ip(text) => Ok(OptionValue::Text(text.to_owned())),
            Self::Ip => Err(wants("an IP address")),
            Self::List => Ok(OptionValue::List(read_list(text))),
        }
    }
}

impl OptionValue {
    /// The text by which `$name` is replaced: `str` of the value.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Text(text) => text.clone(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => python::float_text(*number),
            Self::List(items) => python::list_text(items),
        }
    }
}

fn read_bool(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Some(true),
        "false" | "0" | "off" | "no" => Some(false),
        _ => None,
    }
}

/// `inet_pton` of either family, which knows no zone.
fn is_ip(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// Commas at the end fall off; other empty items stay.
pub(super) fn read_list(text: &str) -> Vec<String> {
    let text = python::strip(text).trim_end_matches(',');
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| python::strip(item).to_owned()).collect()
}

/// The names of a section.
pub(super) fn names(section: &str) -> impl Iterator<Item = &'static str> {
    DECLARED.iter().filter(move |option| option.section == section).map(|option| option.name)
}
