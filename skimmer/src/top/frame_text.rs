use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::room::Room;
use super::screen::{Caption, draw};
use super::view::View;

/// The most lines of a frame that is printed.
const MAX_LINES: u16 = 60;

/// One frame as text of this width, without colours and control characters, with as many lines as it needs.
pub(super) fn frame_text(view: &View, caption: &Caption, width: u16) -> String {
    let Room { programs, agents, losses, queues } = Room::of(MAX_LINES - 1, view);
    text(view, caption, (width, 1 + programs + agents + losses + queues))
}

/// What a terminal of this size shows.
pub(super) fn text(view: &View, caption: &Caption, (width, height): (u16, u16)) -> String {
    // A screen in memory: it does not fail.
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(_) = terminal.draw(|frame| draw(frame, view, caption));
    let cells = terminal.backend().buffer().content.chunks(usize::from(width.max(1)));
    let lines = cells.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>());
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
