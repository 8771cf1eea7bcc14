//! CPU time and memory of a process, from `/proc`.

use std::time::Duration;

/// The CPU time of all threads of a process so far, in user and kernel mode; `None` if it has exited.
pub(super) fn cpu_time(pid: u32) -> Option<Duration> {
    let ticks = ticks(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    let per_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_millis(ticks * 1000 / per_second.max(1)))
}

/// The peak resident memory, in bytes.
pub(super) fn peak_rss_bytes(pid: u32) -> Option<u64> {
    peak(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// Reads fields 14 and 15 of `/proc/PID/stat` (proc_pid_stat(5)). Field 2 is a name in parentheses that may contain any
/// character.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut number = || fields.next()?.parse::<u64>().ok();
    Some(number()? + number()?)
}

fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::{cpu_time, peak, peak_rss_bytes, ticks};

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "12 (a) b (c) S 1 12 12 0 -1 4194560 500 0 0 0 30 12 0 0 20 0 3 0 100";
        assert_eq!(ticks(stat), Some(42));
    }

    #[test]
    fn the_peak_is_read_in_bytes() {
        assert_eq!(peak("Name:\tx\nVmHWM:\t    3084 kB\nVmRSS:\t 1 kB\n"), Some(3084 * 1024));
        assert_eq!(peak("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(cpu_time(std::process::id()).is_some());
        assert!(peak_rss_bytes(std::process::id()).is_some_and(|bytes| bytes > 4096));
    }
}
