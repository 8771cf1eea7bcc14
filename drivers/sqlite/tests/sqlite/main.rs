//! What is particular to the database in a file; what every database driver promises is proved by `tests/conformance`.

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
