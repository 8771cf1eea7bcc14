use std::fmt;
use std::time::Duration;

use pubsub_api::Result;
use tokio::time::sleep;

use super::stage::Stage;
use super::workers::Workers;

/// What goes wrong while the log plays, and at which part of it, in per cent.
const SCRIPT: [(usize, Fault); 6] = [
    (10, Fault::PauseAgent),
    (25, Fault::KillService),
    (45, Fault::KillWorker),
    (55, Fault::ContinueAgent),
    (70, Fault::RestartService),
    (85, Fault::KillService),
];

/// One thing that goes wrong, or ends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The last agent is stopped (SIGSTOP).
    PauseAgent,
    /// It goes on (SIGCONT).
    ContinueAgent,
    /// The service is killed (SIGKILL), and started again a moment later.
    KillService,
    /// The service is asked to end (SIGTERM), and started again.
    RestartService,
    /// A worker is killed (SIGKILL), and another takes over.
    KillWorker,
}

/// For how long the service is away: workers go on meanwhile.
const AWAY: Duration = Duration::from_millis(500);

/// Plays the faults at their places in the log.
#[derive(Debug, Default)]
pub(super) struct Chaos {
    played: usize,
    pub(super) tally: ChaosTally,
}

/// What was done.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct ChaosTally {
    pub(super) service_kills: usize,
    pub(super) service_restarts: usize,
    pub(super) worker_kills: usize,
    /// What a killed worker had not confirmed, and its successor published again.
    pub(super) given_again: usize,
    pub(super) agent_pauses: usize,
}

impl fmt::Display for ChaosTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "service killed {} times and restarted {}; worker killed {} (its successor published {} events again); agent \
             paused {}",
            self.service_kills, self.service_restarts, self.worker_kills, self.given_again, self.agent_pauses
        )
    }
}

impl Chaos {
    /// Does what is due when so many lines of so many were published.
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
                sleep(AWAY).await;
                stage.restart_service().await
            }
            Fault::KillWorker => {
                self.tally.worker_kills += 1;
                self.tally.given_again += workers.replace(0).await?;
                Ok(())
            }
        }
    }
}
