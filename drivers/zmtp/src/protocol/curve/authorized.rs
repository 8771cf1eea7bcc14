use std::collections::HashMap;

use super::keys::PublicKey;
use crate::protocol::ready::is_host_name;

/// An agent that may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizedAgent {
    /// Its public key.
    pub key: PublicKey,
    /// Its name, for logs and the status.
    pub name: Box<str>,
}

/// The agents that may connect, by their keys.
///
/// Their text has one line for each, of its name and its public key. A line that begins with `#` is a comment. Further words
/// are reserved: a line that has some is an error and not read without them, as they may limit what the agent may do.
///
/// ```
/// use drivers_zmtp::protocol::curve::AuthorizedAgents;
///
/// let agents = AuthorizedAgents::parse("# rack 7\ncompute-7 Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\n")?;
/// assert_eq!(agents.len(), 1);
/// let error = AuthorizedAgents::parse("compute-7\n").unwrap_err();
/// assert!(error.starts_with("line 1: "));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct AuthorizedAgents {
    by_key: HashMap<PublicKey, AuthorizedAgent>,
}

impl AuthorizedAgents {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong with the first line that is not one of these, with its number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut agents = Self::default();
        for (number, line) in text.lines().enumerate() {
            agents.add(line).map_err(|error| format!("line {}: {error}", number + 1))?;
        }
        Ok(agents)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let mut words = line.split_ascii_whitespace();
        let (name, key) = (words.next().unwrap_or_default(), words.next());
        check_name(name)?;
        let key: PublicKey = key.ok_or_else(|| format!("the public key of {name} is missing"))?.parse()?;
        if words.next().is_some() {
            return Err(format!("what follows the key of {name} is not known to this version"));
        }
        let agent = AuthorizedAgent { key, name: name.into() };
        match self.by_key.insert(key, agent) {
            Some(other) => Err(format!("{name} has the key of {}", other.name)),
            None => Ok(()),
        }
    }

    /// The agent with a key.
    #[must_use]
    pub fn get(&self, key: &PublicKey) -> Option<&AuthorizedAgent> {
        self.by_key.get(key)
    }

    /// The number of agents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether nobody may connect.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

/// Checks the name of an agent.
///
/// # Errors
/// What a name has, in words.
pub fn check_name(name: &str) -> Result<(), String> {
    match is_host_name(name) {
        true => Ok(()),
        false => Err(format!("{name:?} is no name: a name has at most 64 letters, digits, `.`, `-` and `_`")),
    }
}

#[cfg(test)]
mod tests {
    use super::AuthorizedAgents;
    use crate::protocol::curve::SecretKey;

    #[test]
    fn a_line_has_a_name_and_a_key() {
        let key = SecretKey::generate().unwrap().public();
        let agents = AuthorizedAgents::parse(&format!("# comment\n\n  node-1.example\t{key}  \r\n")).unwrap();
        assert_eq!(&*agents.get(&key).unwrap().name, "node-1.example");
    }

    #[test]
    fn a_line_that_is_not_understood_is_an_error_with_its_number() {
        let key = SecretKey::generate().unwrap().public();
        for (text, word) in [
            ("\n\nnode".to_owned(), "line 3: the public key of node is missing"),
            (format!("node {key} topics=#"), "not known to this version"),
            (format!("a {key}\nb {key}"), "line 2: b has the key of a"),
            (format!("{key} node"), "a name has"),
            ("node 0123".to_owned(), "40 characters"),
        ] {
            let error = AuthorizedAgents::parse(&text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
