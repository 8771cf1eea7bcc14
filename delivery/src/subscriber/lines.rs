use std::collections::HashMap;

use foldhash::fast::RandomState;
use pubsub_api::Incarnation;

use super::line::Line;

/// The lines of all publishers, found by their ids: on a broker there may be ten thousand, and each event asks for its own.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: Vec<Line>,
    /// Where the lines of a publisher stand: one, but for publishers that share an id.
    places: HashMap<u64, Vec<usize>, RandomState>,
}

impl Lines {
    /// Adds a line; where it stands.
    pub(super) fn add(&mut self, line: Line) -> usize {
        let place = self.lines.len();
        self.places.entry(line.incarnation.publisher).or_default().push(place);
        self.lines.push(line);
        place
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn get(&self, place: usize) -> Option<&Line> {
        self.lines.get(place)
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Line> {
        self.lines.get_mut(place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Line> {
        self.lines.iter_mut()
    }

    /// The lines of one id, with their places.
    pub(super) fn of_publisher(&self, publisher: u64) -> impl Iterator<Item = (usize, &Line)> + Clone {
        let places = self.places.get(&publisher).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| Some((*place, self.lines.get(*place)?)))
    }

    /// Where the line of this life stands.
    pub(super) fn of(&self, life: Incarnation) -> Option<usize> {
        let mut own = self.of_publisher(life.publisher);
        own.find(|(_, line)| line.incarnation == life).map(|(place, _)| place)
    }

    /// Keeps some; the places of the others change.
    pub(super) fn retain(&mut self, keeps: impl Fn(&Line) -> bool) {
        let before = self.lines.len();
        self.lines.retain(keeps);
        if self.lines.len() == before {
            return;
        }
        self.places.clear();
        for (place, line) in self.lines.iter().enumerate() {
            self.places.entry(line.incarnation.publisher).or_default().push(place);
        }
    }
}
