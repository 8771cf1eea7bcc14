use crate::{MAX_DEPTH, Malformed};

/// The number of values that are still missing in each open array and map.
pub(crate) struct Open {
    wanted: [u64; MAX_DEPTH],
    depth: usize,
}

impl Default for Open {
    fn default() -> Self {
        Self { wanted: [0; MAX_DEPTH], depth: 0 }
    }
}

impl Open {
    /// Returns whether every value is complete.
    pub(crate) fn is_empty(&self) -> bool {
        self.depth == 0
    }

    /// Opens an array or map of this number of values.
    pub(crate) fn push(&mut self, count: u64) -> Result<(), Malformed> {
        *self.wanted.get_mut(self.depth).ok_or(Malformed::TooDeep)? = count;
        self.depth += 1;
        Ok(())
    }

    /// Counts one complete value, and closes each array or map that it completes.
    pub(crate) fn close_one(&mut self) {
        while let Some(wanted) = self.depth.checked_sub(1).and_then(|top| self.wanted.get_mut(top)) {
            *wanted -= 1;
            if *wanted > 0 {
                return;
            }
            self.depth -= 1;
        }
    }
}
