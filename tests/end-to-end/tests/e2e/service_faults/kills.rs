//! F01 of docs/guarantees.md: the service killed again and again under load.

use std::thread;
use std::time::Duration;

use end_to_end::{assert_convergent, fold};

use super::load::Load;
use super::scene::{Scene, is_long};

/// For how long the workers publish before a kill, and while the service is away. Either way more than a batch.
const PAUSE: Duration = Duration::from_millis(200);

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the workers publish for a while before the service ends, and while it is away"
)]
fn a_service_that_is_killed_repeatedly_loses_no_confirmed_event() {
    let kills = if is_long() { 100 } else { 10 };
    let scene = Scene::new();
    let mut service = scene.service();
    let readers = [scene.live_agent("agent"), scene.live_printer("printer")];
    let mut load = Load::start(&scene.folder);
    for _ in 0..kills {
        let confirmed = load.confirmed();
        service = load.round(|| {
            thread::sleep(PAUSE);
            service.kill();
            thread::sleep(PAUSE);
            scene.service()
        });
        readers.iter().for_each(|reader| load.wait_for_fences(reader));
        assert!(load.confirmed().iter().zip(&confirmed).all(|(now, before)| now >= before));
        let published = fold(&load.written());
        readers.iter().for_each(|reader| assert_convergent(&reader.lines(), &published));
    }
    for reader in &readers {
        let history = load.assert_recovered(reader);
        assert!(history.epochs().len() > kills, "{:?}", history.epochs());
    }
    load.end();
    service.terminate();
}
