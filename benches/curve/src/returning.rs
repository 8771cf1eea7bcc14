use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_kit::failure;
use pubsub_api::{Incoming, Notice, Registry, Result, Role, SEND_ALL, Subscriber};
use service_kit::SettingsArguments;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Arguments;
use crate::fleet::Fleet;

const PATIENCE: Duration = Duration::from_secs(120);

/// The time in seconds until all agents are subscribed again, after the service was killed and started again.
pub(crate) async fn measure(arguments: &Arguments) -> Result<f64> {
    let fleet = Fleet::new(arguments.agents)?;
    let (process, address) = fleet.service(arguments, 0).await?;
    let port = address.rsplit(':').next().and_then(|port| port.parse().ok());
    let port = port.ok_or_else(|| failure("the address has no port"))?;
    let (subscribed, mut counts) = watch::channel(0_usize);
    let mut agents = JoinSet::new();
    for agent in 0..arguments.agents {
        let subscriber = open(&fleet, agent, &address).await?;
        agents.spawn(count_subscriptions(subscriber, subscribed.clone()));
    }
    wait_for(&mut counts, arguments.agents).await?;
    process.kill().await?;
    let (process, _) = fleet.service(arguments, port).await?;
    let began = Instant::now();
    wait_for(&mut counts, 2 * arguments.agents).await?;
    let took = began.elapsed();
    agents.shutdown().await;
    process.kill().await?;
    Ok(took.as_secs_f64())
}

async fn wait_for(counts: &mut watch::Receiver<usize>, wanted: usize) -> Result<()> {
    let is_reached = matches!(timeout(PATIENCE, counts.wait_for(|count| *count >= wanted)).await, Ok(Ok(_)));
    if is_reached {
        return Ok(());
    }
    Err(failure(format!("{} of {wanted} subscriptions were confirmed", *counts.borrow())))
}

async fn open(fleet: &Fleet, agent: usize, address: &str) -> Result<Arc<dyn Subscriber>> {
    let sets = vec![
        "drivers.zmtp.mechanism=curve".to_owned(),
        format!("drivers.zmtp.agent_key_file={}", fleet.key_file(agent).display()),
        format!("drivers.zmtp.publisher_keys={}", fleet.publisher_key),
    ];
    let registry = Registry::collect()?;
    let (settings, _) = SettingsArguments { config: Vec::new(), sets }.load(&registry)?;
    let subscriber = registry.open(&settings, Role::Network)?.subscriber();
    subscriber.register_listen_address(&format!("tcp://{address}"))?;
    subscriber.register_topic(SEND_ALL.into())?;
    subscriber.initialize().await?;
    Ok(subscriber)
}

async fn count_subscriptions(subscriber: Arc<dyn Subscriber>, subscribed: watch::Sender<usize>) {
    while let Ok(incoming) = subscriber.recv().await {
        if let Incoming::Notice(Notice::Subscribed { .. }) = incoming {
            subscribed.send_modify(|count| *count += 1);
        }
    }
}
