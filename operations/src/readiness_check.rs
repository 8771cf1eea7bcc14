/// One condition of the readiness of a program: its name, and why it is met or not.
///
/// ```
/// use operations::ReadinessCheck;
///
/// let check = ReadinessCheck::failed("ring", "it is not opened yet");
/// assert!(!check.is_met());
/// assert_eq!(check.to_string(), "[-]ring: it is not opened yet");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadinessCheck {
    name: String,
    is_met: bool,
    reason: String,
}

impl ReadinessCheck {
    /// A condition that is met; `reason` is what meets it.
    #[must_use]
    pub fn met(name: &str, reason: impl Into<String>) -> Self {
        Self { name: name.to_owned(), is_met: true, reason: reason.into() }
    }

    /// A condition that is not met; `reason` is what is missing.
    #[must_use]
    pub fn failed(name: &str, reason: impl Into<String>) -> Self {
        Self { name: name.to_owned(), is_met: false, reason: reason.into() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What meets it, or what is missing.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether the condition is met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.is_met
    }
}

impl std::fmt::Display for ReadinessCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.is_met { '+' } else { '-' };
        // A reason may contain text of a peer.
        let reason = service_kit::printable(&self.reason);
        write!(f, "[{sign}]{}: {reason}", self.name)
    }
}
