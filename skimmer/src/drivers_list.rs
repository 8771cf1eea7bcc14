use clap::Args;
use comfy_table::Table;
use pubsub_api::{Driver, Registry, Result};
use serde_json::{Value, json};
use service_kit::tell;

/// The arguments of `skimmer drivers`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let registry = Registry::collect()?;
    if arguments.json {
        let drivers: Vec<Value> = registry.drivers().iter().map(|driver| as_json(driver)).collect();
        tell(Value::Array(drivers));
        return Ok(());
    }
    tell(table(registry.drivers()));
    for driver in registry.drivers() {
        tell(format!("\n{}: {}", driver.alias, driver.summary));
        for limit in driver.capabilities.limits {
            tell(format!("  - {limit}"));
        }
    }
    Ok(())
}

fn as_json(driver: &Driver) -> Value {
    json!({
        "alias": driver.alias,
        "roles": driver.roles,
        "summary": driver.summary,
        "capabilities": driver.capabilities,
    })
}

fn table(drivers: &[&Driver]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    let mut header = vec!["capability".to_owned()];
    header.extend(drivers.iter().map(|driver| driver.alias.to_owned()));
    table.set_header(header);
    let mut roles = vec!["role".to_owned()];
    roles.extend(
        drivers
            .iter()
            .map(|driver| driver.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")),
    );
    table.add_row(roles);
    let names = drivers.first().map(|driver| driver.capabilities.flags()).unwrap_or_default();
    for (index, (name, _)) in names.iter().enumerate() {
        let mut row = vec![(*name).to_owned()];
        row.extend(drivers.iter().map(|driver| {
            let promised = driver.capabilities.flags().get(index).is_some_and(|(_, promised)| *promised);
            if promised { "yes".to_owned() } else { "-".to_owned() }
        }));
        table.add_row(row);
    }
    table
}

#[cfg(test)]
mod tests {
    use drivers as _;
    use pubsub_api::Registry;

    #[test]
    fn the_readme_shows_the_drivers_and_what_they_promise() {
        let registry = Registry::collect().unwrap();
        let wanted = super::table(registry.drivers()).to_string();
        assert!(include_str!("../../README.md").contains(&wanted), "README.md lacks this table:\n{wanted}");
    }
}
