//! Calls: a service runs a method of another service, maybe on another node, and receives its result. No clock, no I/O.
//!
//! # What is promised
//! - *Ended*: every call ends exactly once, at the latest at its deadline: with a result or a [`CallError`].
//! - *At most once*: a call runs at most once, under any loss, duplication, reordering and delay of messages. It has run
//!   exactly once if it ends with a result.
//! - *Honest*: an error whose [`may_have_run`](CallError::may_have_run) is false is one of a call that has not run and never
//!   will.
//! - *Fast to fail*: a call to a node that is lost ends at once; to one that does not answer, after 5 s; to a service that
//!   is overloaded or stops, after one round trip.
//! - *Bounded*: both ends refuse what exceeds their bounds ([`CallOptions`]), and forget what nobody needs any more.
//!
//! Not promised: order. Two calls of one caller may run in either order, or at the same time.
//!
//! # The protocol
//! Each message goes to the inbox of one instance of a node. A restarted node is another instance with another inbox, so a
//! request never reaches the successor of its callee.
//!
//! 1. *Session*. Before its first call to an instance, a caller sends `Open`, and the callee assigns a `Session`: one round
//!    trip, once for each pair of instances. Without a session, a callee that has forgotten a caller could not distinguish a
//!    late copy of a request from a new call: that takes a handshake, as in TCP (RFC 9293, 3.5).
//! 2. *Request*. It has the session, the number of the call, the lowest number that the caller still waits for (`settled`),
//!    the service, the method, the arguments, and how much longer the caller waits: a duration, since the nodes share no
//!    clock. The caller repeats it every second until it is acknowledged, and fails after 5 s.
//! 3. *Accepted*, at once, for all requests that arrived together, or *Result* with the reason for a refusal. A call that has
//!    ended by then has only its *Result*: that is an acknowledgement too. The callee runs a number only if the session is the
//!    current one, and the number is neither known nor ended. What it refuses it does not run later either.
//! 4. *Progress*, every 2 s, with the numbers of all calls of one caller that run.
//! 5. *Result*. It is sent once, and kept: a caller that hears nothing for 1 s after the acknowledgement, or for 3 s
//!    after a progress, sends a *Query*, which the callee answers with a result or a progress.
//! 6. *Settled*. A result is kept until the deadline of its call, or until a `settled` number shows that the caller has
//!    it. A caller that makes no more calls sends that number by itself, 1 s after the end of a call.
//! 7. *Cancel*. The caller sends it when a call ends without a result. It is repaired in four ways: a progress of a call that
//!    has ended is answered with another one; a higher `settled` number has its effect; the callee cancels what has reached
//!    its deadline, and what belongs to a caller that is lost. A cancellation that overtakes its request prevents the run.
//!
//! Of a call that has ended, the callee keeps only that its number must not run. Those numbers form few ranges, because
//! a caller numbers its calls to one instance without gaps; numbers are never used again, also not in a later session. A
//! session that was not used for twice the longest deadline is forgotten: no call of it can be pending then. Requests of
//! forgotten sessions are answered with the current one, and do not run.
//!
//! # Parts
//! The result of a call may have parts (`Part`), which the caller allows by its *Credit*: so many may be on their way. Arguments may
//! have parts too (`Argument`, `ArgumentsEnd`), which the callee allows in the same way (*ArgumentCredit*), from the time at which the
//! method runs. What is lost is asked for by the receiver: it repeats its credit with each progress and query, until all parts and
//! the end have arrived. The sender keeps parts until then.
//!
//! # Keys
//! A call may have an idempotency key. The callee runs one call for each service and key: a repeat, from whichever node and
//! session, waits for the run or gets its result. The result is kept for 10 minutes after the deadline of the call, as are
//! errors that the method returned. A run of a key is not cancelled when its caller is lost or waits no more, because a repeat
//! may come; it ends at the latest deadline of those that wait. A run that is interrupted, by that or because its service
//! stops, has no result: the callee forgets its key. The memory is that of one instance of one node.
//!
//! A call that is *retried* is called again with its key, at another instance if there is one, until there is a result or its
//! deadline. Two instances do not know each other's keys, so a method that must not have its effect twice across instances
//! compares the keys itself.
//!
//! This follows RIFL (Lee et al., *Implementing Linearizability at Large Scale and Low Latency*, SOSP 2015), in which a client
//! also acknowledges results by the lowest number that it waits for; leases of clients are replaced by sessions here.
//!
//! # The timers
//! | timer | default | source |
//! |---|--:|---|
//! | no acknowledgement: the call fails | 5 s | Congress, `dse.ping_timeout` |
//! | no acknowledgement: the request is repeated; no sign after it: the call is queried | 1 s | a fifth of that: five attempts |
//! | progress | 2 s | less than half of `ping_timeout`, so that one may be lost |
//! | no progress: the call is queried | 3 s | both of the above |
//! | longest deadline | 1 h | six times the longest of Congress, `execute_action_retry_timeout` |
//! | a caller forgets an instance that it does not call | 1 h | the longest deadline |
//! | a callee forgets a key, after the deadline of its call | 10 min | the retries of Congress, `execute_action_retry_timeout` |
//! | a callee forgets a session | 2 h | twice that, so that a clock of double speed does no harm |

mod call_error;
mod call_error_kind;
mod call_message;
mod call_options;
mod callee;
mod caller;
mod invocation;
mod number_ranges;
mod payload;
mod received_parts;
mod retry_plan;
mod sent_parts;
mod timers;

#[cfg(test)]
mod tests;

pub use self::call_error::CallError;
pub use self::call_error_kind::CallErrorKind;
pub(crate) use self::call_message::CallMessage;
pub(crate) use self::call_options::CallOptions;
pub(crate) use self::callee::{Callee, CalleeEffect, PartOutcome, RunId};
pub(crate) use self::caller::{CallId, Caller, CallerEffect};
pub(crate) use self::invocation::Invocation;
pub(crate) use self::retry_plan::{RetryNext, RetryPlan};
pub(crate) use self::timers::Timers;
