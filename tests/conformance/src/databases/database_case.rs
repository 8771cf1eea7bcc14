use std::fmt;

use pubsub_api::database::DatabaseDriver;

use crate::{DatabaseFixture, Running};

/// One line of the database contract, and its test.
#[derive(Clone, Copy)]
pub struct DatabaseCase {
    /// The line, as a sentence in snake_case.
    pub name: &'static str,
    /// The capabilities that a driver must have for the line to apply to it: names from
    /// [`DatabaseCapabilities::flags`](pubsub_api::database::DatabaseCapabilities::flags).
    pub needs: &'static [&'static str],
    /// The test.
    pub run: fn(DatabaseFixture) -> Running,
}

impl DatabaseCase {
    /// Why the case does not apply to `driver`; `None` if it does.
    #[must_use]
    pub fn excluded(&self, driver: &DatabaseDriver) -> Option<String> {
        let flags = driver.capabilities.flags();
        let missing = self.needs.iter().find(|need| !flags.contains(&(**need, true)))?;
        Some(format!("requires {missing:?}, which the driver does not promise"))
    }
}

impl fmt::Debug for DatabaseCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseCase").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The table entry for the function of that name.
macro_rules! database_case {
    ($run:ident) => {
        database_case!($run, needs: [])
    };
    ($run:ident, needs: $needs:expr) => {
        crate::DatabaseCase {
            name: stringify!($run),
            needs: &$needs,
            run: |fixture| Box::pin($run(fixture)),
        }
    };
}

pub(crate) use database_case;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pubsub_api::database::DatabaseCapabilities;

    use crate::DATABASE_CASES;

    #[test]
    fn no_two_database_cases_share_a_name() {
        let mut names = BTreeSet::new();
        for case in DATABASE_CASES.iter().copied().flatten() {
            assert!(names.insert(case.name), "{} exists twice", case.name);
        }
    }

    #[test]
    fn a_database_case_requires_only_promises_that_exist() {
        let flags = DatabaseCapabilities::NONE.flags();
        for case in DATABASE_CASES.iter().copied().flatten() {
            for need in case.needs {
                assert!(
                    flags.iter().any(|(name, _)| name == need),
                    "{} requires the unknown {need:?}",
                    case.name
                );
            }
        }
    }
}
