use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use publisher_client::{BlockingPublisher, PublisherClient};
use pubsub_api::settings::Settings;
use pubsub_api::{Action, Event, Registry, SEND_ALL};
use settings::Sources;
use tokio::runtime::Builder;

use crate::file_broker::{ALIAS, published};
use crate::{PATIENCE, assert_ended_well, in_child, open, publish, threads};

/// `pub_sub_use_multiproc` keeps its default, `true`: it has no effect with a broker.
fn settings(state_dir: &Path) -> Settings {
    let sets = vec![format!("pub_sub_driver={ALIAS}"), format!("state_dir={}", state_dir.display())];
    let sources = Sources { sets, ..Sources::default() };
    let settings = all_settings::load(&sources, &Registry::collect().unwrap().settings()).unwrap().0;
    assert!(settings.pubsub().pub_sub_use_multiproc);
    settings
}

/// The sequence numbers of each process's events. Each process has a different publisher id.
fn numbers(state_dir: &Path) -> BTreeMap<String, Vec<u64>> {
    let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (publisher, number, table, action) in published(state_dir) {
        if action == "set" {
            ids.insert((publisher, table.clone()));
            numbers.entry(table).or_default().push(number);
        }
    }
    let publishers: BTreeSet<&String> = ids.iter().map(|(publisher, _)| publisher).collect();
    assert_eq!(
        (publishers.len(), ids.len()),
        (numbers.len(), numbers.len()),
        "each process has one id: {ids:?}"
    );
    numbers
}

fn counted(wanted: &[(&str, u64)]) -> BTreeMap<String, Vec<u64>> {
    wanted.iter().map(|(worker, last)| ((*worker).to_owned(), (1..=*last).collect())).collect()
}

pub(crate) fn each_process() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = open(&settings(folder.path()));
    assert_eq!(threads(), 1, "making and initializing a publisher starts nothing");
    let workers = ["one", "two", "three"];
    let work = |publisher: &BlockingPublisher, worker| {
        publish(publisher, worker, 0, 20);
        publisher.close().expect("published");
    };
    let children = workers.map(|worker| in_child(|| work(&publisher, worker)));
    for child in children {
        assert_ended_well("a worker", child);
    }
    assert_eq!(numbers(folder.path()), counted(&workers.map(|worker| (worker, 20))));
    let byes: Vec<_> = published(folder.path()).into_iter().filter(|(.., action)| action == "bye").collect();
    assert_eq!(byes.iter().map(|(_, number, ..)| *number).collect::<Vec<_>>(), [20; 3], "{byes:?}");
}

/// The child inherits the client with its sequence numbers and its task, in a runtime whose threads the child does not have.
pub(crate) fn used_before() {
    let folder = tempfile::tempdir().unwrap();
    let client = PublisherClient::open(&settings(folder.path())).unwrap();
    let send = async |worker: &str, events: usize| {
        for number in 0..events {
            let event = Event::new(worker, number.to_string(), Action::Set, "value", SEND_ALL);
            let sent = tokio::time::timeout(PATIENCE, client.send(&event)).await;
            sent.expect("in time").expect("accepted");
        }
    };
    let of_parent = Builder::new_current_thread().enable_all().build().unwrap();
    of_parent.block_on(async {
        client.initialize().await.unwrap();
        send("parent", 5).await;
    });
    let child = in_child(|| {
        let of_child = Builder::new_current_thread().enable_all().build().unwrap();
        of_child.block_on(async {
            send("child", 7).await;
            client.close().await.expect("published");
        });
    });
    of_parent.block_on(send("parent", 4));
    assert_ended_well("the child", child);
    of_parent.block_on(async { client.close().await.unwrap() });
    assert_eq!(numbers(folder.path()), counted(&[("child", 7), ("parent", 9)]));
}
