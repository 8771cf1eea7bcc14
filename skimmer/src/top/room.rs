use super::view::View;

/// The number of lines of each section, with its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) programs: u16,
    pub(super) agents: u16,
    pub(super) losses: u16,
    pub(super) queues: u16,
}

/// What losses and queues have at most while agents need lines.
const SMALL: u16 = 5;

impl Room {
    /// Divides the lines of a screen: programs first, then some losses and queues; agents have the rest, and what agents do not
    /// need goes back to losses and queues.
    pub(super) fn of(height: u16, view: &View) -> Self {
        let lines = |rows: usize| u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1);
        let note = usize::from(!view.unknown.is_empty());
        let has_agents = !view.agents.is_empty() || note > 0;
        let agents_wanted = if has_agents { lines(view.agents.len() + note) } else { 0 };
        let losses_wanted = lines(view.losses.len().max(1));
        let queues_wanted = if view.queues.is_empty() { 0 } else { lines(view.queues.len()) };

        let mut left = height;
        let mut take = |wanted: u16| {
            let taken = match wanted.min(left) {
                // A header alone says nothing.
                1 => 0,
                taken => taken,
            };
            left -= taken;
            taken
        };
        let programs = take(lines(view.programs.len()));
        // Two agents are worth more than a second loss.
        let first_agents = take(agents_wanted.min(3));
        let losses = take(losses_wanted.min(SMALL));
        let queues = take(queues_wanted.min(SMALL));
        let mut more = |has: u16, wanted: u16| {
            let more = if has == 0 { 0 } else { (wanted - has).min(left) };
            left -= more;
            has + more
        };
        let agents = more(first_agents, agents_wanted);
        let losses = more(losses, losses_wanted);
        let queues = more(queues, queues_wanted);
        Self { programs, agents, losses, queues }
    }
}

#[cfg(test)]
mod tests {
    use super::Room;
    use crate::top::view::{AgentRow, LossRow, ProgramRow, QueueRow, Urgency, View};

    fn view(agents: usize, losses: usize, queues: usize) -> View {
        let (urgency, text) = (Urgency::Calm, String::new);
        let repeat = |count| 0..count;
        View {
            programs: repeat(2)
                .map(|_| ProgramRow { cells: std::array::from_fn(|_| text()), urgency })
                .collect(),
            agents: repeat(agents)
                .map(|_| AgentRow { cells: std::array::from_fn(|_| text()), urgency })
                .collect(),
            losses: repeat(losses)
                .map(|_| LossRow { cells: std::array::from_fn(|_| text()), urgency })
                .collect(),
            queues: repeat(queues)
                .map(|_| QueueRow { name: text(), fill: text(), percent: 0, urgency })
                .collect(),
            unknown: String::new(),
        }
    }

    fn room(height: u16, view: &View) -> [u16; 4] {
        let Room { programs, agents, losses, queues } = Room::of(height, view);
        assert!(programs + agents + losses + queues <= height);
        [programs, agents, losses, queues]
    }

    #[test]
    fn agents_have_most_of_the_screen_and_give_back_what_they_do_not_need() {
        assert_eq!(room(23, &view(1000, 9, 30)), [3, 10, 5, 5]);
        assert_eq!(room(23, &view(1, 2, 30)), [3, 2, 3, 15]);
        assert_eq!(room(60, &view(4, 2, 9)), [3, 5, 3, 10]);
        assert_eq!(room(23, &view(0, 0, 3)), [3, 0, 2, 4]);
    }

    #[test]
    fn a_small_screen_shows_programs_first_and_no_header_alone() {
        assert_eq!(room(0, &view(9, 9, 9)), [0, 0, 0, 0]);
        assert_eq!(room(4, &view(9, 9, 9)), [3, 0, 0, 0]);
        assert_eq!(room(6, &view(9, 9, 9)), [3, 3, 0, 0]);
        assert_eq!(room(8, &view(9, 9, 9)), [3, 3, 2, 0]);
    }
}
