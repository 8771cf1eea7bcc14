use delivery::subscriber::DeliveryMode;
use pubsub_api::{Event, Value};

/// The widths of the columns before the value, in characters. A UUID has 36 characters; Dragonflow's longest table name has
/// 23.
const WIDTHS: [usize; 5] = [36, 8, 24, 36, 8];

/// The largest number of characters of a value that are printed.
const VALUE_WIDTH: usize = 80;

/// The names of the columns, aligned as [`row`].
pub(super) fn header() -> String {
    line(["topic", "action", "table", "key", "origin"].map(str::to_owned), "value")
}

/// One event in columns for people. Long texts are cut and end in `…`. Control characters are escaped, so that a value cannot
/// control the terminal. The origin of a live event is `live`.
/// In the place of a sealed value is the id of its key.
pub(super) fn row(event: &Event, mode: DeliveryMode, key_id: Option<&str>) -> String {
    let name = |name: &Option<String>| name.as_deref().unwrap_or("-").to_owned();
    let value = match &event.value {
        _ if key_id.is_some() => format!("sealed with key {}", key_id.unwrap_or_default()),
        Value::Nil => "-".to_owned(),
        Value::Text(text) => text.to_string(),
        Value::Other(bytes) => format!("{} bytes of msgpack", bytes.len()),
    };
    let mode = mode.name().unwrap_or("live").to_owned();
    let action = event.action.as_str().to_owned();
    line([event.topic.as_str().to_owned(), action, name(&event.table), name(&event.key), mode], &value)
}

fn line(cells: [String; WIDTHS.len()], value: &str) -> String {
    let mut line = String::new();
    for (text, width) in cells.iter().zip(WIDTHS) {
        let cell = cut(text, width);
        line.push_str(&format!("{cell:width$} "));
    }
    line + &cut(value, VALUE_WIDTH)
}

fn cut(text: &str, width: usize) -> String {
    let mut escaped = text.chars().flat_map(char::escape_debug);
    let mut cell: String = escaped.by_ref().take(width).collect();
    if escaped.next().is_some() {
        cell.pop();
        cell.push('…');
    }
    cell
}

#[cfg(test)]
mod tests {
    use delivery::subscriber::DeliveryMode;
    use pubsub_api::{Action, Event, Topic, Value};

    use super::{header, row};

    fn event(topic: &str, key: &str, value: &str) -> Event {
        Event {
            table: Some("lport".to_owned()),
            key: Some(key.to_owned()),
            action: Action::from("set"),
            value: Value::from(Some(value.to_owned())),
            topic: Topic::new(topic.to_owned()).unwrap(),
            stamp: None,
            version: None,
        }
    }

    #[test]
    fn columns_are_aligned_with_their_names_however_long_the_texts_are() {
        let long = "x".repeat(100);
        let rows = [
            row(&event("D", "port-1", "value"), DeliveryMode::Live, None),
            row(&event(&long, &long, "value"), DeliveryMode::Replay, None),
            row(&event("ünïcödé", "k\u{1b}[2J", "value"), DeliveryMode::Snapshot, None),
        ];
        let header = header();
        let at = |line: &str, text: &str| line[..line.find(text).unwrap()].chars().count();
        for line in &rows {
            assert_eq!(at(line, "value"), at(&header, "value"), "{line}");
            assert_eq!(at(line, "lport"), at(&header, "table"), "{line}");
            assert!(!line.contains('\u{1b}'), "{line:?}");
        }
        for (line, mode) in rows.iter().zip(["live", "replay", "snapshot"]) {
            assert_eq!(at(line, mode), at(&header, "origin"), "{line}");
        }
    }
}
