//! The resources that a process has used, from `/proc`.

use std::time::Duration;

use pubsub_api::Result;

use crate::failure::{cannot, failure};

/// Resident memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resident {
    pub(crate) now_bytes: u64,
    pub(crate) peak_bytes: u64,
}

/// The CPU time of all threads of a process so far, in user and kernel mode.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = read(pid, "stat")?;
    let ticks = ticks(&stat).ok_or_else(|| failure("/proc/PID/stat does not have the format of proc(5)"))?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second().max(1) as f64))
}

pub(crate) fn resident(pid: u32) -> Result<Resident> {
    let status = read(pid, "status")?;
    let kib = |key| kib(&status, key).ok_or_else(|| failure(format!("/proc/PID/status has no {key}")));
    Ok(Resident { now_bytes: kib("VmRSS:")? * 1024, peak_bytes: kib("VmHWM:")? * 1024 })
}

fn read(pid: u32, name: &str) -> Result<String> {
    std::fs::read_to_string(format!("/proc/{pid}/{name}"))
        .map_err(cannot("read the server's resource usage: has it ended?"))
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
    use super::{cpu_time, kib, resident, ticks};

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
        let pid = std::process::id();
        cpu_time(pid).unwrap();
        let resident = resident(pid).unwrap();
        assert!(resident.now_bytes > 4096 && resident.peak_bytes >= resident.now_bytes);
    }
}
