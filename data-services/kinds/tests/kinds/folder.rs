//! The kind `folder`, on real files.

use std::fs;
use std::path::Path;

use data_services::ServiceConfig;
use pubsub_api::ErrorKind;
use serde_json::{Value as Json, json};

use crate::bus::Bus;
use crate::view::View;
use crate::wait::{call, has_error, status_until};

fn config(folder: &Path, interval: &str) -> ServiceConfig {
    ServiceConfig::new("files", "folder")
        .option("path", folder.to_str().unwrap())
        .option("interval", interval)
        .option("tables", json!({"hosts": {"key": ["name"], "numbers": ["cores"]}}))
}

/// Writes a file as a careful program does: elsewhere, and then renamed.
fn write(folder: &Path, name: &str, text: &str) {
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}

#[tokio::test]
async fn files_are_tables_and_their_changes_arrive() {
    let (bus, folder) = (Bus::new("bus"), tempfile::tempdir().unwrap());
    write(folder.path(), "hosts.csv", "name,cores\nesx-1,8\nesx-2,16\n");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(folder.path(), "20ms")).await.unwrap();
    let mut hosts = View::of(&screen, "files", "hosts").await;
    let mut later = View::of(&screen, "files", "later").await;
    hosts.until_rows(&json!([{"cores": 16, "name": "esx-2"}, {"cores": 8, "name": "esx-1"}])).await;
    write(folder.path(), "hosts.csv", "name,cores\nesx-1,8\nesx-2,32\n");
    hosts.until_rows(&json!([{"cores": 32, "name": "esx-2"}, {"cores": 8, "name": "esx-1"}])).await;
    assert_eq!(hosts.changed, 1, "one row was changed");
    write(folder.path(), "later.json", "[[1, \"a\"], {\"x\": null}]");
    later.until_rows(&json!([[1, "a"], {"x": null}])).await;
    fs::remove_file(folder.path().join("later.json")).unwrap();
    later.until("the removed file is gone", |view| view.gone == 1).await;
    assert_eq!((hosts.gone, later.rows().len()), (0, 0));
}

#[tokio::test]
async fn a_half_written_or_invalid_file_is_an_error_with_its_line_and_keeps_its_rows() {
    let (bus, folder) = (Bus::new("bus"), tempfile::tempdir().unwrap());
    write(folder.path(), "hosts.json", r#"[{"name": "esx-1"}]"#);
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(folder.path(), "20ms")).await.unwrap();
    let mut hosts = View::of(&screen, "files", "hosts").await;
    hosts.until_rows(&json!([{"name": "esx-1"}])).await;
    let file = folder.path().join("hosts.json");
    for (text, error) in [
        ("[{\"name\": \"esx-1\"},\n {\"name\": \"es", "hosts.json:2: is not a JSON array of rows"),
        (
            "[{\"name\": \"a\"},\n {\"name\": \"b\"},\n {\"nam\": \"c\"}]",
            "hosts.json:3: the row {\"nam\":\"c\"} lacks a key column",
        ),
        (
            "[{\"name\": \"a\"},\n {\"name\": \"a\"}]",
            "hosts.json:2: the row {\"name\":\"a\"} has the key of line 1",
        ),
        ("[1]", "hosts.json:1: a row is a JSON array or object"),
    ] {
        fs::write(&file, text).unwrap();
        status_until(&screen, "files", error, |status| has_error(status, error)).await;
    }
    write(folder.path(), "other.json", "[]");
    View::of(&screen, "files", "other").await.until("other files go on", View::is_known).await;
    hosts.drain().await;
    assert!(hosts.has(&json!([{"name": "esx-1"}])) && hosts.changed == 0 && hosts.gone == 0, "{hosts:?}");
    fs::write(&file, "[{\"name\": \"esx-1\"},\n {\"name\": \"esx-2\"}]").unwrap();
    hosts.until_rows(&json!([{"name": "esx-1"}, {"name": "esx-2"}])).await;
    status_until(&screen, "files", "the error is over", |status| status["last_error"].is_null()).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_keeps_the_tables() {
    let (bus, above) = (Bus::new("bus"), tempfile::tempdir().unwrap());
    let folder = above.path().join("tables");
    fs::create_dir(&folder).unwrap();
    write(&folder, "t.json", "[[1]]");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(&folder, "20ms")).await.unwrap();
    let mut view = View::of(&screen, "files", "t").await;
    view.until_rows(&json!([[1]])).await;
    fs::rename(&folder, above.path().join("away")).unwrap();
    status_until(&screen, "files", "the folder is missing", |status| has_error(status, "cannot be read"))
        .await;
    fs::rename(above.path().join("away"), &folder).unwrap();
    write(&folder, "t.json", "[[2]]");
    view.until_rows(&json!([[2]])).await;
    assert_eq!((view.gone, view.changed), (0, 2));
}

#[tokio::test]
async fn a_reload_with_another_folder_keeps_the_subscribers() {
    let (bus, one, two) = (Bus::new("bus"), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(one.path(), "t.json", "[[1], [2]]");
    write(one.path(), "old.json", "[[1]]");
    write(two.path(), "t.json", "[[2], [3]]");
    write(two.path(), "new.json", "[[1]]");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(one.path(), "1h")).await.unwrap();
    let mut view = View::of(&screen, "files", "t").await;
    let mut old = View::of(&screen, "files", "old").await;
    let mut new = View::of(&screen, "files", "new").await;
    view.until_rows(&json!([[1], [2]])).await;
    old.until_rows(&json!([[1]])).await;
    let mut invalid = config(two.path(), "1h");
    invalid.options.insert("interval".to_owned(), "soon".into());
    assert_eq!(cage.reload(invalid).await.unwrap_err().kind(), ErrorKind::Settings);
    call(&screen, "files", "refresh", Json::Null).await.unwrap();
    cage.reload(config(two.path(), "1h")).await.unwrap();
    view.until_rows(&json!([[2], [3]])).await;
    assert_eq!((view.gone, view.changed), (0, 2), "only the difference came");
    old.until("the table of the old folder is gone", |view| view.gone == 1).await;
    new.until_rows(&json!([[1]])).await;
}

#[tokio::test]
async fn a_lazy_folder_announces_its_tables_and_reads_them_for_a_subscriber() {
    let (bus, folder) = (Bus::new("bus"), tempfile::tempdir().unwrap());
    write(folder.path(), "t.json", "[[1]]");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(folder.path(), "20ms").option("lazy", true)).await.unwrap();
    let status = status_until(&screen, "files", "it runs", |_| true).await;
    assert_eq!(status["initialized"], false);
    View::of(&screen, "files", "t").await.until_rows(&json!([[1]])).await;
}

#[tokio::test]
async fn options_that_are_unknown_or_wrong_are_refused() {
    let (bus, folder) = (Bus::new("bus"), tempfile::tempdir().unwrap());
    let cage = bus.cage("node-1").await;
    for (option, value, says) in [
        ("pth", json!("x"), "unknown field `pth`"),
        ("interval", json!("1"), "without a unit"),
        ("tables", json!({"t": {"key": [1, "a"]}}), "a key is a list of field names, or a list of positions"),
    ] {
        let error = cage.create(config(folder.path(), "1s").option(option, value)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings);
        assert!(error.to_string().contains(says), "{option}: {error}");
    }
}
