/// What a terminal shows that understands as much as ratatui writes: text, the position of the cursor, and clearing.
#[derive(Debug, Default)]
pub(super) struct Screen {
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// The start of a sequence that has not arrived whole.
    rest: String,
}

impl Screen {
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.iter().map(|line| line.iter().collect::<String>()).collect()
    }

    /// Takes what a program has written.
    pub(super) fn take(&mut self, written: &str) {
        let text = std::mem::take(&mut self.rest) + written;
        let mut left = text.as_str();
        while let Some(char) = left.chars().next() {
            if char == '\u{1b}' {
                let Some(end) = sequence(left) else {
                    self.rest = left.to_owned();
                    return;
                };
                let (sequence, after) = left.split_at(end);
                self.control(sequence);
                left = after;
            } else {
                self.put(char);
                left = left.get(char.len_utf8()..).unwrap_or_default();
            }
        }
    }

    fn put(&mut self, char: char) {
        if char.is_control() {
            return;
        }
        if self.lines.len() <= self.row {
            self.lines.resize(self.row + 1, Vec::new());
        }
        if let Some(line) = self.lines.get_mut(self.row) {
            if line.len() <= self.column {
                line.resize(self.column + 1, ' ');
            }
            if let Some(cell) = line.get_mut(self.column) {
                *cell = char;
            }
        }
        self.column += 1;
    }

    /// `ESC [ row ; column H` moves the cursor, `ESC [ 2 J` clears the screen; anything else changes no text.
    fn control(&mut self, sequence: &str) {
        let body = sequence.trim_start_matches("\u{1b}[");
        if body == "2J" {
            self.lines.clear();
        } else if let Some(position) = body.strip_suffix('H') {
            let mut numbers =
                position.split(';').map(|number| number.parse().unwrap_or(1_usize).saturating_sub(1));
            self.row = numbers.next().unwrap_or(0);
            self.column = numbers.next().unwrap_or(0);
        }
    }
}

/// The length of the control sequence at the start of a text, if it is complete.
fn sequence(text: &str) -> Option<usize> {
    let is_final = |char: &char| ('@'..='~').contains(char);
    match text.chars().nth(1)? {
        '[' => text.char_indices().skip(2).find(|(_, char)| is_final(char)).map(|(at, _)| at + 1),
        other => Some(1 + other.len_utf8()),
    }
}

#[test]
fn text_is_where_the_cursor_was_moved_to() {
    let mut screen = Screen::default();
    screen.take("\u{1b}[?1049h\u{1b}[2J\u{1b}[2;3Hab\u{1b}[0m\u{1b}[1;");
    screen.take("1Hx");
    assert_eq!(screen.lines(), ["x", "  ab"]);
}
