mod addresses;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::{Backoff, Notice, link_endpoint};
use tokio::net::lookup_host;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::link_state::{LinkState, Phase};
use super::links::WeakLinks;
use super::queue::{Abandoned, Item};
use super::subscriber_state::SubscriberState;
use addresses::{Addresses, Change, MAX_ADDRESSES};

/// A name that was registered: looks it up again and again, and has a link to each of its addresses.
pub(super) struct SubName {
    /// As it was registered.
    endpoint: String,
    shared: Arc<SubscriberState>,
    state: Arc<LinkState>,
    links: WeakLinks,
    addresses: Addresses,
    /// A connection to an address was made or lost.
    changed: Arc<Notify>,
    started: Instant,
    /// A connection to any address stood.
    has_stood: bool,
    /// Why the last lookup failed.
    failure: Option<String>,
}

/// The least time between a lookup and the one for a connection that was made or lost.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

impl SubName {
    pub(super) fn new(
        endpoint: &str,
        shared: &Arc<SubscriberState>,
        state: &Arc<LinkState>,
        links: WeakLinks,
    ) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            shared: Arc::clone(shared),
            state: Arc::clone(state),
            links,
            addresses: Addresses::default(),
            changed: Arc::default(),
            started: Instant::now(),
            has_stood: false,
            failure: None,
        }
    }

    /// Runs until it is aborted, or the name is not needed any more.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        while self.look_up().await.is_ok() && self.report().await.is_ok() {
            let pause = match self.addresses.len() {
                0 => backoff.next_delay(fastrand::f64()),
                _ => self.shared.settings.lookup_interval,
            };
            self.pause(pause).await;
        }
    }

    async fn look_up(&mut self) -> Result<(), Abandoned> {
        let address = self.endpoint.strip_prefix("tcp://").unwrap_or(&self.endpoint);
        match lookup(address).await {
            Ok(found) => {
                self.failure = None;
                let change = self.addresses.found(found);
                self.apply(change).await
            }
            Err(error) => {
                self.note_failure(&error);
                Ok(())
            }
        }
    }

    fn note_failure(&mut self, error: &io::Error) {
        let (name, text) = (&self.endpoint, error.to_string());
        if self.failure.as_ref() != Some(&text) {
            let kept = self.addresses.len();
            tracing::warn!(
                id = "SK0508",
                "cannot look up {name}: {text}; its {kept} known addresses stay, and it is retried"
            );
        }
        self.failure = Some(text);
    }

    async fn apply(&mut self, change: Change) -> Result<(), Abandoned> {
        for address in change.removed {
            self.remove(address).await?;
        }
        for address in change.added {
            self.add(address).await?;
        }
        let left_out = self.addresses.left_out();
        if change.leaves_out_others && !left_out.is_empty() {
            tracing::warn!(
                id = "SK0509",
                "{} has more than {MAX_ADDRESSES} addresses: events of publishers at {left_out:?} are not received",
                self.endpoint
            );
        }
        Ok(())
    }

    async fn add(&self, address: SocketAddr) -> Result<(), Abandoned> {
        let publisher = link_endpoint(&self.endpoint, address.ip());
        tracing::info!(id = "SK0510", "{} leads to one more address: {address}", self.endpoint);
        self.put([Notice::AddressAdded { publisher }]).await?;
        let links = self.links.upgrade().ok_or(Abandoned)?;
        let name = (self.endpoint.as_str(), &self.state);
        let is_started = links.lock().start_address(name, address, &self.shared, &self.changed);
        is_started.then_some(()).ok_or(Abandoned)
    }

    async fn remove(&self, address: SocketAddr) -> Result<(), Abandoned> {
        let publisher = link_endpoint(&self.endpoint, address.ip());
        let name = &self.endpoint;
        tracing::warn!(
            id = "SK0510",
            "leaving {publisher}: {name} does not lead to {} any more",
            address.ip()
        );
        let links = self.links.upgrade().ok_or(Abandoned)?;
        let left = links.lock().leave_address(name, address.ip(), &self.shared);
        let mut notices = Vec::new();
        if left.is_some_and(|left| left.is_up()) {
            let reason = format!("{name} does not lead to it any more");
            notices.push(Notice::LinkDown { publisher: publisher.clone(), reason });
        }
        notices.push(Notice::AddressRemoved { publisher });
        self.put(notices).await
    }

    async fn put(&self, notices: impl IntoIterator<Item = Notice>) -> Result<(), Abandoned> {
        let notices: VecDeque<Item> = notices.into_iter().map(Item::Notice).collect();
        self.shared.queue.put(&self.state, notices).await
    }

    /// Notes how the name is, and reports it once if none of its addresses could be reached for longer than one attempt and a
    /// silence may take.
    async fn report(&mut self) -> Result<(), Abandoned> {
        let links = self.links.upgrade().ok_or(Abandoned)?;
        self.has_stood |= links.lock().of(&self.endpoint).any(|(_, link)| link.state.is_connected());
        drop(links);
        let patience = self.patience();
        let followed = self.addresses.len();
        if self.has_stood || self.started.elapsed() < patience {
            if followed > 0 {
                self.state.set(Phase::Name(followed, self.addresses.left_out().len()));
            }
            return Ok(());
        }
        if self.state.is(&Phase::Unreachable) {
            return Ok(());
        }
        self.state.set(Phase::Unreachable);
        let (publisher, why) = (self.endpoint.clone(), self.why_unreachable());
        tracing::warn!(
            id = "SK0502",
            "{publisher} was not reached for {patience:?}: {why}; looking it up is retried"
        );
        let reason = format!("the name was not reached for {patience:?}: {why}");
        self.put([Notice::Stale { publisher, reason }]).await
    }

    fn why_unreachable(&self) -> String {
        match &self.failure {
            Some(failure) => format!("it has no address: {failure}"),
            None => format!("no publisher answers at its {} addresses", self.addresses.len()),
        }
    }

    /// One attempt to connect, and a silence.
    fn patience(&self) -> Duration {
        self.shared.settings.handshake_timeout + self.shared.settings.dead_after
    }

    /// Waits until the next lookup or report is due: earlier if a connection to an address is made or lost.
    async fn pause(&mut self, pause: Duration) {
        let until_report = self.patience().saturating_sub(self.started.elapsed());
        let pause = if self.has_stood || until_report.is_zero() { pause } else { pause.min(until_report) };
        tokio::select! {
            () = sleep(pause) => {}
            () = self.changed.notified() => {
                self.has_stood = true;
                sleep(SHORTEST_PAUSE).await;
            }
        }
    }
}

/// The addresses of a name: at least one.
async fn lookup(address: &str) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = lookup_host(address).await?.collect();
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found)
}
