use super::facts::Facts;
use super::host_role::HostRole;
use super::verdict::Verdict;

/// One question about a host and its peers, with a name that does not change.
#[derive(Debug)]
pub(super) struct Check {
    /// The name, for scripts.
    pub(super) id: &'static str,
    /// The roles of the hosts that it is about.
    pub(super) of: &'static [HostRole],
    /// What it passes for, as a sentence.
    pub(super) demands: &'static str,
    /// Judges what was found. It reads nothing else, and does not wait.
    pub(super) judge: fn(&Facts) -> Verdict,
}

/// The checks of one subject.
#[derive(Debug)]
pub(super) struct CheckGroup {
    pub(super) title: &'static str,
    pub(super) checks: &'static [Check],
}

impl Check {
    /// The verdict for a host, whatever its role.
    pub(super) fn run(&self, facts: &Facts) -> Verdict {
        let concerns_all = self.of.len() == HostRole::ALL.len();
        if concerns_all || self.of.iter().any(|role| facts.has_role(*role)) {
            return (self.judge)(facts);
        }
        let roles: Vec<&str> = self.of.iter().map(|role| role.word()).collect();
        Verdict::not_applicable(format!("it is about a host with the role {}", roles.join(" or ")))
    }
}
