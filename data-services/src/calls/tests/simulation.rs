mod bus;
mod call_record;
mod network;

use super::pair::secs;
use bus::{Bus, Keys};
use network::Faults;

const GOOD: Faults =
    Faults { loss: 0.0, duplication: 0.0, slow: 0.0, very_slow: 0.0, partitions: 0.0, lost_peers: 0.0 };

/// Runs histories of these faults; returns the calls that had enough time, and how many of them succeeded.
fn histories(faults: &Faults, seeds: std::ops::Range<u64>) -> (usize, usize) {
    let (mut patient, mut succeeded) = (0, 0);
    for seed in seeds {
        let mut bus = Bus::new(seed, faults.clone());
        bus.run();
        bus.check();
        let calls = bus.patient_calls();
        patient += calls.len();
        succeeded += calls.iter().filter(|succeeds| **succeeds).count();
    }
    (patient, succeeded)
}

#[test]
fn on_a_good_network_every_call_with_enough_time_succeeds() {
    let (patient, succeeded) = histories(&GOOD, 0..10);
    assert!(patient > 200, "{patient}");
    assert_eq!(succeeded, patient);
}

#[test]
fn under_loss_every_call_ends_once_runs_at_most_once_and_most_succeed() {
    let (patient, succeeded) = histories(&Faults { loss: 0.2, ..GOOD }, 100..130);
    assert!(patient > 500 && succeeded * 100 >= patient * 90, "{succeeded} of {patient}");
}

#[test]
fn under_duplication_and_reordering_every_call_ends_once_and_runs_at_most_once() {
    let faults = Faults { duplication: 0.3, slow: 0.3, very_slow: 0.05, ..GOOD };
    let (patient, succeeded) = histories(&faults, 200..230);
    assert!(patient > 500 && succeeded * 100 >= patient * 80, "{succeeded} of {patient}");
}

#[test]
fn under_partitions_every_call_ends_once_and_runs_at_most_once() {
    let (patient, succeeded) = histories(&Faults { partitions: 0.2, ..GOOD }, 300..330);
    assert!(succeeded * 100 >= patient * 50, "{succeeded} of {patient}");
}

#[test]
fn under_all_faults_together_every_call_ends_once_and_runs_at_most_once() {
    let faults =
        Faults { loss: 0.1, duplication: 0.1, slow: 0.2, very_slow: 0.05, partitions: 0.1, lost_peers: 0.05 };
    let (patient, succeeded) = histories(&faults, 400..440);
    assert!(succeeded * 100 >= patient * 40, "{succeeded} of {patient}");
}

#[test]
fn under_all_faults_two_calls_with_one_key_run_once_and_get_one_result() {
    let faults =
        Faults { loss: 0.1, duplication: 0.1, slow: 0.2, very_slow: 0.05, partitions: 0.1, lost_peers: 0.05 };
    for seed in 500..530 {
        let mut bus = Bus::with(seed, faults.clone(), Keys::Pairs);
        bus.run();
        bus.check_keys();
    }
}

#[test]
fn one_seed_is_one_history() {
    let faults =
        Faults { loss: 0.2, duplication: 0.2, slow: 0.2, very_slow: 0.1, partitions: 0.1, lost_peers: 0.1 };
    let history = || {
        let mut bus = Bus::new(7, faults.clone());
        bus.run();
        bus.history().to_vec()
    };
    let first = history();
    assert!(first.len() > 100 && first.last().unwrap().at > secs(30));
    assert_eq!(first, history());
}
