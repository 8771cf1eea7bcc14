use std::collections::BTreeMap;

/// The reports of missing events, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LossReport {
    /// The subscriber misses events, until `live`.
    Recovering,
    /// The latest event of each row was delivered instead.
    Snapshot,
    /// A number of events is missing.
    Gap,
    /// Compare with the database.
    Resync,
}

impl LossReport {
    /// The notice of this name, if it reports missing events.
    pub(super) fn of(notice: &str) -> Option<Self> {
        let all = [Self::Recovering, Self::Gap, Self::Resync];
        all.into_iter().find(|reported| reported.name() == notice)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Recovering => "recovering",
            Self::Snapshot => "snapshot",
            Self::Gap => "gap",
            Self::Resync => "resync",
        }
    }
}

/// The last line of each notice, by topic; a notice without topic is about all topics.
#[derive(Debug, Default)]
pub(super) struct LossReports {
    lines: BTreeMap<(Option<String>, LossReport), usize>,
}

impl LossReports {
    pub(super) fn note(&mut self, reported: LossReport, topic: Option<&str>, line: usize) {
        self.lines.insert((topic.map(str::to_owned), reported), line);
    }

    /// The strongest report about a topic after `line`; `snapshot` is the line of its last snapshot row.
    pub(super) fn since(&self, topic: &str, line: usize, snapshot: usize) -> Option<LossReport> {
        let is_later = |reported: LossReport| {
            [None, Some(topic.to_owned())].into_iter().any(|of| self.lines.get(&(of, reported)) > Some(&line))
        };
        let rows = (snapshot > line).then_some(LossReport::Snapshot);
        let notices = [LossReport::Recovering, LossReport::Gap, LossReport::Resync]
            .into_iter()
            .filter(|reported| is_later(*reported));
        notices.chain(rows).max()
    }
}
