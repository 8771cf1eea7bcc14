use std::time::Duration;

use comfy_table::Table;
use northbound::{DatabaseSettings, PUBLISHER_TABLE, PublisherRow, SERVICE_TABLE, ServiceRow};
use pubsub_api::database::{DbApi, Entry};
use pubsub_api::settings::{PubSub, Settings};
use pubsub_api::{Registry, Result};
use serde_json::json;
use service_kit::{print_line, printable, report};

use super::Format;

/// The rows of the two tables, sorted.
#[derive(Debug)]
struct Listed {
    publishers: Vec<PublisherRow>,
    services: Vec<ServiceRow>,
}

pub(super) async fn list(registry: &Registry, settings: &Settings, format: Format) -> Result<()> {
    let database = registry.open_database(&settings.pubsub().nb_db_class, settings)?;
    if registry.used_database(settings)?.is_none() {
        warn_of_no_directory(settings.pubsub());
    }
    database.initialize().await?;
    let database_settings = DatabaseSettings::read(settings)?;
    let listed = Listed::read(&*database).await;
    let closed = database.close().await;
    let (listed, now) = (listed?, PublisherRow::now());
    match format {
        Format::Table => listed.show_tables(&database_settings, now),
        Format::Jsonl => listed.show_lines(&database_settings, now),
    }
    closed
}

/// Warns that no program writes to the database with these settings, so that the list is empty or old.
fn warn_of_no_directory(pubsub: &PubSub) {
    let (nb_db_class, use_nb_db) = (&pubsub.nb_db_class, pubsub.use_nb_db.as_str());
    report(format_args!(
        "warning: with use_nb_db = {use_nb_db:?} and nb_db_class = {nb_db_class:?} services and agents write no rows to the \
         database, so running programs are not listed; `skimmer status` shows those of this host"
    ));
}

impl Listed {
    async fn read(database: &dyn DbApi) -> Result<Self> {
        let mut publishers = readable(database, PUBLISHER_TABLE, PublisherRow::parse).await?;
        publishers.sort_by(|one, other| (&one.uri, &one.id).cmp(&(&other.uri, &other.id)));
        let mut services = readable(database, SERVICE_TABLE, ServiceRow::parse).await?;
        services.sort_by(|one, other| {
            (&one.chassis, &one.binary, &one.id).cmp(&(&other.chassis, &other.binary, &other.id))
        });
        Ok(Self { publishers, services })
    }

    fn show_lines(&self, settings: &DatabaseSettings, now: Duration) {
        for row in &self.publishers {
            print_line(json!({
                "kind": "publisher",
                "id": row.id,
                "uri": row.uri,
                "age_seconds": age(now, row.last_activity),
                "state": state_of_publisher(row, settings, now),
            }));
        }
        for row in &self.services {
            print_line(json!({
                "kind": "service",
                "id": row.id,
                "chassis": row.chassis,
                "binary": row.binary,
                "age_seconds": age(now, row.last_seen_up),
                "state": state_of_service(row, settings, now),
                "disabled": row.disabled,
            }));
        }
    }

    fn show_tables(&self, settings: &DatabaseSettings, now: Duration) {
        let publishers = self.publishers.iter().map(|row| {
            let age = format!("{} s", age(now, row.last_activity));
            [row.id.clone(), row.uri.clone(), age, state_of_publisher(row, settings, now).to_owned()]
        });
        show("publishers", ["publisher", "uri", "age", "state"], publishers);
        let services = self.services.iter().map(|row| {
            let age = format!("{} s", age(now, row.last_seen_up));
            [row.chassis.clone(), row.binary.clone(), age, state_of_service(row, settings, now).to_owned()]
        });
        show("services", ["chassis", "binary", "age", "state"], services);
    }
}

/// The valid rows of a table. Invalid rows are reported and skipped.
async fn readable<Row>(
    database: &dyn DbApi,
    table: &str,
    parse: impl Fn(&[u8]) -> Result<Row>,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for Entry { place, value } in database.get_all_entries(table, None).await? {
        match parse(&value) {
            Ok(row) => rows.push(row),
            Err(error) => report(format_args!("warning: skipped invalid row {table}/{}: {error}", place.key)),
        }
    }
    Ok(rows)
}

fn state_of_publisher(row: &PublisherRow, settings: &DatabaseSettings, now: Duration) -> &'static str {
    if row.is_stale(now, settings.publisher_timeout) { "stale" } else { "up" }
}

fn state_of_service(row: &ServiceRow, settings: &DatabaseSettings, now: Duration) -> &'static str {
    if row.is_up(now, settings.service_down_time) { "up" } else { "down" }
}

/// The age in seconds; 0 if the time is in the future, because of another host's clock.
fn age(now: Duration, then: Duration) -> u64 {
    now.saturating_sub(then).as_secs()
}

fn show(what: &str, header: [&str; 4], rows: impl Iterator<Item = [String; 4]>) {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(header);
    for row in rows {
        table.add_row(row.map(|cell| printable(&cell)));
    }
    if table.row_count() > 0 { print_line(table) } else { print_line(format!("no {what}")) }
}
