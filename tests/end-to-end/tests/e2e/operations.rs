//! The HTTP endpoint of service and agent, a real Prometheus at it, and a real browser.

mod agent_crowd;
mod browser;
mod endpoint;
mod hostile;
mod prometheus;
mod prometheus_server;
mod scene;
mod status_page;
mod streams;
mod stub_program;
