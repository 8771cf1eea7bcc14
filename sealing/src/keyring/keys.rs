use pubsub_api::wire::SealedRef;

use super::{GroupKey, Secret};

/// The content of a keyring file.
///
/// ```text
/// # a comment
/// ID KEY [use]
/// rows SECRET
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    all: Vec<GroupKey>,
    /// The index of the key that seals.
    used: usize,
    rows: Option<Secret>,
}

/// The most keys of a file.
const MAX_KEYS: usize = 64;

/// The first word of the line with the secret of row tags.
pub(crate) const ROWS: &str = "rows";

/// The last word of the line with the key that seals.
pub(crate) const USE: &str = "use";

impl Keys {
    /// Reads the lines. No error has a part of a line: it may be a key.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut all, mut used, mut rows) = (Vec::<GroupKey>::new(), None, None);
        for (number, line) in (1..).zip(text.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let wrong = |what: &str| format!("line {number}: {what}");
            let secret = |text| Secret::parse(text).ok_or_else(|| wrong("a key has 64 hexadecimal digits"));
            let (id, text, is_used) = match *words.as_slice() {
                [] => continue,
                [first, ..] if first.starts_with('#') => continue,
                [ROWS, text] => {
                    if rows.replace(secret(text)?).is_some() {
                        return Err(wrong("a second secret of row tags"));
                    }
                    continue;
                }
                [id, text] => (id, text, false),
                [id, text, USE] => (id, text, true),
                _ => return Err(wrong("a line is: ID KEY, ID KEY use, or rows SECRET")),
            };
            check_id(id).map_err(|error| wrong(&error))?;
            let key = GroupKey::new(id.to_owned(), secret(text)?);
            if all.iter().any(|other| other.id() == key.id() || other.secret() == key.secret()) {
                return Err(wrong("the id or the key is also on an earlier line"));
            }
            if is_used && used.replace(all.len()).is_some() {
                return Err(wrong("a second key has the mark `use`"));
            }
            all.push(key);
        }
        if all.len() > MAX_KEYS {
            return Err(format!("it has more than {MAX_KEYS} keys"));
        }
        let used = used.ok_or("no key has the mark `use`")?;
        Ok(Self { all, used, rows })
    }

    /// As [`parse`](Self::parse); the secret of row tags must be there.
    pub(crate) fn parse_with_rows(text: &str) -> Result<Self, String> {
        let keys = Self::parse(text)?;
        match keys.rows {
            Some(_) => Ok(keys),
            None => Err("sealing.events = \"row\" needs a line `rows SECRET`".to_owned()),
        }
    }

    /// The key that seals.
    #[expect(clippy::indexing_slicing, reason = "`parse` sets it to the index of a key")]
    pub(crate) fn used(&self) -> &GroupKey {
        &self.all[self.used]
    }

    pub(crate) fn get(&self, id: &str) -> Option<&GroupKey> {
        self.all.iter().find(|key| key.id() == id)
    }

    pub(crate) fn rows(&self) -> Option<&Secret> {
        self.rows.as_ref()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.all.iter().map(|key| key.id().to_owned()).collect()
    }

    /// Whether the secret of row tags differs; adding one is no difference.
    pub(crate) fn has_other_rows(&self, new: &Self) -> bool {
        self.rows.is_some() && self.rows != new.rows
    }
}

/// Checks the id of a key.
///
/// # Errors
/// What an id is, in words.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
    let is_good = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let is_id =
        (1..=SealedRef::MAX_KEY_ID_BYTES).contains(&id.len()) && id.chars().all(is_good) && id != ROWS;
    if is_id {
        return Ok(());
    }
    Err(format!(
        "the id of a key has at most {} letters, digits, `.`, `_` and `-`, and is not `{ROWS}`",
        SealedRef::MAX_KEY_ID_BYTES
    ))
}
