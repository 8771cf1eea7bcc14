//! One file and several processes of the host: what they share, what survives a crash, and what a fork may not do.
//!
//! This is its own `main`: it is also the child process of its tests, and only a `main` may fork and continue.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where an expectation fails")]

#[path = "processes/full_disk.rs"]
mod full_disk;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio, exit};
use std::sync::Arc;

use drivers_sqlite as _;
use fork::{Fork, WEXITSTATUS, WIFEXITED, fork, waitpid};
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::settings::PubSub;
use pubsub_api::{ErrorKind, Registry};
use settings::Sources;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "child", folder] => runtime().block_on(write_until_killed(Path::new(folder))),
        [_, "on-small-disk", folder] => {
            return runtime().block_on(full_disk::on_small_disk(Path::new(folder)));
        }
        _ => {}
    }
    let tests: [(&str, fn()); 3] = [
        ("answered_writes_survive_the_kill_of_their_process", killed_processes),
        ("calls_in_a_forked_child_fail_and_the_parent_continues", forked),
        ("a_full_or_read_only_disk_is_reported_and_used_again_when_it_is_writable", full_disk::in_own_mounts),
    ];
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn open(folder: &Path) -> Arc<dyn DbApi> {
    let registry = Registry::collect().unwrap();
    let sets = vec![format!("state_dir={}", folder.display()), "drivers.sqlite.busy_timeout=20s".to_owned()];
    let (settings, _) =
        settings::load(&Sources { sets, ..Sources::default() }, &[PubSub::TABLE], &registry.settings())
            .unwrap();
    registry.open_database("sqlite_nb_db_driver", &settings).unwrap()
}

/// A child's work: allocates numbers, writes a row for each, and prints it.
async fn write_until_killed(folder: &Path) {
    let database = open(folder);
    database.initialize().await.unwrap();
    loop {
        let number = database.allocate_unique_key("lport").await.unwrap().to_string();
        database.create_key(RowName::new("lport", &number), number.clone().into(), false).await.unwrap();
        // The parent has seen enough when it stops reading.
        if writeln!(std::io::stdout(), "{number}").is_err() {
            exit(0);
        }
    }
}

fn start_child(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("child").arg(folder).stdout(Stdio::piped()).spawn().unwrap()
}

/// In each round three processes open a file that others may have left in the middle of a write, and are killed.
fn killed_processes() {
    let folder = tempfile::tempdir().unwrap();
    let mut printed = BTreeSet::new();
    for round in 0..5 {
        let mut children: Vec<Child> = (0..3).map(|_| start_child(folder.path())).collect();
        for child in &mut children {
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            for _ in 0..20 {
                let number = lines.next().unwrap().unwrap();
                assert!(printed.insert(number.clone()), "{number} was allocated twice, in round {round}");
            }
            child.kill().unwrap();
            for number in lines.map_while(Result::ok).filter(|line| !line.is_empty()) {
                assert!(printed.insert(number.clone()), "{number} was allocated twice, in round {round}");
            }
            child.wait().unwrap();
        }
    }
    let runtime = runtime();
    let database = open(folder.path());
    runtime.block_on(database.initialize()).unwrap();
    let keys = runtime.block_on(database.get_all_keys("lport", None)).unwrap();
    let kept: BTreeSet<String> = keys.into_iter().map(|place| place.key).collect();
    let lost: Vec<_> = printed.difference(&kept).collect();
    assert!(lost.is_empty(), "these rows were answered with Ok, and are missing: {lost:?}");
    let next = runtime.block_on(database.allocate_unique_key("lport")).unwrap();
    assert!(
        printed.iter().all(|number| number.parse::<u64>().unwrap() < next),
        "{next} was allocated before"
    );
}

fn forked() {
    let folder = tempfile::tempdir().unwrap();
    let row = RowName::new("lport", "port-1");
    let (parent, database) = (runtime(), open(folder.path()));
    let opened_only = open(folder.path());
    parent.block_on(database.initialize()).unwrap();
    parent.block_on(database.create_key(row, "one".into(), false)).unwrap();
    match fork().unwrap() {
        Fork::Child => {
            let child = runtime();
            let refused = [
                child.block_on(database.get_key(row)).map(drop),
                child.block_on(database.set_key(row, "child".into())),
                child.block_on(database.initialize()),
            ];
            let all = refused.iter().all(|ended| {
                let error = ended.as_ref().unwrap_err();
                error.kind() == ErrorKind::Unavailable && error.to_string().contains("before fork")
            });
            child.block_on(database.close()).unwrap();
            exit(if all { 7 } else { 1 });
        }
        Fork::Parent(child) => {
            let status = waitpid(child).unwrap();
            assert!(WIFEXITED(status) && WEXITSTATUS(status) == 7, "the child ended with {status}");
        }
    }
    parent.block_on(database.set_key(row, "two".into())).unwrap();
    parent.block_on(opened_only.initialize()).unwrap();
    assert_eq!(parent.block_on(opened_only.get_key(row)).unwrap(), "two");
    for database in [database, opened_only] {
        parent.block_on(database.close()).unwrap();
    }
}
