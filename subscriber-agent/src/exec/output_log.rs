use std::time::{Duration, Instant};

/// What a command writes, on its way into the log: whole lines, bounded in length and in number per second. No clock.
#[derive(Debug, Default)]
pub(super) struct OutputLog {
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// The bytes of that line beyond [`LINE_BYTES`].
    cut: u64,
    /// The second that is counted.
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    lines: u32,
    left_out: u64,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Logged {
    /// A line, without its end, and the number of bytes that were cut off.
    Line { text: String, cut: u64 },
    /// The number of lines that were left out, since there were too many.
    LeftOut { lines: u64 },
}

/// The bytes of a line that are logged: as many as journald keeps of a line of a stream (`LineMax=48K`, journald.conf(5)) would
/// fill a screen, so fewer.
const LINE_BYTES: usize = 4096;

/// The lines that are logged in a second.
pub(super) const LINES_PER_SECOND: u32 = 100;

/// The second.
const WINDOW: Duration = Duration::from_secs(1);

impl OutputLog {
    /// Reads more of what the command has written; returns what is to be logged.
    pub(super) fn read(&mut self, bytes: &[u8], now: Instant) -> Vec<Logged> {
        let mut logged = Vec::new();
        let bytes = self.leave_out(bytes, now);
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

    /// Counts the lines that end in `bytes` if the second has no room for any; returns what is left to read. A command that
    /// writes without end costs little so.
    fn leave_out<'a>(&mut self, bytes: &'a [u8], now: Instant) -> &'a [u8] {
        let is_full = |window: &&mut Window| window.lines >= LINES_PER_SECOND && now < window.began + WINDOW;
        let Some(window) = self.window.as_mut().filter(is_full) else { return bytes };
        let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') else { return bytes };
        let (lines, rest) = bytes.split_at_checked(last + 1).unwrap_or((bytes, &[]));
        window.left_out += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.partial.clear();
        self.cut = 0;
        rest
    }

    /// What is to be logged without more input: the number of lines left out in a second that is over.
    pub(super) fn look(&mut self, now: Instant) -> Option<Logged> {
        let over = self.window.take_if(|window| now >= window.began + WINDOW)?;
        (over.left_out > 0).then_some(Logged::LeftOut { lines: over.left_out })
    }

    /// When to [look](Self::look).
    pub(super) fn due(&self) -> Option<Instant> {
        self.window.as_ref().filter(|window| window.left_out > 0).map(|window| window.began + WINDOW)
    }

    /// The end: what is left, with or without the end of a line.
    pub(super) fn finish(&mut self, now: Instant) -> Vec<Logged> {
        let mut logged = Vec::new();
        if !self.partial.is_empty() {
            self.end_line(now, &mut logged);
        }
        let left_out = self.window.take().map_or(0, |window| window.left_out);
        logged.extend((left_out > 0).then_some(Logged::LeftOut { lines: left_out }));
        logged
    }

    fn end_line(&mut self, now: Instant, logged: &mut Vec<Logged>) {
        logged.extend(self.look(now));
        let window = self.window.get_or_insert(Window { began: now, lines: 0, left_out: 0 });
        if window.lines < LINES_PER_SECOND {
            window.lines += 1;
            let text = String::from_utf8_lossy(&self.partial).into_owned();
            logged.push(Logged::Line { text, cut: self.cut });
        } else {
            window.left_out += 1;
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
    fn lines_come_whole_however_they_are_read_and_the_last_needs_no_end() {
        let (mut log, now) = (OutputLog::default(), Instant::now());
        assert_eq!(log.read(b"one\ntw", now), [line("one")]);
        assert_eq!(log.read(b"o\n\nthr", now), [line("two"), line("")]);
        assert_eq!(log.finish(now), [line("thr")]);
        assert_eq!(log.finish(now), []);
    }

    #[test]
    fn a_long_line_is_cut_without_being_kept() {
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
    fn more_lines_than_a_second_may_have_are_counted_and_reported_when_it_is_over() {
        let (mut log, start) = (OutputLog::default(), Instant::now());
        let logged = log.read(&b"y\n".repeat(250), start);
        assert_eq!(logged.len(), usize::try_from(LINES_PER_SECOND).unwrap());
        assert_eq!(log.look(start), None);
        let later = log.due().unwrap();
        assert_eq!(later, start + Duration::from_secs(1));
        assert_eq!(log.look(later), Some(Logged::LeftOut { lines: 150 }));
        assert_eq!((log.look(later), log.due()), (None, None));
        assert_eq!(log.read(b"again\n", later), [line("again")]);
    }

    #[test]
    fn lines_that_are_counted_at_once_are_as_many_as_one_by_one() {
        let (mut log, start) = (OutputLog::default(), Instant::now());
        log.read(&b"y\n".repeat(100), start);
        assert_eq!(log.read(b"beg", start), []);
        assert_eq!(log.read(b"un\ntwo\nthr", start), []);
        let later = start + Duration::from_secs(1);
        assert_eq!(log.read(b"ee\n", later), [Logged::LeftOut { lines: 2 }, line("three")]);
    }

    #[test]
    fn what_was_left_out_stands_before_the_next_line_and_at_the_end() {
        let (mut log, start) = (OutputLog::default(), Instant::now());
        log.read(&b"y\n".repeat(101), start);
        let later = start + Duration::from_secs(5);
        assert_eq!(log.read(b"z\n", later), [Logged::LeftOut { lines: 1 }, line("z")]);
        log.read(&b"y\n".repeat(101), later);
        assert_eq!(log.finish(later), [Logged::LeftOut { lines: 2 }]);
    }
}
