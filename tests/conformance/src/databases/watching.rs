//! Whoever waits for a change learns of it.

use pubsub_api::database::{DbApi, RowName, Watch, Write};
use tokio::time::timeout;

use super::database_case::database_case;
use crate::check::ensure;
use crate::patience::PATIENCE;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(who_watches_learns_of_every_change_whoever_made_it, needs: ["watch"]),
    database_case!(a_closed_database_is_watched_no_more, needs: ["watch"]),
];

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };

fn watch(database: &dyn DbApi) -> Result<&dyn Watch, String> {
    database.watch().ok_or_else(|| "watch is promised, and there is none".to_owned())
}

/// "Whoever changes a row, in this process or another, makes the revision another one."
async fn who_watches_learns_of_every_change_whoever_made_it(fixture: DatabaseFixture) -> Outcome {
    let (one, two) = (fixture.database().await?, fixture.database().await?);
    let watch = watch(&*one)?;
    let mut seen = watch.revision().await?;
    for step in 0..12 {
        // Either writes: the watched one, too.
        let writer = if step % 2 == 0 { &two } else { &one };
        match step / 2 {
            0 => writer.create_key(PORT, step.to_string().into(), true).await?,
            1 => writer.set_key(PORT, step.to_string().into()).await?,
            2 => {
                let now = writer.get_key(PORT).await?;
                let is_set =
                    writer.compare_and_set(PORT, Some(&now), Some(format!("swapped {step}").into())).await?;
                ensure!(is_set, "nobody else writes");
            }
            3 => writer.write_batch(&[Write::Put(PORT, step.to_string().into())]).await?,
            4 => drop(writer.allocate_unique_key("lport").await?),
            _ => {
                writer.create_key(PORT, "again".into(), true).await?;
                writer.delete_key(PORT).await?;
            }
        }
        let changed = timeout(PATIENCE, watch.changed(seen)).await;
        seen = changed.map_err(|_| format!("step {step} was never told"))??;
    }
    Ok(())
}

/// Every call is an error after `close`.
async fn a_closed_database_is_watched_no_more(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let watch = watch(&*database)?;
    let seen = watch.revision().await?;
    database.close().await?;
    ensure!(watch.revision().await.is_err(), "a closed database has no revision");
    let ended = timeout(PATIENCE, watch.changed(seen)).await;
    ensure!(matches!(ended, Ok(Err(_))), "it was waited for on a closed database: {ended:?}");
    Ok(())
}
