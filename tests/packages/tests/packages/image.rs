//! The image.

use std::ffi::{OsStr, OsString};

use rustix::process::geteuid;
use serde_json::Value;

use packages::{Built, prepared, root, run};

/// The program that builds images, with its storage in a folder of the test.
struct Builder {
    folder: tempfile::TempDir,
}

impl Builder {
    fn new() -> Self {
        assert!(
            geteuid().is_root(),
            "only root can build an image here: run this test as root, or leave it out by name"
        );
        Self { folder: tempfile::Builder::new().prefix("skimmer-image-").tempdir().expect("a folder") }
    }

    #[track_caller]
    fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> String {
        let path = |name: &str| self.folder.path().join(name).into_os_string();
        // With `vfs` each layer is a folder: no other driver works in every container.
        let storage =
            ["--storage-driver=vfs".into(), "--root".into(), path("images"), "--runroot".into(), path("run")];
        let own: Vec<OsString> = arguments.iter().map(|argument| argument.as_ref().to_owned()).collect();
        run("buildah", storage.into_iter().chain(own))
    }

    /// The minimal Debian as an image, since tests use no registry of images.
    fn base(&self) -> String {
        let container = self.run(&["from", "scratch"]).trim().to_owned();
        let add = [
            OsStr::new("add"),
            OsStr::new("--quiet"),
            container.as_ref(),
            prepared("clean-root").as_os_str(),
            OsStr::new("/"),
        ]
        .map(OsStr::to_owned);
        self.run(&add);
        self.run(&["commit", "--quiet", "--rm", &container, "localhost/base"]);
        "localhost/base".to_owned()
    }
}

#[test]
fn the_image_runs_the_service_as_a_user_that_is_not_root_and_its_health_is_what_the_service_replies() {
    let builder = Builder::new();
    let base = format!("--build-arg=BASE={}", builder.base());
    let recipe = root().join("packaging/Containerfile").display().to_string();
    let packages = Built::once().packages().display().to_string();
    let build = [
        "build",
        "--quiet",
        "--isolation=chroot",
        "--format=docker",
        &base,
        "--tag=skimmer",
        "--file",
        &recipe,
        &packages,
    ];
    builder.run(&build);

    let image: Value =
        serde_json::from_str(&builder.run(&["inspect", "--type=image", "skimmer"])).expect("JSON");
    let config = &image["Docker"]["config"];
    assert_eq!(config["User"], "64001:64001");
    assert_eq!(config["Cmd"][0], "publisher-service");
    let health: Vec<&str> =
        config["Healthcheck"]["Test"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let (kind, health) = health.split_first().expect("a check of its health");
    assert_eq!(*kind, "CMD");

    // The commands of the image, without a container engine, which would run them.
    let command: Vec<&str> =
        config["Cmd"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let script = format!(
        "id -u; ! {health} 2>/dev/null || echo healthy before the start; \
         {command} --set publisher_port=0 >/tmp/out 2>&1 & service=$!; \
         while ! grep -q ready /tmp/out 2>/dev/null; do kill -0 $service || {{ cat /tmp/out; exit 1; }}; done; \
         {health} >/dev/null && echo healthy; kill $service; wait $service && echo drained",
        health = health.join(" "),
        command = command.join(" "),
    );
    let container = builder.run(&["from", "skimmer"]).trim().to_owned();
    let output = builder.run(&["run", "--isolation=chroot", &container, "--", "sh", "-c", &script]);
    assert_eq!(output.split_whitespace().collect::<Vec<_>>(), ["64001", "healthy", "drained"], "{output}");
}
