"""Genuine oslo.config with the options that Dragonflow declares: oslo.py

Reads one case a line from stdin, `{"files": [path, …], "environment": {name: value}}`, and writes what oslo.config makes of
it, a line each: `{"refused": reason}` if it does not read a file, else `{"options": {"df.name": {"value": …}}}`, with
`{"error": reason}` in the place of a value that it refuses to give.
"""

import json
import math
import os
import sys

from oslo_config import cfg

# dragonflow/conf/df_common_params.py of Dragonflow 4.0.0, without the texts of help.
DF = [
    cfg.IPOpt("remote_db_ip", default="127.0.0.1"),
    cfg.PortOpt("remote_db_port", default=4001),
    cfg.ListOpt("remote_db_hosts", default=["$remote_db_ip:$remote_db_port"]),
    cfg.StrOpt("nb_db_class", default="etcd_nb_db_driver"),
    cfg.IPOpt("local_ip", default="127.0.0.1"),
    cfg.IPOpt("management_ip", default="127.0.0.1"),
    cfg.ListOpt("tunnel_types", default=["geneve", "vxlan", "gre"]),
    cfg.BoolOpt("enable_dpdk", default=False),
    cfg.ListOpt("apps_list", default=["l2", "l3_proactive", "dhcp"]),
    cfg.StrOpt("integration_bridge", default="br-int"),
    cfg.BoolOpt("use_centralized_ipv6_DHCP", default=False),
    cfg.BoolOpt("enable_df_pub_sub", default=False),
    cfg.StrOpt("pub_sub_driver", default="zmq_pubsub_driver"),
    cfg.StrOpt("pub_sub_multiproc_driver", default="zmq_pubsub_multiproc_driver"),
    cfg.BoolOpt("enable_neutron_notifier", default=False),
    cfg.StrOpt("neutron_notifier", default="nb_api_neutron_notifier_driver"),
    cfg.ListOpt("publishers_ips", default=["$local_ip"]),
    cfg.PortOpt("publisher_port", default=8866),
    cfg.StrOpt("publisher_transport", default="tcp"),
    cfg.StrOpt("publisher_bind_address", default="*"),
    cfg.BoolOpt("pub_sub_use_multiproc", default=True),
    cfg.StrOpt("publisher_multiproc_socket", default="/var/run/zmq_pubsub/zmq-publisher-socket"),
    cfg.IntOpt("publisher_timeout", default=300),
    cfg.IntOpt("db_sync_time", default=120),
    cfg.IntOpt("publisher_rate_limit_timeout", default=180),
    cfg.IntOpt("publisher_rate_limit_count", default=1),
    cfg.FloatOpt("monitor_table_poll_time", default=30),
    cfg.BoolOpt("enable_selective_topology_distribution", default=False),
    cfg.StrOpt("ovsdb_local_address", default="/usr/local/var/run/openvswitch/db.sock"),
    cfg.IntOpt("distributed_lock_ttl", default=120),
    cfg.StrOpt("vif_type", default="ovs", choices=["ovs", "vhostuser"]),
    cfg.StrOpt("vhost_sock_dir", default="/var/run/openvswitch"),
    cfg.IntOpt("service_down_time", default=80),
    cfg.IntOpt("report_interval", default=25),
    cfg.IntOpt("neutron_listener_report_interval", default=25),
    cfg.IntOpt("neutron_listener_report_delay", default=10),
    cfg.StrOpt("external_host_ip"),
]

# Of Dragonflow's last version.
DF_ZMQ = [cfg.StrOpt("ipc_socket", default="/var/run/zmq_pubsub/zmq-publisher-socket")]


def read(case):
    for name in [name for name in os.environ if name.startswith("OS_")]:
        del os.environ[name]
    os.environ.update(case["environment"])
    conf = cfg.ConfigOpts()
    conf.register_opts(DF, "df")
    conf.register_opts(DF_ZMQ, "df_zmq")
    try:
        conf([f"--config-file={path}" for path in case["files"]], project="dragonflow")
    except cfg.ConfigFileParseError as error:
        return {"refused": str(error)}
    options = {}
    for group, declared in (("df", DF), ("df_zmq", DF_ZMQ)):
        for option in declared:
            try:
                value = conf[group][option.dest]
                if isinstance(value, float) and not math.isfinite(value):
                    value = repr(value)
                options[f"{group}.{option.dest}"] = {"value": value}
            except (cfg.Error, ValueError, RecursionError) as error:
                options[f"{group}.{option.dest}"] = {"error": f"{type(error).__name__}: {error}"}
    return {"options": options}


for line in sys.stdin:
    print(json.dumps(read(json.loads(line)), allow_nan=False))
