use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use pubsub_api::database::DatabaseDriver;
use pubsub_api::{Driver, Registry, Role};

use crate::{CASES, Case, DATABASE_CASES, DatabaseCase, DatabaseFixture, Fixture, Outcome, Running};

/// How long a whole case may take.
const CASE_TIMEOUT: Duration = Duration::from_secs(90);

/// How long what a case leaves behind may take to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Every case for every registered driver in every role it has, named `alias::role::case`, and every database case for
/// every registered database driver, named `alias::database::case`.
///
/// # Errors
/// If no driver is registered, or two have one alias.
pub fn trials() -> Outcome<Vec<Trial>> {
    let registry = Registry::collect()?;
    if registry.drivers().is_empty() || registry.databases().is_empty() {
        return Err(
            "no driver is registered, or no database driver: the test must name the crate `drivers`".into()
        );
    }
    let mut trials = Vec::new();
    for driver in registry.drivers() {
        for role in driver.roles {
            let cases = CASES.iter().copied().flatten();
            trials.extend(cases.map(|case| trial(driver, *role, *case)));
        }
    }
    for driver in registry.databases() {
        let cases = DATABASE_CASES.iter().copied().flatten();
        trials.extend(cases.map(|case| database_trial(driver, *case)));
    }
    Ok(trials)
}

/// A case that does not bind the driver shows as ignored, with the reason.
fn trial(driver: &'static Driver, role: Role, case: Case) -> Trial {
    let name = format!("{}::{}::{}", driver.alias, role.as_str(), case.name);
    Trial::ignorable_test(name, move || match case.excluded(driver, role) {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => run(driver, role, case).map(|()| Completion::Completed).map_err(Failed::from),
    })
}

fn database_trial(driver: &'static DatabaseDriver, case: DatabaseCase) -> Trial {
    let name = format!("{}::database::{}", driver.alias, case.name);
    Trial::ignorable_test(name, move || match case.excluded(driver) {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => run_database(driver, case).map(|()| Completion::Completed).map_err(Failed::from),
    })
}

fn run(driver: &'static Driver, role: Role, case: Case) -> Outcome {
    let fixture = Fixture::new(&Registry::collect()?, driver, role)?;
    to_the_end(|| (case.run)(fixture))
}

fn run_database(driver: &'static DatabaseDriver, case: DatabaseCase) -> Outcome {
    let fixture = DatabaseFixture::new(&Registry::collect()?, driver)?;
    to_the_end(|| (case.run)(fixture))
}

/// Runs a case on a runtime of its own.
fn to_the_end(start: impl FnOnce() -> Running) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async { tokio::time::timeout(CASE_TIMEOUT, start()).await });
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    ended.map_err(|_| format!("the case did not end within {CASE_TIMEOUT:?}"))?
}
