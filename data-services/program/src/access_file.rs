use std::path::Path;

use data_services::{AccessRule, AccessRules};
use pubsub_api::{Error, ErrorKind, Result};
use serde::Deserialize;

use crate::services_file::in_one_line;

/// The file of access rules: `[[rule]]` entries, each an [`AccessRule`].
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessFile {
    #[serde(default)]
    rule: Vec<AccessRule>,
}

/// Reads the rules of `data_services.access_file`; none if the setting is empty.
///
/// # Errors
/// [`ErrorKind::Settings`] with the file, and the line where it is invalid TOML or has unknown fields.
pub(crate) fn read_access_rules(path: Option<&Path>) -> Result<AccessRules> {
    let Some(path) = path else { return Ok(AccessRules::default()) };
    let refused = |text: String| {
        Error::new(ErrorKind::Settings, format!("data_services.access_file {}: {text}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(format!("cannot be read: {error}")))?;
    let file: AccessFile = toml::from_str(&text).map_err(|error| refused(in_one_line(&text, &error)))?;
    Ok(file.rule.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use data_services::{AccessAction, NodeId, ServiceId};

    use super::read_access_rules;

    #[test]
    fn a_file_has_an_entry_for_each_rule_and_an_invalid_one_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.toml");
        fs::write(&path, "[[rule]]\neffect = \"deny\"\nactions = [\"call\"]\nnodes = [\"guest-*\"]\n")
            .unwrap();
        let rules = read_access_rules(Some(&path)).unwrap();
        let (node, service) = (NodeId::new("guest-1").unwrap(), ServiceId::new("nova").unwrap());
        assert!(rules.check(AccessAction::Call, &node, &service, "list").is_err());
        assert!(rules.check(AccessAction::Subscribe, &node, &service, "hosts").is_ok());
        fs::write(&path, "[[rule]]\neffect = \"deny\"\nnode = \"guest\"\n").unwrap();
        let refusal = read_access_rules(Some(&path)).unwrap_err().to_string();
        assert!(refusal.contains("access.toml") && refusal.contains("line 3: unknown field"), "{refusal}");
    }
}
