use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::borrowed_text::BorrowedText;

/// The maximum length of a name, in bytes: topics are built from three of them, and a topic has at most 261 bytes; longer
/// topics are shortened by a hash.
pub const MAX_NAME_BYTES: usize = 100;

/// Declares a type for one kind of name.
macro_rules! name {
    ($(#[$docs:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a name.
            ///
            /// # Errors
            /// [`ErrorKind::Invalid`] if the name is invalid; the text contains the name and the rule.
            pub fn new(name: impl AsRef<str>) -> Result<Self> {
                let name = name.as_ref();
                check_text($what, name)?;
                let check: fn(&str) -> Result<(), &'static str> = $check;
                match check(name) {
                    Ok(()) => Ok(Self(name.into())),
                    Err(rule) => Err(invalid($what, name, rule)),
                }
            }

            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(name: String) -> Result<Self> {
                Self::new(name)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let BorrowedText(name) = BorrowedText::deserialize(deserializer)?;
                Self::new(name).map_err(D::Error::custom)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name! {
    /// The name of a bus. Nodes of different buses do not see each other, even on one driver.
    ///
    /// 1 to [`MAX_NAME_BYTES`] bytes without control characters.
    BusId, "a bus id", |_| Ok(())
}

name! {
    /// The name of a node, unique on its bus: by default the host name.
    ///
    /// 1 to [`MAX_NAME_BYTES`] bytes without control characters.
    NodeId, "a node id", |_| Ok(())
}

name! {
    /// The name of a service, and the literal address by which it is always reached: words separated by dots, such as
    /// `vSphere.Boston`. Several nodes may each run a service of one name; a subscription then receives one table from
    /// each of them. A name that begins with `_` is omitted from listings, and is otherwise an ordinary service.
    ///
    /// 1 to [`MAX_NAME_BYTES`] bytes without control characters; no word is empty, and nothing is a wildcard of an
    /// [`Address`](crate::Address).
    ServiceId, "a service id", literal_words
}

name! {
    /// The name of a table of a service.
    ///
    /// 1 to [`MAX_NAME_BYTES`] bytes without control characters.
    TableId, "a table id", |_| Ok(())
}

name! {
    /// The name of a method of a service. A method whose name begins with `_` is private: only the service itself can
    /// call it.
    ///
    /// 1 to [`MAX_NAME_BYTES`] bytes without control characters.
    MethodId, "a method id", |_| Ok(())
}

name! {
    /// A name that a caller gives to a call, so that a repeat of it gets the first result instead of a second run
    /// ([`Delivery`](crate::Delivery)). Two calls with different meanings need different keys: a random number, or the id of
    /// what the call is about.
    ///
    /// 1 to [`MAX_NAME_BYTES`] bytes without control characters.
    IdempotencyKey, "an idempotency key", |_| Ok(())
}

impl ServiceId {
    /// Returns whether listings omit the service.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.0.starts_with('_')
    }
}

impl MethodId {
    /// Returns whether only the service itself can call the method.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.0.starts_with('_')
    }
}

fn check_text(what: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        let text = format!("{what} has 1 to {MAX_NAME_BYTES} bytes, this one has {}", name.len());
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    if name.chars().any(char::is_control) {
        return Err(invalid(what, name, "contains a control character"));
    }
    Ok(())
}

fn invalid(what: &str, name: &str, rule: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("{name:?} is not {what}: it {rule}"))
}

/// Checks that the words between dots are neither empty nor wildcards.
fn literal_words(name: &str) -> Result<(), &'static str> {
    if name.starts_with('$') || name.ends_with('*') {
        return Err("begins with `$` or ends with `*`; a service id is a literal address");
    }
    for word in name.split('.') {
        match word {
            "" => {
                return Err(
                    "has an empty word; write words separated by single dots, such as vSphere.Boston",
                );
            }
            "*" | "#" => return Err("contains a wildcard; a service id is a literal address"),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{BusId, MAX_NAME_BYTES, MethodId, NodeId, ServiceId, TableId};

    #[test]
    fn a_service_id_is_a_literal_dotted_address() {
        for good in ["nova", "vSphere.Boston", "a.b-c.d_e", "_hidden", "x*y", &"x".repeat(MAX_NAME_BYTES)] {
            assert_eq!(ServiceId::new(good).unwrap().as_str(), good);
        }
        for (bad, rule) in [
            ("", "has 1 to 100 bytes, this one has 0"),
            (&"x".repeat(MAX_NAME_BYTES + 1), "has 1 to 100 bytes, this one has 101"),
            ("a..b", "an empty word"),
            (".a", "an empty word"),
            ("a.", "an empty word"),
            ("a.*", "a literal address"),
            ("a*", "a literal address"),
            ("$a", "a literal address"),
            ("#", "a wildcard"),
            ("a\nb", "a control character"),
        ] {
            let text = ServiceId::new(bad).unwrap_err().to_string();
            assert!(text.contains(rule), "{bad:?}: {text}");
        }
    }

    #[test]
    fn other_names_may_contain_dots_and_wildcard_characters() {
        for name in ["compute-1.example.org", "*", "a.#.b", "ü"] {
            assert!(
                NodeId::new(name).is_ok() && TableId::new(name).is_ok() && BusId::new(name).is_ok(),
                "{name}"
            );
        }
        assert!(MethodId::new("_cleanup").unwrap().is_private());
    }

    #[test]
    fn an_invalid_name_is_refused_when_it_arrives_as_json() {
        assert!(serde_json::from_str::<ServiceId>("\"a..b\"").is_err());
        assert_eq!(serde_json::to_string(&ServiceId::new("a.b").unwrap()).unwrap(), "\"a.b\"");
    }
}
