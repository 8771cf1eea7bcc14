/// How often what happens, in parts of the sum of all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) drops: u32,
    pub(crate) repeats: u32,
    pub(crate) reorders: u32,
    pub(crate) crashes: u32,
    pub(crate) file_losses: u32,
    pub(crate) partitions: u32,
    pub(crate) lost_answers: u32,
    pub(crate) stalls: u32,
    /// Another publisher at the same address.
    pub(crate) replacements: u32,
    /// Topics that their publisher forgets.
    pub(crate) retirements: u32,
    /// Answers that take up to a minute.
    pub(crate) slow_answers: u32,
    /// Marks that come besides, after each step.
    pub(crate) more_marks: bool,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        drops: 0,
        repeats: 0,
        reorders: 0,
        crashes: 0,
        file_losses: 0,
        partitions: 0,
        lost_answers: 0,
        stalls: 0,
        replacements: 0,
        retirements: 0,
        slow_answers: 0,
        more_marks: false,
    };
    pub(crate) const ALL: Self = Self {
        drops: 5,
        repeats: 5,
        reorders: 5,
        crashes: 3,
        file_losses: 1,
        partitions: 3,
        lost_answers: 3,
        stalls: 2,
        replacements: 1,
        retirements: 3,
        slow_answers: 2,
        more_marks: false,
    };
    /// What happens to publishers and their addresses.
    pub(crate) const IDENTITIES: Self = Self {
        crashes: 3,
        file_losses: 3,
        partitions: 5,
        replacements: 5,
        retirements: 5,
        stalls: 2,
        ..Self::NONE
    };
    pub(crate) const RESTARTS: Self = Self { crashes: 10, ..Self::NONE };
}
