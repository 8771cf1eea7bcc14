use std::fmt;

/// One aspect of the security of a program, as its settings make it: who may do something, and who can read it.
///
/// Drivers report theirs ([`Publisher::posture`](crate::Publisher::posture),
/// [`Subscriber::posture`](crate::Subscriber::posture), [`DbApi::posture`](crate::database::DbApi::posture)).
/// `skimmer config check --security` prints all of a program, and a start warns of those that are
/// [weak](Verdict::Weak).
///
/// ```
/// use pubsub_api::{Posture, Verdict};
///
/// let posture = Posture::new("workers", Verdict::Open, "every worker may publish every event");
/// let posture = posture.remedy("set drivers.zmtp.worker_rights");
/// assert_eq!(posture.to_string(), "workers: every worker may publish every event; set drivers.zmtp.worker_rights");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posture {
    /// What it is about, in one or two words.
    pub aspect: &'static str,
    /// How good it is.
    pub verdict: Verdict,
    /// The state, as a clause.
    pub state: String,
    /// How to make it better, as a clause.
    pub remedy: Option<String>,
}

/// How good an aspect of the security is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody can do more than intended.
    Good,
    /// The default leaves something open that an operator may want to close.
    Open,
    /// Other hosts or users can do what they should not: the start warns.
    Weak,
}

impl Posture {
    /// Without a remedy.
    #[must_use]
    pub fn new(aspect: &'static str, verdict: Verdict, state: impl Into<String>) -> Self {
        Self { aspect, verdict, state: state.into(), remedy: None }
    }

    /// With a remedy.
    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// The warning of a start, if it is weak.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        (self.verdict == Verdict::Weak).then(|| self.to_string())
    }
}

impl fmt::Display for Posture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.aspect, self.state)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Good => "good",
            Self::Open => "open",
            Self::Weak => "weak",
        })
    }
}
