use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use pubsub_api::database::DatabaseDriver;
use pubsub_api::{Driver, Registry, Role};

use crate::{
    BrokerClusters, BrokerKind, CASES, Case, DATABASE_CASES, DatabaseCase, DatabaseFixture, Fixture, Outcome,
    PlaceKind, Running, SharedCluster,
};

/// Time limit of a whole case.
const CASE_TIMEOUT: Duration = Duration::from_secs(300);

/// Time limit for the end of whatever a case leaves running.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// The trials of all drivers and all database drivers.
///
/// # Errors
/// As [`driver_trials`] and [`database_driver_trials`].
pub fn trials() -> Outcome<Vec<Trial>> {
    let mut trials = driver_trials()?;
    trials.extend(database_driver_trials()?);
    Ok(trials)
}

/// Every case for every registered driver in each of its roles, named `alias::role::case`, or `alias::role::place::case` if it
/// has a broker.
///
/// # Errors
/// If no driver is registered, two have the same alias, or one with a broker has no place.
pub fn driver_trials() -> Outcome<Vec<Trial>> {
    let registry = Registry::collect()?;
    if registry.drivers().is_empty() {
        return Err("no driver is registered: the test must link it, or the crate `drivers`".into());
    }
    let mut trials = Vec::new();
    let clusters = Arc::default();
    for driver in registry.drivers() {
        for role in driver.roles {
            for place in places(driver)? {
                let cases = CASES.iter().copied().flatten();
                trials.extend(cases.map(|case| trial(driver, *role, place, *case, &clusters)));
            }
        }
    }
    Ok(trials)
}

/// Every database case for every registered database driver, named `alias::database::place::case`.
///
/// # Errors
/// If no database driver is registered, two have the same alias, or one has no place.
pub fn database_driver_trials() -> Outcome<Vec<Trial>> {
    let registry = Registry::collect()?;
    if registry.databases().is_empty() {
        return Err("no database driver is registered: the test must link it, or the crate `drivers`".into());
    }
    let mut trials = Vec::new();
    let shared = Arc::default();
    for driver in registry.databases() {
        for kind in PlaceKind::of(driver.alias)? {
            let cases = DATABASE_CASES.iter().copied().flatten();
            trials.extend(cases.map(|case| database_trial(driver, kind, *case, &shared)));
        }
    }
    Ok(trials)
}

/// The places where a driver runs its cases: one without a broker, if it needs none.
fn places(driver: &Driver) -> Outcome<Vec<Option<&'static BrokerKind>>> {
    if !driver.capabilities.broker {
        return Ok(vec![None]);
    }
    Ok(BrokerKind::of(driver.alias)?.into_iter().map(Some).collect())
}

/// A case that does not apply to the driver is reported as ignored, with the reason.
fn trial(
    driver: &'static Driver,
    role: Role,
    place: Option<&'static BrokerKind>,
    case: Case,
    clusters: &Arc<BrokerClusters>,
) -> Trial {
    let at = place.map(|place| format!("{}::", place.word)).unwrap_or_default();
    let name = format!("{}::{}::{at}{}", driver.alias, role.as_str(), case.name);
    let clusters = Arc::clone(clusters);
    Trial::ignorable_test(name, move || match case.excluded(driver, role) {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => {
            let run = run(driver, role, place, case, &clusters);
            run.map(|()| Completion::Completed).map_err(Failed::from)
        }
    })
}

fn database_trial(
    driver: &'static DatabaseDriver,
    kind: &'static PlaceKind,
    case: DatabaseCase,
    shared: &Arc<SharedCluster>,
) -> Trial {
    let name = format!("{}::database::{}::{}", driver.alias, kind.word, case.name);
    let shared = Arc::clone(shared);
    Trial::ignorable_test(name, move || match case.excluded(driver) {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => {
            let run = run_database(driver, kind, case, &shared);
            run.map(|()| Completion::Completed).map_err(Failed::from)
        }
    })
}

fn run(
    driver: &'static Driver,
    role: Role,
    place: Option<&'static BrokerKind>,
    case: Case,
    clusters: &Arc<BrokerClusters>,
) -> Outcome {
    let place = place.map(|place| place.make(clusters));
    // The place is released after everything that the case started has ended.
    let fixture = Fixture::new(&Registry::collect()?, driver, role, place.clone())?;
    to_the_end(|| (case.run)(fixture))
}

fn run_database(
    driver: &'static DatabaseDriver,
    kind: &'static PlaceKind,
    case: DatabaseCase,
    shared: &Arc<SharedCluster>,
) -> Outcome {
    let fixture = DatabaseFixture::new(&Registry::collect()?, driver, kind, shared)?;
    to_the_end(|| (case.run)(fixture))
}

/// Runs a case on its own runtime.
fn to_the_end(start: impl FnOnce() -> Running) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async { tokio::time::timeout(CASE_TIMEOUT, start()).await });
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    ended.map_err(|_| format!("the case did not end within {CASE_TIMEOUT:?}"))?
}
