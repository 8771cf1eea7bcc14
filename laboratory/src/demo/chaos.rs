use std::fmt;
use std::time::Duration;

use pubsub_api::Result;
use tokio::time::sleep;

use super::stage::Stage;
use super::workers::Workers;

/// The faults, and the point of the log at which each happens, in per cent.
const SCRIPT: [(usize, Fault); 6] = [
    (10, Fault::PauseAgent),
    (25, Fault::KillService),
    (45, Fault::KillWorker),
    (55, Fault::ContinueAgent),
    (70, Fault::RestartService),
    (85, Fault::KillService),
];

/// A fault, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The last agent is stopped (SIGSTOP).
    PauseAgent,
    /// The last agent continues (SIGCONT).
    ContinueAgent,
    /// The service is killed (SIGKILL) and started again after 500 ms.
    KillService,
    /// The service is stopped (SIGTERM) and started again after 500 ms.
    RestartService,
    /// A worker is killed (SIGKILL) and replaced by another.
    KillWorker,
}

/// The time for which the service is down. Workers continue meanwhile.
const DOWN_TIME: Duration = Duration::from_millis(500);

/// Plays the faults at their points of the log.
#[derive(Debug, Default)]
pub(super) struct Chaos {
    played: usize,
    pub(super) tally: ChaosTally,
}

/// The number of faults of each kind.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct ChaosTally {
    pub(super) service_kills: usize,
    pub(super) service_restarts: usize,
    pub(super) worker_kills: usize,
    /// The events that were not confirmed to a killed worker, and that its successor published again.
    pub(super) republished: usize,
    pub(super) agent_pauses: usize,
}

impl fmt::Display for ChaosTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "service killed {} times and restarted {}; worker killed {} (its successor published {} events again); agent \
             paused {}",
            self.service_kills, self.service_restarts, self.worker_kills, self.republished, self.agent_pauses
        )
    }
}

impl Chaos {
    /// Plays the faults that are due after `line` of `lines` lines.
    pub(super) async fn at(
        &mut self,
        line: usize,
        lines: usize,
        stage: &mut Stage,
        workers: &mut Workers,
    ) -> Result<()> {
        while let Some((_, fault)) =
            SCRIPT.get(self.played).filter(|(per_cent, _)| line * 100 >= lines * per_cent)
        {
            self.played += 1;
            self.play(*fault, stage, workers).await?;
        }
        Ok(())
    }

    async fn play(&mut self, fault: Fault, stage: &mut Stage, workers: &mut Workers) -> Result<()> {
        match fault {
            Fault::PauseAgent => {
                self.tally.agent_pauses += 1;
                stage.pause_agent(true)
            }
            Fault::ContinueAgent => stage.pause_agent(false),
            Fault::KillService | Fault::RestartService => {
                let kills = fault == Fault::KillService;
                let count =
                    if kills { &mut self.tally.service_kills } else { &mut self.tally.service_restarts };
                *count += 1;
                stage.end_service(kills).await?;
                sleep(DOWN_TIME).await;
                stage.restart_service().await
            }
            Fault::KillWorker => {
                self.tally.worker_kills += 1;
                self.tally.republished += workers.replace(0).await?;
                Ok(())
            }
        }
    }
}
