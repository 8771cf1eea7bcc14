//! The kind `bridge`: services of another bus under a prefix here, and services of this bus there.

mod bridge_options;
mod bridge_service;
mod bridge_status;
mod direction;
mod joined_bridge;
mod mirror;
mod mirror_plan;
mod mirrored_table;

use data_services::ServiceKind;

use bridge_options::BridgeOptions;
use bridge_service::BridgeService;

inventory::submit! {
    ServiceKind {
        name: "bridge",
        summary: "mirrors services of another bus on this one under a prefix, and services of this bus there",
        options: &[
            ("bus", "the other bus; its name differs from this one's"),
            ("settings", "`file`, a settings file, and `set`, a list of \"name=value\": pub_sub_driver and its section, and of data_services keyring_file, packets and accept"),
            ("seeds", "endpoints of nodes of the other bus, for a driver without a broker"),
            ("node", "the name of this bridge's node there; by default that of its node here and its own"),
            ("advertise", "the endpoint by which nodes there connect to it; by default the one that the driver binds"),
            ("import", "`prefix`, and `services`, patterns of names (default [\"#\"]): what is mirrored here"),
            ("export", "the same for what is mirrored there"),
            ("interval", "how often the registries of both buses are compared without a change, and mirrors that failed are tried again; default \"10s\""),
        ],
        create: |config| Ok(Box::new(BridgeService::new(&config.id, config.options::<BridgeOptions>()?)?)),
    }
}
