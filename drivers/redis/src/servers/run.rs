use pubsub_api::{Error, ErrorKind, Result};
use redis::Value;
use tokio::time::{sleep, timeout_at};

use super::attempts::Attempts;
use super::round::{Outcome, Pending};
use super::{Command, Servers};

/// Redirects in a row that are followed without a pause; after that the cluster is asked for its slots again.
const REDIRECTS_AT_ONCE: u32 = 4;

/// Limit of commands in one pipeline, over all servers.
const PART_COMMANDS: usize = 256;

/// Limit of bytes in one pipeline; a single command may exceed it.
const PART_BYTES: usize = 4 * 1024 * 1024;

impl Servers {
    /// As [`run`](Self::run), with any number of commands, in parts; each part has the time limit of a call.
    ///
    /// # Errors
    /// As [`run`](Self::run); the parts before the failed one are done.
    pub(crate) async fn run_in_parts(&self, commands: Vec<Command>) -> Result<Vec<Value>> {
        let mut answers = Vec::with_capacity(commands.len());
        let (mut part, mut bytes) = (Vec::new(), 0);
        for command in commands {
            bytes += command.bytes();
            part.push(command);
            if part.len() >= PART_COMMANDS || bytes >= PART_BYTES {
                answers.extend(self.run(std::mem::take(&mut part)).await?);
                bytes = 0;
            }
        }
        answers.extend(self.run(part).await?);
        Ok(answers)
    }

    /// Runs the commands concurrently; returns the answers in the order of the commands.
    ///
    /// # Errors
    /// - [`ErrorKind::InDoubt`] if a write was sent and not answered,
    /// - [`ErrorKind::Unavailable`] if a command could not be sent in time, or is refused for now,
    /// - others if a command was refused permanently.
    ///
    /// Other commands of the call may be done nevertheless.
    pub(crate) async fn run(&self, commands: Vec<Command>) -> Result<Vec<Value>> {
        let count = commands.len();
        let answers = self.answers(commands).await.map_err(|error| self.counters.failed(error))?;
        debug_assert_eq!(answers.len(), count, "an answer for each command");
        Ok(answers)
    }

    async fn answers(&self, commands: Vec<Command>) -> Result<Vec<Value>> {
        let limits = self.limits();
        let mut answers = vec![Value::Nil; commands.len()];
        let mut pending: Vec<_> =
            commands.into_iter().enumerate().map(|(place, command)| Pending::new(place, command)).collect();
        let mut attempts = Attempts::until(limits.deadline);
        for number in 0.. {
            let seen = self.map.version();
            let round = self.round(std::mem::take(&mut pending), limits).await;
            let why = sort_outcomes(round, &mut answers, &mut pending)?;
            if pending.is_empty() {
                break;
            }
            self.counters.retries.add(pending.len() as u64);
            if why.is_some() || number >= REDIRECTS_AT_ONCE {
                let why = why.unwrap_or_else(|| {
                    Error::new(ErrorKind::Unavailable, "the nodes of the cluster redirect in a loop")
                });
                self.wait(&mut attempts, seen, why).await?;
            }
        }
        Ok(answers)
    }

    /// Pauses after a failed attempt, and asks the cluster for its slots again; an error if there is no time left.
    pub(super) async fn wait(&self, attempts: &mut Attempts, seen: u64, why: Error) -> Result<()> {
        attempts.failed(why);
        let Some(pause) = attempts.pause() else { return Err(attempts.error()) };
        sleep(pause).await;
        match timeout_at(attempts.deadline(), self.refresh(seen)).await {
            Ok(Err(error)) if error.kind() == ErrorKind::Settings => Err(error),
            Ok(_) => Ok(()),
            Err(_) => Err(attempts.error()),
        }
    }
}

/// Stores the answers, collects the commands to send again in `pending`, and returns the reason to pause before that.
fn sort_outcomes(
    round: Vec<Outcome>,
    answers: &mut [Value],
    pending: &mut Vec<Pending>,
) -> Result<Option<Error>> {
    let (mut not_now, mut failed): (Option<Error>, Option<Error>) = (None, None);
    for outcome in round {
        match outcome {
            Outcome::Answered(place, value) => {
                if let Some(answer) = answers.get_mut(place) {
                    *answer = value;
                }
            }
            Outcome::Redirected(one) => pending.push(one),
            Outcome::NotNow(one, error) => {
                pending.push(one);
                not_now = Some(error);
            }
            Outcome::Failed(error) => {
                // An error in doubt takes precedence over others.
                if failed.as_ref().is_none_or(|failed| failed.kind() != ErrorKind::InDoubt) {
                    failed = Some(error);
                }
            }
        }
    }
    failed.map_or(Ok(not_now), Err)
}
