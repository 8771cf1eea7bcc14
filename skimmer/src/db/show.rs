use comfy_table::Table;
use northbound::Object;
use pubsub_api::database::{Entry, RowPlace};
use serde_json::{Value, json};
use service_kit::{print_line, printable};

use super::Format;

/// Prints a list of names.
pub(super) fn names(format: Format, what: &str, names: Vec<String>) {
    for name in names {
        match format {
            Format::Table => print_line(printable(&name)),
            Format::Jsonl => print_line(json!({ what: name })),
        }
    }
}

/// Prints keys and topics of rows.
pub(super) fn places(format: Format, mut places: Vec<RowPlace>) {
    places.sort();
    match format {
        Format::Jsonl => {
            places.iter().for_each(|place| print_line(json!({"key": place.key, "topic": place.topic})))
        }
        Format::Table => {
            let rows = places
                .iter()
                .map(|place| [printable(&place.key), printable(place.topic.as_deref().unwrap_or(""))]);
            show(&["key", "topic"], rows);
        }
    }
}

/// Prints the value of a row: JSON indented for people, anything else unchanged.
pub(super) fn value(format: Format, value: &[u8]) {
    match serde_json::from_slice::<Value>(value) {
        Ok(json) if format == Format::Table => print_line(format!("{json:#}")),
        Ok(json) => print_line(json),
        Err(_) => print_line(String::from_utf8_lossy(value)),
    }
}

/// Prints an object.
pub(super) fn object(object: Object) {
    print_line(Value::Object(object.fields().clone()));
}

/// Prints the rows of a table.
pub(super) fn entries(format: Format, table: &str, entries: Vec<Entry>) {
    let text = |entry: &Entry| String::from_utf8_lossy(&entry.value).into_owned();
    match format {
        Format::Jsonl => {
            for entry in entries {
                let value =
                    serde_json::from_slice(&entry.value).unwrap_or_else(|_| Value::String(text(&entry)));
                let RowPlace { key, topic } = entry.place;
                print_line(json!({"table": table, "key": key, "topic": topic, "value": value}));
            }
        }
        Format::Table => {
            let rows = entries.iter().map(|entry| {
                let RowPlace { key, topic } = &entry.place;
                [table, key, topic.as_deref().unwrap_or(""), &text(entry)].map(printable)
            });
            show(&["table", "key", "topic", "value"], rows);
        }
    }
}

fn show<const COLUMNS: usize>(header: &[&str], rows: impl Iterator<Item = [String; COLUMNS]>) {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    if table.row_count() > 0 {
        print_line(table);
    }
}
