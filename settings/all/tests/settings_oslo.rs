//! Settings from an oslo.config file of Dragonflow's.

#![expect(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "settings/written.rs"]
mod written;

use northbound::DatabaseSettings;
use settings::shown_settings;
use std::time::Duration;

use pubsub_api::settings::Settings;
use settings::Warning;
use written::Written;

/// Lines and texts of the warnings.
fn lines(warnings: &[Warning]) -> Vec<(usize, &str)> {
    let line = |warning: &Warning| warning.place.as_ref().map_or(0, |place| place.line);
    warnings.iter().map(|warning| (line(warning), warning.text.as_str())).collect()
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
    assert_eq!(DatabaseSettings::read(&settings).unwrap().management_ip, "192.168.33.7");
    assert_eq!((pubsub.publisher_port, pubsub.publisher_bind_address.as_str()), (8867, "*"));
    assert_eq!(pubsub.publishers_ips, ["::1"], "of an option that comes twice the last one counts");
    assert_eq!(
        (pubsub.linger, pubsub.send_timeout),
        (Duration::from_millis(1500), Duration::from_millis(250))
    );
    assert_eq!(pubsub.state_dir.to_str(), Some("/var/lib/$skimmer/8867"));
    assert_eq!(pubsub.publisher_multiproc_socket.to_str(), Some("/var/run/zmq_pubsub/other"));
    let origin = shown_settings(&settings)
        .find(|entry| entry.setting.name == "publisher_port")
        .unwrap()
        .origin
        .to_string();
    assert_eq!(origin, format!("{}:21", file.path.display()));

    let meaningless = |name: &str| format!("`{name}` is Dragonflow's and has no effect here");
    let of_redis = |name: &str| format!("`{name}` has no effect here: no driver of Redis is linked in");
    let undeclared = "`$my_ip`: options that Dragonflow does not declare; what the file sets is used, where \
                      oslo.config refuses a name that no part of its program declares";
    let ours = "Dragonflow's defaults hold for what is left out, except for drivers: `pub_sub_multiproc_driver` is \
                zmtp_pubsub_multiproc_driver, which speaks the wire of Dragonflow's zmq_pubsub_multiproc_driver";
    let wanted = [
        (1, undeclared.to_owned()),
        (13, meaningless("apps_list")),
        (14, meaningless("tunnel_types")),
        (16, meaningless("enable_df_pub_sub")),
        (24, "`publishers_ips` is there twice; the last one counts, as in oslo.config".to_owned()),
        (25, meaningless("publisher_rate_limit_timeout")),
        (29, "`lingr_seconds` is unknown and has no effect".to_owned()),
        (35, meaningless("retries")),
        (11, of_redis("remote_db_hosts")),
        (9, of_redis("remote_db_ip")),
        (10, of_redis("remote_db_port")),
        (1, ours.to_owned()),
    ];
    let wanted: Vec<_> = wanted.iter().map(|(line, text)| (*line, text.as_str())).collect();
    assert_eq!(lines(&warnings), wanted);
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
fn a_problem_of_an_oslo_file_is_reported_with_its_place_and_the_right_spelling() {
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
        (
            "[df]\npublisher_timeout = 5s\n",
            "df.ini:2:1: `publisher_timeout` wants a whole number, not \"5s\"",
        ),
        ("[df]\nmanagement_ip = api-1\n", "df.ini:2:1: `management_ip` wants an IP address, not \"api-1\""),
        (
            "[df]\npublisher_port =\n",
            "df.ini:2:1: `publisher_port` wants a whole number from 0 to 65535, not \"\"",
        ),
        ("[other]\nnonsense\n", "df.ini:2:1: a line wants to be `name = value`"),
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
fn a_name_is_a_declared_option_of_its_section_or_an_option_of_default() {
    for (content, is) in [
        ("[df]\npublishers_ips = $local_ip\n", "127.0.0.1"),
        ("[df]\npublishers_ips = $my_ip\n[DEFAULT]\nmy_ip = 10.0.0.1\n", "10.0.0.1"),
        ("[df]\nmy_ip = 10.0.0.2\npublishers_ips = $my_ip\n[DEFAULT]\nmy_ip = 10.0.0.1\n", "10.0.0.1"),
        (
            "[df]\npublishers_ips = 10.0.0.1:$publisher_port\n[DEFAULT]\npublisher_port = 9001\n",
            "10.0.0.1:8866",
        ),
        ("[df]\npublishers_ips = $other.ip\n[other]\nip = 10.0.0.3\n", "10.0.0.3"),
        ("[df]\nlocal_ip = 10.0.0.4\npublishers_ips = $local_ip:$publisher_port\n", "10.0.0.4:8866"),
        ("[df]\npublisher_port = 0_8_867\npublishers_ips = a:$publisher_port\n", "a:8867"),
    ] {
        assert_eq!(load(content).pubsub().publishers_ips, [is], "{content}");
    }
    for (content, says) in [
        ("[df]\npublishers_ips = $my_ip\n[default]\nmy_ip = 10.0.0.1\n", "[default], which is not [DEFAULT]"),
        ("[df]\npublishers_ips = ${DEFAULT.my_ip}\n[DEFAULT]\nmy_ip = 10.0.0.1\n", "write `$my_ip`"),
        ("[df]\nmy_ip = 10.0.0.1\npublishers_ips = $my_ip\n", "in [DEFAULT] only; set it there"),
        ("[df]\nlocal_ip = 10.0.0.1\n[df_zmq]\nipc_socket = /run/$local_ip\n", "write `${df.local_ip}`"),
        ("[df]\npublishers_ips = ${DF.local_ip}\nlocal_ip = 10.0.0.1\n", "that this file does not set"),
    ] {
        let refusal = Written::new("df.ini", content).refusal();
        assert!(refusal.contains(says), "{content}: {refusal}");
    }
}

#[test]
fn a_name_stands_for_the_value_that_oslo_config_prints() {
    let names = "$publisher_timeout/$monitor_table_poll_time/$publisher_bind_address/$nb_db_class/$pub_sub_driver/\
                 $pub_sub_use_multiproc/$publishers_ips/$external_host_ip";
    let settings = load(&format!("[df]\npublisher_multiproc_socket = /run/{names}\n"));
    assert_eq!(
        settings.pubsub().publisher_multiproc_socket.to_str(),
        Some("/run/300/30.0/*/etcd_nb_db_driver/zmq_pubsub_driver/True/['127.0.0.1']/")
    );
}

#[test]
fn a_lone_quotation_mark_is_empty_and_a_value_on_the_next_line_keeps_its_line_end() {
    assert_eq!(load("[df]\npublisher_bind_address = \"\n").pubsub().publisher_bind_address, "");
    let file = Written::new("df.ini", "[df]\npublisher_multiproc_socket =\n  /run/x/sock\n");
    let (settings, warnings) = file.load().unwrap();
    assert_eq!(settings.pubsub().publisher_multiproc_socket.to_str(), Some("\n/run/x/sock"));
    let odd = "the value of `publisher_multiproc_socket` has a line end in it, as oslo.config reads it";
    assert!(lines(&warnings).contains(&(2, odd)), "{warnings:?}");
}

#[test]
fn of_an_option_that_comes_twice_the_last_counts_with_a_warning() {
    for (content, line) in [
        ("[df]\npublishers_ips = 10.0.0.1,10.0.0.2\npublishers_ips = 10.0.0.9\n", 3),
        ("[df]\npublishers_ips = 10.0.0.1\n[ovs]\n[DF]\npublishers_ips = 10.0.0.9\n", 5),
    ] {
        let (settings, warnings) = Written::new("df.ini", content).load().unwrap();
        assert_eq!(settings.pubsub().publishers_ips, ["10.0.0.9"], "{content}");
        let twice = "`publishers_ips` is there twice; the last one counts, as in oslo.config";
        assert!(lines(&warnings).contains(&(line, twice)), "{content}: {warnings:?}");
    }
    assert_eq!(load("[df]\npublisher_port = 8866\npublisher_port = 8867\n").pubsub().publisher_port, 8867);
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
fn a_thousand_options_without_effect_are_reported_in_fifty_one_warnings() {
    let content: String = (0..1000).map(|i| format!("option_{i} = 1\n")).collect();
    let (_, warnings) = Written::new("df.ini", format!("[df]\n{content}")).load().unwrap();
    assert_eq!(warnings.len(), 52, "and one about drivers");
    assert_eq!(warnings[50].text, "950 more warnings");
}
