use data_services::{Row, TablePublisher};
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Map, Value as Json};

use super::column::Column;
use super::condition::Condition;

/// Decides which rows are published, and with which columns.
#[derive(Debug, Clone)]
pub(super) struct RowFilter {
    conditions: Vec<Condition>,
    columns: Option<Vec<Column>>,
    publisher_column: Option<String>,
}

impl RowFilter {
    pub(super) fn new(
        conditions: Vec<Condition>,
        columns: Option<Vec<Column>>,
        publisher_column: Option<String>,
    ) -> Result<Self> {
        conditions.iter().try_for_each(Condition::check)?;
        let columns_of = columns.as_deref().unwrap_or_default();
        let has_positions = columns_of.iter().any(|column| matches!(column, Column::Position(_)));
        if has_positions && columns_of.iter().any(|column| matches!(column, Column::Field(_))) {
            let text = "columns: name fields of objects, or positions of arrays, not both";
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(Self { conditions, columns, publisher_column })
    }

    /// Returns the row as it is published; `None` if it does not fulfil the conditions, or has none of the columns.
    ///
    /// Of an object, columns that it lacks are left out; an array without one of the positions is no row of the result. The
    /// publisher is added as a field, or at the end of an array.
    pub(super) fn project(&self, publisher: &TablePublisher, row: &Row) -> Option<Row> {
        let json = row.to_json();
        if !self.conditions.iter().all(|condition| condition.holds(&json)) {
            return None;
        }
        let mut projected = match &self.columns {
            None => json,
            Some(columns) if json.is_array() => {
                let values: Option<Vec<Json>> =
                    columns.iter().map(|column| column.of(&json).cloned()).collect();
                Json::Array(values?)
            }
            Some(columns) => {
                let named = |column: &Column| match column {
                    Column::Field(field) => Some((field.clone(), column.of(&json)?.clone())),
                    Column::Position(_) => None,
                };
                let fields: Map<String, Json> = columns.iter().filter_map(named).collect();
                (!fields.is_empty()).then_some(Json::Object(fields))?
            }
        };
        match (&self.publisher_column, &mut projected) {
            (Some(column), Json::Object(fields)) => {
                fields.insert(column.clone(), publisher.to_string().into());
            }
            (Some(_), Json::Array(values)) => values.push(publisher.to_string().into()),
            _ => {}
        }
        Row::from_json(projected).ok()
    }
}

#[cfg(test)]
mod tests {
    use data_services::{NodeId, Row, ServiceId, TablePublisher};
    use serde_json::{Value as Json, json};

    use super::RowFilter;
    use crate::filter::filter_options::FilterOptions;

    fn filter(mut options: Json) -> pubsub_api::Result<RowFilter> {
        options["address"] = "a".into();
        options["table"] = "t".into();
        let options: FilterOptions = serde_json::from_value(options).unwrap();
        RowFilter::new(options.conditions, options.columns, options.publisher_column)
    }

    fn projected(options: Json, row: Json) -> Option<String> {
        let publisher =
            TablePublisher { node: NodeId::new("n").unwrap(), service: ServiceId::new("s").unwrap() };
        let row = filter(options).unwrap().project(&publisher, &Row::from_json(row).unwrap());
        row.map(|row| row.as_json().to_owned())
    }

    #[test]
    fn columns_are_chosen_and_the_publisher_is_added() {
        for (options, row, expected) in [
            (json!({}), json!({"b": 1, "a": 2}), Some(r#"{"a":2,"b":1}"#)),
            (json!({"columns": ["b", "c"]}), json!({"b": 1, "a": 2}), Some(r#"{"b":1}"#)),
            (json!({"columns": ["c"]}), json!({"b": 1}), None),
            (json!({"columns": [1, 0]}), json!(["x", "y"]), Some(r#"["y","x"]"#)),
            (json!({"columns": [2]}), json!(["x", "y"]), None),
            (json!({"columns": [0], "publisher_column": "by"}), json!(["x"]), Some(r#"["x","s on n"]"#)),
            (
                json!({"columns": ["b"], "publisher_column": "by"}),
                json!({"b": 1}),
                Some(r#"{"b":1,"by":"s on n"}"#),
            ),
            (json!({"where": [{"field": "b", "above": 1}]}), json!({"b": 1}), None),
        ] {
            assert_eq!(projected(options.clone(), row).as_deref(), expected, "{options}");
        }
        assert!(filter(json!({"columns": [0, "a"]})).unwrap_err().to_string().contains("not both"));
    }
}
