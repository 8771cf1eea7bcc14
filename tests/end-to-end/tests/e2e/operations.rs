//! The HTTP endpoint of service and agent, and a real Prometheus at it.

mod endpoint;
mod hostile;
mod prometheus;
mod prometheus_server;
mod scene;
