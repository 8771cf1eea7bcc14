/// Counts the lines of a text up to offsets that rise.
#[derive(Debug)]
pub(super) struct LineCounter<'a> {
    text: &'a [u8],
    line: usize,
    offset: usize,
}

impl<'a> LineCounter<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), line: 1, offset: 0 }
    }

    /// Returns the line, from 1, of the text at an offset; line ends there are skipped.
    pub(super) fn line_at(&mut self, offset: usize) -> usize {
        let rest = self.text.get(offset..).unwrap_or_default();
        let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let offset = if ends < rest.len() { offset + ends } else { offset };
        let between = self.text.get(self.offset..offset).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count();
        self.offset = self.offset.max(offset);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::LineCounter;

    #[test]
    fn lines_are_counted_on_and_line_ends_are_skipped() {
        let mut lines = LineCounter::new("a\r\n\r\nb\nc\n");
        assert_eq!([0, 1, 5, 7, 8].map(|offset| lines.line_at(offset)), [1, 3, 3, 4, 4]);
        assert_eq!(LineCounter::new("").line_at(0), 1);
    }
}
