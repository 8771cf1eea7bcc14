//! The checks, by subject. Each judges facts only.

mod agents;
mod both_ends;
mod clocks;
mod directory;
mod files;
mod kernel;
mod programs;
mod publishers;
mod settings;
mod sockets;

use super::check::CheckGroup;

/// Every check, in the order of the report.
pub(super) const GROUPS: &[CheckGroup] = &[
    CheckGroup { title: "settings", checks: settings::CHECKS },
    CheckGroup { title: "files", checks: files::CHECKS },
    CheckGroup { title: "sockets", checks: sockets::CHECKS },
    CheckGroup { title: "programs", checks: programs::CHECKS },
    CheckGroup { title: "kernel", checks: kernel::CHECKS },
    CheckGroup { title: "clocks", checks: clocks::CHECKS },
    CheckGroup { title: "publishers", checks: publishers::CHECKS },
    CheckGroup { title: "both ends", checks: both_ends::CHECKS },
    CheckGroup { title: "directory", checks: directory::CHECKS },
    CheckGroup { title: "agents", checks: agents::CHECKS },
];

#[cfg(test)]
mod tests;
