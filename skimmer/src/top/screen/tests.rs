use super::Caption;
use crate::top::frame_text::{frame_text, text};
use crate::top::history::History;
use crate::top::history::tests::{sample, service};
use crate::top::sample::{Sample, SampledAgents};
use crate::top::sort_key::SortKey;
use crate::top::view::View;
use crate::top::view::tests::agent;

fn view(agents: usize) -> View {
    let mut history = History::default();
    history.note(sample(0, vec![service(1, 100, 0, 7)]));
    let slow = (0..agents).map(|number| agent(&format!("compute-{number}"), number as u64, number as u64));
    let agents = SampledAgents { agents: slow.collect(), unknown: None };
    history.note(Sample { agents: Some(agents), ..sample(2, vec![service(1, 102, 2400, 9)]) });
    View::of(&history, SortKey::default())
}

fn caption() -> Caption {
    Caption {
        host: "api-1".to_owned(),
        every: "1s".to_owned(),
        nobody: "no program replies".to_owned(),
        ..Caption::default()
    }
}

#[test]
fn eighty_columns_and_twenty_four_lines_show_every_section_of_a_large_cloud() {
    let shown = text(&view(1000), &caption(), (80, 24));
    assert_eq!(shown.lines().count(), 24, "{shown}");
    for part in [
        "skimmer top  api-1  every 1s  agents by behind",
        "q quit  s sort  p pause  h help",
        "publisher-service   runs",
        "12.0k",
        "compute-999",
        "16m39s",
        "slow_subscriber",
        "0s ago",
    ] {
        assert!(shown.contains(part), "{part:?} in\n{shown}");
    }
    let is_before = |one: &str, other: &str| shown.find(one) < shown.find(other);
    assert!(is_before("compute-999", "compute-998"), "{shown}");
}

#[test]
fn screens_of_any_size_are_drawn_without_a_panic_and_the_smallest_show_programs() {
    for width in [0, 1, 10, 40, 79, 200] {
        for height in [0, 1, 2, 3, 7, 12, 100] {
            let _ = text(&view(50), &caption(), (width, height));
        }
    }
    let small = text(&view(50), &caption(), (40, 4));
    assert!(small.contains("publisher-service") && !small.contains("compute-49"), "{small}");
}

#[test]
fn help_and_waiting_and_pause_are_shown() {
    let help = text(&view(1), &Caption { shows_help: true, ..caption() }, (80, 24));
    assert!(help.contains("sort agents by") && !help.contains("compute-0"), "{help}");
    let nobody = text(&View::default(), &caption(), (80, 24));
    assert!(nobody.contains("no program replies"), "{nobody}");
    let paused = text(&view(1), &Caption { is_paused: true, ..caption() }, (80, 24));
    assert!(paused.contains("api-1  paused"), "{paused}");
}

#[test]
fn a_printed_frame_has_as_many_lines_as_it_needs_and_no_control_characters() {
    let printed = frame_text(&view(3), &caption(), 80);
    assert!(printed.lines().count() < 24, "{printed}");
    assert!(printed.contains("compute-2") && printed.contains("slow_subscriber"), "{printed}");
    assert!(!printed.chars().any(|char| char.is_control() && char != '\n'), "{printed:?}");
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
}

#[test]
fn colours_are_used_only_where_they_are_wanted() {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::style::Color;
    for has_colors in [true, false] {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let caption = Caption { has_colors, ..caption() };
        terminal.draw(|frame| super::draw(frame, &view(9), &caption)).unwrap();
        let cells = &terminal.backend().buffer().content;
        assert_eq!(cells.iter().any(|cell| cell.fg != Color::Reset), has_colors);
    }
}
