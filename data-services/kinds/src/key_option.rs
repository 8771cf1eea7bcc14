use data_services::KeyColumns;
use serde::Deserialize;

/// The key columns of a table in an option: field names, or positions from 0; an empty list means the whole row.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(untagged, expecting = "a key is a list of field names, or a list of positions from 0")]
pub(crate) enum KeyOption {
    /// Every row is its own key.
    #[default]
    #[serde(skip)]
    Row,
    /// Positions of arrays.
    Positions(Vec<usize>),
    /// Fields of objects.
    Fields(Vec<String>),
}

impl From<KeyOption> for KeyColumns {
    fn from(key: KeyOption) -> Self {
        match key {
            KeyOption::Positions(positions) if !positions.is_empty() => Self::Positions(positions),
            KeyOption::Fields(fields) if !fields.is_empty() => Self::Fields(fields),
            _ => Self::Row,
        }
    }
}

#[cfg(test)]
mod tests {
    use data_services::KeyColumns;

    use super::KeyOption;

    #[test]
    fn a_key_is_fields_or_positions_or_the_whole_row() {
        for (text, key) in [
            (r#"["id", "x"]"#, KeyColumns::Fields(vec!["id".into(), "x".into()])),
            ("[1, 0]", KeyColumns::Positions(vec![1, 0])),
            ("[]", KeyColumns::Row),
        ] {
            assert_eq!(KeyColumns::from(serde_json::from_str::<KeyOption>(text).unwrap()), key);
        }
        let error = serde_json::from_str::<KeyOption>(r#"["id", 1]"#).unwrap_err();
        assert!(error.to_string().contains("a list of field names, or a list of positions"), "{error}");
    }
}
