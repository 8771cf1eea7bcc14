use pubsub_api::settings::{Origin, Setting, SettingValue};

use super::redis_hosts::RedisHosts;
use crate::file_content::FileContent;

/// The content of oslo.config files and variables.
#[derive(Debug)]
pub(crate) struct OsloContent {
    /// By file, in the order in which they were named.
    pub(crate) files: Vec<FileContent>,
    /// What variables set, stronger than any file.
    pub(crate) variables: Vec<(&'static Setting, SettingValue, Origin)>,
    pub(crate) variable_problems: Vec<String>,
    pub(crate) variable_warnings: Vec<String>,
    /// Dragonflow's defaults of what nothing sets, where they are not ours.
    pub(crate) defaults: Vec<(&'static Setting, SettingValue)>,
    pub(crate) redis: RedisHosts,
}
