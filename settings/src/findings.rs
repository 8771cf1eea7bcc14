/// How many problems, and how many warnings, of a file are told one by one; the rest is counted. It keeps the error of
/// a hostile or mistaken file readable.
const TOLD: usize = 50;

/// What was found wrong in a file, each with the byte at which it stands.
#[derive(Debug, Default)]
pub(super) struct Findings {
    reported: Vec<(usize, String)>,
    untold: usize,
}

impl Findings {
    /// Adds the sentence that `text` makes, which is not asked when nobody would read it.
    pub(super) fn add(&mut self, offset: usize, text: impl FnOnce() -> String) {
        if self.reported.len() < TOLD {
            self.reported.push((offset, text()));
        } else {
            self.untold += 1;
        }
    }

    /// What is told, in the order of the file, and how many more there are.
    pub(super) fn into_parts(mut self) -> (Vec<(usize, String)>, usize) {
        self.reported.sort_by_key(|(offset, _)| *offset);
        (self.reported, self.untold)
    }
}
