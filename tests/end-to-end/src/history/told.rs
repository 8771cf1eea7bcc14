use std::collections::BTreeMap;

/// What makes a hole loud, from the lightest to the weightiest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    /// What the subscriber has is behind, until `live`.
    Recovering,
    /// The latest event of each row came instead.
    Snapshot,
    /// So many events are missing.
    Gap,
    /// Compare with the database.
    Resync,
}

impl Told {
    /// The notice of this name, if it tells of something missing.
    pub(super) fn of(notice: &str) -> Option<Self> {
        let all = [Self::Recovering, Self::Gap, Self::Resync];
        all.into_iter().find(|told| told.name() == notice)
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

/// On which line each notice stood last, by topic; without topic it is about all of them.
#[derive(Debug, Default)]
pub(super) struct Tolds {
    lines: BTreeMap<(Option<String>, Told), usize>,
}

impl Tolds {
    pub(super) fn note(&mut self, told: Told, topic: Option<&str>, line: usize) {
        self.lines.insert((topic.map(str::to_owned), told), line);
    }

    /// The weightiest of all that was told about a topic after `line`, whose last row of a snapshot stood on `snapshot`.
    pub(super) fn since(&self, topic: &str, line: usize, snapshot: usize) -> Option<Told> {
        let is_later = |told: Told| {
            [None, Some(topic.to_owned())].into_iter().any(|of| self.lines.get(&(of, told)) > Some(&line))
        };
        let rows = (snapshot > line).then_some(Told::Snapshot);
        let notices = [Told::Recovering, Told::Gap, Told::Resync].into_iter().filter(|told| is_later(*told));
        notices.chain(rows).max()
    }
}
