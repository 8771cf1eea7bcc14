//! Rows that the database lacks: one reading proves nothing, and if many are missing, it has probably lost them.

use end_to_end::{Folder, Launch, Program, counter};
use serde_json::{Value, json};

use super::database::{Database, folder};

const ROWS: usize = 20;

fn put_rows(database: &Database) {
    database
        .put_all("lport", (0..ROWS).map(|row| (row.to_string(), json!({"id": row.to_string()}).to_string())));
}

fn delete_rows(database: &Database) {
    (0..ROWS).for_each(|row| database.delete("lport", &row.to_string()));
}

fn deletes(agent: &Program) -> usize {
    let is_delete = |event: &&Value| event["table"] == "lport" && event["action"] == "delete";
    agent.events().iter().filter(is_delete).count()
}

/// Comparisons every second; what is missing in the ordinary way is deleted two seconds later, and what is missing in
/// masses six.
fn often() -> Folder {
    folder("db_sync_time = \"1s\"\n[agent]\nsync_delete_after = \"2s\"\nsync_mass_delete_after = \"6s\"")
}

fn an_emptied_database_deletes_nothing_before_it_was_empty_for_long(folder: &Folder, agent: Launch) {
    let database = Database::of(folder);
    put_rows(&database);
    let agent = agent.start();
    agent.wait_for("all rows", |line| line["notice"] == "synced" && line["rows"] == ROWS);

    delete_rows(&database);
    let held = agent.wait_for_notice(0, "sync_held");
    assert_eq!((&held["absent"], &held["wait_ms"]), (&json!(ROWS), &json!(6000)));
    assert!(agent.stderr().contains("rows of this agent are absent in the database"), "{}", agent.stderr());
    put_rows(&database);
    let mark = agent.mark();
    agent.wait_for_since(mark, "the rows are back", |line| {
        line["notice"] == "synced" && line["rows"] == ROWS && line["unconfirmed"] == 0
    });
    assert_eq!(deletes(&agent), 0, "the database had lost them, and nobody deleted them");
    assert!(counter(&folder.status("agent"), "database", "syncs_held") > 0);

    delete_rows(&database);
    let mark = agent.mark();
    agent.wait_for_since(mark, "the reading that confirms", |line| {
        line["notice"] == "synced" && line["differences"] == ROWS
    });
    assert_eq!(deletes(&agent), ROWS);
}

#[test]
fn an_emptied_database_deletes_nothing_at_an_agent_before_it_was_empty_for_long() {
    let folder = often();
    let agent = folder.agent_launch("agent", "127.0.0.1:1");
    an_emptied_database_deletes_nothing_before_it_was_empty_for_long(&folder, agent);
}

#[test]
fn an_emptied_database_deletes_nothing_at_an_agent_that_syncs_from_publishers_before_it_was_empty_for_long() {
    let folder = often();
    let service = folder.service();
    let agent = folder.agent_launch("agent", service.address()).set("agent.sync_from", "publishers");
    let agent = agent.set("drivers.sqlite.path", folder.path().join("nowhere/none.sqlite").display());
    an_emptied_database_deletes_nothing_before_it_was_empty_for_long(&folder, agent);
}

#[test]
fn a_row_that_vanished_without_an_event_and_came_back_was_never_deleted() {
    let folder = often();
    let database = Database::of(&folder);
    put_rows(&database);
    let agent = folder.agent_launch("agent", "127.0.0.1:1").start();
    agent.wait_for_notice(0, "synced");
    database.delete("lport", "7");
    agent.wait_for("one reading without it", |line| line["notice"] == "synced" && line["unconfirmed"] == 1);
    database.put("lport", "7", r#"{"id":"7"}"#);
    let mark = agent.mark();
    agent.wait_for_since(mark, "it is back", |line| line["notice"] == "synced" && line["unconfirmed"] == 0);
    assert_eq!(deletes(&agent), 0);
    database.delete("lport", "7");
    agent.wait_for("the delete", |line| line["action"] == "delete" && line["key"] == "7");
}
