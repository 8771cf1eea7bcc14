//! What is in the packages, and that they are the same whoever builds them.

use std::fs;

use packages::{Built, CleanRoot, UNITS, run};

#[test]
fn the_same_programs_make_the_same_packages_byte_for_byte() {
    let built = Built::once();
    let sums = |folder| fs::read_to_string(folder).expect("the checksums are written");
    let first = sums(built.packages().join("SHA256SUMS"));
    assert_eq!(first.lines().count(), 3, "{first}");
    assert_eq!(first, sums(built.again().join("SHA256SUMS")));
    let folder = built.packages().display().to_string();
    let checked = run("sh", ["-c", "cd \"$1\" && sha256sum --check SHA256SUMS", "sh", &folder]);
    assert_eq!(checked.matches(": OK").count(), 3, "{checked}");
}

#[test]
fn lintian_finds_no_error() {
    let files = UNITS.map(|(_, package)| Built::once().file_of(package));
    // It is 0 if there is no tag of the named kinds.
    let found =
        run("lintian", ["--fail-on=error,warning", "--allow-root"].iter().map(Into::into).chain(files));
    assert!(!found.contains("E: "), "{found}");
}

#[test]
fn a_package_brings_its_program_unit_and_pages_and_the_first_one_completions_for_three_shells() {
    let contents = |package| run("dpkg-deb", ["--contents".into(), Built::once().file_of(package)]);
    let has = |contents: &str, path: &str| contents.lines().any(|line| line.ends_with(&format!(" .{path}")));
    for (package, program) in
        [("skimmer-publisher-service", "publisher-service"), ("skimmer-subscriber-agent", "subscriber-agent")]
    {
        let contents = contents(package);
        assert!(has(&contents, &format!("/usr/bin/{program}")), "{contents}");
        assert!(has(&contents, &format!("/usr/share/man/man1/{program}.1.gz")), "{contents}");
    }
    let contents = contents("skimmer");
    for path in [
        "/usr/bin/skimmer",
        "/etc/skimmer/skimmer.toml",
        "/usr/share/man/man1/skimmer.1.gz",
        "/usr/share/man/man1/skimmer-db-ls.1.gz",
        "/usr/share/bash-completion/completions/skimmer",
        "/usr/share/zsh/vendor-completions/_skimmer",
        "/usr/share/fish/vendor_completions.d/skimmer.fish",
        "/usr/lib/sysusers.d/skimmer.conf",
        "/usr/lib/tmpfiles.d/skimmer.conf",
    ] {
        assert!(has(&contents, path), "{path} is missing:\n{contents}");
    }
    let conffiles = run(
        "dpkg-deb",
        ["--info".into(), Built::once().file_of("skimmer").into_os_string(), "conffiles".into()],
    );
    assert_eq!(conffiles, "/etc/skimmer/skimmer.toml\n");
}

/// The bound of the exposure that `systemd-analyze security` computes, in tenths: 0 is closed, 100 open.
const MAX_EXPOSURE: u32 = 15;

#[test]
fn systemd_accepts_the_installed_units_and_finds_little_exposure() {
    let root = CleanRoot::mounted();
    root.install("packages");
    for (unit, _) in UNITS {
        let verified = root.launch("verify", &["systemd-analyze", "verify", unit]).run().expect(0);
        assert!(!verified.stderr.contains(unit), "{unit}: {}", verified.stderr);
        let threshold = format!("--threshold={MAX_EXPOSURE}");
        let path = format!("/lib/systemd/system/{unit}");
        let command = ["systemd-analyze", "security", "--offline=true", "--no-pager", &threshold, &path];
        let _ = root.launch("security", &command).run().expect(0);
    }
}
