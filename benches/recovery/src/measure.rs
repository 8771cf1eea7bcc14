use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use delivery::subscriber::{DeliveryMode, FeedOptions, Item, TrackedSubscriber};
use pubsub_api::wire::EventRef;
use pubsub_api::{Error, ErrorKind, Notice, Result, Role, SEND_ALL};
use tokio::time::timeout;

use crate::cloud::Cloud;
use crate::lossy::Lossy;

/// Time limit of a measurement.
const PATIENCE: Duration = Duration::from_secs(60);

/// Duration of the recovery from a gap, in ms.
pub(crate) async fn gap(cloud: &Cloud, events: u64) -> Result<f64> {
    let to_lose = Arc::new(AtomicU64::new(0));
    let subscriber = subscriber(cloud, &to_lose)?;
    subscriber.initialize().await?;
    within(live(&subscriber)).await?;
    // Requests right after the link is up are delayed, because all subscribers would send them at the same time.
    let settled = Instant::now() + Duration::from_secs(2);
    let mut since = None;
    let (mut is_requested, mut replayed) = (false, 0);
    loop {
        match within(subscriber.recv()).await? {
            Item::Event { mode: DeliveryMode::Replay, .. } => replayed += 1,
            Item::Event { .. } if !is_requested && Instant::now() > settled => {
                to_lose.store(events, Ordering::Relaxed);
                is_requested = true;
            }
            Item::Notice(Notice::Recovering { .. }) => since = Some(Instant::now()),
            Item::Notice(Notice::Live { topic: Some(_), .. }) => break,
            _ => {}
        }
    }
    subscriber.close().await;
    match since {
        Some(since) if replayed >= events => Ok(since.elapsed().as_secs_f64() * 1000.0),
        _ => Err(Error::new(ErrorKind::Internal, format!("{replayed} of {events} events were replayed"))),
    }
}

/// Time until a joining subscriber has all rows, in ms.
pub(crate) async fn snapshot(cloud: &Cloud, rows: usize) -> Result<f64> {
    let subscriber = subscriber(cloud, &Arc::default())?;
    let mut seen = HashSet::new();
    let since = Instant::now();
    subscriber.initialize().await?;
    loop {
        match within(subscriber.recv()).await? {
            Item::Event { envelope, .. } => note(&mut seen, &envelope.payload),
            Item::Snapshot(snapshot) => snapshot.rows.iter().for_each(|row| note(&mut seen, &row.payload)),
            Item::Notice(Notice::Live { topic: None, .. }) if seen.len() >= rows => break,
            Item::Notice(_) | Item::Clock(_) => {}
        }
    }
    let took = since.elapsed();
    subscriber.close().await;
    Ok(took.as_secs_f64() * 1000.0)
}

/// Records a row. Rows of the busy table do not count.
fn note(seen: &mut HashSet<String>, payload: &[u8]) {
    if let Ok(EventRef { table: Some("row"), key: Some(key), .. }) =
        EventRef::read(SEND_ALL.as_bytes(), payload)
    {
        seen.insert(key.to_owned());
    }
}

fn subscriber(cloud: &Cloud, to_lose: &Arc<AtomicU64>) -> Result<TrackedSubscriber> {
    let alias = &cloud.settings.pubsub().pub_sub_driver;
    let capabilities = cloud.registry.find(alias, Role::Network)?.capabilities;
    let driver = cloud.registry.open(&cloud.settings, Role::Network)?.subscriber();
    let lossy = Arc::new(Lossy { driver, to_lose: Arc::clone(to_lose) });
    let subscriber = TrackedSubscriber::new(lossy, FeedOptions::of(&capabilities, 1));
    subscriber.register_listen_address(&cloud.endpoint)?;
    subscriber.register_topic(SEND_ALL.into())?;
    Ok(subscriber)
}

async fn live(subscriber: &TrackedSubscriber) -> Result<()> {
    loop {
        if let Item::Notice(Notice::Live { topic: None, .. }) = subscriber.recv().await? {
            return Ok(());
        }
    }
}

async fn within<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Unavailable, format!("nothing arrived within {PATIENCE:?}")))
    })
}
