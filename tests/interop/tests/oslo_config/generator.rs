use fastrand::Rng;

/// One case: what files contain, and which variables are set.
#[derive(Debug, Default)]
pub(crate) struct Generated {
    pub(crate) files: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
}

/// An option that means something here: values that its type takes, and others.
type Candidate = (&'static str, &'static [&'static str], &'static [&'static str]);

const OPTIONS: &[Candidate] = &[
    ("publisher_port", NUMBERS, ODD_NUMBERS),
    ("publisher_timeout", NUMBERS, ODD_NUMBERS),
    ("db_sync_time", NUMBERS, ODD_NUMBERS),
    ("service_down_time", NUMBERS, ODD_NUMBERS),
    ("report_interval", NUMBERS, ODD_NUMBERS),
    ("monitor_table_poll_time", FRACTIONS, ODD_NUMBERS),
    ("pub_sub_use_multiproc", TRUTHS, ODD_TRUTHS),
    ("enable_selective_topology_distribution", TRUTHS, ODD_TRUTHS),
    ("local_ip", ADDRESSES, ODD_ADDRESSES),
    ("management_ip", ADDRESSES, ODD_ADDRESSES),
    ("publishers_ips", LISTS, ODD_LISTS),
    ("publisher_bind_address", TEXTS, ODD_TEXTS),
    ("publisher_transport", TEXTS, ODD_TEXTS),
    ("publisher_multiproc_socket", PATHS, ODD_TEXTS),
    ("nb_db_class", &["redis_nb_db_driver", "etcd_nb_db_driver", "'sqlite_nb_db_driver'"], ODD_TEXTS),
    (
        "pub_sub_driver",
        &["zmq_pubsub_driver", "redis_db_pubsub_driver", "$pub_sub_multiproc_driver"],
        ODD_TEXTS,
    ),
    ("pub_sub_multiproc_driver", &["zmq_pubsub_multiproc_driver"], ODD_TEXTS),
    ("remote_db_ip", ADDRESSES, ODD_ADDRESSES),
    ("remote_db_port", NUMBERS, ODD_NUMBERS),
    ("remote_db_hosts", HOSTS, &["zk-1", "::1:4001", "", "a,,b", "$my_ip"]),
];

/// Options that mean nothing here, or to nobody.
const OTHERS: &[&str] = &[
    "my_ip",
    "apps_list",
    "tunnel_types",
    "debug",
    "external_host_ip",
    "Publisher_port",
    "publisher-port",
    "enable_dpdk",
    "publisher_prot",
];

const NUMBERS: &[&str] = &[
    "300",
    "30",
    "3600",
    "25",
    "+9",
    "007",
    "1_200",
    "'25'",
    "\" 60 \"",
    "$db_sync_time",
    "${report_interval}",
];
const FRACTIONS: &[&str] =
    &["30", "30.0", "1e1", "0.5", "30.1234", "1_0.5", "2.", "'7.5'", "${report_interval}"];
const ODD_NUMBERS: &[&str] = &[
    "0x10",
    "-1",
    "1.5",
    "65536",
    "5s",
    "",
    "_1",
    "1__0",
    "nan",
    "inf",
    "9e9",
    "９",
    "99999999999999999999",
];
const TRUTHS: &[&str] = &["True", "false", "YES", "on", "1", "0", "No", "oFF", "'true'", "$enable_dpdk"];
const ODD_TRUTHS: &[&str] = &["t", "2", "\" true\"", "", "$publisher_port"];
const ADDRESSES: &[&str] =
    &["10.0.0.1", "fd00::1", "192.168.33.7", "'10.0.0.2'", "::ffff:10.0.0.1", "127.0.0.1"];
const ODD_ADDRESSES: &[&str] = &[
    "$my_ip",
    "$local_ip",
    "10.0.0.256",
    "host-1",
    "010.0.0.1",
    "10.0.1",
    "",
    "fe80::1%eth0",
    "::",
    "$other.ip",
];
const HOSTS: &[&str] = &[
    "10.9.8.7:7001",
    "10.9.8.7:7001, 10.9.8.8:7001",
    "$remote_db_ip:$remote_db_port",
    "[fd00::1]:1",
    "10.9.8.7:7001,\n  10.9.8.9:7001,",
];
const LISTS: &[&str] = &[
    "10.0.0.1",
    "10.0.0.1,10.0.0.2",
    " 10.0.0.1 , 10.0.0.2,",
    "$local_ip",
    "10.0.0.1:$publisher_port",
    "",
    ",",
    "[fd00::1]:9",
    "10.0.0.1,\n  10.0.0.2",
    "10.0.0.1\n\t,10.0.0.3",
    "${df.local_ip}",
    "host-1,host-2:9",
];
const ODD_LISTS: &[&str] = &[
    "a,,b",
    ",a",
    "'10.0.0.1','10.0.0.2'",
    "$publishers_ips",
    "$remote_db_hosts",
    "$my_ip",
    "$other.ip",
    "a b",
];
const TEXTS: &[&str] = &[
    "*",
    "tcp",
    "10.0.0.1",
    "\"",
    "'",
    "\"\"",
    "'a\"",
    "\"a",
    "a = b",
    "a: b",
    "# a",
    "a # b",
    "$local_ip",
    "${management_ip}",
    "$$",
    "\\$local_ip",
    "\n  next",
    "first\n  second\n\tthird",
    "$publisher_timeout",
    "$monitor_table_poll_time",
    "é",
    "$external_host_ip",
    "$pub_sub_use_multiproc",
    "$nb_db_class",
    "$publishers_ips",
    "$remote_db_hosts",
];
const ODD_TEXTS: &[&str] = &[
    "$",
    "a$",
    "${",
    "$1",
    "$my_ip",
    "${DEFAULT.my_ip}",
    "$other.ip",
    "$DF.local_ip",
    "$df",
    "",
    "$local_ip.x",
];
const PATHS: &[&str] = &[
    "/run/a.sock",
    "'/run/a b.sock'",
    "\n  /run/x",
    "/run/$publisher_port",
    "/run/$pub_sub_driver/${local_ip}",
    "/run/\n /b",
    "",
];
const SECTIONS: &[&str] = &[
    "[df]",
    "[df]",
    "[df]",
    "[DF]",
    "[Df]",
    "[DEFAULT]",
    "[DEFAULT]",
    "[default]",
    "[other]",
    "[df_zmq]",
    "[ df ]",
    "[ovs]",
];
const BROKEN: &[&str] =
    &["nonsense", "= 1", "[df", "[]", "[df] # a", "  white", "[df]]", "\u{1c}a = 1", "a\rb = 1", "\u{feff}"];

/// Files of some lines each; one in four has a second file, one in four has variables. Most files have no odd line, so
/// that their values are compared, and not only that both refuse them.
pub(crate) fn generate(random: &mut Rng) -> Generated {
    let mut generated = Generated::default();
    let oddness = *pick(random, &[0, 0, 0, 1, 4]);
    for _ in 0..=usize::from(random.u8(..4) == 0) {
        generated.files.push(file(random, oddness));
    }
    if random.u8(..4) == 0 {
        for _ in 0..=random.usize(..2) {
            let (name, values) = option(random, oddness);
            let value = pick(random, values).replace(['\n', '\r'], " ");
            generated.environment.push((format!("OS_DF__{}", name.to_uppercase()), value));
        }
    }
    generated
}

/// Of ten lines about `oddness` are odd.
fn file(random: &mut Rng, oddness: u8) -> String {
    let mut text = String::new();
    if random.u8(..40) == 0 {
        text.push('\u{feff}');
    }
    let end = *pick(random, &["\n", "\n", "\n", "\r\n", "\r"]);
    let mut lines = Vec::new();
    if random.u8(..4) == 0 {
        lines.push("[DEFAULT]\nmy_ip = 10.0.0.9\n[other]\nip = 10.0.0.8".to_owned());
    }
    lines.push("[df]".to_owned());
    for _ in 0..=random.usize(..7) {
        lines.push(if random.u8(..10) < oddness { odd_line(random) } else { line(random, oddness) });
    }
    for line in lines.iter().flat_map(|line| line.split('\n')) {
        text.push_str(line);
        text.push_str(end);
    }
    text
}

fn line(random: &mut Rng, oddness: u8) -> String {
    match random.u8(..20) {
        0..15 => assignment(random, oddness),
        15 => format!("{} = {}", pick(random, OTHERS), pick(random, ADDRESSES)),
        16 => (*pick(random, &["# a comment", "; another", ""])).to_owned(),
        17 => (*pick(random, SECTIONS)).to_owned(),
        18 => "[df_zmq]\nipc_socket = /run/b.sock\n[df]".to_owned(),
        _ => "[df]".to_owned(),
    }
}

fn odd_line(random: &mut Rng) -> String {
    match random.u8(..4) {
        0 => (*pick(random, BROKEN)).to_owned(),
        _ => assignment(random, 10),
    }
}

fn assignment(random: &mut Rng, oddness: u8) -> String {
    let (name, values) = option(random, oddness);
    let sign = pick(random, &[" = ", "=", ": ", " :", "  =  "]);
    format!("{name}{sign}{}", pick(random, values))
}

fn option(random: &mut Rng, oddness: u8) -> (&'static str, &'static [&'static str]) {
    let (name, good, odd) = pick(random, OPTIONS);
    // A value of another type now and then.
    let other = random.u8(..100) < oddness;
    let odd = if other { pick(random, OPTIONS).1 } else { odd };
    (name, if random.u8(..10) < oddness { odd } else { good })
}

fn pick<'a, T>(random: &mut Rng, from: &'a [T]) -> &'a T {
    &from[random.usize(..from.len())]
}
