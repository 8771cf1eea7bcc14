use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result, Status};

use crate::{Readiness, SettingsArguments, Signal, Signals, StatusDocument, StatusServer};

/// What surrounds the work of a program: signals, status, readiness, settings that can be read again.
///
/// Make it before the work starts, so that no signal is missed; the program then is a loop over
/// [`next`](Frame::next).
#[derive(Debug)]
pub struct Frame {
    signals: Signals,
    program: &'static str,
    arguments: SettingsArguments,
    registry: Registry,
    settings: Settings,
    last_reload: Arc<Mutex<Option<String>>>,
    status: Option<StatusServer>,
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

    /// The next signal.
    ///
    /// # Cancel safety
    /// As [`Signals::next`].
    pub async fn next(&mut self) -> Signal {
        self.signals.next().await
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
