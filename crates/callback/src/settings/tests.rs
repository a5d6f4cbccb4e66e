use super::SettingsFile;
use callback_core::plan::{AcceptKey, Address, Mode, RingStrategy};
use callback_core::site::{Announce, Language, ShownNumber};

/// The example that operators begin with.
const EXAMPLE: &str = r#"
    [[customer]]
    name = "Romashka"   
    email = "Owner@Romashka.example"
    time_zone = "Europe/Moscow"
    country = "RU"
    max_calls = 10
    [[customer.site]]
    key = "demo"
    url = "https://romashka.example/shop"
    mode = "manager_first"
    strategy = "random"
    caller_id_to_manager = "visitor"
    caller_id_to_visitor = "8 495 123-45-67"
    countries = ["RU", "kz", "RU"]
    schedule = { mon = ["09:00-13:00", "14:00-18:00"], sat = ["22:00-02:00"], sun = [] }
    exceptions = [{ date = "2027-01-01", hours = [] }, { date = "2027-01-02", hours = ["10:00-12:00"] }]
    blocked_numbers = ["+7916*", "8 (495) 123-45-99"]
    blocked_networks = ["192.0.2.0/24", "2001:db8::7"]
    [[customer.site.manager]]
    name = "Anna"
    address = "8 (495) 123-45-67"
    extension = "12,3"
    extension_delay_s = 5
    accept_key = true
    [[customer.site.manager]]
    name = "Boris"
    address = "sip:Boris@PBX.example:5060"
    [[customer.site]]
    key = "second"
    url = "https://second.example"
    name = "Вторая ромашка"
    language = "en"
    announce = "never"
"#;

#[test]
fn a_file_becomes_sites_and_what_it_does_not_say_is_usual() {
    let file = SettingsFile::parse(EXAMPLE).unwrap();
    let [customer] = &file.customers[..] else { panic!("one customer") };
    assert_eq!((customer.email.as_str(), customer.max_calls), ("owner@romashka.example", 10));
    let [demo, second] = &customer.sites[..] else { panic!("two sites") };
    let site = &demo.body;
    assert_eq!((&*site.name, site.origin.as_str()), ("romashka.example", "https://romashka.example"));
    assert_eq!((site.mode, site.strategy), (Mode::ManagerFirst, RingStrategy::Random));
    assert_eq!(site.caller_id_to_manager, ShownNumber::Visitor);
    assert_eq!(site.caller_id_to_visitor, ShownNumber::Number("+74951234567".parse().unwrap()));
    assert_eq!(site.countries.iter().map(ToString::to_string).collect::<Vec<_>>(), ["RU", "KZ"]);
    let week = site.schedule.week.as_ref().unwrap();
    assert_eq!((week[0].len(), week[1].len(), week[5][0].to_string().as_str()), (2, 0, "22:00-02:00"));
    assert_eq!(site.schedule.exceptions.len(), 2);
    let names = |number: &str, ip: Option<&str>| {
        let today = "2026-11-25".parse().unwrap();
        site.blacklist.names(number.parse().unwrap(), ip.map(|ip| ip.parse().unwrap()), today)
    };
    assert!(names("+79161234567", None) && names("+74951234599", None));
    assert!(names("+74951234567", Some("2001:db8::7")) && !names("+74951234567", None));
    let [anna, boris] = &site.managers[..] else { panic!("two managers") };
    assert_eq!(anna.telephone.address, Address::Phone("+74951234567".parse().unwrap()));
    assert_eq!((anna.extension_delay_s, anna.accept_key), (5, AcceptKey::Yes));
    assert_eq!(boris.telephone.address, Address::Sip("sip:Boris@pbx.example".into()));
    assert_eq!((boris.extension_delay_s, boris.accept_key), (2, AcceptKey::Auto));
    let usual = (
        (site.promise_seconds, site.rounds, site.ring_timeout_s, site.visitor_ring_timeout_s),
        (site.total_time_s, site.delay_to_visitor_s, site.max_talk_s, site.announce, site.language),
    );
    assert_eq!(usual, ((29, 2, 15, 40), (120, 0, 14_400, Announce::Auto, Language::Ru)));
    assert_eq!((&*second.body.name, second.body.language), ("Вторая ромашка", Language::En));
    assert_eq!((second.body.announce, second.body.countries.len()), (Announce::Never, 1));
}

#[test]
fn a_manager_is_the_same_as_long_as_site_and_telephone_are() {
    let ids = |text: &str| -> Vec<_> {
        let file = SettingsFile::parse(text).unwrap();
        file.customers[0].sites[0].body.managers.iter().map(|manager| manager.id).collect()
    };
    let first = ids(EXAMPLE);
    assert_ne!(first[0], first[1]);
    assert_eq!(first, ids(&EXAMPLE.replace("Anna", "Olga").replace("8 (495) 123-45-67", "+74951234567")));
    assert_ne!(first[0], ids(&EXAMPLE.replace("12,3", "12,4"))[0]);
    assert_ne!(first, ids(&EXAMPLE.replace("\"demo\"", "\"demo2\"")));
}

/// A file with one site of these lines, and one manager of those; what is said against it.
fn check(site: &str, manager: &str, problems: &[&str]) {
    let text = format!(
        "[[customer]]\nname = \"R\"\nemail = \"a@b.example\"\n[[customer.site]]\n{site}\n\
         [[customer.site.manager]]\n{manager}\n"
    );
    let found = SettingsFile::parse(&text).map(|_| ()).map_err(|problems| problems.0);
    let expected = if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.iter().map(|&text| text.to_owned()).collect())
    };
    assert_eq!(found, expected, "{site}\n{manager}");
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_place_and_what_to_write() {
    check(
        "key = \"Demo\"\nurl = \"romashka\"\nrounds = 9\nstrategy = \"any\"\ncountries = []\nschedule = { mon = [] }\n\
         exceptions = [{ date = \"soon\", hours = [\"9-18\"] }]\nblocked_numbers = [\"7916\"]\nblocked_networks = [\"home\"]",
        "name = \"\"\naddress = \"112\"\nextension = \"x\"\naccept_key = 1",
        &[
            "customer \"R\", site \"Demo\": key = \"Demo\": a site's key is 3 to 40 of a-z, 0-9 and \"-\"",
            "customer \"R\", site \"Demo\": url = \"romashka\": not a site's address, like https://shop.example",
            "customer \"R\", site \"Demo\": strategy = \"any\": write one of \"linear\", \"random\", \"all\"",
            "customer \"R\", site \"Demo\": rounds = 9: write a number from 1 to 5",
            "customer \"R\", site \"Demo\": countries = []: write the countries that may be called, like [\"RU\"]",
            "customer \"R\", site \"Demo\": schedule = \"\": no day has hours; leave it out to be always open",
            "customer \"R\", site \"Demo\": exceptions.date = \"soon\": write a date like 2027-01-01",
            "customer \"R\", site \"Demo\": exceptions.hours = \"9-18\": write hours like 09:00-18:00; \
             22:00-02:00 goes on into the next day",
            "customer \"R\", site \"Demo\": blocked_numbers = \"7916\": write a number like +79161234567, the \
             beginning of numbers like +7916*, or a network like 192.0.2.0/24",
            "customer \"R\", site \"Demo\": blocked_networks = \"home\": write an address or a network, like \
             192.0.2.0/24",
            "customer \"R\", site \"Demo\", manager 1: name = \"\": write 1 to 64 characters on one line",
            "customer \"R\", site \"Demo\", manager 1: address = \"112\": numbers of this kind are not called: \
             emergency, short, premium-rate, shared-cost, pager or satellite",
            "customer \"R\", site \"Demo\", manager 1: extension = \"x\": an extension is 1 to 32 of 0-9, *, # \
             and \",\" for a pause of two seconds",
            "customer \"R\", site \"Demo\", manager 1: accept_key = \"1\": write \"auto\", true or false",
        ],
    );
}

#[test]
fn numbers_hold_to_their_ranges() {
    let ranges = [
        ("promise_seconds", 5, 600),
        ("rounds", 1, 5),
        ("ring_timeout_s", 5, 60),
        ("visitor_ring_timeout_s", 15, 60),
        ("total_time_s", 30, 600),
        ("delay_to_visitor_s", 0, 60),
        ("max_talk_s", 60, 14_400),
    ];
    let manager = "name = \"A\"\naddress = \"+74951234567\"";
    for (field, least, most) in ranges {
        let site = |value: i64| format!("key = \"demo\"\nurl = \"http://d.example\"\n{field} = {value}");
        check(&site(least), manager, &[]);
        check(&site(most), manager, &[]);
        for wrong in [least - 1, most + 1] {
            let said = format!(
                "customer \"R\", site \"demo\": {field} = {wrong}: write a number from {least} to {most}"
            );
            check(&site(wrong), manager, &[&said]);
        }
    }
}

#[test]
fn a_sip_address_carries_nothing_into_a_header() {
    let site = "key = \"demo\"\nurl = \"http://d.example\"";
    let check_address = |address: &str, fits: bool| {
        let said = format!(
            "customer \"R\", site \"demo\", manager 1: address = {address:?}: write a SIP address like \
             sip:anna@192.0.2.7 or sip:anna@pbx.example:5060"
        );
        let problems: &[&str] = if fits { &[] } else { &[&said] };
        check(site, &format!("name = \"A\"\naddress = {address:?}"), problems);
    };
    for fits in
        ["sip:a@192.0.2.7", "sip:+7495@pbx.example:5080", "SIP:a.b@[2001:db8::1]:5060", "sip:a@localhost"]
    {
        check_address(fits, true);
    }
    let long = format!("sip:{}@h", "a".repeat(65));
    for wrong in [
        "sip:",
        "sip:host",
        "sip:@host",
        "sip:a@",
        "sip:a@h:0",
        "sip:a@h:+1",
        "sip:a@h:70000",
        "sip:a@h;x=1",
        "sip:a@h?Subject=1",
        "sip:a<b@h",
        "sip:a b@h",
        "sip:a@h\\r\\nVia: x",
        "sip:a@b@c",
        "sip:a@[::g]",
        &long,
    ] {
        check_address(wrong, false);
    }
}

#[test]
fn what_tells_apart_stands_once() {
    let manager = "name = \"A\"\naddress = \"+74951234567\"\n[[customer.site.manager]]\nname = \"B\"\naddress = \"8 495 123 45 67\"";
    check(
        "key = \"demo\"\nurl = \"http://d.example\"",
        manager,
        &[
            "customer \"R\", site \"demo\", manager 2: address = \"8 495 123 45 67\": manager 1 has the same telephone; write it once",
        ],
    );
    let twice = format!("{EXAMPLE}{}", EXAMPLE.replace("second", "third").replace("Romashka\"", "Vasilek\""));
    assert_eq!(
        SettingsFile::parse(&twice).unwrap_err().0,
        [
            "customer \"Vasilek\": email = \"Owner@Romashka.example\": another customer has it; write each customer once",
            "customer \"Vasilek\": key = \"demo\": another site has it; write each site once",
        ]
    );
    let managers: Vec<_> = (0..16).map(|n| format!("name = \"A\"\naddress = \"sip:m{n}@h\"")).collect();
    check(
        "key = \"demo\"\nurl = \"http://d.example\"",
        &managers.join("\n[[customer.site.manager]]\n"),
        &["customer \"R\", site \"demo\": 16 managers: a site has 15 at most"],
    );
}

#[test]
fn an_unknown_name_is_said_with_its_line() {
    let error = SettingsFile::parse("[[customer]]\nname = \"R\"\nemail = \"a@b.example\"\nmax_cals = 3\n")
        .unwrap_err();
    assert!(error.to_string().contains("line 4"), "{error}");
    assert!(error.to_string().contains("max_cals"), "{error}");
}
