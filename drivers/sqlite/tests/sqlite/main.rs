//! What is specific to the database in a file; `tests/conformance` tests what every database driver promises.

#[cfg(test)]
mod files;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod logged;
#[cfg(test)]
mod opened;
#[cfg(test)]
mod places;
