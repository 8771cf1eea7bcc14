use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use northbound::{Northbound, NorthboundOptions};
use publisher_client::PublisherClient;
use pubsub_api::{Error, ErrorKind, Registry, Result, Role, SEND_ALL};
use redis_servers::RedisServer;
use tokio::task::JoinSet;

use crate::scene::{database, object, on_redis, settings};

/// Objects per second that this number of callers create, each written and then published.
pub(crate) async fn measure(objects: usize, callers: usize) -> Result<f64> {
    let server = RedisServer::start(&["--appendonly", "no"]);
    let (registry, settings) = settings(&on_redis(&server.address()))?;
    let database = database(&registry, &settings).await?;
    let client = PublisherClient::open(&settings)?;
    client.initialize().await?;
    let listener = Listener::start(&registry, &settings).await?;
    let options = NorthboundOptions::default();
    let northbound = Arc::new(Northbound::new(Arc::clone(&database), client.publisher(), options));

    let started = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (northbound, next) = (Arc::clone(&northbound), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= objects {
                    return Ok(());
                }
                northbound.create(object(number)?).await?;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| crate::scene::failed("create objects", error))??;
    }
    let took = started.elapsed();
    listener.end(objects).await?;
    client.close().await?;
    database.close().await?;
    Ok(f64::from(u32::try_from(objects).unwrap_or(u32::MAX)) / took.as_secs_f64())
}

/// Receives every event, so that deliveries are measured as well.
struct Listener {
    subscriber: Arc<dyn pubsub_api::Subscriber>,
    task: tokio::task::JoinHandle<()>,
    events: Arc<AtomicUsize>,
}

impl Listener {
    async fn start(registry: &Registry, settings: &pubsub_api::settings::Settings) -> Result<Self> {
        let subscriber = registry.open(settings, Role::Network)?.subscriber();
        subscriber.register_topic(SEND_ALL.into())?;
        subscriber.initialize().await?;
        while !matches!(
            subscriber.recv().await?,
            pubsub_api::Incoming::Notice(pubsub_api::Notice::Subscribed { .. })
        ) {}
        let events = Arc::new(AtomicUsize::new(0));
        let (from, count) = (Arc::clone(&subscriber), Arc::clone(&events));
        let task = tokio::spawn(async move {
            let mut batch = pubsub_api::Batch::new();
            while from.recv_batch(&mut batch).await.is_ok() {
                count.fetch_add(batch.len(), Ordering::Relaxed);
                batch = pubsub_api::Batch::new();
            }
        });
        Ok(Self { subscriber, task, events })
    }

    async fn end(self, wanted: usize) -> Result<()> {
        let deadline = Instant::now() + std::time::Duration::from_secs(30);
        while self.events.load(Ordering::Relaxed) < wanted {
            if Instant::now() > deadline {
                let text = format!("only {} of {wanted} events arrived", self.events.load(Ordering::Relaxed));
                return Err(Error::new(ErrorKind::Internal, text));
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        self.subscriber.close().await;
        self.task.abort();
        Ok(())
    }
}
