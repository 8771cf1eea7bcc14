use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use crate::stderr::{LogWriter, finish};

/// `--log-format` and `--log-level`, the same in every program. Logs go to stderr; stdout belongs to the output.
#[derive(Debug, Clone, Copy, Args)]
pub struct LogArguments {
    /// How log lines are written to stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// The least level that is logged
    #[arg(long, value_enum, default_value_t = LogLevel::Info, env = "SKIMMER_LOG")]
    pub log_level: LogLevel,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The least level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What needs a person now.
    Error,
    /// What may need a person later.
    Warn,
    /// Every change of state.
    Info,
    /// For developers.
    Debug,
    /// For developers with time.
    Trace,
}

impl LogArguments {
    /// Starts the log of this process. A second call in one process changes nothing.
    ///
    /// Logging never waits: lines pass through a bounded queue to a thread of its own. If nobody reads stderr, lines are
    /// dropped, counted, and reported once it is read again. Panics are logged in the same way.
    pub fn start(self) {
        let level = match self.log_level {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        };
        let log = tracing_subscriber::fmt().with_writer(|| LogWriter).with_max_level(level);
        let started = match self.log_format {
            LogFormat::Text => log.with_ansi(false).try_init(),
            LogFormat::Json => log.json().flatten_event(true).try_init(),
        };
        if started.is_err() {
            tracing::debug!("the log was started before");
            return;
        }
        std::panic::set_hook(Box::new(|panic| {
            tracing::error!("a defect: {panic}");
            // A panic of the main thread ends the process without a further word.
            finish();
        }));
    }
}
