//! Waiting for changes.

use pubsub_api::database::{DbApi, RowName, Watch, Write};
use tokio::time::timeout;

use super::database_case::database_case;
use crate::check::ensure;
use crate::patience::PATIENCE;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(a_watch_reports_every_change_of_every_writer, needs: ["watch"]),
    database_case!(a_closed_database_cannot_be_watched, needs: ["watch"]),
];

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };

fn watch(database: &dyn DbApi) -> Result<&dyn Watch, String> {
    database.watch().ok_or_else(|| "watch is promised, but missing".to_owned())
}

/// Every change of a row, in this process or another, changes the revision.
async fn a_watch_reports_every_change_of_every_writer(fixture: DatabaseFixture) -> Outcome {
    let (one, two) = (fixture.database().await?, fixture.database().await?);
    let watch = watch(&*one)?;
    let mut seen = watch.revision().await?;
    for step in 0..12 {
        // Both instances write, including the watched one.
        let writer = if step % 2 == 0 { &two } else { &one };
        match step / 2 {
            0 => writer.create_key(PORT, step.to_string().into(), true).await?,
            1 => writer.set_key(PORT, step.to_string().into()).await?,
            2 => {
                let now = writer.get_key(PORT).await?;
                let is_set =
                    writer.compare_and_set(PORT, Some(&now), Some(format!("swapped {step}").into())).await?;
                ensure!(is_set, "there is no other writer");
            }
            3 => writer.write_batch(&[Write::Put(PORT, step.to_string().into())]).await?,
            4 => drop(writer.allocate_unique_key("lport").await?),
            _ => {
                writer.create_key(PORT, "again".into(), true).await?;
                writer.delete_key(PORT).await?;
            }
        }
        let changed = timeout(PATIENCE, watch.changed(seen)).await;
        seen = changed.map_err(|_| format!("step {step} was never reported"))??;
    }
    Ok(())
}

/// After `close`, every call is an error.
async fn a_closed_database_cannot_be_watched(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let watch = watch(&*database)?;
    let seen = watch.revision().await?;
    database.close().await?;
    ensure!(watch.revision().await.is_err(), "a closed database has no revision");
    let ended = timeout(PATIENCE, watch.changed(seen)).await;
    ensure!(matches!(ended, Ok(Err(_))), "a closed database must not be waited for: {ended:?}");
    Ok(())
}
