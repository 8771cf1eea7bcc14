//! Settings from an oslo.config file of Dragonflow's.

#![expect(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "settings/written.rs"]
mod written;

use std::time::Duration;

use pubsub_api::settings::{Settings, Warning};
use written::Written;

/// Lines and texts of the warnings.
fn lines(warnings: &[Warning]) -> Vec<(usize, &str)> {
    warnings.iter().map(|warning| (warning.place.line, warning.text.as_str())).collect()
}

fn load(content: &str) -> Settings {
    Written::new("df.ini", content).load().unwrap().0
}

#[test]
fn a_dragonflow_ini_is_read_with_its_names_expanded() {
    let file = Written::new("dragonflow.ini", include_str!("settings/dragonflow.ini"));
    let (settings, warnings) = file.load().unwrap();
    let pubsub = settings.pubsub();
    assert_eq!(pubsub.pub_sub_driver, "zmq_pubsub_driver");
    assert_eq!(pubsub.nb_db_class, "redis_nb_db_driver");
    assert!(pubsub.pub_sub_use_multiproc);
    assert_eq!(pubsub.management_ip, "192.168.33.7");
    assert_eq!((pubsub.publisher_port, pubsub.publisher_bind_address.as_str()), (8867, "*"));
    assert_eq!(pubsub.publishers_ips, ["192.168.33.7", "192.168.33.8:9000", "::1"]);
    assert_eq!(
        (pubsub.linger, pubsub.send_timeout),
        (Duration::from_millis(1500), Duration::from_millis(250))
    );
    assert_eq!(pubsub.state_dir.to_str(), Some("/var/lib/$skimmer/8867"));
    assert_eq!(pubsub.publisher_multiproc_socket.to_str(), Some("/var/run/zmq_pubsub/other"));
    let origin =
        settings.entries().find(|entry| entry.setting.name == "publisher_port").unwrap().origin.to_string();
    assert_eq!(origin, format!("{}:21", file.path.display()));

    let meaningless = [
        (7, "local_ip"),
        (9, "remote_db_ip"),
        (10, "remote_db_port"),
        (11, "remote_db_hosts"),
        (13, "apps_list"),
        (14, "tunnel_types"),
        (16, "enable_df_pub_sub"),
        (25, "publisher_rate_limit_timeout"),
    ];
    let lines = lines(&warnings);
    for (warning, (line, name)) in lines.iter().zip(meaningless) {
        assert_eq!(*warning, (line, format!("`{name}` is Dragonflow's and has no effect here").as_str()));
    }
    assert_eq!(
        lines[8..],
        [
            (29, "`lingr_seconds` is unknown and has no effect"),
            (35, "`retries` is Dragonflow's and has no effect here"),
        ]
    );
}

#[test]
fn a_truth_value_is_written_as_in_oslo_config() {
    for (text, is) in [
        ("True", true),
        ("YES", true),
        ("on", true),
        ("1", true),
        ("false", false),
        ("0", false),
        ("No", false),
    ] {
        assert_eq!(
            load(&format!("[df]\npub_sub_use_multiproc = {text}\n")).pubsub().pub_sub_use_multiproc,
            is,
            "{text}"
        );
    }
}

#[test]
fn a_problem_of_an_oslo_file_is_told_with_its_place_and_the_right_spelling() {
    for (content, says) in [
        (
            "[df]\npublisher_prot = 1\n",
            "df.ini:2:1: unknown option `publisher_prot` in [df]; did you mean `publisher_port`?",
        ),
        (
            "[df_zmq]\npublisher_port = 1\n",
            "df.ini:2:1: unknown option `publisher_port` in [df_zmq]; it stands in [df]",
        ),
        (
            "[df]\npublisher_port = eighty\n",
            "df.ini:2:1: `publisher_port` wants a whole number from 0 to 65535, not \"eighty\"",
        ),
        (
            "[df]\r\npublishers_ips = $loacl_ip\r\n",
            "df.ini:2:1: cannot expand `publishers_ips`: `$loacl_ip` names an option that this file does not set; \
             write `$$` for a dollar",
        ),
        (
            "[df]\nstate_dir = a$\n",
            "df.ini:2:1: cannot expand `state_dir`: a dollar wants a name after it; write `$$` for a dollar",
        ),
        ("[df]\nstate_dir = ${a\n", "df.ini:2:1: cannot expand `state_dir`: `${` wants a name and `}`"),
        (
            "[df]\nlinger = -1\n",
            "df.ini:2:1: `linger` wants a duration from 0s to 1h, such as \"5s\" or \"250ms\", not \"-1\" seconds",
        ),
        ("[df]\nlinger = 1\n[df]\nlinger = 1\n", "df.ini:4:1: `linger` is there twice; keep one"),
        ("[df]\nnonsense\n", "df.ini:2:1: a line wants to be `name = value`"),
        ("[df\n", "df.ini:1:1: a section wants `]` at the end of its line"),
        (
            "[pubsub]\npublisher_port = 1\n",
            "df.ini:1:1: [pubsub] is a section of a TOML file, but this file is read as oslo.config; end its name in .toml",
        ),
    ] {
        assert_eq!(Written::new("df.ini", content).refusal(), says, "{content}");
    }
}

#[test]
fn a_name_is_expanded_from_its_section_then_df_then_default_then_defaults() {
    for (content, is) in [
        ("[df]\npublishers_ips = $local_ip\n", "127.0.0.1"),
        ("[df]\npublishers_ips = $my_ip\n[DEFAULT]\nmy_ip = 10.0.0.1\n", "10.0.0.1"),
        ("[df]\nmy_ip = 10.0.0.2\npublishers_ips = $my_ip\n[DEFAULT]\nmy_ip = 10.0.0.1\n", "10.0.0.2"),
        (
            "[df]\nmy_ip = 10.0.0.2\npublishers_ips = ${DEFAULT.my_ip}\n[DEFAULT]\nmy_ip = 10.0.0.1\n",
            "10.0.0.1",
        ),
        ("[df]\npublishers_ips = $other.ip\n[other]\nip = 10.0.0.3\n", "10.0.0.3"),
        ("[df]\nlocal_ip = 10.0.0.4\npublishers_ips = $local_ip:$publisher_port\n", "10.0.0.4:8866"),
    ] {
        assert_eq!(load(content).pubsub().publishers_ips, [is], "{content}");
    }
}

#[test]
fn a_file_is_oslo_config_by_its_ending_or_by_its_sections() {
    let oslo = "[DEFAULT]\nx = yes\n[df]\npublisher_port = 1\n";
    for (name, content, port) in [
        ("a.conf", oslo, 1),
        ("a.ini", oslo, 1),
        ("a", oslo, 1),
        ("a.toml", oslo, 1),
        ("a.toml", "[df]\npublisher_port = 2\n", 2),
        ("a", "[pubsub]\npublisher_port = 3\n", 3),
        ("a.conf", "", 8866),
        ("neutron.conf", "[agent]\nroot_helper = sudo\n[service]\nx = $y\n", 8866),
    ] {
        assert_eq!(
            Written::new(name, content).load().unwrap().0.pubsub().publisher_port,
            port,
            "{name} {content}"
        );
    }
    let both = Written::new("a.toml", "[pubsub]\npublisher_port = 1\n[df]\npublisher_port = 1\n");
    assert!(both.refusal().starts_with("a.toml:3:2: unknown section [df]"), "{}", both.refusal());
}

#[test]
fn a_thousand_options_without_effect_are_told_in_fifty_one_warnings() {
    let content: String = (0..1000).map(|i| format!("option_{i} = 1\n")).collect();
    let (_, warnings) = Written::new("df.ini", format!("[df]\n{content}")).load().unwrap();
    assert_eq!(warnings.len(), 51);
    assert_eq!(warnings[50].text, "950 more options have no effect");
}
