use clap::Args;
use comfy_table::Table;
use pubsub_api::database::DatabaseDriver;
use pubsub_api::{Driver, Registry, Result};
use serde_json::{Value, json};
use service_kit::print_line;

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
        let mut drivers: Vec<Value> = registry.drivers().iter().map(|driver| as_json(driver)).collect();
        drivers.extend(registry.databases().iter().map(|driver| database_as_json(driver)));
        print_line(Value::Array(drivers));
        return Ok(());
    }
    print_line(table(registry.drivers()));
    for driver in registry.drivers() {
        print_limits(driver.alias, driver.summary, driver.capabilities.limits);
    }
    print_line(format!("\n{}", database_table(registry.databases())));
    for driver in registry.databases() {
        print_limits(driver.alias, driver.summary, driver.capabilities.limits);
    }
    Ok(())
}

fn print_limits(alias: &str, summary: &str, limits: &[&str]) {
    print_line(format!("\n{alias}: {summary}"));
    for limit in limits {
        print_line(format!("  - {limit}"));
    }
}

fn database_as_json(driver: &DatabaseDriver) -> Value {
    json!({
        "alias": driver.alias,
        "roles": ["northbound database"],
        "summary": driver.summary,
        "capabilities": driver.capabilities,
    })
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
    let roles =
        |driver: &&Driver| driver.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
    let mut table = header("capability", drivers.iter().map(|driver| driver.alias));
    let mut first = vec!["role".to_owned()];
    first.extend(drivers.iter().map(roles));
    table.add_row(first);
    let flags: Vec<_> = drivers.iter().map(|driver| driver.capabilities.flags()).collect();
    add_flags(&mut table, &flags);
    table
}

fn database_table(drivers: &[&DatabaseDriver]) -> Table {
    let mut table = header("northbound database", drivers.iter().map(|driver| driver.alias));
    let flags: Vec<_> = drivers.iter().map(|driver| driver.capabilities.flags()).collect();
    add_flags(&mut table, &flags);
    table
}

fn header<'a>(what: &'a str, aliases: impl Iterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(std::iter::once(what).chain(aliases));
    table
}

/// Adds a row for each capability, with the value of each driver.
fn add_flags<const CAPABILITIES: usize>(table: &mut Table, drivers: &[[(&str, bool); CAPABILITIES]]) {
    for index in 0..CAPABILITIES {
        let flags = || drivers.iter().filter_map(|flags| flags.get(index));
        let Some((name, _)) = flags().next() else { return };
        let cells = flags().map(|(_, has)| if *has { "yes" } else { "-" });
        table.add_row(std::iter::once(*name).chain(cells));
    }
}

#[cfg(test)]
mod tests {
    use drivers as _;
    use pubsub_api::Registry;

    #[test]
    fn the_readme_shows_the_drivers_and_their_capabilities() {
        let registry = Registry::collect().unwrap();
        let wanted = super::table(registry.drivers()).to_string();
        assert!(include_str!("../../README.md").contains(&wanted), "README.md lacks this table:\n{wanted}");
        let wanted = super::database_table(registry.databases()).to_string();
        assert!(include_str!("../../README.md").contains(&wanted), "README.md lacks this table:\n{wanted}");
    }
}
