use std::error::Error;
use std::fmt;
use std::pin::Pin;

use pubsub_api::{Driver, Role};

use crate::Fixture;

/// Why a case failed, in a sentence.
pub type Failure = Box<dyn Error + Send + Sync>;

/// How a case ends.
pub type Outcome<T = ()> = Result<T, Failure>;

/// A case under way.
pub type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One line of the contract, and how it is proved.
#[derive(Clone, Copy)]
pub struct Case {
    /// The line as a sentence in snake_case.
    pub name: &'static str,
    /// The hops that the line is about.
    pub roles: Roles,
    /// What the driver must promise for the line to bind it: names from
    /// [`Capabilities::flags`](pubsub_api::Capabilities::flags).
    pub needs: &'static [&'static str],
    /// What the driver must not be for the line to bind it: names from
    /// [`Capabilities::flags`](pubsub_api::Capabilities::flags). At a broker nobody binds, and no publisher has an address.
    pub unless: &'static [&'static str],
    /// Proves it.
    pub run: fn(Fixture) -> Running,
}

/// Which hops a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roles {
    /// Service to agents.
    Network,
    /// Workers to service.
    Multiproc,
    /// Either.
    Both,
}

impl Case {
    /// Why `driver` does not have to pass in `role`; `None` if it has to.
    #[must_use]
    pub fn excluded(&self, driver: &Driver, role: Role) -> Option<String> {
        let only = match (self.roles, role) {
            (Roles::Network, Role::Multiproc) => Some(Role::Network),
            (Roles::Multiproc, Role::Network) => Some(Role::Multiproc),
            _ => None,
        };
        if let Some(only) = only {
            return Some(format!("is about {} only", only.as_str()));
        }
        let flags = driver.capabilities.flags();
        if let Some(missing) = self.needs.iter().find(|need| !flags.contains(&(**need, true))) {
            return Some(format!("needs {missing:?}: not promised"));
        }
        let other = self.unless.iter().find(|unless| flags.contains(&(**unless, true)))?;
        Some(format!("is not about {other:?}"))
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
            assert!(names.insert(case.name), "{} is there twice", case.name);
        }
    }

    #[test]
    fn a_case_needs_only_promises_that_exist() {
        let flags = Capabilities::NONE.flags();
        for case in CASES.iter().copied().flatten() {
            for need in case.needs.iter().chain(case.unless) {
                assert!(flags.iter().any(|(name, _)| name == need), "{} needs {need:?}", case.name);
            }
        }
    }
}
