use std::fs;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::Program;

impl Program {
    /// Its resident memory (VmRSS, proc(5)), in bytes.
    ///
    /// # Panics
    /// If it has exited.
    #[must_use]
    #[track_caller]
    pub fn memory_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let status = fs::read_to_string(path).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
        kilobytes * 1024
    }

    /// The number of its open descriptors.
    ///
    /// # Panics
    /// If it has exited.
    #[must_use]
    #[track_caller]
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("the process runs").count()
    }

    /// Limits its descriptors to numbers below `limit`, as `ulimit -n` does; open ones stay open.
    ///
    /// # Panics
    /// If the kernel refuses.
    #[track_caller]
    pub fn limit_descriptors(&self, limit: u64) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        prlimit(pid, Resource::Nofile, limit).expect("a lower limit is always granted");
    }
}

/// Raises the limit of descriptors of this test process to the hard limit.
///
/// # Panics
/// If these are fewer than `needed`.
pub fn need_descriptors(needed: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("up to the hard limit it is granted");
    let granted = limit.maximum.is_none_or(|maximum| maximum >= needed);
    assert!(granted, "this test needs {needed} descriptors (ulimit -Hn)");
}
