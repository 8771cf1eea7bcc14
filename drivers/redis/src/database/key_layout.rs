use pubsub_api::database::{RowName, RowPlace};
use pubsub_api::settings::choice;
use pubsub_api::{Error, ErrorKind, Result};

use crate::servers::slot_of;

choice! {
    /// The format of a row's key (docs/dragonflow.md#redis). The hash tag, and so the slot, is the same in both.
    pub(crate) enum KeyLayout {
        /// `{table.topic}key`, as Dragonflow's last version does.
        Head = "head",
        /// `{table.topic}.key`, as 4.0 and 5.0 do.
        V4 = "4.0",
    }
}

/// The keys under which a row may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowKeys {
    /// In the layout of this driver.
    pub(super) own: String,
    /// In the other layout.
    pub(super) other: Option<String>,
    /// The slot of both.
    pub(super) slot: u16,
}

/// A parsed key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub(super) table: &'a str,
    pub(super) place: RowPlace,
}

impl KeyLayout {
    /// The keys of a row on the given topic, or without a topic.
    ///
    /// A key that begins with a dot is always written in the layout of 4.0: in the other one it would be read as the row of the
    /// key without the dot.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the name breaks the rules, [`ErrorKind::Unsupported`] if the topic has a `}`, which ends a
    /// hash tag.
    pub(super) fn keys(self, row: &RowName<'_>) -> Result<RowKeys> {
        row.check()?;
        let tag = tag(row.table, row.topic)?;
        let (head, v4) = (format!("{{{tag}}}{}", row.key), format!("{{{tag}}}.{}", row.key));
        let slot = slot_of(&tag);
        Ok(match self {
            _ if row.key.starts_with('.') => RowKeys { own: v4, other: None, slot },
            Self::Head => RowKeys { own: head, other: Some(v4), slot },
            Self::V4 => RowKeys { own: v4, other: Some(head), slot },
        })
    }
}

/// The part between the braces.
fn tag(table: &str, topic: Option<&str>) -> Result<String> {
    let topic = topic.unwrap_or_default();
    if topic.contains('}') {
        let text = format!(
            "the topic {topic} has a closing brace, which a Redis key cannot contain: rename the topic, or use another \
             database"
        );
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    Ok(format!("{table}.{topic}"))
}

/// Parses a key; `None` if it is not a row's.
pub(super) fn parse(key: &[u8]) -> Option<Parsed<'_>> {
    let (tag, key) = std::str::from_utf8(key).ok()?.strip_prefix('{')?.split_once('}')?;
    let (table, topic) = tag.split_once('.')?;
    let key = key.strip_prefix('.').unwrap_or(key);
    let topic = Some(topic).filter(|topic| !topic.is_empty());
    RowName { table, key, topic }.check().ok()?;
    let place = RowPlace { key: key.to_owned(), topic: topic.map(str::to_owned) };
    Some(Parsed { table, place })
}

/// A pattern that matches the rows of a table, on one topic or on all.
///
/// # Errors
/// As of [`KeyLayout::keys`].
pub(super) fn rows_of(table: &str, topic: Option<&str>) -> Result<String> {
    let Some(topic) = topic else { return Ok(format!("{{{}.*}}*", literally(table))) };
    Ok(format!("{{{}}}*", literally(&tag(table, Some(topic))?)))
}

/// A pattern that matches the rows of a key on all topics, and some other rows: the caller must check each match.
pub(super) fn rows_of_key(table: &str, key: &str) -> String {
    format!("{{{}.*}}*{}", literally(table), literally(key))
}

/// A pattern that matches the rows of all tables.
pub(super) const ALL_ROWS: &str = "{*.*}*";

/// Escapes the text, so that as a glob it matches only itself (docs/dragonflow.md#d41).
fn literally(text: &str) -> String {
    let escape = |letter: char| {
        let is_special = matches!(letter, '*' | '?' | '[' | '\\');
        is_special.then_some('\\').into_iter().chain([letter])
    };
    text.chars().flat_map(escape).collect()
}

#[cfg(test)]
mod tests {
    use pubsub_api::ErrorKind;
    use pubsub_api::database::RowName;

    use super::{KeyLayout, RowKeys, literally, parse, rows_of, rows_of_key};

    fn keys(layout: KeyLayout, row: RowName<'_>) -> (String, Option<String>) {
        let RowKeys { own, other, .. } = layout.keys(&row).unwrap();
        (own, other)
    }

    #[test]
    fn a_row_has_a_key_in_each_layout() {
        let (port, lone) = (RowName::new("lport", "port-1").on("tenant-1"), RowName::new("lport", "port-1"));
        let head = || "{lport.tenant-1}port-1".to_owned();
        let v4 = || "{lport.tenant-1}.port-1".to_owned();
        assert_eq!(keys(KeyLayout::Head, port), (head(), Some(v4())));
        assert_eq!(keys(KeyLayout::V4, port), (v4(), Some(head())));
        assert_eq!(keys(KeyLayout::Head, lone), ("{lport.}port-1".into(), Some("{lport.}.port-1".into())));
        for layout in [KeyLayout::Head, KeyLayout::V4] {
            assert_eq!(keys(layout, RowName::new("lport", ".a")), ("{lport.}..a".into(), None));
        }
    }

    #[test]
    fn every_written_key_is_read_as_the_same_row() {
        for key in ["port-1", ".", "..", ".a", "a.b", "{*}?[a].b c/\"'", "}", "}.x", "{t.}k", "ключ"] {
            for topic in [None, Some("tenant-1"), Some("a.b"), Some("{x"), Some("*")] {
                for layout in [KeyLayout::Head, KeyLayout::V4] {
                    let row = RowName::new("lport", key).on(topic);
                    let keys = layout.keys(&row).unwrap();
                    for written in [Some(keys.own), keys.other].into_iter().flatten() {
                        let read = parse(written.as_bytes()).unwrap();
                        let found = RowName::new(read.table, &read.place.key).on(read.place.topic.as_deref());
                        assert_eq!(found, row, "{written}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_key_that_is_not_a_row_is_not_parsed() {
        for key in
            ["", "plain", "{plain}x", "{a.b", "{a.b}", "{a.b}.", "{a b.c}x", "{t.$hello}x", "{.x}y", "\u{0}"]
        {
            assert_eq!(parse(key.as_bytes()), None, "{key}");
        }
        assert_eq!(parse(b"{a.b}\xff"), None);
    }

    #[test]
    fn a_topic_that_would_end_the_hash_tag_is_refused() {
        let error = KeyLayout::Head.keys(&RowName::new("lport", "a").on("x}y")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("x}y"), "{error}");
    }

    #[test]
    fn patterns_match_names_literally() {
        assert_eq!(literally(r"a*?[b]^-\"), r"a\*\?\[b]^-\\");
        assert_eq!(rows_of("lport", Some("*")).unwrap(), r"{lport.\*}*");
        assert_eq!(rows_of("l_port", None).unwrap(), "{l_port.*}*");
        assert_eq!(rows_of_key("lport", "a*"), r"{lport.*}*a\*");
    }
}
