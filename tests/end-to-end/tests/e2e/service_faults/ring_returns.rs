//! F25 of docs/guarantees.md: the folder of the ring is full for a while, deleted, or no descriptor is left for its next
//! file: the ring goes on in memory, and comes back.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use end_to_end::{
    History, Program, RawPeer, Service, Signal, counter, counters, event, need_descriptors, until,
};
use rustix::process::geteuid;
use serde_json::Value;

use super::scene::{Scene, reported};

fn events(from: usize, count: usize) -> Vec<Value> {
    (from..from + count).map(|n| event("t", &n.to_string(), "set", "v".repeat(1000), "D")).collect()
}

fn ring_of(scene: &Scene) -> PathBuf {
    scene.segments()[0].parent().expect("a segment lies in a folder").to_path_buf()
}

/// Waits until the ring is in a `file` or in `memory`, as the status has it.
fn wait_for_place(scene: &Scene, place: &str) -> Value {
    until(&format!("the ring in its {place}"), || {
        let status = scene.folder.status("service");
        let places = counters(&status, "delivery", "ring_place_seconds");
        places.iter().any(|(found, _)| found == place).then_some(status)
    })
}

/// What was published since the ring is back survives the service: an agent that was away gets all of it by number.
fn assert_survives_a_kill(
    scene: &Scene,
    service: &mut Service,
    agent: &Program,
    from: usize,
    restart: impl Fn() -> Service,
) {
    agent.wait_for_events(from);
    agent.signal(Signal::STOP);
    scene.folder.publish(&events(from, 30));
    let mark = agent.mark();
    service.kill();
    let restarted = restart();
    let start = counters(&scene.folder.status("service"), "delivery", "ring_start");
    assert_eq!(start, [("recovered".to_owned(), 1)], "{}", restarted.stderr());
    agent.signal(Signal::CONT);
    agent.wait_for_events(from + 30);
    scene.folder.publish(&events(from + 30, 5));
    agent.wait_for_events(from + 35);
    assert_eq!(reported(agent, mark, &["resync", "gap"]), Vec::<Value>::new());
    let _ = History::of(&agent.lines()).assert_without_holes();
}

#[test]
fn a_ring_whose_folder_was_deleted_is_written_again() {
    for whole in [false, true] {
        let scene = Scene::new();
        let mut service = scene.service();
        let agent = scene.live_agent("agent");
        scene.folder.publish(&events(0, 50));
        let ring = ring_of(&scene);
        let deleted = if whole { ring.parent().expect("state_dir").to_path_buf() } else { ring.clone() };
        fs::remove_dir_all(&deleted).expect("it can be deleted");
        let socket = scene.folder.state_dir("service.state").join("publisher-service.status");
        until("the ring and the status socket are back", || {
            (ring.join("lock").exists() && socket.exists()).then_some(())
        });
        let status = wait_for_place(&scene, "file");
        assert_eq!(counter(&status, "delivery", "ring_returns"), 1, "{status}");
        assert!(service.stderr().contains("was deleted or replaced"), "{}", service.stderr());
        assert!(service.stderr().contains("is in its folder in"), "{}", service.stderr());
        assert_survives_a_kill(&scene, &mut service, &agent, 50, || scene.service());
    }
}

/// A process that keeps a small file system mounted where only it, and those that enter its namespace, see it.
struct SmallDisk {
    keeper: Child,
    at: PathBuf,
}

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Self {
        let ready = at.with_extension("mounted");
        let mount = "mount -t tmpfs -o size=$1,mode=0700 ring \"$0\" && touch \"$2\" && exec sleep 600";
        let own = if geteuid().is_root() { "-m" } else { "-rm" };
        let mut keeper = Command::new("unshare");
        keeper.args([own, "sh", "-c", mount]).arg(at).arg(size).arg(&ready);
        let keeper = keeper.spawn().expect("unshare starts");
        let disk = Self { keeper, at: at.to_path_buf() };
        until("the file system is mounted", || ready.exists().then_some(()));
        disk
    }

    /// A path on it, as it is seen from outside.
    fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(self.at.strip_prefix("/").expect("an absolute path")).join(name)
    }

    fn fill(&self) {
        let mut filler = File::create(self.path("filler")).expect("there is room for a name");
        for block in [&[0_u8; 65_536][..], &[0; 512], &[0]] {
            while filler.write_all(block).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.path("filler")).expect("it is there");
    }

    fn service(&self, scene: &Scene) -> Service {
        let keeper = self.keeper.id().to_string();
        let mut arguments = vec!["-t", &keeper, "-m"];
        if !geteuid().is_root() {
            arguments.extend(["-U", "--preserve-credentials"]);
        }
        arguments.push("--");
        Service::ready(scene.launch().under("nsenter", &arguments).start())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// The folder of the ring is known once a service has made it.
fn ring_folder(scene: &Scene) -> PathBuf {
    scene.service().terminate();
    ring_of(scene)
}

#[test]
fn a_ring_is_written_to_its_disk_again_after_the_disk_was_full() {
    let scene = Scene::new();
    let disk = SmallDisk::mount(&ring_folder(&scene), "2m");
    let mut service = disk.service(&scene);
    let agent = scene.live_agent("agent");
    scene.folder.publish(&events(0, 50));
    disk.fill();
    scene.folder.publish(&events(50, 50));
    wait_for_place(&scene, "memory");
    assert!(service.stderr().contains("cannot write to the ring in"), "{}", service.stderr());
    scene.folder.publish(&events(100, 50));
    disk.make_room();
    wait_for_place(&scene, "file");
    let words = service.stderr();
    assert_eq!(words.matches("cannot write to the ring in").count(), 1, "{words}");
    assert!(words.contains("is in its folder in"), "{words}");
    assert_survives_a_kill(&scene, &mut service, &agent, 150, || disk.service(&scene));
}

#[test]
fn publishing_continues_while_the_disk_of_the_ring_is_full() {
    let scene = Scene::new();
    let disk = SmallDisk::mount(&ring_folder(&scene), "256k");
    let service = disk.service(&scene);
    let agent = scene.live_agent("agent");
    for round in 0..10 {
        scene.folder.publish(&events(round * 100, 100));
    }
    agent.wait_for_events(1000);
    let _ = History::of(&agent.lines()).assert_without_holes();
    let status = until("a return is tried", || {
        let status = scene.folder.status("service");
        (counter(&status, "delivery", "ring_returns_failed") > 0).then_some(status)
    });
    assert!(counter(&status, "delivery", "ring_write_failures") > 0, "{status}");
    assert_eq!(counter(&status, "delivery", "ring_persistent"), 0, "{status}");
    let words = service.stderr();
    assert_eq!(words.matches("cannot write to the ring in").count(), 1, "{words}");
    assert_eq!(words.matches("the ring stays in memory").count(), 1, "{words}");
    assert!(words.lines().count() < 10, "{words}");
}

#[test]
fn a_ring_without_a_descriptor_for_its_next_file_is_written_to_files_again_later() {
    need_descriptors(1000);
    let scene = Scene::with_settings("[service]\nring_bytes = \"4MiB\"");
    let mut service = scene.service();
    let agent = scene.live_agent("agent");
    let mut worker = scene.folder.worker("worker");
    worker.write_line(&events(0, 1)[0].to_string());
    agent.wait_for_events(1);
    let mut published = 1;
    service.limit_descriptors(64);
    let crowd: Vec<_> = (0..100).map(|_| RawPeer::subscriber(&scene.address(), &["D"])).collect();
    until("no descriptor is left", || (service.descriptors() >= 64).then_some(()));
    let text = "v".repeat(10_000);
    until("a new file of the ring cannot be opened", || {
        for _ in 0..50 {
            worker.write_line(&event("t", &published.to_string(), "set", text.as_str(), "D").to_string());
            published += 1;
        }
        agent.wait_for_events(published);
        service.stderr().contains("cannot write to the ring").then_some(())
    });
    drop(crowd);
    let status = wait_for_place(&scene, "file");
    assert!(counter(&status, "delivery", "ring_returns") > 0, "{status}");
    worker.close_stdin();
    assert_eq!(worker.wait_for_end().code(), Some(0), "{}", worker.stderr());
    assert_survives_a_kill(&scene, &mut service, &agent, published, || scene.service());
}
