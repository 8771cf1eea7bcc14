use std::fmt::Debug;
use std::path::Path;

use redis_servers::RedisServer;

use crate::Outcome;

/// Where the database of one case is. What it needs to be there, a server say, belongs to the place, and ends with it.
pub trait DatabasePlace: Debug + Send + Sync {
    /// The `--set` arguments by which the driver finds it.
    fn sets(&self) -> Vec<String>;
}

/// A place that needs nothing but settings.
impl DatabasePlace for Vec<String> {
    fn sets(&self) -> Vec<String> {
        self.clone()
    }
}

/// Makes an empty database for one case, given the case's own folder.
type MakePlace = fn(&Path) -> Outcome<Box<dyn DatabasePlace>>;

/// A server of the case's own, killed at its end.
impl DatabasePlace for RedisServer {
    fn sets(&self) -> Vec<String> {
        // Long enough for a busy machine.
        vec![format!("drivers.redis.hosts={}", self.address()), "drivers.redis.timeout=20s".to_owned()]
    }
}

/// How each driver comes to its place, by alias. A driver that is missing here fails its cases.
pub const PLACES: &[(&str, MakePlace)] = &[
    ("memory_nb_db_driver", |folder| place(memory_of_process(folder))),
    ("redis_nb_db_driver", |_| place(RedisServer::start(&[]))),
    ("sqlite_nb_db_driver", |folder| place(file_in(folder))),
];

/// The place for a case of the driver called `alias`.
pub(super) fn place_for(alias: &str, folder: &Path) -> Outcome<Box<dyn DatabasePlace>> {
    let place = PLACES.iter().find(|(known, _)| *known == alias);
    let (_, make) = place.ok_or_else(|| {
        format!(
            "the suite knows no place for a database of {alias:?}: name one in databases/database_place.rs"
        )
    })?;
    make(folder)
}

fn place(place: impl DatabasePlace + 'static) -> Outcome<Box<dyn DatabasePlace>> {
    Ok(Box::new(place))
}

fn memory_of_process(folder: &Path) -> Vec<String> {
    // The folder's name is no other case's.
    vec![format!("drivers.memory.database={}", folder.display())]
}

fn file_in(folder: &Path) -> Vec<String> {
    let path = folder.join("northbound.sqlite");
    // Long enough for a busy machine.
    vec![format!("drivers.sqlite.path={}", path.display()), "drivers.sqlite.busy_timeout=20s".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::place_for;

    #[test]
    fn a_driver_without_a_place_fails_with_a_sentence() {
        let failure = place_for("another_driver", "/nowhere".as_ref()).unwrap_err().to_string();
        assert!(failure.contains("no place for a database of \"another_driver\""), "{failure}");
    }
}
