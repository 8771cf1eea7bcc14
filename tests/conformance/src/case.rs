use std::fmt;
use std::pin::Pin;

use pubsub_api::{Driver, Role};

use crate::{Fixture, Outcome};

/// A running case.
pub type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One line of the contract, and its test.
#[derive(Clone, Copy)]
pub struct Case {
    /// The line, as a sentence in snake_case.
    pub name: &'static str,
    /// The hops that the line is about.
    pub roles: Roles,
    /// The capabilities that a driver must have for the line to apply to it: names from
    /// [`Capabilities::flags`](pubsub_api::Capabilities::flags).
    pub needs: &'static [&'static str],
    /// The capabilities that a driver must not have for the line to apply to it: names from
    /// [`Capabilities::flags`](pubsub_api::Capabilities::flags). With a broker no end binds, and no publisher has an address.
    pub unless: &'static [&'static str],
    /// The test.
    pub run: fn(Fixture) -> Running,
}

/// The hops that a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roles {
    /// From the service to agents.
    Network,
    /// From workers to the service.
    Multiproc,
    /// Both.
    Both,
}

impl Case {
    /// Why the case does not apply to `driver` in `role`; `None` if it does.
    #[must_use]
    pub fn excluded(&self, driver: &Driver, role: Role) -> Option<String> {
        let only = match (self.roles, role) {
            (Roles::Network, Role::Multiproc) => Some(Role::Network),
            (Roles::Multiproc, Role::Network) => Some(Role::Multiproc),
            _ => None,
        };
        if let Some(only) = only {
            return Some(format!("applies only to {}", only.as_str()));
        }
        let flags = driver.capabilities.flags();
        if let Some(missing) = self.needs.iter().find(|need| !flags.contains(&(**need, true))) {
            return Some(format!("requires {missing:?}, which the driver does not promise"));
        }
        let other = self.unless.iter().find(|unless| flags.contains(&(**unless, true)))?;
        Some(format!("does not apply to {other:?}"))
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("roles", &self.roles).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pubsub_api::Capabilities;

    use crate::CASES;

    #[test]
    fn no_two_cases_share_a_name() {
        let mut names = BTreeSet::new();
        for case in CASES.iter().copied().flatten() {
            assert!(names.insert(case.name), "{} exists twice", case.name);
        }
    }

    #[test]
    fn a_case_requires_only_promises_that_exist() {
        let flags = Capabilities::NONE.flags();
        for case in CASES.iter().copied().flatten() {
            for need in case.needs.iter().chain(case.unless) {
                assert!(
                    flags.iter().any(|(name, _)| name == need),
                    "{} requires the unknown {need:?}",
                    case.name
                );
            }
        }
    }
}
