//! Checks of the repository itself. Each is a pure function of texts, so that a small bad example shows that it can fail; the
//! tests in `tests/repository` apply them to the files of this repository.

mod citations;
mod code;
mod crates;
mod driver_files;
mod links;
mod module_graph;
mod named_tests;
mod paths;
mod pauses;
mod public_types;
mod repository;

pub use citations::foreign_citations;
pub use code::code;
pub use crates::members;
pub use driver_files::{missing_files, shared_prefixes};
pub use links::{Page, broken_links};
pub use module_graph::ModuleGraph;
pub use named_tests::NamedTest;
pub use pauses::unexplained_pauses;
pub use public_types::{forbidden_words, names_with, shared_names};
pub use repository::{SourceFile, files, read, root};
