use data_services::Row;
use serde_json::value::RawValue;

use super::line_counter::LineCounter;

/// A row and the line in which it begins, from 1.
pub(super) type RowInLine = (usize, Row);

/// Reads a JSON array of arrays or objects. An error has its line.
pub(super) fn json_rows(text: &str) -> Result<Vec<RowInLine>, (usize, String)> {
    let items: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| (error.line().max(1), format!("is not a JSON array of rows: {error}")))?;
    let mut rows = Vec::with_capacity(items.len());
    let mut lines = LineCounter::new(text);
    for item in items {
        // The item is a part of the text.
        let offset = (item.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let line = lines.line_at(offset);
        let row = Row::parse(item.get()).map_err(|error| (line, error.to_string()))?;
        rows.push((line, row));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::json_rows;

    #[test]
    fn rows_are_arrays_or_objects_each_with_its_line() {
        let rows = json_rows("[\n  {\"a\": 1},\n\n  [2,\n   3], [4]\n]\n").unwrap();
        let found: Vec<(usize, &str)> = rows.iter().map(|(line, row)| (*line, row.as_json())).collect();
        assert_eq!(found, [(2, r#"{"a":1}"#), (4, "[2,3]"), (5, "[4]")]);
        assert!(json_rows("[]").unwrap().is_empty());
    }

    #[test]
    fn an_error_has_its_line() {
        for (text, line, says) in [
            ("", 1, "EOF"),
            ("[\n[1],\n[2", 3, "EOF"),
            ("[\n[1],\n2]", 3, "a JSON array or object, this is a number"),
            ("{\"a\": 1}", 1, "is not a JSON array of rows"),
            ("[[1]]\n[[2]]", 2, "trailing characters"),
        ] {
            let (at, error) = json_rows(text).unwrap_err();
            assert!(at == line && error.contains(says), "{text:?}: {at}: {error}");
        }
    }
}
