use std::error::Error;

/// Why a case failed, as a sentence.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The result of a case.
pub type Outcome<T = ()> = Result<T, Failure>;
