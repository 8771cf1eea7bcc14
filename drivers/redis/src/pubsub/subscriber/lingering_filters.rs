use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use pubsub_api::MAX_SUBSCRIPTIONS;

use super::filter::Filter;

/// The filters that a connection keeps at the server although they are not wanted any more. Time comes in as input.
///
/// A topic that is unregistered and soon registered again has no gap: between UNSUBSCRIBE and the next SUBSCRIBE the server
/// would deliver nothing, and nobody could know what is missing. What arrives meanwhile is not delivered, because each event
/// is compared with what is wanted.
#[derive(Debug, Default)]
pub(super) struct LingeringFilters {
    requested: BTreeSet<Filter>,
    /// Since when each is not wanted.
    unwanted: BTreeMap<Filter, Instant>,
}

/// How long a filter outlives the wish for it.
pub(super) const LINGER: Duration = Duration::from_secs(1);

impl LingeringFilters {
    /// Returns the filters that the server should have: the wanted ones, and those that were wanted until lately. A refused one is
    /// not kept. Of more than [`MAX_SUBSCRIPTIONS`] that are not wanted, none is.
    pub(super) fn requested(
        &mut self,
        wanted: BTreeSet<Filter>,
        is_refused: impl Fn(&Filter) -> bool,
        now: Instant,
    ) -> &BTreeSet<Filter> {
        for filter in self.requested.difference(&wanted) {
            self.unwanted.entry(filter.clone()).or_insert(now);
        }
        self.unwanted.retain(|filter, since| {
            let is_recent = now.saturating_duration_since(*since) < LINGER;
            is_recent && !wanted.contains(filter) && !is_refused(filter)
        });
        if self.unwanted.len() > MAX_SUBSCRIPTIONS {
            self.unwanted.clear();
        }
        self.requested = wanted;
        self.requested.extend(self.unwanted.keys().cloned());
        &self.requested
    }

    /// Whether there is none: [`requested`](Self::requested) changes with the wishes only.
    pub(super) fn is_empty(&self) -> bool {
        self.unwanted.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Instant;

    use pubsub_api::{MAX_SUBSCRIPTIONS, Topic};

    use super::{Filter, LINGER, LingeringFilters};

    fn set(names: &[&str]) -> BTreeSet<Filter> {
        names.iter().map(|name| Filter::Channel(Topic::new((*name).to_owned()).unwrap())).collect()
    }

    #[test]
    fn a_filter_outlives_the_wish_for_it_and_is_wanted_again_without_a_gap() {
        let (mut lingering, start) = (LingeringFilters::default(), Instant::now());
        let granted = |_: &Filter| false;
        assert_eq!(*lingering.requested(set(&["a", "b"]), granted, start), set(&["a", "b"]));
        assert!(lingering.is_empty());
        assert_eq!(*lingering.requested(set(&["b"]), granted, start), set(&["a", "b"]));
        assert_eq!(*lingering.requested(set(&["a", "b"]), granted, start + LINGER / 2), set(&["a", "b"]));
        assert!(lingering.is_empty(), "it is wanted again");
        let gone = start + LINGER;
        assert_eq!(*lingering.requested(set(&["b"]), granted, gone), set(&["a", "b"]));
        assert_eq!(*lingering.requested(set(&["b"]), granted, gone + LINGER), set(&["b"]));
        assert!(lingering.is_empty());
    }

    #[test]
    fn refused_filters_and_too_many_of_them_are_not_kept() {
        let (mut lingering, now) = (LingeringFilters::default(), Instant::now());
        lingering.requested(set(&["a", "b"]), |_| false, now);
        let is_a = |filter: &Filter| set(&["a"]).contains(filter);
        assert_eq!(*lingering.requested(set(&[]), is_a, now), set(&["b"]));
        let many: Vec<String> = (0..=MAX_SUBSCRIPTIONS).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        lingering.requested(set(&many), |_| false, now);
        assert!(lingering.requested(set(&[]), |_| false, now).is_empty());
    }
}
