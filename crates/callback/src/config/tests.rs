use super::{Config, HostPort, NumberFormat, Problems, env, raw};
use callback_core::billing::WhenOut;
use callback_core::money::Micros;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// The file that operators copy.
const EXAMPLE: &str = include_str!("../../../../callback.example.toml");

fn parse(text: &str, env: &[(&str, &str)]) -> Result<Config, Problems> {
    let env: BTreeMap<_, _> =
        env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::parse(text, &env, |file| match file {
        "trunk.password" => Ok("hush hush\n".to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    })
}

/// What is said against a text.
fn check(text: &str, env: &[(&str, &str)], problems: &[&str]) {
    let found = parse(text, env).map(|_| ()).map_err(|problems| problems.0);
    let expected = if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.iter().map(|&said| said.to_owned()).collect())
    };
    assert_eq!(found, expected, "{text}\n{env:?}");
}

const TRUNK: &str =
    "[[trunk]]\nname = \"provider\"\nproxy = \"sip:pbx.example\"\ncaller_ids = [\"+74950000001\"]\n";

#[test]
fn nothing_written_is_the_usual() {
    let config = parse("", &[]).unwrap();
    let http = (
        config.http.listen.to_string(),
        config.http.public_url.as_str(),
        config.http.metrics_listen.to_string(),
    );
    assert_eq!(http, ("127.0.0.1:8080".to_owned(), "http://127.0.0.1:8080", "127.0.0.1:9090".to_owned()));
    assert_eq!(config.database_url.expose(), "sqlite://callback.db");
    assert_eq!(config.sip.listen, ["127.0.0.1:5060".parse().unwrap()]);
    assert_eq!(
        (config.media.address.to_string().as_str(), config.media.ports),
        ("127.0.0.1", 20_000..=32_766)
    );
    let limits = (config.limits.queue, config.limits.orders_per_ip_10min, config.limits.orders_per_ip_hour);
    assert_eq!((limits, config.practice, config.trunks), ((200, 5, 30), None, vec![]));
}

#[test]
fn the_example_names_every_key_with_its_default_and_its_variable() {
    assert_eq!(parse(EXAMPLE, &[]), parse("", &[]), "as it is copied");
    let is_key = |line: &str| line.starts_with('#') && !line.starts_with("# ");
    let open: Vec<_> = EXAMPLE.lines().map(|line| if is_key(line) { &line[1..] } else { line }).collect();
    let open = open.join("\n");
    let config = parse(&open, &[]).unwrap();
    let usual = TRUNK.replace("sip:pbx.example", "sip:127.0.0.10:5060");
    assert_eq!(config, parse(&usual, &[]).unwrap(), "with every key taken in");
    for (section, key, _) in env::KEYS {
        let variable = env::name(if section == "trunk" { "trunk_0" } else { section }, key);
        assert!(
            EXAMPLE.lines().any(|line| line.split_whitespace().any(|word| word == variable)),
            "{variable}"
        );
        if key != "password_file" {
            assert!(open.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
        }
    }
}

#[test]
fn every_key_of_the_file_has_its_variable() {
    let file = raw::File { trunk: vec![raw::Trunk::default()], ..raw::File::default() };
    let mut written = BTreeSet::new();
    for (section, keys) in serde_json::to_value(file).unwrap().as_object().unwrap() {
        let keys = keys.as_object().or_else(|| keys[0].as_object()).unwrap();
        written.extend(keys.keys().map(|key| (section.clone(), key.clone())));
    }
    let known: BTreeSet<_> =
        env::KEYS.iter().map(|(section, key, _)| ((*section).to_owned(), (*key).to_owned())).collect();
    assert_eq!(written, known);
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = parse(
        TRUNK,
        &[
            ("CALLBACK_HTTP_LISTEN", "192.0.2.1:80"),
            ("CALLBACK_HTTP_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.9"),
            ("CALLBACK_SIP_LISTEN", "udp://192.0.2.1:5060,udp://[2001:db8::1]:5060"),
            ("CALLBACK_LIMITS_QUEUE", "7"),
            ("CALLBACK_PRACTICE_ENABLED", "true"),
            ("CALLBACK_TRUNK_0_CPS", "9"),
            ("CALLBACK_TRUNK_1_NAME", "second"),
            ("CALLBACK_TRUNK_1_PROXY", "sip:[2001:db8::2]:5070;transport=UDP"),
            ("CALLBACK_TRUNK_1_CALLER_IDS", "+74950000002,+74950000003"),
            ("CALLBACK_TRUNK_1_NUMBER_FORMAT", "8"),
            ("CALLBACK_SERVICE_HOST", "an orchestrator's own"),
        ],
    )
    .unwrap();
    assert_eq!(config.http.listen.to_string(), "192.0.2.1:80");
    let trusts =
        ["10.1.2.3", "192.0.2.9", "192.0.2.8", "::1"].map(|ip| config.http.trusts(ip.parse().unwrap()));
    assert_eq!(trusts, [true, true, false, false]);
    assert_eq!((config.sip.listen.len(), config.limits.queue), (2, 7));
    assert_eq!(config.practice, Some("127.0.0.1:5080".parse().unwrap()));
    let [first, second] = &config.trunks[..] else { panic!("two trunks") };
    assert_eq!((first.cps, &first.proxy), (9, &HostPort { host: "pbx.example".to_owned(), port: None }));
    assert_eq!((second.proxy.to_string().as_str(), second.caller_ids.len()), ("[2001:db8::2]:5070", 2));
    assert_eq!((first.number_format, second.number_format), (NumberFormat::Plus, NumberFormat::Eight));
    check(
        "",
        &[("CALLBACK_LIMITS_QUEUE", "many"), ("CALLBACK_PRACTICE_ENABLED", "on")],
        &[
            "CALLBACK_LIMITS_QUEUE = \"many\": write a whole number",
            "CALLBACK_PRACTICE_ENABLED = \"on\": write true or false",
        ],
    );
    check(
        "",
        &[("CALLBACK_TRUNK_1_CPS", "1")],
        &["CALLBACK_TRUNK_1_CPS: there are 0 trunks before it; count from 0"],
    );
}

#[test]
fn calls_are_charged_where_a_currency_is_named() {
    assert_eq!(parse("[billing]\nwhen_out = \"cut\"\n", &[]).unwrap().billing, None);
    let text = "[billing]\ncurrency = \"RUB\"\ntime_zone = \"Europe/Moscow\"\nwhen_out = \"cut\"\nwarn_s = 30\ndearest_minute = \"50\"\n";
    let billing = parse(text, &[]).unwrap().billing.unwrap();
    assert_eq!((billing.currency.to_string().as_str(), billing.time_zone.as_str()), ("RUB", "Europe/Moscow"));
    assert_eq!((billing.when_out, billing.warn.as_secs()), (WhenOut::Cut, 30));
    assert_eq!(billing.dearest_minute, Some(Micros(50_000_000)));
    check(
        "[billing]\ncurrency = \"rubles\"\ntime_zone = \"Moscow\"\nwhen_out = \"stop\"\nwarn_s = 5\ndearest_minute = \"-1\"\n",
        &[],
        &[
            "billing.when_out = \"stop\": write one of \"finish\", \"cut\"",
            "billing.warn_s = 5: write a number from 10 to 60",
            "billing.time_zone = \"Moscow\": write a time zone by its IANA name, like Europe/Moscow",
            "billing.dearest_minute = \"-1\": write an amount above 0 with a decimal point, like 50.00",
            "billing.currency = \"rubles\": not a currency; write its three letters (ISO 4217), like RUB",
        ],
    );
}

#[test]
fn every_wrong_value_is_said_with_its_key_and_what_to_write() {
    check(
        "[http]\nlisten = \"8080\"\npublic_url = \"callback\"\ntrusted_proxies = [\"lan\"]\n\
         [database]\nurl = \"mysql://u:secret@h/d\"\n[sip]\nlisten = [\"tls://192.0.2.1:5061\", \"192.0.2.1\"]\n\
         [media]\nplane = \"rtpengine\"\nports = \"20001-30000\"\nadvertised = \"sip.example\"\n[limits]\nqueue = 0\ncountries = [\"Russia\"]\n",
        &[],
        &[
            "http.listen = \"8080\": write an IP address and a port, like 127.0.0.1:8080",
            "http.public_url = \"callback\": write how browsers reach the service, like https://callback.example",
            "http.trusted_proxies = \"lan\": write a network or an address, like 10.0.0.0/8 or 192.0.2.1",
            "database.url: write sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME",
            "sip.listen = \"tls://192.0.2.1:5061\": this transport is not supported yet; write udp://…",
            "sip.listen = \"192.0.2.1\": write a transport, an address and a port, like udp://192.0.2.1:5060",
            "media.plane = \"rtpengine\": this plane is not supported yet; write \"embedded\"",
            "media.ports = \"20001-30000\": write an even first port of at least 1024 and a last one, like 20000-32766",
            "media.advertised = \"sip.example\": write the IP address that the outside sees, like 192.0.2.1",
            "limits.queue = 0: write a number from 1 to 100000",
            "limits.countries = \"Russia\": write countries by their two letters (ISO 3166), like [\"RU\", \"KZ\"]",
        ],
    );
    check(
        "[sip]\nlisten = [\"udp://0.0.0.0:5060\"]\n[media]\naddress = \"::\"",
        &[],
        &[
            "sip.listen = [\"udp://0.0.0.0:5060\"]: where it listens on all addresses, write in sip.advertised which one the \
         outside sees",
            "media.address = \"::\": where sound comes to all addresses, write in media.advertised which one the outside sees",
        ],
    );
    for ports in ["20000", "20000-20000", "20000-19998", "80-90", "20000-70000", "a-b"] {
        let said = format!(
            "media.ports = {ports:?}: write an even first port of at least 1024 and a last one, like 20000-32766"
        );
        check(&format!("[media]\nports = {ports:?}"), &[], &[&said]);
    }
}

#[test]
fn trunks_say_what_they_lack() {
    let trunk = |lines: &str, problems: &[&str]| {
        let said: Vec<_> = problems.iter().map(|problem| format!("trunk \"provider\": {problem}")).collect();
        check(&format!("{TRUNK}{lines}"), &[], &said.iter().map(String::as_str).collect::<Vec<_>>());
    };
    trunk("", &[]);
    trunk("username = \"u\"\npassword_file = \"trunk.password\"", &[]);
    trunk("username = \"u\"", &["username = \"u\": write its password too, or better password_file"]);
    trunk("password = \"p\"", &["username: write whose password it is"]);
    trunk("password = \"p\"\npassword_file = \"f\"", &["password and password_file: write one of them"]);
    trunk(
        "username = \"u\"\npassword_file = \"f\"",
        &["password_file = \"f\": it cannot be read: entity not found"],
    );
    trunk(
        "register = true",
        &["register = true: registering is not supported yet; write false, and have calls sent \
                                here by address"],
    );
    trunk("channels = 1", &["channels = 1: write a number from 2 to 10000"]);
    trunk(
        "number_format = \"9…\"",
        &["number_format = \"9\": write how the provider wants numbers: \"+7…\", \"7…\" or \
                                       \"8…\""],
    );
    let address = "write the provider's address, like sip:192.0.2.10:5060;transport=udp";
    for (proxy, why) in [
        ("pbx.example", address),
        ("sip:", address),
        ("sip:user@pbx.example", address),
        ("sip:pbx.example:0", address),
        ("sip:192.0.2.1:0", address),
        ("sip:pbx.example;maddr=x", address),
        ("sip:pbx\r\nVia: x", address),
        ("sips:pbx.example", "sips: is not supported yet; write sip:…"),
        ("sip:pbx.example;transport=tls", "this transport is not supported yet; write transport=udp"),
    ] {
        let said = format!("trunk \"provider\": proxy = {proxy:?}: {why}");
        let text = TRUNK.replace("\"sip:pbx.example\"", &format!("{proxy:?}"));
        check(&text, &[], &[&said]);
    }
    check(
        "[[trunk]]\nname = \"a b\"\nproxy = \"sip:h\"",
        &[],
        &[
            "trunk \"a b\": name = \"a b\": write 1 to 32 letters, digits, \"-\", \"_\" or \".\"",
            "trunk \"a b\": caller_ids = []: write the numbers that may be shown, the service's own first, like \
         [\"+74950000001\"]",
        ],
    );
    check(
        &TRUNK.repeat(2),
        &[],
        &["trunk \"provider\": name = \"provider\": another trunk has it; write another name"],
    );
}

#[test]
fn secrets_are_shown_to_nobody() {
    let secret = "[database]\nurl = \"postgres://u:hush@h/d\"\n";
    let config =
        parse(&format!("{secret}{TRUNK}username = \"u\"\npassword_file = \"trunk.password\""), &[]).unwrap();
    assert_eq!(config.trunks[0].credentials.as_ref().unwrap().password.expose(), "hush hush");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hush"), "{shown}");
    check(&format!("{TRUNK}password = 12345"), &[], &["line 5: write a text in quotes"]);
    check("[http]\nlisten = 1", &[], &["line 2: invalid type: integer `1`, expected a string"]);
    let unknown = parse("[http]\nport = 1", &[]).unwrap_err().to_string();
    assert!(unknown.starts_with("line 2: unknown field `port`, expected one of `listen`"), "{unknown}");
}
