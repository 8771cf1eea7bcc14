use serde::Serialize;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It is about something that this host does not have.
    NotApplicable,
    /// It is as it should be.
    Pass,
    /// It works, and will not under load, after a restart, or for somebody else.
    Warn,
    /// Events do not arrive, or will not.
    Fail,
}

impl Outcome {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "n/a",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    /// What was found, as a clause.
    pub(super) reason: String,
    /// What to do about it.
    pub(super) remedy: Option<String>,
}

/// The most problems that one reason lists.
const MAX_LISTED: usize = 5;

impl Verdict {
    pub(super) fn pass(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Pass, reason: reason.into(), remedy: None }
    }

    pub(super) fn not_applicable(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::NotApplicable, reason: reason.into(), remedy: None }
    }

    pub(super) fn warn(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Warn, reason: reason.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn fail(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Fail, ..Self::warn(reason, remedy) }
    }

    /// Warns of each of the problems; passes with `otherwise` if there is none.
    pub(super) fn warn_of(problems: Vec<String>, remedy: &str, otherwise: impl Into<String>) -> Self {
        if problems.is_empty() { Self::pass(otherwise) } else { Self::warn(listed(&problems), remedy) }
    }

    /// Fails for each of the problems; passes with `otherwise` if there is none.
    pub(super) fn fail_for(problems: Vec<String>, remedy: &str, otherwise: impl Into<String>) -> Self {
        if problems.is_empty() { Self::pass(otherwise) } else { Self::fail(listed(&problems), remedy) }
    }

    /// The worse of two.
    pub(super) fn or_worse(self, other: Self) -> Self {
        if other.outcome > self.outcome { other } else { self }
    }
}

fn listed(problems: &[String]) -> String {
    let mut text = problems.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join("; ");
    if problems.len() > MAX_LISTED {
        text += &format!("; and {} more", problems.len() - MAX_LISTED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Verdict};

    #[test]
    fn the_worst_of_two_verdicts_counts_and_long_lists_are_cut() {
        let (fine, bad) = (Verdict::pass("p"), Verdict::fail("f", "r"));
        assert_eq!(fine.clone().or_worse(bad.clone()), bad);
        assert_eq!(bad.clone().or_worse(fine), bad);
        let many: Vec<String> = (1..=7).map(|number| number.to_string()).collect();
        let verdict = Verdict::warn_of(many, "r", "");
        assert_eq!(verdict.outcome, Outcome::Warn);
        assert_eq!(verdict.reason, "1; 2; 3; 4; 5; and 2 more");
    }
}
