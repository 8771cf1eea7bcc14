use std::path::Path;
use std::sync::Arc;

use redis_servers::{RedisServer, ServerProgram};

use super::database_place::{DatabasePlace, OldLayout};
use super::shared_cluster::SharedCluster;
use crate::Outcome;

/// Creates an empty database for one case, given the case's own folder and what the cases share.
type MakePlace = fn(&Path, &Arc<SharedCluster>) -> Outcome<Box<dyn DatabasePlace>>;

/// A kind of place for the databases of a driver. The driver runs its cases at each.
#[derive(Debug)]
pub struct PlaceKind {
    /// The driver.
    pub alias: &'static str,
    /// Its name in the names of trials.
    pub word: &'static str,
    make: MakePlace,
}

/// The places of each driver. A driver that is missing here fails its cases.
pub const PLACES: &[PlaceKind] = &[
    PlaceKind {
        alias: "memory_nb_db_driver",
        word: "process",
        make: |folder, _| place(memory_of_process(folder)),
    },
    PlaceKind { alias: "redis_nb_db_driver", word: "single", make: |_, _| place(RedisServer::start(&[])) },
    PlaceKind {
        alias: "redis_nb_db_driver",
        word: "old_layout",
        make: |_, _| place(OldLayout(RedisServer::start(&[]))),
    },
    PlaceKind {
        alias: "redis_nb_db_driver",
        word: "cluster",
        make: |_, shared| place(shared.lend(ServerProgram::chosen())),
    },
    PlaceKind {
        alias: "redis_nb_db_driver",
        word: "redis_6_2",
        make: |_, _| place(RedisServer::start_program(ServerProgram::Redis6, &[])),
    },
    PlaceKind {
        alias: "redis_nb_db_driver",
        word: "valkey_9_1",
        make: |_, _| place(RedisServer::start_program(ServerProgram::Valkey9, &[])),
    },
    PlaceKind {
        alias: "redis_nb_db_driver",
        word: "valkey_9_1_cluster",
        make: |_, shared| place(shared.lend(ServerProgram::Valkey9)),
    },
    PlaceKind { alias: "sqlite_nb_db_driver", word: "file", make: |folder, _| place(file_in(folder)) },
];

impl PlaceKind {
    /// The places of the driver `alias`.
    ///
    /// # Errors
    /// If there are none.
    pub fn of(alias: &str) -> Outcome<Vec<&'static Self>> {
        let kinds: Vec<_> = PLACES.iter().filter(|kind| kind.alias == alias).collect();
        if kinds.is_empty() {
            let text = format!(
                "the suite knows no place for a database of {alias:?}: add one in databases/place_kind.rs"
            );
            return Err(text.into());
        }
        Ok(kinds)
    }

    pub(super) fn make(&self, folder: &Path, shared: &Arc<SharedCluster>) -> Outcome<Box<dyn DatabasePlace>> {
        (self.make)(folder, shared)
    }
}

fn place(place: impl DatabasePlace + 'static) -> Outcome<Box<dyn DatabasePlace>> {
    Ok(Box::new(place))
}

fn memory_of_process(folder: &Path) -> Vec<String> {
    // Each case has its own folder, so the name is unique.
    vec![format!("drivers.memory.database={}", folder.display())]
}

fn file_in(folder: &Path) -> Vec<String> {
    let path = folder.join("northbound.sqlite");
    // Long enough for a busy machine.
    vec![format!("drivers.sqlite.path={}", path.display()), "drivers.sqlite.busy_timeout=20s".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::PlaceKind;

    #[test]
    fn a_driver_without_a_place_fails_with_a_sentence() {
        let failure = PlaceKind::of("another_driver").unwrap_err().to_string();
        assert!(failure.contains("no place for a database of \"another_driver\""), "{failure}");
    }
}
