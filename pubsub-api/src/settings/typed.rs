use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use super::load::Slot;
use super::value::Value;
use crate::{Error, ErrorKind, Result};

/// The section `[pubsub]`, with Dragonflow's names. What each means stands in the table that `skimmer config show` and
/// `etc/skimmer.toml` print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PubSub {
    /// Alias of the network driver.
    pub pub_sub_driver: String,
    /// Alias of the IPC driver.
    pub pub_sub_multiproc_driver: String,
    /// Whether workers send over IPC to the publisher service.
    pub pub_sub_use_multiproc: bool,
    /// Alias of the driver of the northbound database.
    pub nb_db_class: String,
    /// Whether service and agents use it: `auto`, `yes` or `no`;
    /// [`Registry::used_database`](crate::Registry::used_database) tells what that comes to.
    pub use_nb_db: String,
    /// Whether objects are published on their own topics.
    pub enable_selective_topology_distribution: bool,
    /// Where this host is found by others.
    pub management_ip: String,
    /// The lease of a publisher's row.
    pub publisher_timeout: Duration,
    /// The tables that are watched.
    pub monitor_tables: Vec<String>,
    /// How often they are read.
    pub monitor_table_poll_time: Duration,
    /// How often an agent compares with the database.
    pub db_sync_time: Duration,
    /// How often a program says that it is alive.
    pub report_interval: Duration,
    /// After how long without that it counts as down.
    pub service_down_time: Duration,
    /// The port that publishers bind and subscribers connect to; 0 for any free one.
    pub publisher_port: u16,
    /// The transport of the network driver.
    pub publisher_transport: String,
    /// The address that publishers bind; `*` for all.
    pub publisher_bind_address: String,
    /// The socket of the IPC driver.
    pub publisher_multiproc_socket: PathBuf,
    /// The publishers to connect to; [`endpoint`](super::endpoint()) makes endpoints of them.
    pub publishers_ips: Vec<String>,
    /// The identity of this publisher, if it is not to be derived.
    pub publisher_id: Option<String>,
    /// The folder of everything that survives the process.
    pub state_dir: PathBuf,
    /// How long `close` waits for what was accepted.
    pub linger: Duration,
    /// How long `send` waits for room in a full queue.
    pub send_timeout: Duration,
    /// After how long a silent publisher counts as dead.
    pub dead_after: Duration,
}

/// The section `[service]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The grace after SIGTERM.
    pub drain_timeout: Duration,
    /// The bound of the latest events, kept for subscribers that missed some.
    pub ring_bytes: u64,
    /// The bound of the latest events per row, from which snapshots are made.
    pub snapshot_bytes: u64,
    /// How many topics are followed at the same time.
    pub max_topics: usize,
}

/// The section `[agent]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The topics to subscribe to.
    pub topics: Vec<String>,
    /// The patterns to subscribe to.
    pub patterns: Vec<String>,
    /// Where the rows of full syncs come from: `database` or `publishers`.
    pub sync_from: String,
    /// After how long a row that the database lacks is deleted.
    pub sync_delete_after: Duration,
    /// The largest share of rows that is deleted so, in percent.
    pub sync_max_delete_percent: u8,
    /// After how long more than that share is deleted.
    pub sync_mass_delete_after: Duration,
    /// Events that wait for one handler.
    pub handler_queue_events: usize,
    /// Their bytes.
    pub handler_queue_bytes: usize,
    /// For how long a full queue may hold up the agent.
    pub handler_queue_age: Duration,
    /// Whether a handler that does not keep up gets only the latest event of a row.
    pub conflate: bool,
    /// What follows when a handler fails: `skip`, `retry`, `resync` or `stop`.
    pub on_failure: String,
    /// How often an event is tried again.
    pub handler_retries: u32,
    /// How long one run of a handler may take.
    pub handler_timeout: Duration,
    /// How late what arrives may be before its publisher is stale.
    pub max_delay: Duration,
    /// The grace after SIGTERM.
    pub drain_timeout: Duration,
    /// Whether table and positions are kept in `state_dir`.
    pub keep_table: bool,
    /// How often they are.
    pub save_interval: Duration,
}

/// The section `[drivers.<name>]`: a driver asks for the settings that it declared, by name and kind.
///
/// # Errors
///
/// Every getter fails with [`ErrorKind::Internal`] if the driver's table has no such name, or has it with another
/// kind: a defect of the driver, never of the user's file.
#[derive(Debug, Clone)]
pub struct DriverSettings<'a> {
    slots: &'a [Slot],
    section: Cow<'static, str>,
}

/// What a getter may ask for.
trait FromValue: Sized {
    fn from_value(value: &Value) -> Option<Self>;
}

/// The longest `publisher_id`: as long as a topic.
const MAX_ID_BYTES: usize = 255;

impl PubSub {
    pub(super) fn of(slots: &[Slot]) -> Result<Self> {
        let section = DriverSettings { slots, section: "pubsub".into() };
        let id = section.text("publisher_id")?;
        if id.len() > MAX_ID_BYTES {
            let text = format!(
                "publisher_id: at most {MAX_ID_BYTES} bytes, this has {}: it goes out with every `$hello`",
                id.len()
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(Self {
            pub_sub_driver: section.text("pub_sub_driver")?,
            pub_sub_multiproc_driver: section.text("pub_sub_multiproc_driver")?,
            pub_sub_use_multiproc: section.boolean("pub_sub_use_multiproc")?,
            nb_db_class: section.text("nb_db_class")?,
            use_nb_db: section.text("use_nb_db")?,
            enable_selective_topology_distribution: section
                .boolean("enable_selective_topology_distribution")?,
            management_ip: section.text("management_ip")?,
            publisher_timeout: section.duration("publisher_timeout")?,
            monitor_tables: section.list("monitor_tables")?,
            monitor_table_poll_time: section.duration("monitor_table_poll_time")?,
            db_sync_time: section.duration("db_sync_time")?,
            report_interval: section.duration("report_interval")?,
            service_down_time: section.duration("service_down_time")?,
            publisher_port: section.get("publisher_port")?,
            publisher_transport: section.text("publisher_transport")?,
            publisher_bind_address: section.text("publisher_bind_address")?,
            publisher_multiproc_socket: section.path("publisher_multiproc_socket")?,
            publishers_ips: section.list("publishers_ips")?,
            publisher_id: if id.is_empty() { None } else { Some(id) },
            state_dir: section.path("state_dir")?,
            linger: section.duration("linger")?,
            send_timeout: section.duration("send_timeout")?,
            dead_after: section.duration("dead_after")?,
        })
    }
}

impl Service {
    pub(super) fn of(slots: &[Slot]) -> Result<Self> {
        let section = DriverSettings { slots, section: "service".into() };
        Ok(Self {
            drain_timeout: section.duration("drain_timeout")?,
            ring_bytes: section.bytes("ring_bytes")?,
            snapshot_bytes: section.bytes("snapshot_bytes")?,
            max_topics: section.count("max_topics")?,
        })
    }
}

impl Agent {
    pub(super) fn of(slots: &[Slot]) -> Result<Self> {
        let section = DriverSettings { slots, section: "agent".into() };
        Ok(Self {
            topics: section.list("topics")?,
            patterns: section.list("patterns")?,
            sync_from: section.text("sync_from")?,
            sync_delete_after: section.duration("sync_delete_after")?,
            sync_max_delete_percent: u8::try_from(section.integer("sync_max_delete_percent")?).unwrap_or(100),
            sync_mass_delete_after: section.duration("sync_mass_delete_after")?,
            handler_queue_events: section.count("handler_queue_events")?,
            handler_queue_bytes: usize::try_from(section.bytes("handler_queue_bytes")?).unwrap_or(usize::MAX),
            handler_queue_age: section.duration("handler_queue_age")?,
            conflate: section.boolean("conflate")?,
            on_failure: section.text("on_failure")?,
            handler_retries: u32::try_from(section.integer("handler_retries")?).unwrap_or(u32::MAX),
            handler_timeout: section.duration("handler_timeout")?,
            max_delay: section.duration("max_delay")?,
            drain_timeout: section.duration("drain_timeout")?,
            keep_table: section.boolean("keep_table")?,
            save_interval: section.duration("save_interval")?,
        })
    }
}

#[expect(clippy::missing_errors_doc, reason = "the type says it once for all its getters")]
impl<'a> DriverSettings<'a> {
    pub(super) fn new(slots: &'a [Slot], driver: &str) -> Self {
        Self { slots, section: format!("drivers.{driver}").into() }
    }

    /// A setting of kind [`Bool`](super::Kind::Bool).
    pub fn boolean(&self, name: &str) -> Result<bool> {
        self.get(name)
    }

    /// A setting of kind [`Integer`](super::Kind::Integer).
    pub fn integer(&self, name: &str) -> Result<i64> {
        self.get(name)
    }

    /// A setting of kind [`Integer`](super::Kind::Integer) that counts something, so that its `min` is 0 or more.
    pub fn count(&self, name: &str) -> Result<usize> {
        self.get(name)
    }

    /// A setting of kind [`Text`](super::Kind::Text) or [`Choice`](super::Kind::Choice).
    pub fn text(&self, name: &str) -> Result<String> {
        self.get(name)
    }

    /// A setting of kind [`Path`](super::Kind::Path).
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        self.get(name)
    }

    /// A setting of kind [`Duration`](super::Kind::Duration).
    pub fn duration(&self, name: &str) -> Result<Duration> {
        self.get(name)
    }

    /// A setting of kind [`Bytes`](super::Kind::Bytes).
    pub fn bytes(&self, name: &str) -> Result<u64> {
        self.get(name)
    }

    /// A setting of kind [`List`](super::Kind::List) or [`Addresses`](super::Kind::Addresses).
    pub fn list(&self, name: &str) -> Result<Vec<String>> {
        self.get(name)
    }

    fn get<T: FromValue>(&self, name: &str) -> Result<T> {
        let section = &self.section;
        let defect = |text: String| Error::new(ErrorKind::Internal, text);
        let here = |slot: &&Slot| slot.setting.section == section && slot.setting.name == name;
        let slot = self.slots.iter().find(here);
        let slot = slot.ok_or_else(|| defect(format!("no table declares the setting {section}.{name}")))?;
        T::from_value(&slot.value).ok_or_else(|| {
            let kind = slot.setting.kind;
            defect(format!("the setting {section}.{name} is {kind}, but was read as another kind"))
        })
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Bool(value) = value { Some(*value) } else { None }
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Integer(number) = value { Some(*number) } else { None }
    }
}

impl FromValue for u16 {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for usize {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for u64 {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Some(*bytes) } else { None }
    }
}

impl FromValue for Duration {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Duration(duration) = value { Some(*duration) } else { None }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.clone()) } else { None }
    }
}

impl FromValue for PathBuf {
    fn from_value(value: &Value) -> Option<Self> {
        String::from_value(value).map(Self::from)
    }
}

impl FromValue for Vec<String> {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::List(items) = value { Some(items.clone()) } else { None }
    }
}
