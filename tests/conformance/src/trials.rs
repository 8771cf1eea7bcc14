use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use pubsub_api::{Driver, Registry, Role};

use crate::{CASES, Case, Fixture, Outcome};

/// How long a whole case may take.
const CASE_TIMEOUT: Duration = Duration::from_secs(90);

/// How long what a case leaves behind may take to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Every case for every registered driver in every role it has, named `alias::role::case`.
///
/// # Errors
/// If no driver is registered, or two have one alias.
pub fn trials() -> Outcome<Vec<Trial>> {
    let registry = Registry::collect()?;
    if registry.drivers().is_empty() {
        return Err("no driver is registered: the test must name the crate `drivers`".into());
    }
    let mut trials = Vec::new();
    for driver in registry.drivers() {
        for role in driver.roles {
            let cases = CASES.iter().copied().flatten();
            trials.extend(cases.map(|case| trial(driver, *role, *case)));
        }
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

fn run(driver: &'static Driver, role: Role, case: Case) -> Outcome {
    let fixture = Fixture::new(&Registry::collect()?, driver, role)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async { tokio::time::timeout(CASE_TIMEOUT, (case.run)(fixture)).await });
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    ended.map_err(|_| format!("the case did not end within {CASE_TIMEOUT:?}"))?
}
