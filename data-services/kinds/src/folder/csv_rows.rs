use csv::{ErrorKind, ReaderBuilder, StringRecord};
use data_services::Row;
use serde_json::{Map, Number, Value as Json};

use super::json_rows::RowInLine;
use super::line_counter::LineCounter;

/// Reads CSV (RFC 4180) whose first record names the columns; each further record is an object. Fields are texts, those of the
/// columns `numbers` are numbers, or null if they are empty. An error has its line.
pub(super) fn csv_rows(text: &str, numbers: &[String]) -> Result<Vec<RowInLine>, (usize, String)> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let mut lines = LineCounter::new(text);
    let columns = reader.headers().map_err(|error| located(&error, &mut lines))?.clone();
    check_columns(&columns, numbers)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| located(&error, &mut lines))?;
        let line = line_of(record.position(), &mut lines);
        let mut fields = Map::new();
        for (column, field) in columns.iter().zip(&record) {
            let value = match numbers.iter().any(|number| number == column) {
                true => number(column, field).map_err(|text| (line, text))?,
                false => Json::from(field),
            };
            fields.insert(column.to_owned(), value);
        }
        let row = Row::from_json(Json::Object(fields)).map_err(|error| (line, error.to_string()))?;
        rows.push((line, row));
    }
    Ok(rows)
}

fn check_columns(columns: &StringRecord, numbers: &[String]) -> Result<(), (usize, String)> {
    let refused = |text: String| Err((1, text));
    if columns.iter().all(str::is_empty) {
        return refused("has no first line that names the columns".to_owned());
    }
    for (place, column) in columns.iter().enumerate() {
        if column.is_empty() {
            return refused(format!("column {} has no name", place + 1));
        }
        if columns.iter().take(place).any(|other| other == column) {
            return refused(format!("two columns are called {column:?}; rename one"));
        }
    }
    match numbers.iter().find(|number| columns.iter().all(|column| column != number.as_str())) {
        Some(missing) => refused(format!("has no column {missing:?}, which `numbers` names")),
        None => Ok(()),
    }
}

fn number(column: &str, field: &str) -> Result<Json, String> {
    match field.trim() {
        "" => Ok(Json::Null),
        text => match text.parse::<Number>() {
            Ok(number) => Ok(Json::Number(number)),
            Err(_) => Err(format!("column {column:?} is to be a number, not {field:?}")),
        },
    }
}

fn located(error: &csv::Error, lines: &mut LineCounter<'_>) -> (usize, String) {
    match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let text = format!("has {len} fields; the first line names {expected_len} columns");
            (line_of(pos.as_ref(), lines), text)
        }
        _ => (line_of(error.position(), lines), error.to_string()),
    }
}

/// The line of a record. The reader's own line number is that of the end of the record before, which may be CR LF or blank lines.
fn line_of(position: Option<&csv::Position>, lines: &mut LineCounter<'_>) -> usize {
    let offset = position.map_or(0, csv::Position::byte);
    lines.line_at(usize::try_from(offset).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::csv_rows;

    #[test]
    fn records_are_objects_of_the_columns_that_the_first_line_names() {
        let text = "name,cores,site\r\nesx-1,8,\"Boston,\nMA\"\r\nesx-2,,x\r\n";
        let rows = csv_rows(text, &["cores".to_owned()]).unwrap();
        let found: Vec<(usize, &str)> = rows.iter().map(|(line, row)| (*line, row.as_json())).collect();
        let expected = [
            (2, r#"{"cores":8,"name":"esx-1","site":"Boston,\nMA"}"#),
            (4, r#"{"cores":null,"name":"esx-2","site":"x"}"#),
        ];
        assert_eq!(found, expected);
        assert!(csv_rows("name,cores\n", &[]).unwrap().is_empty());
        assert_eq!(csv_rows("a\n007\n", &[]).unwrap()[0].1.as_json(), r#"{"a":"007"}"#, "texts stay texts");
    }

    #[test]
    fn an_error_has_its_line() {
        for (text, line, says) in [
            ("", 1, "no first line that names the columns"),
            ("a,,b\n", 1, "column 2 has no name"),
            ("a,b,a\n", 1, "two columns are called \"a\""),
            ("a,cores\nx,1\ny\n", 3, "has 1 fields; the first line names 2 columns"),
            ("a,cores\nx,1\ny,many\n", 3, "column \"cores\" is to be a number, not \"many\""),
            ("a,b\n", 1, "has no column \"cores\", which `numbers` names"),
        ] {
            let (at, error) = csv_rows(text, &["cores".to_owned()]).unwrap_err();
            assert!(at == line && error.contains(says), "{text:?}: {at}: {error}");
        }
    }
}
