//! What an upgrade and a removal keep, and what a purge does not.

use packages::{CleanRoot, LATER, UNITS};

const SETTINGS: &str = "/etc/skimmer/skimmer.toml";
const CALLS: &str = "/var/log/systemctl";

/// A machine where systemd seems to run: what is asked of it is written down.
fn machine_with_systemd() -> CleanRoot {
    let root = CleanRoot::mounted();
    let script = format!("#!/bin/sh\necho \"$*\" >> {CALLS}\n");
    let made = "mkdir -p /run/systemd/system && cat > /usr/local/bin/systemctl && chmod 755 /usr/local/bin/systemctl";
    let _ = root.launch("sh", &["sh", "-c", made]).run_with(&script).expect(0);
    let _ = root.sh(&format!("touch {CALLS}")).expect(0);
    root
}

/// What was asked since the last call of this.
fn calls(root: &CleanRoot) -> String {
    root.sh(&format!("cat {CALLS} && : > {CALLS}")).expect(0).stdout
}

#[test]
fn nothing_starts_at_the_installation_and_an_upgrade_restarts_what_runs_and_keeps_edited_settings() {
    let root = machine_with_systemd();
    root.install("packages");
    let asked = calls(&root);
    assert!(asked.contains("daemon-reload"), "the units are known: {asked}");
    for verb in ["start", "restart", "enable"] {
        assert!(!asked.split_whitespace().any(|word| word == verb), "{verb}: {asked}");
    }

    let _ = root.sh(&format!("echo '# edited' >> {SETTINGS} && chmod 0600 {SETTINGS}")).expect(0);
    root.run(&["/usr/bin/systemctl", "--root=/", "enable", "publisher-service.service"]);
    root.install("later");
    let version = root.run(&["dpkg-query", "--show", "--showformat=${Version}", "skimmer"]);
    assert_eq!(version, LATER);
    assert!(root.run(&["tail", "-n", "1", SETTINGS]).contains("# edited"));
    assert_eq!(root.run(&["stat", "--format=%a", SETTINGS]), "600\n", "the mode is the administrator's");
    assert!(!root.has("/etc/skimmer/skimmer.toml.dpkg-*"));
    let asked = calls(&root);
    for (unit, _) in UNITS {
        // It does nothing to a unit that does not run.
        assert!(
            asked.lines().any(|line| line.contains("try-restart") && line.contains(unit)),
            "{unit}: {asked}"
        );
    }
    let enabled = root.run(&["/usr/bin/systemctl", "--root=/", "is-enabled", "publisher-service.service"]);
    assert_eq!(enabled, "enabled\n");
}

#[test]
fn a_removal_keeps_settings_and_state_and_a_purge_removes_them() {
    let root = CleanRoot::mounted();
    root.install("packages");
    root.run(&["systemctl", "enable", "publisher-service.service"]);
    let _ = root.sh("touch /var/lib/skimmer/ring").expect(0);
    let packages = UNITS.map(|(_, package)| package);
    root.run(&[&["dpkg", "--remove"][..], &packages].concat());
    for gone in
        ["/usr/bin/skimmer", "/usr/bin/publisher-service", "/lib/systemd/system/subscriber-agent.service"]
    {
        assert!(!root.has(gone), "{gone}");
    }
    assert!(root.has(SETTINGS) && root.has("/var/lib/skimmer/ring"));

    root.run(&[&["dpkg", "--purge"][..], &packages].concat());
    for gone in [
        "/etc/skimmer",
        "/var/lib/skimmer",
        "/etc/systemd/system/multi-user.target.wants/publisher-service.service",
    ] {
        assert!(!root.has(gone), "{gone}");
    }
    let left = root.sh("dpkg-query --show 'skimmer*'");
    assert_ne!(left.code(), Some(0), "{}", left.stdout);
}

#[test]
fn an_agent_is_not_installed_without_the_package_of_its_user_and_settings() {
    let root = CleanRoot::mounted();
    let refused = root.sh("dpkg --install /mnt/packages/skimmer-subscriber-agent_*.deb");
    assert_ne!(refused.code(), Some(0));
    assert!(refused.stderr.contains("skimmer-subscriber-agent depends on skimmer"), "{}", refused.stderr);
}
