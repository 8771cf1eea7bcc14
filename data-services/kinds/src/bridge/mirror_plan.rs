use std::collections::{BTreeMap, BTreeSet};

use data_services::{Address, BusId, KeyColumns, MethodId, ServiceId, ServiceOffer, TableId};
use pubsub_api::Result;

use super::bridge_options::MirrorOptions;

/// The services of one bus that are to be mirrored on another.
#[derive(Debug, Default)]
pub(super) struct MirrorPlan {
    /// By the name of the mirror.
    pub(super) services: BTreeMap<ServiceId, PlannedMirror>,
    /// Services that match and cannot be mirrored, with the reason.
    pub(super) errors: Vec<String>,
}

/// One service to mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedMirror {
    /// Its name on its own bus.
    pub(super) source: ServiceId,
    pub(super) addresses: BTreeSet<String>,
    pub(super) methods: BTreeSet<MethodId>,
    pub(super) tables: BTreeMap<TableId, KeyColumns>,
    /// The buses that it was mirrored from, the first one first, and its own bus at the end.
    pub(super) mirrored_from: Vec<BusId>,
}

impl MirrorPlan {
    /// Plans the mirrors on `destination` of the services that `source` has.
    ///
    /// Services of one name on several nodes are one mirror. Hidden services and those that were mirrored from `destination`,
    /// directly or over other buses, are left out.
    pub(super) fn of(
        services: &[ServiceOffer],
        source: &BusId,
        destination: &BusId,
        options: &MirrorOptions,
    ) -> Self {
        let mut plan = Self::default();
        for service in services.iter().filter(|service| is_wanted(service, destination, options)) {
            match plan.mirror(service, source, options) {
                Ok(mirror) => mirror.add(service, &options.prefix),
                Err(error) => plan.errors.push(format!("{} is not mirrored: {error}", service.service)),
            }
        }
        plan
    }

    fn mirror(
        &mut self,
        service: &ServiceOffer,
        source: &BusId,
        options: &MirrorOptions,
    ) -> Result<&mut PlannedMirror> {
        let name = ServiceId::new(format!("{}.{}", options.prefix.as_str(), service.service.as_str()))?;
        let new = || PlannedMirror {
            source: service.service.clone(),
            addresses: BTreeSet::new(),
            methods: BTreeSet::new(),
            tables: BTreeMap::new(),
            mirrored_from: service.mirrored_from.iter().chain([source]).cloned().collect(),
        };
        Ok(self.services.entry(name).or_insert_with(new))
    }
}

impl PlannedMirror {
    /// Adds what one instance of the service has.
    fn add(&mut self, service: &ServiceOffer, prefix: &ServiceId) {
        let prefixed =
            service.addresses.iter().map(|address| format!("{}.{}", prefix.as_str(), address.as_str()));
        // An address that is too long with the prefix is left out; the service has its name.
        self.addresses.extend(prefixed.filter(|address| Address::new(address.clone()).is_ok()));
        self.methods.extend(service.methods.iter().filter(|method| !method.is_private()).cloned());
        for (table, key) in &service.tables {
            self.tables.entry(table.clone()).or_insert_with(|| key.clone());
        }
    }
}

fn is_wanted(service: &ServiceOffer, destination: &BusId, options: &MirrorOptions) -> bool {
    let name = Address::from(&service.service);
    !service.service.is_hidden()
        && !service.mirrored_from.contains(destination)
        && options.services.iter().any(|pattern| pattern.reaches(&name))
}

#[cfg(test)]
mod tests {
    use data_services::{Address, BusId, KeyColumns, MethodId, NodeId, ServiceId, ServiceOffer, TableId};
    use serde_json::json;

    use super::{MirrorOptions, MirrorPlan};

    fn bus(name: &str) -> BusId {
        BusId::new(name).unwrap()
    }

    fn service(name: &str, node: &str, mirrored_from: &[&str]) -> ServiceOffer {
        ServiceOffer {
            node: NodeId::new(node).unwrap(),
            service: ServiceId::new(name).unwrap(),
            state: data_services::ServiceState::Running,
            addresses: vec![Address::new("compute.*").unwrap()],
            tables: vec![(TableId::new(format!("table-{node}")).unwrap(), KeyColumns::Row)],
            methods: vec![MethodId::new(format!("method-{node}")).unwrap(), MethodId::new("_own").unwrap()],
            stale: std::collections::BTreeMap::new(),
            mirrored_from: mirrored_from.iter().map(|name| bus(name)).collect(),
            is_standby: false,
        }
    }

    fn options(services: &[&str]) -> MirrorOptions {
        serde_json::from_value(json!({"prefix": "openstack1", "services": services})).unwrap()
    }

    #[test]
    fn services_of_one_name_are_one_mirror_under_the_prefix() {
        let services =
            [service("nova", "n1", &["c"]), service("nova", "n2", &["c"]), service("_cage", "n1", &[])];
        let plan = MirrorPlan::of(&services, &bus("b"), &bus("a"), &options(&["#"]));
        assert_eq!(plan.services.len(), 1);
        let mirror = &plan.services[&ServiceId::new("openstack1.nova").unwrap()];
        assert_eq!(mirror.addresses, ["openstack1.compute.*".to_owned()].into());
        assert_eq!((mirror.tables.len(), mirror.methods.len()), (2, 2));
        assert_eq!(mirror.mirrored_from, [bus("c"), bus("b")]);
    }

    #[test]
    fn a_service_that_came_from_the_destination_is_left_out() {
        let services =
            [service("x", "n1", &["a"]), service("y", "n1", &["a", "c"]), service("z", "n1", &["c"])];
        let plan = MirrorPlan::of(&services, &bus("b"), &bus("a"), &options(&["#"]));
        let names: Vec<&str> = plan.services.keys().map(ServiceId::as_str).collect();
        assert_eq!(names, ["openstack1.z"]);
    }

    #[test]
    fn only_services_that_match_are_mirrored_and_a_name_that_is_too_long_is_an_error() {
        let long = format!("a.{}", "x".repeat(95));
        let services = [service("a.b", "n1", &[]), service("c", "n1", &[]), service(&long, "n1", &[])];
        let plan = MirrorPlan::of(&services, &bus("b"), &bus("a"), &options(&["a.*", "nobody"]));
        let names: Vec<&str> = plan.services.keys().map(ServiceId::as_str).collect();
        assert_eq!(names, ["openstack1.a.b"]);
        let [error] = plan.errors.as_slice() else { panic!("{:?}", plan.errors) };
        assert!(error.contains("is not mirrored: a service id has 1 to 100 bytes"), "{error}");
    }
}
