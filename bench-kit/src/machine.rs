use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// The machine of a measurement.
///
/// Reports contain it, because figures of two machines cannot be compared.
///
/// ```
/// let machine = bench_kit::Machine::this();
/// assert!(machine.cores > 0);
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The CPU's model name.
    pub cpu: String,
    /// The number of cores that this process may use.
    pub cores: usize,
    /// The memory, in GiB.
    pub memory_gib: f64,
    /// Kernel and release.
    pub kernel: String,
    /// The average number of runnable tasks in the minute before the measurement: it shows other work on the machine.
    pub load_average: f64,
    /// The start of the measurement, in seconds since 1970, UTC.
    pub unix_time: u64,
}

impl Machine {
    /// Describes this machine now. What `/proc` does not show is empty or 0.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a report shows the date of the measurement")]
    pub fn this() -> Self {
        let uname = rustix::system::uname();
        let (name, release) = (uname.sysname().to_string_lossy(), uname.release().to_string_lossy());
        let value = |file: &str, key: &str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(key))?;
            line.split_once(':').map(|(_, value)| value.trim().to_owned())
        };
        let memory = value("/proc/meminfo", "MemTotal").unwrap_or_default();
        let kib: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        Self {
            cpu: value("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: (kib / 1024.0 / 1024.0 * 10.0).round() / 10.0,
            kernel: format!("{name} {release}"),
            load_average: load_average().unwrap_or_default(),
            unix_time: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        }
    }
}

fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}
