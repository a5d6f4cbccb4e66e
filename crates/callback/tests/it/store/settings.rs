use super::{MORNING, ROMASHKA, at, file, key, romashka};
use crate::world::{World, on_both};
use callback::ids::SiteId;
use callback::store::{Edit, Entry, Error, Owner, Store};
use callback_core::site::Site;
use callback_core::time::Ts;
use serde_json::{Map, json};
use std::time::Duration;
use uuid::Uuid;

#[test]
fn applying_a_file_again_changes_nothing() {
    on_both(async |world| {
        let store = world.open().await;
        let apply =
            async |text: &str, dry_run| store.apply(file(text), "operator", MORNING, dry_run).await.unwrap();
        let said = "customer owner@romashka.example: would be created\nsite demo: would be created, version 1\n\
                    site other: would be created, version 1\n";
        assert_eq!(apply(ROMASHKA, true).await.to_string(), said);
        assert_eq!(store.site_by_key(&key("demo")).await.unwrap(), None, "a dry run writes nothing");
        assert_eq!(apply(ROMASHKA, false).await.to_string(), said.replace("would be created", "created"));
        assert_eq!(apply(ROMASHKA, false).await.to_string(), "nothing to change\n");

        let changed =
            ROMASHKA.replace("Anna", "Olga").replace("\"Romashka\"", "\"Romashka Ltd\"\nmax_calls = 3");
        let said = "customer owner@romashka.example: changed\n  max_calls: 10 -> 3\n  \
                    name: \"Romashka\" -> \"Romashka Ltd\"\n\
                    site demo: changed, version 2\n  managers[0].name: \"Anna\" -> \"Olga\"\n";
        assert_eq!(apply(&changed, true).await.to_string(), said.replace("changed", "would be changed"));
        assert_eq!(apply(&changed, false).await.to_string(), said);
        let site = store.site_by_key(&key("demo")).await.unwrap().unwrap();
        assert_eq!((site.version, &*site.body.managers[0].name), (2, "Olga"));
        assert_eq!(
            (site.customer.name.as_str(), site.customer.max_calls, site.customer.sites),
            ("Romashka Ltd", 3, 2)
        );
        let first = store.site_version(site.id, 1).await.unwrap().unwrap();
        assert_eq!(&*first.managers[0].name, "Anna", "a version stays as it was");
        let mut facts = super::order(&site, 1, "+79161234567", 0).facts;
        facts.settings_version = 1;
        let admitted_by = store.site_of(&facts).await.unwrap();
        assert_eq!(
            (admitted_by.version, &admitted_by.body, &admitted_by.customer),
            (1, &first, &site.customer)
        );
        assert_eq!(store.site_version(site.id, 3).await.unwrap(), None);
        assert_eq!(store.site_version(SiteId::of(&key("no-such")), 1).await.unwrap(), None);
    });
}

#[test]
fn nobody_takes_another_s_site_over() {
    on_both(async |world| {
        let (store, _) = romashka(&world).await;
        let thief =
            file(&ROMASHKA.replace("owner@romashka", "thief@vasilek").replace("\"other\"", "\"third\""));
        let refused = store.apply(thief, "operator", MORNING, false).await;
        let Err(Error::Settings(said)) = &refused else { panic!("{refused:?}") };
        assert_eq!(said, "site \"demo\": the key is taken by another customer; choose another key");
        assert_eq!(store.site_by_key(&key("third")).await.unwrap(), None, "nothing of it is applied");
    });
}

#[test]
fn recordings_that_no_settings_name_make_room() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let of = site.customer.id;
        let keeps = async |now: Ts| store.keep_recording(of, vec![0; 4], now).await.unwrap();
        let mut sent = Vec::new();
        for second in 0..200 {
            sent.push(keeps(at(second)).await.unwrap());
        }
        let next_day = at(86_400 + 100);
        let published = Site { own_recording: Some(sent[0]), ..site.body.clone() };
        let entry = Entry {
            user: None,
            who: String::new(),
            what: "site.try",
            object: String::new(),
            detail: json!({}),
            now: MORNING,
        };
        store.try_version(site.id, of, published, entry).await.unwrap();
        let set = json!({ "own_recording": sent[1] }).as_object().cloned().unwrap();
        let edit = Edit {
            revision: 0,
            set,
            user: Uuid::nil(),
            name: "Anna".to_owned(),
            now: MORNING,
            begin: Map::new(),
        };
        store.edit_draft(Owner::Site(site.id), edit).await.unwrap();

        assert_eq!(keeps(at(200)).await, None, "all of them may still be chosen");
        let one_more = keeps(next_day).await.unwrap();
        let mut left = 0;
        for id in &sent {
            left += usize::from(store.has_recording(of, *id).await.unwrap());
        }
        assert_eq!(left, 2 + 100, "two are named, and a hundred are not a day old");
        for id in [sent[0], sent[1], one_more] {
            assert!(store.has_recording(of, id).await.unwrap());
        }
    });
}

#[test]
fn a_running_service_learns_of_another_process_s_change() {
    on_both(async |world| {
        let (service, _) = romashka(&world).await;
        let mut epoch = service.settings_epoch();
        let seen = *epoch.borrow_and_update();
        let by_hand = world.open().await;
        by_hand.apply(file(&ROMASHKA.replace("Anna", "Olga")), "operator", at(1), false).await.unwrap();
        let grown = epoch.wait_for(|now| *now > seen);
        tokio::time::timeout(Duration::from_secs(60), grown).await.unwrap().unwrap();
        let site = service.site_by_key(&key("demo")).await.unwrap().unwrap();
        assert_eq!(&*site.body.managers[0].name, "Olga");
    });
}

#[test]
fn a_newer_program_s_database_is_left_alone() {
    on_both(async |world| {
        world.open().await.close().await.unwrap();
        let next = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                    VALUES (99, 'of tomorrow', TRUE, CAST('x' AS BLOB), 0)";
        if world.is_lite() {
            let pool = sqlx::SqlitePool::connect(&world.url).await.unwrap();
            sqlx::query(next).execute(&pool).await.unwrap();
        } else {
            let pool = sqlx::PgPool::connect(&world.url).await.unwrap();
            let next = sqlx::AssertSqlSafe(next.replace("CAST('x' AS BLOB)", "'x'::BYTEA"));
            sqlx::query(next).execute(&pool).await.unwrap();
        }
        let refused = Store::open(&world.url).await.err().unwrap().to_string();
        let newer =
            "the database was made by a newer callback: its schema is at version 99, this program knows ";
        assert!(refused.starts_with(newer), "{refused}");
        assert!(refused.ends_with("; run the newer program, or give this one another database"), "{refused}");
    });
}

#[tokio::test]
async fn what_cannot_be_opened_is_said_without_its_password() {
    let check = async |url: &str, said: &str| {
        let error = format!("{:#}", Store::open(url).await.err().unwrap());
        assert!(error.starts_with(said), "{error}");
        assert!(!error.contains("secret"), "{error}");
    };
    check("mysql://u:secret@h/d", "database.url must be sqlite://FILE or postgres://…").await;
    check("sqlite::memory:", "database.url must be").await;
    check(
        "sqlite:///no/such/folder/callback.db",
        "the database file /no/such/folder/callback.db cannot be opened",
    )
    .await;
    check(
        "postgres://u:secret@localhost/d?host=/no/such/folder",
        "the database of database.url cannot be reached",
    )
    .await;
    check("postgres://u:secret@localhost:port/d", "database.url is no address of PostgreSQL").await;
}

#[test]
fn a_copy_of_a_used_database_is_whole() {
    on_both(async |world| {
        let (store, _) = romashka(&world).await;
        let copy = world.folder.path().join("it's a copy.db");
        let made = store.backup(&copy).await.map_err(|error| error.to_string());
        if !world.is_lite() {
            assert_eq!(
                made.unwrap_err(),
                "this database is PostgreSQL's: make the copy with its own pg_dump"
            );
            return;
        }
        made.unwrap();
        let copied = Store::open(&format!("sqlite://{}", copy.display())).await.unwrap();
        assert!(copied.site_by_key(&key("demo")).await.unwrap().is_some());
        let again = store.backup(&copy).await.unwrap_err().to_string();
        assert!(again.ends_with("is there already: name a file that is not"), "{again}");
    });
}

#[tokio::test]
async fn the_database_answers_or_does_not() {
    let world = World::lite();
    let store = world.open().await;
    store.ping().await.unwrap();
    store.clone().close().await.unwrap();
    assert!(store.ping().await.is_err());
}
