use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pubsub_api::settings::Settings;
use pubsub_api::{CauseCounter, Registry, Result, Status};

use crate::orphans::reap_orphans;
use crate::watchdog::Watchdog;
use crate::{
    Drain, ReadParts, Readiness, STATUS_VERSION, SettingsArguments, Signal, Signals, StatusDocument,
    StatusServer, VitalSigns,
};

/// Runs around the work of a program: signals, status, readiness, the watchdog, and reloading of settings. As process 1 of a
/// container it also reaps orphaned processes.
///
/// Make it before the work starts, so that no signal is missed. The program is then a loop over
/// [`next`](ProgramHost::next).
pub struct ProgramHost {
    signals: Signals,
    program: &'static str,
    arguments: SettingsArguments,
    registry: Registry,
    settings: Settings,
    last_reload: Arc<Mutex<Option<String>>>,
    reloads: Arc<CauseCounter>,
    status: Option<StatusServer>,
    watchdog: Watchdog,
    parts: Option<ReadParts>,
    drain: Drain,
    signs: Option<VitalSigns>,
}

impl fmt::Debug for ProgramHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgramHost")
            .field("program", &self.program)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The addresses on which a program listens or to which it connects, by hop.
pub type Endpoints = BTreeMap<String, Option<String>>;

impl ProgramHost {
    /// Installs the signal handlers and reads the settings. Must be called in a Tokio runtime.
    ///
    /// # Errors
    /// As [`SettingsArguments::load`] and [`Signals::install`].
    pub fn new(program: &'static str, arguments: &SettingsArguments) -> Result<Self> {
        let signals = Signals::install()?;
        reap_orphans();
        let registry = Registry::collect()?;
        let settings = arguments.load_and_warn(&registry)?;
        Ok(Self {
            signals,
            program,
            arguments: arguments.clone(),
            registry,
            settings,
            last_reload: Arc::default(),
            reloads: Arc::new(CauseCounter::new("config_reloads")),
            status: None,
            watchdog: Watchdog::of_process(),
            parts: None,
            drain: Drain::default(),
            signs: None,
        })
    }

    /// What the heartbeat of the watchdog depends on, besides the status of all parts.
    pub fn watch(&mut self, signs: VitalSigns) {
        self.signs = Some(signs);
    }

    /// The drain of this program; [`next`](Self::next) returns [`Signal::Drain`] when it is requested.
    #[must_use]
    pub fn drain(&self) -> &Drain {
        &self.drain
    }

    /// The current settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The drivers of this program.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// A function that reads what the host itself counts: the part `program` of the status.
    pub fn own_status_reader(&self) -> impl Fn() -> Status + Send + Sync + use<> {
        let reloads = Arc::clone(&self.reloads);
        move || Status { counters: reloads.read(), ..Status::default() }
    }

    /// Opens the status socket, and returns a function that makes the same document.
    ///
    /// # Errors
    /// As [`StatusServer::start`].
    pub fn serve_status(
        &mut self,
        endpoints: Endpoints,
        parts: ReadParts,
    ) -> Result<impl Fn() -> StatusDocument + Send + Sync + use<>> {
        self.parts = Some(Arc::clone(&parts));
        let (program, started) = (self.program, Instant::now());
        let last_reload = Arc::clone(&self.last_reload);
        let own_status = Arc::new(self.own_status_reader());
        let document = move || StatusDocument {
            status_version: STATUS_VERSION,
            program: program.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_seconds: started.elapsed().as_secs(),
            endpoints: endpoints.clone(),
            last_reload: last_reload.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            parts: with_own(parts(), own_status()),
        };
        let state_dir: &Path = &self.settings.pubsub().state_dir;
        self.status = Some(StatusServer::start(state_dir, program, document.clone())?);
        Ok(document)
    }

    /// Waits for the next signal. Meanwhile it sends the heartbeats of the watchdog.
    ///
    /// # Cancel safety
    /// As [`Signals::next`].
    pub async fn next(&mut self) -> Signal {
        loop {
            tokio::select! {
                signal = self.signals.next() => return signal,
                _ = self.drain.requested() => return Signal::Drain,
                () = self.watchdog.due() => self.watchdog.beat(self.parts.as_ref(), self.signs.as_ref()),
            }
        }
    }

    /// Does `work`, and sends the heartbeats of the watchdog meanwhile. Signals wait until it is done.
    ///
    /// # Cancel safety
    /// If the future is dropped, so is `work`.
    pub async fn beat_during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.watchdog.due() => self.watchdog.beat(self.parts.as_ref(), self.signs.as_ref()),
            }
        }
    }

    /// Reloads the settings and applies them with `apply`. If a setting is refused, the old settings stay in force. The
    /// result is logged and shown in the status.
    ///
    /// `apply` receives settings that differ from the current ones only in settings that a reload may change. Its error
    /// is reported like a refused setting: the old settings stay, so it must undo what it began.
    pub fn reload(&mut self, apply: impl FnOnce(&Settings) -> Result<()>) {
        Readiness.reloading();
        let new = self.arguments.reload(&self.registry, &self.settings);
        match new.and_then(|new| apply(&new).map(|()| new)) {
            Ok(new) => {
                self.settings = new;
                self.reloads.count("applied", Instant::now());
                tracing::info!(id = "SK0108", "reloaded the settings");
                self.set_last_reload("applied".to_owned());
                Readiness.ready("reloaded the settings");
            }
            Err(error) => {
                self.reloads.count("refused", Instant::now());
                tracing::error!(
                    id = "SK0109",
                    "cannot reload the settings, the old ones stay in force: {error}"
                );
                self.set_last_reload(format!("refused: {error}"));
                Readiness.ready("refused the new settings, the old ones stay in force");
            }
        }
    }

    /// Replaces the result of the last reload in the status, after what follows a reload has failed in part.
    pub fn note_reload(&self, outcome: String) {
        self.set_last_reload(outcome);
    }

    fn set_last_reload(&self, outcome: String) {
        *self.last_reload.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

fn with_own(mut parts: BTreeMap<String, Status>, own: Status) -> BTreeMap<String, Status> {
    parts.insert("program".to_owned(), own);
    parts
}
