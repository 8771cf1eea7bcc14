use pubsub_api::settings::{Reload, Setting, Settings, Slot};

/// The settings that have another value in `new` and that only a restart applies. A program that reloads names them
/// and keeps running with the old values.
#[must_use]
pub fn restart_only_changes(old: &Settings, new: &Settings) -> Vec<&'static Setting> {
    let differs = |slot: &&Slot| {
        let other = new.slots().iter().find(|other| other.setting.is(slot.setting));
        other.is_some_and(|other| other.value != slot.value)
    };
    let restart = |slot: &&Slot| slot.setting.reload == Reload::Restart;
    old.slots().iter().filter(restart).filter(differs).map(|slot| slot.setting).collect()
}
