use std::borrow::Cow;

use serde::Deserialize;

/// Text that is borrowed from the input if the input has it as it is.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct BorrowedText<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);
