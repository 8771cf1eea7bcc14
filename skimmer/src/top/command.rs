use ratatui::crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Quit,
    Sort,
    Pause,
    Help,
    /// The screen has another size, or must be drawn for another reason.
    Redraw,
}

impl Command {
    /// The command of an event of the terminal; `None` if it has none.
    pub(super) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Resize(..) => Some(Self::Redraw),
            Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Self::Quit),
                KeyCode::Char('q') | KeyCode::Esc => Some(Self::Quit),
                KeyCode::Char('s') => Some(Self::Sort),
                KeyCode::Char('p' | ' ') => Some(Self::Pause),
                KeyCode::Char('h' | '?') => Some(Self::Help),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

    use super::Command;

    #[test]
    fn keys_and_resizes_are_commands_and_other_keys_are_not() {
        let key = |code, modifiers| Command::of(&Event::Key(KeyEvent::new(code, modifiers)));
        let plain = |char| key(KeyCode::Char(char), KeyModifiers::NONE);
        assert_eq!(plain('q'), Some(Command::Quit));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Command::Quit));
        assert_eq!((plain('c'), plain('x')), (None, None));
        assert_eq!(
            (plain('s'), plain('p'), plain('?')),
            (Some(Command::Sort), Some(Command::Pause), Some(Command::Help))
        );
        assert_eq!(Command::of(&Event::Resize(80, 24)), Some(Command::Redraw));
    }
}
