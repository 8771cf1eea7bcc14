/// The number of replies at a time: as many as increase the total rate.
///
/// It begins with [`FEWEST`]. As long as each reply is nearly as fast as with fewer of them, they do not share a line, and one
/// more is begun each second. When each becomes slower, the line is full: more at once would only delay all of them.
#[derive(Debug)]
pub(super) struct Growth {
    places: usize,
    /// The best mean rate of one reply lately.
    best: f64,
}

/// The most replies at a time that are not slow. Each costs a chunk of a replay and a list of its events.
pub(super) const MAX_PLACES: usize = 16;

const FEWEST: usize = 4;

/// The share of the best mean rate below which no further reply is begun.
const NEARLY_AS_FAST: f64 = 0.7;

/// The share of the best mean rate that remains after a second: half of it after two minutes.
const FADING: f64 = 0.995;

impl Default for Growth {
    fn default() -> Self {
        Self { places: FEWEST, best: 0.0 }
    }
}

impl Growth {
    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// Judges the rates of the replies over the last second.
    pub(super) fn judge(&mut self, rates: &[f64], is_wanted: bool) {
        if !is_wanted {
            *self = Self::default();
            return;
        }
        if rates.is_empty() {
            return;
        }
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        if mean >= self.best * NEARLY_AS_FAST {
            self.places = (self.places + 1).min(MAX_PLACES);
        }
        self.best = mean.max(self.best * FADING);
    }
}
