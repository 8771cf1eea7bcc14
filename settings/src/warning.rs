use std::fmt;

use pubsub_api::settings::{Origin, Place};

/// Something in the sources that is without effect, or that another reader understands otherwise. Show it to the user
/// once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where it stands, if it is in a file; `None` if it is about the environment or the command line.
    pub place: Option<Place>,
    /// A sentence: what has no effect, and why.
    pub text: String,
}

impl Warning {
    /// About what stands there.
    pub(crate) fn at(origin: &Origin, text: String) -> Self {
        match origin {
            Origin::File(place) => Self { place: Some(place.clone()), text },
            Origin::Environment(name) => Self { place: None, text: format!("environment: {name}: {text}") },
            Origin::Default | Origin::Dragonflow | Origin::Set => Self { place: None, text },
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}
