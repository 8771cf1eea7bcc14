use std::fmt;
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Pattern, Result, Topic};
use serde::{Deserialize, Serialize};

use crate::ServiceId;

/// A dotted address, or a pattern of addresses: `*` stands for one word, `#` for any number of words, also none.
///
/// A service listens on the address of its own name and on any others that it names; several services may share one. A
/// subscription or call to an address [reaches](Address::reaches) every service that listens on it.
///
/// 1 to 255 bytes of UTF-8 without NUL that do not begin with `$`: the rules and wildcards of a
/// [`Pattern`](pubsub_api::Pattern), whose source is AMQP 0-9-1, 3.1.3.3.
///
/// ```
/// use data_services::Address;
///
/// let listener = Address::new("vSphere.node.list")?;
/// assert!(Address::new("vSphere.node.list")?.reaches(&listener));
/// assert!(Address::new("vSphere.#")?.reaches(&listener));
/// assert!(!Address::new("vSphere.*")?.reaches(&listener));
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Form);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    Literal(Arc<str>),
    Pattern(Pattern),
}

impl Address {
    /// Checks an address.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is invalid.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        if text.starts_with('$') {
            let text = format!("address {text:?} begins with `$`: such names are reserved, write another");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        if is_literal(text) && is_name(text) {
            return Ok(Self(Form::Literal(text.into())));
        }
        let pattern: Pattern = text.parse().map_err(|error: Error| error.context("an address"))?;
        Ok(Self(Form::Pattern(pattern)))
    }

    /// Returns whether it has no wildcard.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        matches!(self.0, Form::Literal(_))
    }

    /// Returns whether a message to this address reaches a service that listens on `listener`: both are equal, or one
    /// has no wildcard and matches the other. Two different patterns never reach each other.
    #[must_use]
    pub fn reaches(&self, listener: &Self) -> bool {
        match (&self.0, &listener.0) {
            (Form::Literal(sent), Form::Literal(heard)) => sent == heard,
            (Form::Literal(literal), Form::Pattern(pattern))
            | (Form::Pattern(pattern), Form::Literal(literal)) => {
                Topic::new(literal.to_string()).is_ok_and(|topic| pattern.matches(&topic))
            }
            (Form::Pattern(sent), Form::Pattern(heard)) => sent == heard,
        }
    }

    /// Returns whether a message to this address reaches a service by its own name.
    pub(crate) fn reaches_service(&self, service: &ServiceId) -> bool {
        match &self.0 {
            Form::Literal(sent) => **sent == *service.as_str(),
            Form::Pattern(_) => self.reaches(&service.into()),
        }
    }

    /// Returns the address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Form::Literal(literal) => literal,
            Form::Pattern(pattern) => pattern.as_str(),
        }
    }
}

/// Whether a text is the name of a topic ([`Topic::new`]).
fn is_name(text: &str) -> bool {
    (1..=Topic::MAX_BYTES).contains(&text.len()) && !text.contains('\0')
}

/// Returns whether a text has none of the wildcards of a pattern: no word that is one, and no `*` at the end.
fn is_literal(text: &str) -> bool {
    !text.ends_with('*') && !text.split('.').any(|word| word == "*" || word == "#")
}

/// The address of a service's own name.
impl From<&ServiceId> for Address {
    fn from(service: &ServiceId) -> Self {
        Self(Form::Literal(service.as_str().into()))
    }
}

impl TryFrom<String> for Address {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.as_str().to_owned()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;
    use crate::ServiceId;

    fn address(text: &str) -> Address {
        Address::new(text).unwrap()
    }

    #[test]
    fn an_address_reaches_equal_and_matching_listeners() {
        for (sent, heard, reaches) in [
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
            ("a.b", "a.*", true),
            ("a.b.c", "a.*", false),
            ("a", "a.#", true),
            ("b.c", "#.b.c", true),
            ("c", "#.*.c", false),
            ("a.#", "a.b.c", true),
            ("a.*", "a.*", true),
            ("a.*", "a.#", false),
        ] {
            assert_eq!(address(sent).reaches(&address(heard)), reaches, "{sent} to {heard}");
        }
    }

    #[test]
    fn a_service_listens_on_its_own_name() {
        let own = Address::from(&ServiceId::new("vSphere.Boston").unwrap());
        assert!(own.is_literal() && address("vSphere.*").reaches(&own));
    }

    #[test]
    fn an_invalid_address_is_refused() {
        for bad in ["", "$hello", "a\0b", &"x".repeat(256), "*.port*"] {
            assert!(Address::new(bad).is_err(), "{bad:?}");
        }
    }
}
