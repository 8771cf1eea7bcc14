use pubsub_api::settings::{Origin, Setting, Value};

use super::redis_hosts::RedisHosts;
use crate::file_content::FileContent;

/// What oslo.config files and variables say.
#[derive(Debug)]
pub(crate) struct OsloContent {
    /// By file, in the order in which they were named.
    pub(crate) files: Vec<FileContent>,
    /// What variables set, stronger than any file.
    pub(crate) variables: Vec<(&'static Setting, Value, Origin)>,
    pub(crate) variable_problems: Vec<String>,
    pub(crate) variable_warnings: Vec<String>,
    /// Dragonflow's defaults of what nothing sets, where they are not ours.
    pub(crate) defaults: Vec<(&'static Setting, Value)>,
    pub(crate) redis: RedisHosts,
}
