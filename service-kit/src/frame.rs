use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result, Status};

use crate::orphans::reap_orphans;
use crate::watchdog::Watchdog;
use crate::{Readiness, SettingsArguments, Signal, Signals, StatusDocument, StatusServer};

/// What surrounds the work of a program: signals, status, readiness, the watchdog, settings that can be read again. As process
/// 1 of a container it also reaps the processes that others have left to it.
///
/// Make it before the work starts, so that no signal is missed; the program then is a loop over
/// [`next`](Frame::next).
pub struct Frame {
    signals: Signals,
    program: &'static str,
    arguments: SettingsArguments,
    registry: Registry,
    settings: Settings,
    last_reload: Arc<Mutex<Option<String>>>,
    status: Option<StatusServer>,
    watchdog: Watchdog,
    parts: Option<ReadParts>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("program", &self.program)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Where a program listens or connects, by hop.
pub type Endpoints = BTreeMap<String, Option<String>>;

/// Reads the status of every part of a program.
pub type ReadParts = Arc<dyn Fn() -> BTreeMap<String, Status> + Send + Sync>;

impl Frame {
    /// Takes over the signals and reads the settings. Needs a runtime.
    ///
    /// # Errors
    /// As [`SettingsArguments::load`] and [`Signals::take`].
    pub fn new(program: &'static str, arguments: &SettingsArguments) -> Result<Self> {
        let signals = Signals::take()?;
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
            status: None,
            watchdog: Watchdog::of_process(),
            parts: None,
        })
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The drivers of this program.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Opens the status socket, and returns how to read the same document elsewhere.
    ///
    /// # Errors
    /// As [`StatusServer::start`].
    pub fn serve_status(
        &mut self,
        endpoints: Endpoints,
        parts: ReadParts,
    ) -> Result<impl Fn() -> StatusDocument + use<>> {
        self.parts = Some(Arc::clone(&parts));
        let (program, started) = (self.program, Instant::now());
        let last_reload = Arc::clone(&self.last_reload);
        let document = move || StatusDocument {
            program: program.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_seconds: started.elapsed().as_secs(),
            endpoints: endpoints.clone(),
            last_reload: last_reload.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            parts: parts(),
        };
        let state_dir: &Path = &self.settings.pubsub().state_dir;
        self.status = Some(StatusServer::start(state_dir, program, document.clone())?);
        Ok(document)
    }

    /// The next signal. Meanwhile it is this loop that proves to the watchdog that the program makes progress.
    ///
    /// # Cancel safety
    /// As [`Signals::next`].
    pub async fn next(&mut self) -> Signal {
        loop {
            tokio::select! {
                signal = self.signals.next() => return signal,
                () = self.watchdog.due() => self.watchdog.beat(self.parts.as_ref()),
            }
        }
    }

    /// Reads the settings again and puts them into force with `apply`; if anything is refused, the old ones stay. What
    /// came of it is logged and in the status.
    pub fn reload(&mut self, apply: impl FnOnce(&Settings) -> Result<()>) {
        Readiness.reloading();
        let new = self.arguments.reload(&self.registry, &self.settings);
        match new.and_then(|new| apply(&new).map(|()| new)) {
            Ok(new) => {
                self.settings = new;
                tracing::info!("the settings were read again and are in force");
                self.tell_reload("applied".to_owned());
            }
            Err(error) => {
                tracing::error!("the settings stay as they were: {error}");
                self.tell_reload(format!("refused: {error}"));
            }
        }
        Readiness.ready("the settings were read again");
    }

    fn tell_reload(&self, outcome: String) {
        *self.last_reload.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}
