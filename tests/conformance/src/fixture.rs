use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pubsub_api::settings::{PubSub, Setting};
use pubsub_api::{Capabilities, Driver, PubSubApi, Registry, Role, Subscription};
use settings::Sources;
use tempfile::TempDir;

use crate::patience::until;
use crate::{BrokerPlace, Outcome, Receiver, Sender};

/// The resources of one case: the driver under test in one role, a folder, a loopback address.
#[derive(Debug)]
pub struct Fixture {
    driver: &'static Driver,
    role: Role,
    tables: Vec<&'static [Setting]>,
    /// The broker, if the driver needs one.
    place: Option<Arc<dyn BrokerPlace>>,
    folder: TempDir,
    host: String,
}

impl Fixture {
    /// A fixture for `driver` in `role`, with the broker at `place` if the driver needs one.
    ///
    /// # Errors
    /// If its folder cannot be created.
    pub fn new(
        registry: &Registry,
        driver: &'static Driver,
        role: Role,
        place: Option<Arc<dyn BrokerPlace>>,
    ) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("skimmer-").tempdir()?;
        Ok(Self { driver, role, tables: registry.settings(), place, folder, host: own_host() })
    }

    /// The capabilities of the driver under test.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.driver.capabilities
    }

    /// The hop under test.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The folder for socket and state.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the driver, with further `--set` arguments.
    ///
    /// # Errors
    /// The errors of the settings or the driver.
    pub fn open(&self, sets: &[&str]) -> pubsub_api::Result<Arc<dyn PubSubApi>> {
        let folder = self.folder.path().display();
        let mut all = vec![
            format!("{}={}", self.role.setting(), self.driver.alias),
            format!("publisher_bind_address={}", self.host),
            "publisher_port=0".to_owned(),
            "publishers_ips=".to_owned(),
            format!("publisher_multiproc_socket={folder}/publisher.sock"),
            format!("state_dir={folder}"),
            // Long enough for a busy machine; cases about these settings set their own values.
            "linger=20s".to_owned(),
            "send_timeout=20s".to_owned(),
        ];
        all.extend(self.place.iter().flat_map(|place| place.sets()));
        all.extend(sets.iter().map(|set| (*set).to_owned()));
        let sources = Sources { sets: all, ..Sources::default() };
        let (settings, _) = settings::load(&sources, &[PubSub::TABLE], &self.tables)?;
        (self.driver.open)(&settings, self.role)
    }

    /// An initialized publisher; on the network hop at a free port, sending hellos.
    ///
    /// # Errors
    /// If it cannot be initialized.
    pub async fn publisher(&self) -> Outcome<Sender> {
        self.publisher_with(&[]).await
    }

    /// The same with further settings.
    ///
    /// # Errors
    /// If it cannot be initialized.
    pub async fn publisher_with(&self, sets: &[&str]) -> Outcome<Sender> {
        let sender = Sender::start(self.open(sets)?.publisher(), self.role).await?;
        if self.capabilities().broker {
            // A publisher to a broker has no endpoint until it connects, which its first hello causes.
            until("the publisher's node", || sender.endpoint().is_some()).await?;
        }
        Ok(sender)
    }

    /// A network publisher at the port of an earlier one, which had `endpoint`.
    ///
    /// # Errors
    /// If it cannot be initialized.
    pub async fn publisher_at(&self, endpoint: &str) -> Outcome<Sender> {
        self.publisher_with(&[&port_setting(endpoint)?]).await
    }

    /// A subscriber with topics and addresses, initialized.
    ///
    /// # Errors
    /// If it cannot be initialized.
    pub async fn subscriber(&self, wanted: &[Subscription], addresses: &[&str]) -> Outcome<Receiver> {
        let receiver = self.new_subscriber()?;
        for subscription in wanted {
            receiver.register_topic(subscription.clone())?;
        }
        // With a broker, the settings have the addresses.
        let addresses = if self.capabilities().broker { &[] } else { addresses };
        for address in addresses {
            receiver.register_listen_address(address)?;
        }
        receiver.initialize().await?;
        Ok(receiver)
    }

    /// A subscriber that is not initialized.
    ///
    /// # Errors
    /// If the driver refuses the settings.
    pub fn new_subscriber(&self) -> Outcome<Receiver> {
        Ok(Receiver::new(self.open(&[])?.subscriber(), self.capabilities().broker))
    }

    /// A publisher and a subscriber for `wanted`, linked, with active subscriptions. On the multiproc hop `wanted` is
    /// ignored.
    ///
    /// # Errors
    /// If they do not connect.
    pub async fn linked(&self, wanted: &[Subscription]) -> Outcome<(Sender, Receiver)> {
        if self.role == Role::Multiproc {
            let receiver = self.subscriber(&[], &[]).await?;
            return Ok((self.publisher().await?, receiver));
        }
        let sender = self.publisher().await?;
        let receiver = self.joined(wanted, &sender).await?;
        Ok((sender, receiver))
    }

    /// A network subscriber for `wanted`, linked to `sender`, with active subscriptions.
    ///
    /// # Errors
    /// If they do not connect.
    pub async fn joined(&self, wanted: &[Subscription], sender: &Sender) -> Outcome<Receiver> {
        let address = sender.address()?;
        let receiver = self.subscriber(wanted, &[&address]).await?;
        receiver.subscribed(&address).await?;
        Ok(receiver)
    }
}

/// The `--set` argument that binds the port of `endpoint`.
pub(crate) fn port_setting(endpoint: &str) -> Outcome<String> {
    let (_, port) = endpoint.rsplit_once(':').ok_or_else(|| format!("endpoint {endpoint:?} has no port"))?;
    Ok(format!("publisher_port={port}"))
}

/// A loopback address that no other fixture of this process has, and hardly any of another process: so a port that a case
/// has released stays available to it.
fn own_host() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    format!("127.{}.{}.{}", 1 + process % 250, 1 + (process / 250 + number / 250) % 250, 1 + number % 250)
}
