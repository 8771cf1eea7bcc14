/// The number of problems, and of warnings, of a file that are reported one by one; the rest is counted. It keeps the error of
/// a hostile or mistaken file readable.
const REPORTED: usize = 50;

/// What was found wrong in a file, each with the byte at which it stands.
#[derive(Debug, Default)]
pub(super) struct Findings {
    reported: Vec<(usize, String)>,
    unreported: usize,
}

impl Findings {
    /// Adds the sentence that `text` makes; it is not called if the sentence would only be counted.
    pub(super) fn add(&mut self, offset: usize, text: impl FnOnce() -> String) {
        if self.reported.len() < REPORTED {
            self.reported.push((offset, text()));
        } else {
            self.unreported += 1;
        }
    }

    /// What is reported, in the order of the file, and the number of further ones.
    pub(super) fn into_parts(mut self) -> (Vec<(usize, String)>, usize) {
        self.reported.sort_by_key(|(offset, _)| *offset);
        (self.reported, self.unreported)
    }
}
