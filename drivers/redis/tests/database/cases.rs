//! What holds for a single server and for a cluster; each case has its own table.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use pubsub_api::ErrorKind;
use pubsub_api::database::{DbApi, MAX_VALUE_BYTES, RowName, Write};

use crate::ends::{assert_kind, place};

type Db = Arc<dyn DbApi>;

/// All cases, one after the other.
pub(crate) async fn all(db: &Db) {
    a_row_is_created_read_changed_and_deleted(db).await;
    values_come_back_byte_for_byte(db).await;
    rows_of_different_topics_are_different(db).await;
    without_a_topic_the_one_row_of_a_key_is_meant(db).await;
    glob_characters_are_letters_like_others(db).await;
    tables_list_their_rows_and_no_others(db).await;
    batches_read_and_write_many_rows(db).await;
    unique_keys_count_from_one(db).await;
    compare_and_set_has_one_winner(db).await;
    names_that_cannot_be_are_refused(db).await;
    what_is_begun_again_is_nothing(db).await;
}

async fn a_row_is_created_read_changed_and_deleted(db: &Db) {
    let row = RowName::new("basics", "port-1").on("tenant-1");
    assert_kind(db.get_key(row).await, ErrorKind::NotFound);
    assert_kind(db.set_key(row, "x".into()).await, ErrorKind::NotFound);
    assert_kind(db.delete_key(row).await, ErrorKind::NotFound);
    db.create_key(row, "one".into(), false).await.unwrap();
    assert_kind(db.create_key(row, "two".into(), false).await, ErrorKind::AlreadyExists);
    assert_eq!(db.get_key(row).await.unwrap(), "one");
    db.create_key(row, "three".into(), true).await.unwrap();
    assert_eq!(db.get_key(row).await.unwrap(), "three");
    db.set_key(row, "four".into()).await.unwrap();
    assert_eq!(db.get_key(row).await.unwrap(), "four");
    db.delete_key(row).await.unwrap();
    assert_kind(db.get_key(row).await, ErrorKind::NotFound);
}

async fn values_come_back_byte_for_byte(db: &Db) {
    let every_byte: Vec<u8> = (0..=255).collect();
    for value in [Vec::new(), every_byte, b"\r\n$5\r\n".to_vec(), vec![0xff; MAX_VALUE_BYTES]] {
        let row = RowName::new("values", "v");
        let value = Bytes::from(value);
        db.create_key(row, value.clone(), true).await.unwrap();
        assert_eq!(db.get_key(row).await.unwrap(), value);
        let (swapped, other) = (Bytes::from_static(b"\0\xff'\"\\"), Bytes::from_static(b"other"));
        assert!(!db.compare_and_set(row, Some(&other), Some(other.clone())).await.unwrap());
        assert!(db.compare_and_set(row, Some(&value), Some(swapped.clone())).await.unwrap());
        assert_eq!(db.get_key(row).await.unwrap(), swapped);
    }
}

async fn rows_of_different_topics_are_different(db: &Db) {
    let topics = [None, Some("tenant-1"), Some("tenant-2"), Some("a.b"), Some("{x"), Some("ключ")];
    for topic in topics {
        let value = format!("{topic:?}");
        db.create_key(RowName::new("topics", "k").on(topic), value.into(), false).await.unwrap();
    }
    for topic in topics.into_iter().flatten() {
        let row = RowName::new("topics", "k").on(topic);
        assert_eq!(db.get_key(row).await.unwrap(), format!("{:?}", Some(topic)));
        let listed = db.get_all_keys("topics", Some(topic)).await.unwrap();
        assert_eq!(listed, [place("k", Some(topic))]);
    }
    let mut listed = db.get_all_keys("topics", None).await.unwrap();
    listed.sort();
    let mut all: Vec<_> = topics.iter().map(|topic| place("k", *topic)).collect();
    all.sort();
    assert_eq!(listed, all);
}

async fn without_a_topic_the_one_row_of_a_key_is_meant(db: &Db) {
    let (bare, on_topic) = (RowName::new("bare", "k"), RowName::new("bare", "k").on("tenant-1"));
    assert_kind(db.get_key(bare).await, ErrorKind::NotFound);
    db.create_key(on_topic, "one".into(), false).await.unwrap();
    db.create_key(RowName::new("bare", "other-k").on("tenant-1"), "no".into(), false).await.unwrap();
    assert_eq!(db.get_key(bare).await.unwrap(), "one");
    db.set_key(bare, "two".into()).await.unwrap();
    assert_eq!(
        db.get_key(on_topic).await.unwrap(),
        "two",
        "no second row is created (docs/dragonflow.md#d38)"
    );
    assert!(!db.compare_and_set(bare, Some(b"two"), None).await.unwrap(), "no row exists without topic");
    let second = RowName::new("bare", "k").on("tenant-2");
    db.create_key(second, "three".into(), false).await.unwrap();
    for refused in [
        db.get_key(bare).await.map(|_| ()),
        db.set_key(bare, "x".into()).await,
        db.delete_key(bare).await,
        db.get_batch(&[bare]).await.map(|_| ()),
    ] {
        let text = assert_kind(refused, ErrorKind::Invalid);
        assert!(text.contains("name the topic"), "{text}");
    }
    db.delete_key(second).await.unwrap();
    db.delete_key(bare).await.unwrap();
    assert_kind(db.get_key(on_topic).await, ErrorKind::NotFound);
}

async fn glob_characters_are_letters_like_others(db: &Db) {
    let odd =
        ["*", "?", "[a-z]", "a*", "\\", "\\*", "^", "a]", "{", "}", "{b}", "}.c", ".", ".d", "e.f", "ä ö"];
    for name in odd {
        db.create_key(RowName::new("globs", name), name.into(), false).await.unwrap();
        let on = RowName::new("globs-on", "k").on(name.replace('}', "~").leak() as &str);
        db.create_key(on, name.into(), true).await.unwrap();
    }
    for name in odd {
        assert_eq!(db.get_key(RowName::new("globs", name)).await.unwrap(), name, "without a topic, by SCAN");
        let topic = name.replace('}', "~");
        assert_eq!(db.get_all_keys("globs-on", Some(&topic)).await.unwrap().len(), 1, "{topic}");
    }
    assert_eq!(db.get_all_keys("globs", None).await.unwrap().len(), odd.len());
    db.delete_key(RowName::new("globs", "*")).await.unwrap();
    assert_eq!(db.get_all_entries("globs", None).await.unwrap().len(), odd.len() - 1);
}

async fn tables_list_their_rows_and_no_others(db: &Db) {
    const ROWS: usize = 3_000;
    let (keys, topics): (Vec<_>, Vec<_>) =
        (0..ROWS).map(|n| (format!("k{n}"), format!("t{}", n % 50))).unzip();
    let rows = keys.iter().zip(&topics).map(|(key, topic)| RowName::new("many", key).on(topic.as_str()));
    let writes: Vec<_> = rows.clone().map(|row| Write::Put(row, row.to_string().into())).collect();
    db.write_batch(&writes).await.unwrap();
    db.create_key(RowName::new("many2", "k0"), "no".into(), false).await.unwrap();
    let entries = db.get_all_entries("many", None).await.unwrap();
    assert_eq!(entries.len(), ROWS);
    for entry in entries {
        let row = RowName::new("many", &entry.place.key).on(entry.place.topic.as_deref());
        assert_eq!(entry.value, row.to_string());
    }
    assert_eq!(db.get_all_entries("many", Some("t7")).await.unwrap().len(), ROWS / 50);
    assert_eq!(db.get_all_entries("absent", None).await.unwrap(), []);
    let tables = db.tables().await.unwrap();
    assert!(tables.is_sorted() && tables.contains(&"many".to_owned()), "{tables:?}");
    db.delete_table("many").await.unwrap();
    db.delete_table("many").await.unwrap();
    assert_eq!(db.get_all_keys("many", None).await.unwrap(), []);
    assert_eq!(db.get_all_keys("many2", None).await.unwrap(), [place("k0", None)]);
    assert!(!db.tables().await.unwrap().contains(&"many".to_owned()));
}

async fn batches_read_and_write_many_rows(db: &Db) {
    let row = |key, topic| RowName::new("batch", key).on(topic);
    let (a, b, c) = (row("a", Some("t1")), row("b", Some("t2")), row("c", None));
    let put = |row, value: &'static str| Write::Put(row, value.into());
    let writes =
        [put(a, "1"), put(b, "1"), put(a, "2"), put(c, "1"), Write::Delete(b), put(c, "2"), put(c, "3")];
    db.write_batch(&writes).await.unwrap();
    let read = [c, row("a", None), b, a, row("absent", None), row("absent", Some("t1"))];
    let values = db.get_batch(&read).await.unwrap();
    let values: Vec<_> = values.iter().map(|value| value.as_deref()).collect();
    assert_eq!(values, [Some(&b"3"[..]), Some(b"2"), None, Some(b"2"), None, None]);
    db.write_batch(&[]).await.unwrap();
    assert_eq!(db.get_batch(&[]).await.unwrap(), Vec::<Option<Bytes>>::new());
    let large = Bytes::from(vec![7; MAX_VALUE_BYTES]);
    let keys: Vec<_> = (0..12).map(|n| format!("large{n}")).collect();
    let writes: Vec<_> = keys.iter().map(|key| Write::Put(row(key, Some("t1")), large.clone())).collect();
    db.write_batch(&writes).await.unwrap();
    let rows: Vec<_> = keys.iter().map(|key| row(key, Some("t1"))).collect();
    assert_eq!(db.get_batch(&rows).await.unwrap(), vec![Some(large); rows.len()]);
}

async fn unique_keys_count_from_one(db: &Db) {
    assert_eq!(db.allocate_unique_key("lport").await.unwrap(), 1);
    assert_eq!(db.allocate_unique_key("lport").await.unwrap(), 2);
    let mut taken = join_all((0..50).map(|_| db.allocate_unique_key("lport"))).await;
    let mut taken: Vec<_> = taken.drain(..).map(Result::unwrap).collect();
    taken.sort_unstable();
    assert_eq!(taken, (3..53).collect::<Vec<_>>());
    let kept = RowName::new("unique_key", "lport");
    assert_eq!(db.get_key(kept).await.unwrap(), "52");
    db.create_key(kept, "100".into(), true).await.unwrap();
    assert_eq!(db.allocate_unique_key("lport").await.unwrap(), 101);
    for bad in ["no number", "9223372036854775807", "-5"] {
        db.create_key(kept, bad.into(), true).await.unwrap();
        assert_kind(db.allocate_unique_key("lport").await, ErrorKind::Invalid);
    }
}

async fn compare_and_set_has_one_winner(db: &Db) {
    let row = RowName::new("race", "k").on("t");
    assert!(!db.compare_and_set(row, Some(b"x"), Some("y".into())).await.unwrap());
    assert!(db.compare_and_set(row, None, None).await.unwrap());
    let created = join_all((0..20).map(|n| db.compare_and_set(row, None, Some(n.to_string().into())))).await;
    assert_eq!(created.into_iter().filter(|won| matches!(won, Ok(true))).count(), 1);
    db.create_key(row, "0".into(), true).await.unwrap();
    let add_up = |_| async {
        for _ in 0..20 {
            loop {
                let old = db.get_key(row).await.unwrap();
                let number: u32 = std::str::from_utf8(&old).unwrap().parse().unwrap();
                let new = Bytes::from((number + 1).to_string());
                if db.compare_and_set(row, Some(&old), Some(new)).await.unwrap() {
                    break;
                }
            }
        }
    };
    join_all((0..8).map(add_up)).await;
    assert_eq!(db.get_key(row).await.unwrap(), "160", "no addition is lost");
    assert!(db.compare_and_set(row, Some(b"160"), None).await.unwrap());
    assert_kind(db.get_key(row).await, ErrorKind::NotFound);
}

async fn names_that_cannot_be_are_refused(db: &Db) {
    let value = || Bytes::from_static(b"x");
    for bad in [RowName::new("", "k"), RowName::new("a.b", "k"), RowName::new("t", "").on("x")] {
        assert_kind(db.create_key(bad, value(), true).await, ErrorKind::Invalid);
        assert_kind(db.get_key(bad).await, ErrorKind::Invalid);
        assert_kind(db.write_batch(&[Write::Delete(bad)]).await, ErrorKind::Invalid);
    }
    let brace = RowName::new("t", "k").on("a}b");
    let text = assert_kind(db.create_key(brace, value(), true).await, ErrorKind::Unsupported);
    assert!(text.contains("closing brace"), "{text}");
    let large = Bytes::from(vec![0; MAX_VALUE_BYTES + 1]);
    assert_kind(db.create_key(RowName::new("t", "k"), large, true).await, ErrorKind::Invalid);
    assert_eq!(db.get_all_keys("t", None).await.unwrap(), []);
    for table in ["", "a.b", "*"] {
        assert_kind(db.create_table(table).await, ErrorKind::Invalid);
        assert_kind(db.delete_table(table).await, ErrorKind::Invalid);
        assert_kind(db.get_all_entries(table, None).await, ErrorKind::Invalid);
        assert_kind(db.allocate_unique_key(table).await, ErrorKind::Invalid);
    }
}

async fn what_is_begun_again_is_nothing(db: &Db) {
    db.initialize().await.unwrap();
    db.create_table("again").await.unwrap();
    db.create_table("again").await.unwrap();
    let status = db.status();
    assert!(status.counter("redis_commands", None) > 0);
    assert!(status.peers.iter().any(|peer| peer.state == "up"), "{status:?}");
    db.close().await.unwrap();
    db.close().await.unwrap();
    assert_kind(db.get_key(RowName::new("t", "k")).await, ErrorKind::Closed);
    assert_kind(db.initialize().await, ErrorKind::Closed);
}
