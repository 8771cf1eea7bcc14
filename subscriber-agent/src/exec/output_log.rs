use std::time::{Duration, Instant};

/// Splits the output of a command into lines for the log, bounded in length and in number per second. It has no clock; callers
/// pass the time.
#[derive(Debug, Default)]
pub(super) struct OutputLog {
    /// The start of a line whose newline has not arrived.
    partial: Vec<u8>,
    /// The number of bytes of that line beyond [`LINE_BYTES`].
    cut: u64,
    /// The current second.
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    started: Instant,
    lines: u32,
    dropped: u64,
}

/// An entry for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Logged {
    /// A line without its newline, and the number of bytes that were cut off.
    Line { text: String, cut: u64 },
    /// The number of lines that were dropped because there were too many in a second.
    Dropped { lines: u64 },
}

/// The longest part of a line that is logged, in bytes: less than journald keeps of a line (`LineMax=48K`, journald.conf(5)),
/// which would fill a screen.
const LINE_BYTES: usize = 4096;

/// The number of lines that are logged in a second.
pub(super) const LINES_PER_SECOND: u32 = 100;

/// The time for which lines are counted together.
const WINDOW: Duration = Duration::from_secs(1);

impl OutputLog {
    /// Processes more output of the command and returns the entries to log.
    pub(super) fn read(&mut self, bytes: &[u8], now: Instant) -> Vec<Logged> {
        let mut logged = Vec::new();
        let bytes = self.drop_excess(bytes, now);
        let mut parts = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let room = LINE_BYTES.saturating_sub(self.partial.len()).min(part.len());
            let (kept, cut) = part.split_at_checked(room).unwrap_or((part, &[]));
            self.partial.extend_from_slice(kept);
            self.cut += cut.len() as u64;
            if parts.peek().is_some() {
                self.end_line(now, &mut logged);
            }
        }
        logged
    }

    /// If the limit of this second is reached, counts and drops the lines that end in `bytes`, and returns the rest. This keeps
    /// a command that writes all the time cheap.
    fn drop_excess<'a>(&mut self, bytes: &'a [u8], now: Instant) -> &'a [u8] {
        let is_full =
            |window: &&mut Window| window.lines >= LINES_PER_SECOND && now < window.started + WINDOW;
        let Some(window) = self.window.as_mut().filter(is_full) else { return bytes };
        let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') else { return bytes };
        let (lines, rest) = bytes.split_at_checked(last + 1).unwrap_or((bytes, &[]));
        window.dropped += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.partial.clear();
        self.cut = 0;
        rest
    }

    /// If the current second is over, ends it and returns the number of its dropped lines, if any.
    pub(super) fn report(&mut self, now: Instant) -> Option<Logged> {
        let over = self.window.take_if(|window| now >= window.started + WINDOW)?;
        (over.dropped > 0).then_some(Logged::Dropped { lines: over.dropped })
    }

    /// When to call [`report`](Self::report).
    pub(super) fn due(&self) -> Option<Instant> {
        self.window.as_ref().filter(|window| window.dropped > 0).map(|window| window.started + WINDOW)
    }

    /// Returns the last entries, at the end of the output: a line without newline and the number of dropped lines.
    pub(super) fn finish(&mut self, now: Instant) -> Vec<Logged> {
        let mut logged = Vec::new();
        if !self.partial.is_empty() {
            self.end_line(now, &mut logged);
        }
        let dropped = self.window.take().map_or(0, |window| window.dropped);
        logged.extend((dropped > 0).then_some(Logged::Dropped { lines: dropped }));
        logged
    }

    fn end_line(&mut self, now: Instant, logged: &mut Vec<Logged>) {
        logged.extend(self.report(now));
        let window = self.window.get_or_insert(Window { started: now, lines: 0, dropped: 0 });
        if window.lines < LINES_PER_SECOND {
            window.lines += 1;
            let text = String::from_utf8_lossy(&self.partial).into_owned();
            logged.push(Logged::Line { text, cut: self.cut });
        } else {
            window.dropped += 1;
        }
        self.partial.clear();
        self.cut = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{LINE_BYTES, LINES_PER_SECOND, Logged, OutputLog};

    fn line(text: &str) -> Logged {
        Logged::Line { text: text.to_owned(), cut: 0 }
    }

    #[test]
    fn lines_are_complete_however_they_are_read_and_the_last_needs_no_newline() {
        let (mut log, now) = (OutputLog::default(), Instant::now());
        assert_eq!(log.read(b"one\ntw", now), [line("one")]);
        assert_eq!(log.read(b"o\n\nthr", now), [line("two"), line("")]);
        assert_eq!(log.finish(now), [line("thr")]);
        assert_eq!(log.finish(now), []);
    }

    #[test]
    fn a_long_line_is_cut_and_its_rest_is_not_buffered() {
        let (mut log, now) = (OutputLog::default(), Instant::now());
        for _ in 0..100 {
            assert_eq!(log.read(&[b'x'; LINE_BYTES], now), []);
            assert!(log.partial.capacity() <= 4 * LINE_BYTES);
        }
        let cut = 99 * LINE_BYTES as u64;
        assert_eq!(
            log.read(b"\nnext\n", now),
            [Logged::Line { text: "x".repeat(LINE_BYTES), cut }, line("next")]
        );
    }

    #[test]
    fn lines_beyond_the_limit_of_a_second_are_counted_and_reported_after_it() {
        let (mut log, start) = (OutputLog::default(), Instant::now());
        let logged = log.read(&b"y\n".repeat(250), start);
        assert_eq!(logged.len(), usize::try_from(LINES_PER_SECOND).unwrap());
        assert_eq!(log.report(start), None);
        let later = log.due().unwrap();
        assert_eq!(later, start + Duration::from_secs(1));
        assert_eq!(log.report(later), Some(Logged::Dropped { lines: 150 }));
        assert_eq!((log.report(later), log.due()), (None, None));
        assert_eq!(log.read(b"again\n", later), [line("again")]);
    }

    #[test]
    fn lines_that_are_dropped_together_are_counted_one_by_one() {
        let (mut log, start) = (OutputLog::default(), Instant::now());
        log.read(&b"y\n".repeat(100), start);
        assert_eq!(log.read(b"beg", start), []);
        assert_eq!(log.read(b"un\ntwo\nthr", start), []);
        let later = start + Duration::from_secs(1);
        assert_eq!(log.read(b"ee\n", later), [Logged::Dropped { lines: 2 }, line("three")]);
    }

    #[test]
    fn the_number_of_dropped_lines_is_reported_before_the_next_line_and_at_the_end() {
        let (mut log, start) = (OutputLog::default(), Instant::now());
        log.read(&b"y\n".repeat(101), start);
        let later = start + Duration::from_secs(5);
        assert_eq!(log.read(b"z\n", later), [Logged::Dropped { lines: 1 }, line("z")]);
        log.read(&b"y\n".repeat(101), later);
        assert_eq!(log.finish(later), [Logged::Dropped { lines: 2 }]);
    }
}
