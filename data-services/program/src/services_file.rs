use std::collections::BTreeSet;
use std::path::Path;

use data_services::ServiceConfig;
use data_services_settings::DataServicesSettings;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Result};
use serde::Deserialize;

/// The services file: `[[service]]` entries, each a [`ServiceConfig`].
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServicesFile {
    #[serde(default)]
    service: Vec<ServiceConfig>,
}

/// Reads the services of `data_services.services_file`; none if the setting is empty.
///
/// # Errors
/// [`ErrorKind::Settings`] with the file, and the line where it is invalid TOML or has unknown fields; also for two services
/// with one id.
pub(crate) fn read_services(settings: &Settings) -> Result<Vec<ServiceConfig>> {
    match DataServicesSettings::read(settings)?.services_file {
        Some(path) => read(&path),
        None => Ok(Vec::new()),
    }
}

fn read(path: &Path) -> Result<Vec<ServiceConfig>> {
    let refused = |text: String| {
        Error::new(ErrorKind::Settings, format!("data_services.services_file {}: {text}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(format!("cannot be read: {error}")))?;
    let file: ServicesFile = toml::from_str(&text).map_err(|error| refused(in_one_line(&text, &error)))?;
    let mut ids = BTreeSet::new();
    for config in &file.service {
        config.service_id().map_err(|error| refused(error.to_string()))?;
        if !ids.insert(config.id.as_str()) {
            return Err(refused(format!("two services have the id {}", config.id)));
        }
    }
    Ok(file.service)
}

pub(crate) fn in_one_line(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    format!("line {line}: {}", error.message().replace('\n', ", "))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::read;

    fn refusal(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("services.toml");
        fs::write(&path, text).unwrap();
        read(&path).unwrap_err().to_string()
    }

    #[test]
    fn a_services_file_has_an_entry_for_each_service() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("services.toml");
        let text = "[[service]]\nid = \"a\"\nkind = \"folder\"\noptions = { path = \"x\", n = 1 }\n\n[[service]]\nid = \"b\"\nkind = \"pushed\"\naddresses = [\"c.d\"]\n";
        fs::write(&path, text).unwrap();
        let services = read(&path).unwrap();
        assert_eq!(
            (services[0].id.as_str(), services[1].addresses.as_slice()),
            ("a", &["c.d".to_owned()][..])
        );
        assert_eq!(services[0].options["n"], 1);
        fs::write(&path, "").unwrap();
        assert!(read(&path).unwrap().is_empty());
    }

    #[test]
    fn an_invalid_services_file_is_refused_with_its_line() {
        for (text, says) in [
            ("[[service]]\nid = \"a\"\n", "missing field `kind`"),
            ("[[service]]\nid = \"a\"\nkind = \"k\"\ncolour = 1\n", "line 4: unknown field `colour`"),
            ("[[services]]\nid = \"a\"\n", "unknown field `services`"),
            ("\n\n[[service\n", "line 3: "),
            ("[[service]]\nid = \"a..b\"\nkind = \"k\"\n", "an empty word"),
            (
                "[[service]]\nid = \"a\"\nkind = \"k\"\n[[service]]\nid = \"a\"\nkind = \"k\"\n",
                "two services have the id a",
            ),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(says) && refusal.contains("services.toml"), "{text}: {refusal}");
        }
    }
}
