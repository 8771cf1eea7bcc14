//! TLS: successful connections, and the error for each failure.

use std::fs;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use captured_log::CapturedLog;
use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use redis_servers::{Authority, Certified, RedisCluster, RedisServer};

use crate::cases;
use crate::ends::{assert_kind, closed_database, database};
use crate::passwords::{CANARY, password_file};

const ROW: RowName<'static> = RowName { table: "t", key: "k", topic: Some("topic") };

fn names_file(setting: &str, path: &Path) -> String {
    format!("{setting}={}", path.display())
}

/// The settings for a server whose certificate `authority` has signed.
fn trusting(authority: &Authority) -> Vec<String> {
    vec!["tls=true".to_owned(), names_file("ca_file", &authority.ca_file())]
}

fn showing(own: &Certified) -> Vec<String> {
    vec![names_file("client_cert_file", &own.cert_file), names_file("client_key_file", &own.key_file)]
}

fn words(sets: &[String]) -> Vec<&str> {
    sets.iter().map(String::as_str).collect()
}

/// The error when the driver tries to open one host with these settings.
async fn refusal(address: &str, sets: &[String], kind: ErrorKind) -> String {
    let mut sets = words(sets);
    sets.insert(0, "timeout=20s");
    let opened = async { closed_database(&[address.to_owned()], &sets)?.initialize().await };
    assert_kind(opened.await, kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_holds_over_tls() {
    let authority = Authority::new();
    let server = RedisServer::start_tls(&authority, &authority.sign(&["127.0.0.1"]), &[]);
    cases::all(&database(&[server.tls_address()], &words(&trusting(&authority))).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_holds_at_a_cluster_over_tls() {
    let authority = Authority::new();
    let cluster = RedisCluster::start_tls(&authority, &authority.sign(&["127.0.0.1"]));
    let db = database(&[cluster.nodes[0].tls_address()], &words(&trusting(&authority))).await;
    cases::all(&db).await;
}

/// Many clusters have certificates for one name, and announce the IP addresses of their nodes.
#[tokio::test(flavor = "multi_thread")]
async fn one_name_may_be_set_for_every_node() {
    let authority = Authority::new();
    let cluster = RedisCluster::start_tls(&authority, &authority.sign(&["redis.example.org"]));
    let address = cluster.nodes[0].tls_address();
    let mut sets = trusting(&authority);
    let text = refusal(&address, &sets, ErrorKind::Unavailable).await;
    assert!(text.contains("is not for 127.0.0.1") && text.contains("redis.example.org"), "{text}");
    assert!(text.contains("tls_server_name"), "{text}");
    sets.push("tls_server_name=redis.example.org".to_owned());
    let db = database(&[address], &words(&sets)).await;
    for number in 0..30 {
        let topic = format!("tenant-{number}");
        db.create_key(RowName::new("t", "k").on(topic.as_str()), "x".into(), false).await.unwrap();
    }
    assert_eq!(db.get_all_keys("t", None).await.unwrap().len(), 30);
}

#[tokio::test]
async fn an_invalid_certificate_is_unavailable_and_the_error_explains_how_to_fix_it() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let good = authority.sign(&["127.0.0.1"]);
    for (own, says) in [
        (authority.sign(&["localhost", "redis.example.org"]), "is not for 127.0.0.1 but for"),
        (authority.sign(&[]), "is not for 127.0.0.1 but for no name"),
        (stranger.sign(&["127.0.0.1"]), "is not signed by an authority in drivers.redis.ca_file"),
        (authority.sign_expired(&["127.0.0.1"]), "has expired"),
    ] {
        let server = RedisServer::start_tls(&authority, &own, &[]);
        let address = server.tls_address();
        let text = refusal(&address, &trusting(&authority), ErrorKind::Unavailable).await;
        assert!(text.contains(says) && text.contains(&address), "{text}");
        // After the fix at the server, the same instance connects.
        let db = closed_database(&[address], &words(&trusting(&authority))).unwrap();
        assert_kind(db.initialize().await, ErrorKind::Unavailable);
        fs::copy(&good.key_file, &own.key_file).unwrap();
        fs::copy(&good.cert_file, &own.cert_file).unwrap();
        let file = own.cert_file.display().to_string();
        server.raw().call(&["CONFIG", "SET", "tls-cert-file", &file]).expect_ok();
        db.initialize().await.unwrap();
        db.create_key(ROW, "x".into(), false).await.unwrap();
    }
}

/// A server that speaks first, and does not speak TLS.
fn greeting_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"220 smtp.example.org\r\n");
            let _ = stream.read(&mut [0; 64]);
        }
    });
    address
}

#[tokio::test]
async fn both_sides_must_agree_on_tls() {
    let authority = Authority::new();
    let server = RedisServer::start_tls(&authority, &authority.sign(&["127.0.0.1"]), &[]);
    let (_file, password) = password_file(CANARY);
    for sets in [vec![], vec![password]] {
        let text = refusal(&server.tls_address(), &sets, ErrorKind::Unavailable).await;
        assert!(text.contains("if it requires TLS, set drivers.redis.tls"), "{text}");
        assert!(!text.contains(CANARY), "{text}");
    }
    // Redis waits for the end of a line, which a TLS handshake does not contain; other servers answer at once.
    let mut sets = trusting(&authority);
    sets.push("timeout=2s".to_owned());
    let text = refusal(&server.address(), &sets, ErrorKind::Unavailable).await;
    assert!(text.contains("check that it listens and speaks TLS"), "{text}");
    let text = refusal(&greeting_server(), &sets, ErrorKind::Unavailable).await;
    assert!(text.contains("does not speak TLS: check drivers.redis.tls"), "{text}");
}

#[tokio::test]
async fn the_client_certificate_is_sent_to_a_server_that_requires_one() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for protocols in ["TLSv1.3", "TLSv1.2"] {
        let options = ["--tls-auth-clients", "yes", "--tls-protocols", protocols];
        let server = RedisServer::start_tls(&authority, &authority.sign(&["127.0.0.1"]), &options);
        let address = server.tls_address();
        let known = [trusting(&authority), showing(&authority.sign(&["skimmer"]))].concat();
        let db = database(std::slice::from_ref(&address), &words(&known)).await;
        db.create_key(ROW, "x".into(), true).await.unwrap();
        let text = refusal(&address, &trusting(&authority), ErrorKind::Unavailable).await;
        assert!(text.contains("if it requires a client certificate"), "{protocols}: {text}");
        let unknown = [trusting(&authority), showing(&stranger.sign(&["skimmer"]))].concat();
        let text = refusal(&address, &unknown, ErrorKind::Unavailable).await;
        assert!(text.contains("it may not trust the issuer"), "{protocols}: {text}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_errors_of_settings_that_name_them() {
    let authority = Authority::new();
    let (one, other) = (authority.sign(&["a"]), authority.sign(&["b"]));
    let damaged = authority.ca_file().with_file_name("damaged.pem");
    fs::write(&damaged, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    let not_der = authority.ca_file().with_file_name("not_der.pem");
    fs::write(&not_der, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let missing = Path::new("/nonexistent/file.pem");
    let tls = || "tls=true".to_owned();
    let client = |cert, key| {
        [trusting(&authority), vec![names_file("client_cert_file", cert), names_file("client_key_file", key)]]
            .concat()
    };
    for (sets, says) in [
        (vec![tls()], "tls is set without drivers.redis.ca_file"),
        (
            vec![tls(), names_file("ca_file", missing)],
            "cannot read drivers.redis.ca_file /nonexistent/file.pem",
        ),
        (vec![tls(), names_file("ca_file", &one.key_file)], "has no certificate in PEM form"),
        (vec![tls(), names_file("ca_file", &damaged)], "damaged.pem is not valid PEM"),
        (vec![tls(), names_file("ca_file", &not_der)], "not_der.pem cannot be used"),
        (client(missing, &one.key_file), "cannot read drivers.redis.client_cert_file /nonexistent/file.pem"),
        (client(&one.cert_file, missing), "cannot read drivers.redis.client_key_file /nonexistent/file.pem"),
        (client(&one.cert_file, &one.cert_file), "has no private key in PEM form"),
        (client(&one.cert_file, &other.key_file), "drivers.redis.client_key_file"),
        (trusting(&authority)[1..].to_vec(), "is set, but TLS is disabled"),
        (showing(&one), "is set, but TLS is disabled"),
        ([trusting(&authority), showing(&one)[..1].to_vec()].concat(), "set both or neither"),
        (
            [trusting(&authority), vec!["tls_server_name=a b".to_owned()]].concat(),
            "must be one name or IP address",
        ),
    ] {
        let text = refusal("127.0.0.1:1", &sets, ErrorKind::Settings).await;
        assert!(text.contains(says), "{sets:?}: {text}");
    }
}

#[tokio::test]
async fn debug_output_and_logs_contain_no_key() {
    let authority = Authority::new();
    let own = authority.sign(&["127.0.0.1"]);
    let log = CapturedLog::begin();
    let server = RedisServer::start_tls(&authority, &own, &[]);
    let sets = [trusting(&authority), showing(&own)].concat();
    let db = database(&[server.tls_address()], &words(&sets)).await;
    db.create_key(ROW, "x".into(), false).await.unwrap();
    let shown = format!("{db:?} {:?} {}", db.status(), log.text());
    assert!(shown.contains("key_file"), "the settings are shown: {shown}");
    let key = fs::read_to_string(&own.key_file).unwrap();
    let secret = key.lines().find(|line| !line.starts_with("-----")).unwrap();
    assert!(!shown.contains(secret) && !shown.contains("PrivateKey"), "{shown}");
}
