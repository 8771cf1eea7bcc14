use std::io::{BufRead, Read};

use pubsub_api::wire::MAX_EVENT_BYTES;
use pubsub_api::{Error, ErrorKind, Result};

/// The numbered lines of a file. Each line is bounded, so that a file without newlines does not fill the memory.
pub(crate) struct Lines<R> {
    reader: R,
    number: u64,
}

/// One line without its newline.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    /// Invalid UTF-8 is replaced by U+FFFD.
    pub(crate) text: String,
}

/// The longest line, in bytes: a JSON escape has at most six bytes for one byte of text.
const MAX_LINE_BYTES: usize = 6 * MAX_EVENT_BYTES + 4096;

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    fn read(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
        self.reader.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') && line.len() == MAX_LINE_BYTES {
            self.reader.skip_until(b'\n')?;
        }
        Ok(Some(line))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Result<Line>> {
        self.number += 1;
        match self.read() {
            Ok(None) => None,
            Ok(Some(bytes)) => {
                // Editors and shells of Windows write a byte order mark at the start of a file.
                let bytes = match bytes.strip_prefix("\u{feff}".as_bytes()) {
                    Some(rest) if self.number == 1 => rest,
                    _ => &bytes,
                };
                let text = String::from_utf8_lossy(bytes).trim_end_matches(['\r', '\n']).to_owned();
                Some(Ok(Line { number: self.number, text }))
            }
            Err(error) => {
                let text = format!("cannot read line {}", self.number);
                Some(Err(Error::new(ErrorKind::Unavailable, text).with_source(error)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, MAX_LINE_BYTES};

    #[test]
    fn lines_are_numbered_and_have_no_newline() {
        let read: Vec<_> = Lines::new(&b"one\r\n\ntwo"[..]).map(|line| line.unwrap()).collect();
        let read: Vec<_> = read.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(read, [(1, "one"), (2, ""), (3, "two")]);
    }

    #[test]
    fn a_byte_order_mark_is_removed_at_the_start_only() {
        let text = include_bytes!("lines/byte-order-mark.jsonl");
        let read: Vec<_> = Lines::new(&text[..]).map(|line| line.unwrap().text).collect();
        assert_eq!(read.len(), 3);
        for line in read {
            assert!(service_kit::json::from_line(&line).is_ok(), "{line:?}");
        }
        let later = "a\n\u{feff}b\n";
        let read: Vec<_> = Lines::new(later.as_bytes()).map(|line| line.unwrap().text).collect();
        assert_eq!(read, ["a", "\u{feff}b"]);
    }

    #[test]
    fn a_line_beyond_the_limit_is_cut_and_the_next_one_is_complete() {
        let text = format!("{}\nnext\n", "x".repeat(MAX_LINE_BYTES + 10));
        let read: Vec<_> = Lines::new(text.as_bytes()).map(|line| line.unwrap()).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(
            read[0].text.len(),
            MAX_LINE_BYTES,
            "a cut line is invalid JSON and is reported by its number"
        );
        assert_eq!((read[1].number, read[1].text.as_str()), (2, "next"));
    }
}
