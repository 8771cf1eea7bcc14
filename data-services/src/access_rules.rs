use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Address, NodeId, ServiceId};

/// Which nodes may publish, subscribe and call, by rules in order: the first that applies decides, and without one everything
/// is allowed.
///
/// Each node enforces its own rules, so the nodes of a bus should have equal ones. They protect against mistakes only: without
/// authentication, a node of the bus can have any name.
///
/// ```
/// use data_services::{AccessAction, AccessRules, NodeId, ServiceId};
///
/// let rules: AccessRules = serde_json::from_str(
///     r#"[{"effect": "deny", "actions": ["call"], "services": ["nova"], "names": ["migrate"], "nodes": ["compute-*"]}]"#,
/// )?;
/// let (node, service) = (NodeId::new("compute-7")?, ServiceId::new("nova")?);
/// assert!(rules.check(AccessAction::Call, &node, &service, "migrate").is_err());
/// assert!(rules.check(AccessAction::Call, &node, &service, "list").is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessRules(Vec<AccessRule>);

/// One rule. A field that is empty applies to everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    /// What follows if the rule applies.
    pub effect: AccessEffect,
    /// What a node does.
    #[serde(default)]
    pub actions: BTreeSet<AccessAction>,
    /// The services that it publishes a table of, subscribes to or calls: names, or patterns of addresses.
    #[serde(default)]
    pub services: Vec<Address>,
    /// The tables or methods.
    #[serde(default)]
    pub names: BTreeSet<String>,
    /// The nodes that do it: names, or beginnings of names that end with `*`.
    #[serde(default)]
    pub nodes: Vec<String>,
}

/// Whether a rule allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessEffect {
    /// It is allowed.
    Allow,
    /// It is denied.
    Deny,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessAction {
    /// A node publishes a table.
    Publish,
    /// A node subscribes to a table.
    Subscribe,
    /// A node calls a method.
    Call,
}

impl AccessRules {
    /// Checks one action of a node, on a table or method of a service.
    ///
    /// # Errors
    /// A sentence with the number of the rule that denies it.
    pub fn check(
        &self,
        action: AccessAction,
        node: &NodeId,
        service: &ServiceId,
        name: &str,
    ) -> Result<(), String> {
        let applies = |rule: &&AccessRule| rule.applies(action, node, service, name);
        match self.0.iter().zip(1..).find(|(rule, _)| applies(rule)) {
            Some((AccessRule { effect: AccessEffect::Deny, .. }, number)) => {
                Err(format!("access rule {number} denies node {node} to {action} {service}/{name}"))
            }
            _ => Ok(()),
        }
    }
}

/// Rules in order.
impl FromIterator<AccessRule> for AccessRules {
    fn from_iter<I: IntoIterator<Item = AccessRule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

impl AccessRule {
    fn applies(&self, action: AccessAction, node: &NodeId, service: &ServiceId, name: &str) -> bool {
        let is_node = |pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => node.as_str().starts_with(beginning),
            None => node.as_str() == pattern,
        };
        (self.actions.is_empty() || self.actions.contains(&action))
            && (self.services.is_empty() || self.services.iter().any(|one| one.reaches_service(service)))
            && (self.names.is_empty() || self.names.contains(name))
            && (self.nodes.is_empty() || self.nodes.iter().any(is_node))
    }
}

/// The name in rules.
impl fmt::Display for AccessAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe to",
            Self::Call => "call",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{AccessAction, AccessRules};
    use crate::{NodeId, ServiceId};

    #[test]
    fn the_first_rule_that_applies_decides_and_without_one_everything_is_allowed() {
        let rules: AccessRules = serde_json::from_value(json!([
            {"effect": "allow", "nodes": ["admin"]},
            {"effect": "deny", "actions": ["call"], "services": ["vSphere.#"], "names": ["stop"]},
            {"effect": "deny", "actions": ["subscribe", "publish"], "nodes": ["guest-*"]},
        ]))
        .unwrap();
        let allows = |action, node: &str, service: &str, name: &str| {
            let (node, service) = (NodeId::new(node).unwrap(), ServiceId::new(service).unwrap());
            rules.check(action, &node, &service, name).is_ok()
        };
        assert!(allows(AccessAction::Call, "admin", "vSphere.Boston", "stop"));
        assert!(!allows(AccessAction::Call, "node-1", "vSphere.Boston", "stop"));
        assert!(allows(AccessAction::Call, "node-1", "vSphere.Boston", "list"));
        assert!(allows(AccessAction::Call, "node-1", "nova", "stop"));
        assert!(!allows(AccessAction::Subscribe, "guest-1", "nova", "hosts"));
        assert!(!allows(AccessAction::Publish, "guest-1", "nova", "hosts"));
        assert!(allows(AccessAction::Call, "guest-1", "nova", "hosts"));
        assert!(allows(AccessAction::Subscribe, "guest", "nova", "hosts"));
    }

    #[test]
    fn a_rule_with_an_unknown_field_is_refused() {
        let rules = json!([{"effect": "deny", "node": ["guest"]}]);
        assert!(serde_json::from_value::<AccessRules>(rules).is_err());
    }
}
