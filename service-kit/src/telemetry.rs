use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::{self, JsonFields};

use crate::log_limit::LogLimit;
use crate::stderr::{LogWriter, finish};

/// `--log-format` and `--log-level`, the same in every program. Logs are written to stderr; stdout is for output only.
///
/// The level is that of `--log-level`, else that of the environment variable `SKIMMER_LOG`, else `info`.
#[derive(Debug, Clone, Copy, Args)]
pub struct LogArguments {
    /// Format of the log lines on stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Lowest level that is logged; by default `info` for programs that run on, and `warn` for short commands
    #[arg(long, value_enum, env = "SKIMMER_LOG")]
    pub log_level: Option<LogLevel>,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Plain text, for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The lowest level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Problems that an operator must act on now.
    Error,
    /// Problems that an operator may have to act on later.
    Warn,
    /// All changes of state.
    Info,
    /// Details for developers.
    Debug,
    /// Everything, for developers.
    Trace,
}

impl LogArguments {
    /// Starts the log of a program that runs on, by default at `info`. A second call in one process changes nothing.
    ///
    /// Logging never waits: lines pass through a bounded queue to a separate thread. If stderr is not read, lines are
    /// dropped and counted, and their number is logged once it is read again. Lines of one place in the code are limited. Panics are logged in the same way.
    pub fn start(self) {
        start(self.log_format, self.log_level.unwrap_or(LogLevel::Info));
    }

    /// As [`start`](Self::start), for a short command: by default at `warn`, so that stderr has nothing but what concerns
    /// its user.
    pub fn start_for_command(self) {
        start(self.log_format, self.log_level.unwrap_or(LogLevel::Warn));
    }
}

fn start(log_format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt().with_writer(|| LogWriter).with_max_level(level);
    let started = match log_format {
        LogFormat::Text => {
            let text = format::format().with_ansi(false);
            log.with_ansi(false).event_format(LogLimit::new(text)).try_init()
        }
        LogFormat::Json => {
            let json = format::format().json().flatten_event(true);
            log.fmt_fields(JsonFields::new()).event_format(LogLimit::new(json)).try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("the log is already started");
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(id = "SK0113", "a bug in this program: {panic}");
        // A panic of the main thread ends the process without writing the rest of the queue.
        finish();
    }));
}
