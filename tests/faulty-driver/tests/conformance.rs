//! Runs the network part of the conformance suite over the driver without faults.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use conformance::{CASES, Case, Fixture, Outcome};
use faulty_driver::{CAPABILITIES, FaultyNetwork};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use pubsub_api::settings::Settings;
use pubsub_api::{Driver, Error, ErrorKind, PubSubApi, Registry, Result, Role};

/// The driver, which is not registered: no settings name it.
static DRIVER: Driver = Driver {
    alias: "faulty_pubsub_driver",
    roles: &[Role::Network],
    summary: "a network driver of tests, without faults",
    capabilities: CAPABILITIES,
    settings: &[],
    open,
};

/// Time limit of a whole case.
const CASE_TIMEOUT: Duration = Duration::from_secs(90);

/// Opens a node of the one network of this process.
fn open(settings: &Settings, _: Role) -> Result<Arc<dyn PubSubApi>> {
    static NETWORK: OnceLock<FaultyNetwork> = OnceLock::new();
    static NODES: AtomicU32 = AtomicU32::new(0);
    let pubsub = settings.pubsub();
    if pubsub.publisher_transport != "tcp" {
        let text = format!("publisher_transport: the driver does not speak {:?}", pubsub.publisher_transport);
        return Err(Error::new(ErrorKind::Settings, text));
    }
    let network = NETWORK.get_or_init(|| FaultyNetwork::mesh(1));
    let name = format!("node-{}", NODES.fetch_add(1, Ordering::Relaxed));
    Ok(network.node_at(&name, &pubsub.publisher_bind_address, pubsub.publisher_port))
}

fn run(case: Case) -> Outcome {
    let fixture = Fixture::new(&Registry::collect()?, &DRIVER, Role::Network, None)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async { tokio::time::timeout(CASE_TIMEOUT, (case.run)(fixture)).await });
    ended.map_err(|_| format!("the case did not end within {CASE_TIMEOUT:?}"))?
}

fn main() -> ExitCode {
    let trials = CASES.iter().copied().flatten().map(|case| {
        let case = *case;
        Trial::ignorable_test(case.name, move || match case.excluded(&DRIVER, Role::Network) {
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => run(case).map(|()| Completion::Completed).map_err(Failed::from),
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
