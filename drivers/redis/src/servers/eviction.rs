use super::info;

/// How a server behaves when its memory is full, from INFO memory and INFO stats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Eviction {
    policy: String,
    /// The limit of its memory; 0 means no limit.
    max_bytes: u64,
    /// The number of keys that it evicted since it started.
    pub(super) evicted_keys: u64,
}

impl Eviction {
    /// `None` if the text names no policy.
    pub(super) fn from_info(text: &str) -> Option<Self> {
        let number = |name| info::field(text, name).and_then(|value| value.parse().ok()).unwrap_or_default();
        Some(Self {
            policy: info::field(text, "maxmemory_policy")?.to_owned(),
            max_bytes: number("maxmemory"),
            evicted_keys: number("evicted_keys"),
        })
    }

    /// The risk for rows, unless the policy is `noeviction`.
    pub(super) fn risk(&self) -> Option<String> {
        let policy = &self.policy;
        if policy == "noeviction" {
            return None;
        }
        // A row has no expiry time, and these policies evict no key without one.
        let what = if policy.starts_with("volatile-") {
            "it evicts only keys with an expiry time, which rows do not have, but a small change of the policy would evict rows"
        } else if self.max_bytes == 0 {
            "it will delete rows without notice once maxmemory is set"
        } else {
            "it deletes rows without notice when maxmemory is reached"
        };
        Some(format!("maxmemory-policy is {policy}: {what}; set maxmemory-policy noeviction"))
    }

    /// A short form for the status; `None` if no row can be evicted.
    pub(super) fn state(&self) -> Option<String> {
        let evicts = self.policy != "noeviction" && !self.policy.starts_with("volatile-");
        evicts.then(|| format!("may evict rows ({})", self.policy))
    }
}

#[cfg(test)]
mod tests {
    use super::Eviction;

    fn eviction(policy: &str, max: u64) -> Eviction {
        let text = format!(
            "# Memory\r\nmaxmemory:{max}\r\nmaxmemory_human:0B\r\nmaxmemory_policy:{policy}\r\n# Stats\r\nevicted_keys:3\r\n"
        );
        Eviction::from_info(&text).unwrap()
    }

    #[test]
    fn only_noeviction_is_without_risk() {
        assert_eq!(eviction("noeviction", 1000).risk(), None);
        for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl"] {
            let risk = eviction(policy, 1000).risk().unwrap();
            assert!(risk.contains(policy) && risk.contains("set maxmemory-policy noeviction"), "{risk}");
        }
        assert!(eviction("allkeys-lru", 1000).risk().unwrap().contains("when maxmemory is reached"));
        assert!(eviction("allkeys-lru", 0).risk().unwrap().contains("once maxmemory is set"));
    }

    #[test]
    fn a_status_names_the_policies_that_evict_rows() {
        assert_eq!(eviction("allkeys-lru", 1).state().as_deref(), Some("may evict rows (allkeys-lru)"));
        assert_eq!((eviction("volatile-lru", 1).state(), eviction("noeviction", 1).state()), (None, None));
        assert_eq!(eviction("noeviction", 1).evicted_keys, 3);
        assert_eq!(Eviction::from_info("# Memory\r\n"), None);
    }
}
