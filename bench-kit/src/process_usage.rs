use std::time::Duration;

use pubsub_api::Result;

use crate::{ResidentMemory, failure};

/// The resources that a process has used, from `/proc`.
///
/// ```
/// use bench_kit::ProcessUsage;
///
/// let usage = ProcessUsage::of(std::process::id());
/// let memory = usage.memory()?;
/// assert!(0 < memory.now_bytes && memory.now_bytes <= memory.peak_bytes);
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ProcessUsage(u32);

impl ProcessUsage {
    /// The usage of the process with this id.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        Self(pid)
    }

    /// The CPU time of all threads so far, in user and kernel mode.
    ///
    /// It advances in clock ticks, usually of 10 ms. The usage of a phase is the difference of two readings.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable) if the process has exited.
    pub fn cpu_time(self) -> Result<Duration> {
        let stat = self.read("stat")?;
        let ticks =
            ticks(&stat).ok_or_else(|| failure("/proc/PID/stat does not have the format of proc(5)"))?;
        Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second().max(1) as f64))
    }

    /// The resident memory.
    ///
    /// # Errors
    /// As [`cpu_time`](Self::cpu_time).
    pub fn memory(self) -> Result<ResidentMemory> {
        let status = self.read("status")?;
        let kib = |key| kib(&status, key).ok_or_else(|| failure(format!("/proc/PID/status has no {key}")));
        Ok(ResidentMemory { now_bytes: kib("VmRSS:")? * 1024, peak_bytes: kib("VmHWM:")? * 1024 })
    }

    fn read(self, name: &str) -> Result<String> {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.0)).map_err(|error| {
            failure(format!("cannot read the resource usage of process {}: has it ended?", self.0))
                .with_source(error)
        })
    }
}

/// Fields 14 and 15 of `/proc/PID/stat` (proc_pid_stat(5)). The second field is a name with any characters, in
/// parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut number = || fields.next()?.parse::<u64>().ok();
    Some(number()? + number()?)
}

fn kib(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{ProcessUsage, kib, ticks};

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "12 (a) b (c) S 1 12 12 0 -1 4194560 500 0 0 0 30 12 0 0 20 0 3 0 100";
        assert_eq!(ticks(stat), Some(42));
    }

    #[test]
    fn memory_is_read_by_its_key() {
        let status = "Name:\tx\nVmHWM:\t    3084 kB\nVmRSS:\t 1 kB\n";
        assert_eq!((kib(status, "VmHWM:"), kib(status, "VmRSS:")), (Some(3084), Some(1)));
        assert_eq!(kib("Name:\tx\n", "VmHWM:"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        let usage = ProcessUsage::of(std::process::id());
        usage.cpu_time().unwrap();
        let resident = usage.memory().unwrap();
        assert!(resident.now_bytes > 4096 && resident.peak_bytes >= resident.now_bytes);
    }
}
