use std::collections::HashMap;

use super::authorized_agent::AuthorizedAgent;
use super::keys::PublicKey;

/// The agents that may connect, by their keys.
///
/// Their text has one line for each ([`AuthorizedAgent::parse`]). A line that begins with `#` is a comment. A line with a word that is
/// not known is an error and not read without it, as it may limit what the agent may do.
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
        let agent = AuthorizedAgent::parse(line)?;
        let name = agent.name.clone();
        match self.by_key.insert(agent.key, agent) {
            Some(other) => Err(format!("{name} has the key of {}", other.name)),
            None => Ok(()),
        }
    }

    /// The agent with a key.
    #[must_use]
    pub fn get(&self, key: &PublicKey) -> Option<&AuthorizedAgent> {
        self.by_key.get(key)
    }

    /// All of them, in the order of their names.
    #[must_use]
    pub fn by_name(&self) -> Vec<&AuthorizedAgent> {
        let mut agents: Vec<&AuthorizedAgent> = self.by_key.values().collect();
        agents.sort_by_cached_key(|agent| (agent.name.clone(), agent.key.to_string()));
        agents
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
            (
                format!("node {key} topics=#"),
                "line 1: \"topics=#\" after the key of node is not known to this version",
            ),
            (format!("a {key}\nb {key}"), "line 2: b has the key of a"),
            (format!("{key} node"), "a name has"),
            ("node 0123".to_owned(), "40 characters"),
        ] {
            let error = AuthorizedAgents::parse(&text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
