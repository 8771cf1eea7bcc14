use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Row, Table};

use super::room::Room;
use super::sort_key::SortKey;
use super::view::{Urgency, View};

/// What is drawn besides the view.
#[derive(Debug, Clone, Default)]
pub(super) struct Caption {
    pub(super) host: String,
    /// How often the programs are asked.
    pub(super) every: String,
    pub(super) sort: SortKey,
    pub(super) is_paused: bool,
    pub(super) shows_help: bool,
    pub(super) has_colors: bool,
    /// What to say if no program replied yet.
    pub(super) nobody: String,
}

const HELP: [&str; 9] = [
    "q, Esc, Ctrl-C   quit",
    "s                sort agents by: behind, lag, reported, name",
    "p, space         pause, and continue",
    "h, ?             this help",
    "",
    "accepted/s: events from workers, at an agent those that arrived",
    "delivered/s: events sent, once for each subscriber; at an agent those applied",
    "behind: for how long an agent has not applied some event",
    "reported: the time since the last report of an agent",
];

/// Draws a view. What does not fit is left out, the calmest rows first.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View, caption: &Caption) {
    let area = frame.area();
    let [title, mut rest] = split(area, 1);
    let style = Style::new().add_modifier(Modifier::REVERSED);
    frame.render_widget(Paragraph::new(title_text(caption, area.width)).style(style), title);
    if caption.shows_help {
        let lines: Vec<Line<'_>> = HELP.into_iter().map(Line::from).collect();
        return frame.render_widget(Paragraph::new(lines), rest);
    }
    if view.programs.is_empty() {
        return frame.render_widget(Paragraph::new(caption.nobody.as_str()), rest);
    }
    let room = Room::of(rest.height, view);
    for (height, section) in [
        (room.programs, programs as Section),
        (room.agents, agents),
        (room.losses, losses),
        (room.queues, queues),
    ] {
        let [place, below] = split(rest, height);
        rest = below;
        if height > 0 {
            frame.render_widget(section(view, caption), place);
        }
    }
}

type Section = fn(&View, &Caption) -> Table<'static>;

/// The upper lines of an area, and the rest.
fn split(area: Rect, height: u16) -> [Rect; 2] {
    let height = height.min(area.height);
    let below = Rect { y: area.y + height, height: area.height - height, ..area };
    [Rect { height, ..area }, below]
}

fn title_text(caption: &Caption, width: u16) -> String {
    let Caption { host, every, sort, is_paused, .. } = caption;
    let state = if *is_paused { "paused".to_owned() } else { format!("every {every}") };
    let left = format!(" skimmer top  {host}  {state}  agents by {}", sort.word());
    let keys = "q quit  s sort  p pause  h help ";
    let width = usize::from(width);
    match width.checked_sub(left.chars().count() + keys.len()) {
        Some(gap) => format!("{left}{:gap$}{keys}", ""),
        None => left,
    }
}

fn style_of(urgency: Urgency, caption: &Caption) -> Style {
    match (urgency, caption.has_colors) {
        (Urgency::Calm, _) => Style::new(),
        (Urgency::Watch, true) => Style::new().fg(Color::Yellow),
        (Urgency::Alarm, true) => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        (Urgency::Watch, false) => Style::new(),
        (Urgency::Alarm, false) => Style::new().add_modifier(Modifier::BOLD),
    }
}

fn table<const N: usize>(
    header: [&'static str; N],
    widths: [Constraint; N],
    rows: impl Iterator<Item = ([String; N], Style)>,
) -> Table<'static> {
    let header = Row::new(header).style(Style::new().add_modifier(Modifier::UNDERLINED));
    let rows = rows.map(|(cells, style)| Row::new(cells).style(style));
    Table::new(rows, widths).header(header).column_spacing(1)
}

fn programs(view: &View, caption: &Caption) -> Table<'static> {
    use Constraint::{Length, Min};
    let header = ["program", "state", "up", "accepted/s", "published/s", "delivered/s", "bytes/s"];
    let widths = [Min(18), Length(9), Length(6), Length(10), Length(11), Length(11), Length(8)];
    let rows = view.programs.iter().map(|row| (row.cells.clone(), style_of(row.urgency, caption)));
    table(header, widths, rows)
}

fn agents(view: &View, caption: &Caption) -> Table<'static> {
    use Constraint::{Fill, Length};
    let header = ["agent", "state", "lag", "behind", "reported", "last error"];
    let widths = [Fill(2), Length(10), Length(6), Length(6), Length(8), Fill(3)];
    let note = (!view.unknown.is_empty()).then(|| (view.unknown.clone(), Style::new()));
    let note = note.map(|(text, style)| {
        ([text, String::new(), String::new(), String::new(), String::new(), String::new()], style)
    });
    let rows = view.agents.iter().map(|row| (row.cells.clone(), style_of(row.urgency, caption)));
    table(header, widths, rows.chain(note))
}

fn losses(view: &View, caption: &Caption) -> Table<'static> {
    use Constraint::{Fill, Length};
    let header = ["lost at", "what", "cause", "total", "last"];
    let widths = [Length(18), Length(16), Fill(1), Length(7), Length(11)];
    let rows = view.losses.iter().map(|row| (row.cells.clone(), style_of(row.urgency, caption)));
    let none =
        view.losses.is_empty().then(|| (["no losses", "", "", "", ""].map(str::to_owned), Style::new()));
    table(header, widths, rows.chain(none))
}

fn queues(view: &View, caption: &Caption) -> Table<'static> {
    use Constraint::{Fill, Length};
    const BAR: u64 = 12;
    let rows = view.queues.iter().map(|row| {
        let filled = usize::try_from((row.percent * BAR).div_ceil(100).min(BAR)).unwrap_or(0);
        let empty = usize::try_from(BAR).unwrap_or(0) - filled;
        let bar = format!("{}{} {:>3}%", "#".repeat(filled), ".".repeat(empty), row.percent);
        ([row.name.clone(), row.fill.clone(), bar], style_of(row.urgency, caption))
    });
    table(["queue", "fill", ""], [Fill(1), Length(22), Length(17)], rows)
}

#[cfg(test)]
mod tests;
