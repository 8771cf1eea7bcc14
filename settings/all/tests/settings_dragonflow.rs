//! What Dragonflow's defaults, its database options, several files and oslo.config's variables come to.

#![expect(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "settings/written.rs"]
mod written;

use northbound::DatabaseSettings;
use settings::shown_settings;
use std::time::Duration;

use pubsub_api::Error;
use pubsub_api::settings::{Kind, Reload, Setting};
use settings::{Sources, Warning};
use written::{DRIVERS, Written};

fn texts(warnings: &[Warning]) -> Vec<&str> {
    warnings.iter().map(|warning| warning.text.as_str()).collect()
}

#[test]
fn what_a_dragonflow_file_leaves_out_has_dragonflows_default() {
    let file = Written::new("df.ini", "[df]\nlocal_ip = 10.0.0.7\n");
    let (settings, warnings) = file.load().unwrap();
    let pubsub = settings.pubsub();
    assert_eq!(pubsub.publishers_ips, ["10.0.0.7"]);
    assert_eq!(pubsub.publisher_bind_address, "*");
    let origin = |name: &str| {
        shown_settings(&settings).find(|entry| entry.setting.full_name() == name).unwrap().origin.to_string()
    };
    assert_eq!(
        ["publishers_ips", "publisher_bind_address", "publisher_port"].map(origin),
        ["Dragonflow's default", "Dragonflow's default", "default"]
    );
    assert_eq!(warnings.len(), 1, "one, with the drivers that are not Dragonflow's: {warnings:?}");
    assert!(warnings[0].text.contains("`nb_db_class` is sqlite_nb_db_driver"), "{warnings:?}");

    let drivers = "nb_db_class = a\npub_sub_driver = b\npub_sub_multiproc_driver = c\n";
    let all = format!("[df]\nlocal_ip = 10.0.0.7\npublisher_bind_address = $local_ip\n{drivers}");
    let (settings, warnings) = Written::new("df.ini", all).load().unwrap();
    assert_eq!(texts(&warnings), [""; 0], "options that were used need no warning");
    assert_eq!(settings.pubsub().publisher_bind_address, "10.0.0.7");
}

#[test]
fn an_option_that_a_default_names_is_checked() {
    let refusal = Written::new("df.ini", "[df]\nlocal_ip = here\n").refusal();
    assert_eq!(
        refusal,
        "df.ini:2:1: `publishers_ips` is left out, and `local_ip` wants an IP address, not \"here\""
    );
}

#[test]
fn a_later_file_is_stronger_and_options_of_one_name_those_of_another() {
    let first = Written::new(
        "neutron.conf",
        "[df]\npublishers_ips = $local_ip\npublisher_port = 1\npublisher_port = 2\n",
    );
    let second = Written::new("dragonflow.ini", "[df]\nlocal_ip = 10.0.0.8\npublisher_port = 3\n");
    let ours = Written::new("skimmer.toml", "[pubsub]\nlinger = \"9s\"\n");
    let files = [&first, &second, &ours].map(|file| file.path.clone()).to_vec();
    let (settings, warnings) = all_settings::load(&Sources { files, ..Sources::default() }, DRIVERS).unwrap();
    let pubsub = settings.pubsub();
    assert_eq!(pubsub.publishers_ips, ["10.0.0.8"]);
    assert_eq!((pubsub.publisher_port, pubsub.linger), (3, Duration::from_secs(9)));
    let texts = texts(&warnings);
    assert!(texts.len() == 2 && texts[0].starts_with("`publisher_port` is there twice"), "{texts:?}");
}

#[test]
fn a_variable_of_oslo_config_is_stronger_than_its_files_and_weaker_than_ours() {
    let content = "[df]\npublisher_port = 1\npublisher_timeout = 100\nlocal_ip = 10.0.0.1\n";
    let file = Written::new("df.ini", content);
    let mut sources = file.sources();
    let variables = [
        ("OS_DF__PUBLISHER_PORT", "2"),
        ("OS_DF__PUBLISHER_TIMEOUT", "200"),
        ("OS_DF__LOCAL_IP", "10.0.0.2"),
        ("OS_DF__LINGR", "2"),
        ("SKIMMER_PUBLISHER_TIMEOUT", "300s"),
    ];
    sources.environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let (settings, warnings) = all_settings::load(&sources, DRIVERS).unwrap();
    let pubsub = settings.pubsub();
    let publisher_timeout = DatabaseSettings::read(&settings).unwrap().publisher_timeout;
    assert_eq!((pubsub.publisher_port, publisher_timeout), (2, Duration::from_secs(300)));
    assert_eq!(pubsub.publishers_ips, ["10.0.0.2"]);
    let unknown = "environment: OS_DF__LINGR sets no option that has an effect here";
    assert!(texts(&warnings).contains(&unknown), "{warnings:?}");

    sources.environment[0].1 = "port".to_owned();
    let refusal = all_settings::load(&sources, DRIVERS).unwrap_err().to_string();
    assert_eq!(
        refusal,
        "environment: OS_DF__PUBLISHER_PORT: `publisher_port` wants a whole number from 0 to 65535, not \"port\""
    );

    sources.files.clear();
    let (_, warnings) = all_settings::load(&sources, DRIVERS).unwrap();
    let unread = "environment: OS_DF__PUBLISHER_PORT and 3 more have no effect: variables of oslo.config count with \
                  an oslo.config file only";
    assert_eq!(texts(&warnings), [unread]);
}

const REDIS: &[Setting] = &[Setting {
    section: "drivers.redis",
    name: "hosts",
    kind: Kind::Addresses,
    default: r#"["127.0.0.1:6379"]"#,
    doc: "For tests.",
    reload: Reload::Restart,
    formerly: &[],
}];

/// The hosts of Redis, where they came from, and the warnings that name the database.
fn redis_hosts(content: &str, set: Option<&str>) -> Result<(Vec<String>, String, Vec<String>), Error> {
    let file = Written::new("df.ini", content);
    let sources = Sources { sets: set.map(str::to_owned).into_iter().collect(), ..file.sources() };
    let (settings, warnings) = all_settings::load(&sources, &[REDIS])?;
    let hosts = settings.section("drivers.redis").get("hosts")?;
    let origin = shown_settings(&settings).find(|entry| entry.setting.section == "drivers.redis").unwrap();
    let origin = origin.origin.to_string().replace(&file.path.display().to_string(), "df.ini");
    let warnings = warnings.into_iter().map(|warning| warning.text).filter(|text| text.contains("remote_db"));
    Ok((hosts, origin, warnings.collect()))
}

#[test]
fn dragonflows_options_of_its_database_are_the_hosts_of_redis_where_redis_is_used() {
    const ALIAS: &str = "[df]\nnb_db_class = redis_nb_db_driver\n";
    const PUBSUB: &str = "[df]\npub_sub_driver = redis_db_pubsub_driver\n";
    let two = &["10.9.8.7:7001", "10.9.8.8:7001"][..];
    for (content, hosts, origin) in [
        (format!("{ALIAS}remote_db_hosts = {}\n", two.join(",")), two, "df.ini:3"),
        (format!("{PUBSUB}remote_db_ip = 10.9.8.7\nremote_db_port = 7001\n"), &two[..1], "df.ini:3"),
        (format!("{ALIAS}remote_db_port = 7001\n"), &["127.0.0.1:7001"], "df.ini:3"),
        (
            format!("{ALIAS}remote_db_ip = 10.9.8.7\nremote_db_hosts = $remote_db_ip:$remote_db_port\n"),
            &["10.9.8.7:4001"],
            "df.ini:4",
        ),
        (ALIAS.to_owned(), &["127.0.0.1:4001"], "Dragonflow's default"),
        (include_str!("settings/dragonflow-redis.ini").to_owned(), two, "df.ini:10"),
    ] {
        let found = redis_hosts(&content, None).unwrap();
        let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
        assert_eq!(found, (hosts, origin.to_owned(), Vec::new()), "{content}");
    }
}

#[test]
fn hosts_that_dragonflow_4_would_not_connect_to_are_used_with_a_warning_and_a_stronger_source_wins() {
    let content =
        "[df]\nnb_db_class = redis_nb_db_driver\nremote_db_ip = 10.9.8.1\nremote_db_hosts = 10.9.8.7:7001\n";
    let (hosts, _, warnings) = redis_hosts(content, None).unwrap();
    assert_eq!(hosts, ["10.9.8.7:7001"]);
    assert!(
        warnings.len() == 1 && warnings[0].contains("Dragonflow 4.0 connects to 10.9.8.1:4001"),
        "{warnings:?}"
    );
    let (hosts, _, warnings) =
        redis_hosts("[df]\nnb_db_class = redis_nb_db_driver\nremote_db_ip = fd00::1\n", None).unwrap();
    assert_eq!(hosts, ["[fd00::1]:4001"]);
    assert!(warnings.len() == 1 && warnings[0].contains("leaves out the brackets"), "{warnings:?}");
    let (hosts, origin, warnings) = redis_hosts(content, Some("drivers.redis.hosts=127.0.0.1:1")).unwrap();
    assert_eq!((hosts, origin.as_str()), (vec!["127.0.0.1:1".to_owned()], "--set"));
    assert_eq!(warnings.len(), 2, "of two options without effect: {warnings:?}");
}

#[test]
fn hosts_of_a_database_that_is_no_redis_are_neither_used_nor_judged() {
    let content = "[df]\nnb_db_class = zookeeper_nb_db_driver\nremote_db_hosts = zk-1,zk-2\n";
    let (hosts, origin, warnings) = redis_hosts(content, None).unwrap();
    assert_eq!((hosts, origin.as_str()), (vec!["127.0.0.1:6379".to_owned()], "default"));
    assert_eq!(warnings, ["`remote_db_hosts` has no effect here: no driver of Redis is used"]);
    for host in ["zk-1", "::1:4001", "10.0.0.1:port", ""] {
        let content = format!("[df]\nnb_db_class = redis_nb_db_driver\nremote_db_hosts = {host}\n");
        let refusal = redis_hosts(&content, None).unwrap_err().to_string();
        assert!(refusal.contains("df.ini:3:1: `remote_db_hosts` wants `host:port`"), "{refusal}");
    }
}
