use pubsub_api::settings::{Reload, Setting, Settings, Slot};

/// The settings that have another value in `new` and that only a restart applies. A program that reloads names them
/// and keeps running with the old values.
///
/// The result is empty if a reload may apply all of `new`.
///
/// ```
/// use pubsub_api::settings::PubSub;
/// use settings::{Sources, load, restart_only_changes};
///
/// let (old, _) = load(&Sources::default(), &[PubSub::TABLE], &[])?;
/// let sets = vec!["publisher_port=9000".into(), "publishers_ips=10.0.0.1".into()];
/// let (new, _) = load(&Sources { sets, ..Sources::default() }, &[PubSub::TABLE], &[])?;
/// let names: Vec<_> = restart_only_changes(&old, &new).iter().map(|setting| setting.full_name()).collect();
/// assert_eq!(names, ["publisher_port"], "a reload applies `publishers_ips`");
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[must_use]
pub fn restart_only_changes(old: &Settings, new: &Settings) -> Vec<&'static Setting> {
    let differs = |slot: &&Slot| {
        let other = new.slots().iter().find(|other| other.setting.is(slot.setting));
        other.is_some_and(|other| other.value != slot.value)
    };
    let restart = |slot: &&Slot| slot.setting.reload == Reload::Restart;
    old.slots().iter().filter(restart).filter(differs).map(|slot| slot.setting).collect()
}
