use data_services::{ChangedRows, Row, TableEvent, TablePublisher};
use serde_json::{Value as Json, json};

/// An event as one JSON object.
pub(super) fn json_line(event: &TableEvent) -> String {
    let publisher = event.publisher();
    let mut line = match event {
        TableEvent::Snapshot { rows, .. } => json!({"event": "snapshot", "rows": all(rows)}),
        TableEvent::Change { change, .. } => json!({
            "event": "change",
            "added": all(&change.added),
            "changed": change.changed.iter().map(|(old, new)| [old.to_json(), new.to_json()]).collect::<Vec<_>>(),
            "removed": all(&change.removed),
        }),
        TableEvent::Raw { value, .. } => json!({"event": "raw", "value": value}),
        TableEvent::Stale { reason, .. } => json!({"event": "stale", "reason": reason}),
        TableEvent::Live { .. } => json!({"event": "live"}),
        TableEvent::Gone { removed, reason, .. } => {
            json!({"event": "gone", "removed": all(removed), "reason": reason})
        }
    };
    if let Some(line) = line.as_object_mut() {
        line.insert("service".to_owned(), json!(publisher.service));
        line.insert("node".to_owned(), json!(publisher.node));
        if let TableEvent::Change { change, .. } = event
            && let Some(trace) = change.trace
        {
            line.insert("trace".to_owned(), json!(trace));
        }
    }
    line.to_string()
}

fn all(rows: &[Row]) -> Vec<Json> {
    rows.iter().map(Row::to_json).collect()
}

/// An event as lines for people: `=` a row of a snapshot, `+` a new one, `~` a changed one, `-` a removed one.
pub(super) fn text_lines(event: &TableEvent) -> Vec<String> {
    let publisher = event.publisher();
    match event {
        TableEvent::Snapshot { rows, .. } if rows.is_empty() => vec![note(publisher, "no rows")],
        TableEvent::Snapshot { rows, .. } => marked('=', publisher, rows),
        TableEvent::Change { change, .. } => changed(publisher, change),
        TableEvent::Raw { value, .. } => vec![format!("! {publisher} {value}")],
        TableEvent::Stale { reason, .. } => vec![note(publisher, &format!("stale: {reason}"))],
        TableEvent::Live { .. } => vec![note(publisher, "live")],
        TableEvent::Gone { removed, reason, .. } => {
            let mut lines = marked('-', publisher, removed);
            lines.push(note(publisher, &format!("gone: {reason}")));
            lines
        }
    }
}

fn changed(publisher: &TablePublisher, change: &ChangedRows) -> Vec<String> {
    let mut lines = marked('-', publisher, &change.removed);
    lines.extend(marked('~', publisher, change.changed.iter().map(|(_, new)| new)));
    lines.extend(marked('+', publisher, &change.added));
    lines.extend(change.trace.map(|trace| note(publisher, &format!("trace {trace}"))));
    lines
}

fn marked<'a>(
    mark: char,
    publisher: &TablePublisher,
    rows: impl IntoIterator<Item = &'a Row>,
) -> Vec<String> {
    rows.into_iter().map(|row| format!("{mark} {publisher} {row}")).collect()
}

fn note(publisher: &TablePublisher, text: &str) -> String {
    format!("# {publisher} {text}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use data_services::{ChangedRows, NodeId, Row, ServiceId, TableEvent, TablePublisher, TraceId};

    use super::{json_line, text_lines};

    fn publisher() -> TablePublisher {
        TablePublisher { node: NodeId::new("n").unwrap(), service: ServiceId::new("s").unwrap() }
    }

    fn row(number: u32) -> Row {
        Row::of(&(number,)).unwrap()
    }

    #[test]
    fn rows_are_json_and_not_text_within_json() {
        let snapshot = TableEvent::Snapshot { publisher: publisher(), rows: vec![row(1)] };
        assert_eq!(json_line(&snapshot), r#"{"event":"snapshot","rows":[[1]],"service":"s","node":"n"}"#);
        let change = ChangedRows {
            added: vec![row(2)],
            changed: vec![(row(1), row(3))],
            removed: vec![row(4)],
            trace: None,
        };
        let traced = ChangedRows { trace: TraceId::new(&"7".repeat(32)).ok(), ..ChangedRows::default() };
        let [change, traced] = [change, traced]
            .map(|change| TableEvent::Change { publisher: publisher(), change: Arc::new(change) });
        assert_eq!(
            json_line(&change),
            r#"{"event":"change","added":[[2]],"changed":[[[1],[3]]],"removed":[[4]],"service":"s","node":"n"}"#
        );
        assert_eq!(text_lines(&change), ["- s on n [4]", "~ s on n [3]", "+ s on n [2]"]);
        let trace = "7".repeat(32);
        assert!(json_line(&traced).contains(&format!(r#""trace":"{trace}""#)));
        assert_eq!(text_lines(&traced), [format!("# s on n trace {trace}")]);
    }
}
