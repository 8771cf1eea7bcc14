//! The HTTP endpoint of service and agent.

mod endpoint;
mod hostile;
mod scene;
