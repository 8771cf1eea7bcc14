use std::collections::BTreeMap;

/// A quantity that a run measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figure {
    /// Its name in JSON.
    pub(crate) key: &'static str,
    /// Its name in tables.
    pub(crate) heading: &'static str,
    pub(crate) decimals: usize,
    pub(crate) better: Better,
}

/// Whether more or less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
    /// Neither: it helps to interpret the others.
    Neither,
}

impl Figure {
    const fn new(key: &'static str, heading: &'static str, decimals: usize, better: Better) -> Self {
        Self { key, heading, decimals, better }
    }

    pub(crate) const DELIVERIES: Self = Self::new("deliveries_per_second", "deliveries/s", 0, Better::More);
    pub(crate) const EVENTS: Self = Self::new("events_per_second", "events/s", 0, Better::More);
    pub(crate) const CPU_DELIVERY: Self =
        Self::new("server_cpu_us_per_delivery", "CPU µs/delivery", 3, Better::Less);
    pub(crate) const CPU_EVENT: Self = Self::new("server_cpu_us_per_event", "CPU µs/event", 2, Better::Less);
    pub(crate) const CORES: Self = Self::new("server_cores", "server's cores", 2, Better::Neither);
    pub(crate) const FANOUT: Self = Self::new("deliveries_per_event", "deliveries/event", 2, Better::Neither);
    pub(crate) const RSS: Self = Self::new("rss_mib", "RSS MiB", 1, Better::Less);
    pub(crate) const PEAK_RSS: Self = Self::new("peak_rss_mib", "peak RSS MiB", 1, Better::Less);
    pub(crate) const IDLE_RSS: Self = Self::new("idle_rss_mib", "idle RSS MiB", 1, Better::Less);
    pub(crate) const CUT: Self = Self::new("stalled_cut_off", "stalled, cut off", 0, Better::Neither);
    pub(crate) const P50: Self = Self::new("latency_p50_us", "p50 µs", 0, Better::Less);
    pub(crate) const P99: Self = Self::new("latency_p99_us", "p99 µs", 0, Better::Less);
    pub(crate) const P999: Self = Self::new("latency_p99.9_us", "p99.9 µs", 0, Better::Less);
    pub(crate) const MAX: Self = Self::new("latency_max_us", "max µs", 0, Better::Less);

    /// The factor by which `one` is better than `other`; `None` if it is not meaningful.
    pub(crate) fn times_better(&self, one: f64, other: f64) -> Option<f64> {
        let times = match self.better {
            Better::More => one / other,
            Better::Less => other / one,
            Better::Neither => return None,
        };
        times.is_finite().then_some(times)
    }
}

/// The figures of one run, or the medians of several, by key.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

/// For each figure, `pick` of the values of all runs, which are sorted in ascending order.
pub(crate) fn over_runs(runs: &[Figures], pick: fn(&[f64]) -> f64) -> Figures {
    let mut all: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    for (key, value) in runs.iter().flatten() {
        all.entry(key).or_default().push(*value);
    }
    let picked = |(key, mut values): (_, Vec<f64>)| {
        values.sort_by(f64::total_cmp);
        (key, pick(&values))
    };
    all.into_iter().map(picked).collect()
}

/// The middle value, or the mean of the two middle values.
pub(crate) fn median(rising: &[f64]) -> f64 {
    let at = |place: usize| rising.get(place).copied().unwrap_or_default();
    f64::midpoint(at(rising.len().saturating_sub(1) / 2), at(rising.len() / 2))
}

pub(crate) fn least(rising: &[f64]) -> f64 {
    rising.first().copied().unwrap_or_default()
}

pub(crate) fn most(rising: &[f64]) -> f64 {
    rising.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Figure, Figures, least, median, most, over_runs};

    #[test]
    fn the_median_of_each_figure_is_independent_of_the_others() {
        let run = |a, b| Figures::from([("a", a), ("b", b)]);
        let runs = [run(3.0, 1.0), run(1.0, 9.0), run(2.0, 5.0)];
        assert_eq!(over_runs(&runs, median), run(2.0, 5.0));
        assert_eq!(over_runs(&runs, least), run(1.0, 1.0));
        assert_eq!(over_runs(&runs, most), run(3.0, 9.0));
        assert_eq!(over_runs(&runs[..2], median), run(2.0, 5.0));
    }

    #[test]
    fn whether_more_or_less_is_better_depends_on_the_figure() {
        assert_eq!(Figure::DELIVERIES.times_better(10.0, 5.0), Some(2.0));
        assert_eq!(Figure::CPU_DELIVERY.times_better(10.0, 5.0), Some(0.5));
        assert_eq!(Figure::CORES.times_better(10.0, 5.0), None);
        assert_eq!(Figure::RSS.times_better(0.0, 5.0), None);
    }
}
