use std::collections::BTreeMap;
use std::time::Instant;

use super::NoticeJournal;
use super::history::{History, Series};
use super::losses::Losses;
use super::notice_journal::JournalEntry;
use super::page_event::{CheckOfPage, EVENTS_VERSION, PageEvent, QueueOfPage};
use super::peer_changes::PeerChanges;
use crate::metrics::Scrape;
use crate::{PeerList, ReadinessCheck};

/// What the page shows: made of one reading of the program a second. Time comes in as input.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    program: String,
    version: String,
    uptime_seconds: u64,
    now_ms: u64,
    rates: Vec<Series>,
    latencies: Vec<Series>,
    history: History,
    losses: Losses,
    checks: Vec<CheckOfPage>,
    queues: Vec<QueueOfPage>,
    peers: PeerChanges,
    /// The times of each refusal so far, by part, cause and who.
    refusals: BTreeMap<[String; 3], u64>,
    all_notices: Vec<JournalEntry>,
    /// How many of these are new, from the first one on.
    new_notices: usize,
    /// The number of notes in the journal up to the reading before.
    noted: u64,
}

/// One reading of a program.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) now: Instant,
    pub(crate) now_ms: u64,
    pub(crate) uptime_seconds: u64,
    pub(crate) scrape: Scrape,
    pub(crate) checks: Vec<ReadinessCheck>,
    /// `None` if they were not read this time.
    pub(crate) peers: Option<PeerList>,
}

impl Observer {
    /// Takes the reading of this second.
    pub(crate) fn take(&mut self, seen: Observation, journal: &NoticeJournal) {
        let Observation { now, now_ms, uptime_seconds, scrape, checks, peers } = seen;
        self.history.take(&scrape, now, now_ms);
        self.losses.take(&scrape, journal, now_ms);
        self.take_checks(checks, journal, now_ms);
        self.take_parts(&scrape, journal, now_ms);
        match peers {
            Some(list) => self.peers.take(list, journal, now_ms),
            None => self.peers.skip(),
        }
        (self.rates, self.latencies) =
            (Series::of_rates(&scrape.program), Series::of_latencies(&scrape.program));
        (self.program, self.version) = (scrape.program, scrape.version);
        (self.uptime_seconds, self.now_ms) = (uptime_seconds, now_ms);
        let (notices, last) = journal.read();
        self.new_notices = notices.iter().take_while(|entry| entry.is_after(self.noted)).count();
        (self.all_notices, self.noted) = (notices, last);
    }

    fn take_checks(&mut self, checks: Vec<ReadinessCheck>, journal: &NoticeJournal, now_ms: u64) {
        for check in &checks {
            let before = self.checks.iter().find(|known| known.name == check.name());
            if before.is_some_and(|known| known.is_met != check.is_met()) {
                let text = if check.is_met() { "is met again" } else { "is not met" };
                let text = format!("the check {} {text}: {}", check.name(), check.reason());
                journal.note_at("readiness", &text, 1, now_ms);
            }
        }
        let of_page = |check: ReadinessCheck| CheckOfPage {
            is_met: check.is_met(),
            name: check.name().to_owned(),
            reason: check.reason().to_owned(),
        };
        self.checks = checks.into_iter().map(of_page).collect();
    }

    fn take_parts(&mut self, scrape: &Scrape, journal: &NoticeJournal, now_ms: u64) {
        self.queues.clear();
        let mut refusals = BTreeMap::new();
        for (part, status) in &scrape.parts {
            let queues = status.queues.iter();
            self.queues
                .extend(queues.map(|reading| QueueOfPage { part: part.clone(), reading: reading.clone() }));
            for refusal in &status.refusals {
                let key = [part.clone(), refusal.cause.clone(), refusal.who.clone()];
                let before = self.refusals.get(&key).copied().unwrap_or(0);
                if refusal.times > before {
                    let text = format!("{}: {} ({})", refusal.who, refusal.reason, refusal.cause);
                    journal.note_at("refusal", &text, refusal.times - before, now_ms);
                }
                refusals.insert(key, refusal.times);
            }
        }
        self.refusals = refusals;
    }

    /// Everything, for a page that was opened now.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let event = PageEvent {
            points: self.history.points(),
            peers: self.peers.all(),
            notices: self.all_notices.clone(),
            ..self.update()
        };
        event.encode("snapshot")
    }

    /// What is new since the reading before.
    pub(crate) fn changes(&self) -> Vec<u8> {
        self.update().encode("update")
    }

    fn update(&self) -> PageEvent<'_> {
        PageEvent {
            events_version: EVENTS_VERSION,
            program: &self.program,
            version: &self.version,
            pid: std::process::id(),
            uptime_seconds: self.uptime_seconds,
            now_ms: self.now_ms,
            checks: &self.checks,
            rates: &self.rates,
            latencies: &self.latencies,
            points: self.history.last(),
            losses: self.losses.read(),
            queues: &self.queues,
            peers: self.peers.changes(),
            notices: self.all_notices.iter().take(self.new_notices).cloned().collect(),
        }
    }
}
