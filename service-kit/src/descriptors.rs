use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard limit. A service with a thousand subscribers needs a descriptor for each,
/// and the soft limit of 1,024 exists for programs that use `select(2)` (systemd.exec(5), `LimitNOFILE`).
///
/// If the limit cannot be raised, it stays as it is, with a warning in the log.
pub fn use_all_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(errno) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(
            id = "SK0115",
            "cannot raise the limit of open files; it stays at the soft limit: {errno}"
        );
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        super::use_all_descriptors();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
