//! Registration, login, a forgotten password, another address, the second factor.

use super::{Browser, PASSWORD, letter_to, registration, stage, token_to};
use crate::stage::Network;
use crate::world::on_both;
use reqwest::StatusCode;
use serde_json::json;
use totp_rs::{Builder, Secret};

const OWNER: &str = "klimova@romashka.example";

#[test]
fn a_company_registers_confirms_its_address_and_has_a_cabinet() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let mut browser = Browser::of(&stage);
        assert_eq!(browser.get("/me").await.problem(), "login-needed");
        let registered =
            browser.post("/register", registration("Ромашка", " Klimova@Romashka.example ")).await;
        assert_eq!(registered.status, StatusCode::ACCEPTED);
        let registered = registered.ok();
        let login = json!({ "email": OWNER, "password": PASSWORD });
        assert_eq!(browser.post("/login", login.clone()).await.problem(), "login-refused", "not confirmed");
        let (subject, body) = letter_to(&stage, OWNER).await;
        assert_eq!(subject, "Подтвердите почту для CallBack");
        assert!(
            body.contains("«Ромашка»") && body.contains(registered["number"].as_str().unwrap()),
            "{body}"
        );
        let secret = token_to(&stage, OWNER).await;
        let found = json!({ "token": secret, "password": "не тот пароль" });
        assert_eq!(browser.post("/confirm", found).await.fields(), "password password_wrong");
        let token = json!({ "token": secret, "password": PASSWORD });
        let me = browser.post("/confirm", token.clone()).await.ok();
        assert_eq!((&me["user"]["email"], &me["operator"]), (&json!(OWNER), &json!(false)));
        assert_eq!(
            me["memberships"],
            json!([{ "number": registered["number"], "company": "Ромашка", "role": "owner", "telephones": [] }])
        );
        assert_eq!(browser.post("/confirm", token).await.problem(), "link-over", "a link is good once");
        let number = registered["number"].as_str().unwrap();
        let customer = browser.get(&format!("/customers/{number}")).await.ok();
        assert_eq!(customer["sites"], json!([]));
        assert_eq!((&customer["time_zone"], &customer["role"]), (&json!("Europe/Moscow"), &json!("owner")));
        assert_eq!(browser.post("/logout", json!({})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(browser.get("/me").await.problem(), "login-needed");
        browser.post("/login", login).await.ok();
        assert_eq!(browser.get("/me").await.ok()["user"]["email"], OWNER);
    });
}

#[test]
fn a_known_address_is_answered_as_an_unknown_one() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        Browser::register(&stage, "Ромашка", OWNER).await;
        let mut stranger = Browser::of(&stage);
        let again = stranger.post("/register", registration("Василёк", OWNER)).await;
        assert_eq!((again.status, again.body["email"].as_str()), (StatusCode::ACCEPTED, Some(OWNER)));
        assert!(again.body["number"].as_str().unwrap().contains('-'));
        assert_eq!(letter_to(&stage, OWNER).await.0, "У вас уже есть кабинет CallBack");
        for email in [OWNER, "nobody@romashka.example"] {
            let forgot = stranger.post("/password/forgot", json!({ "email": email })).await;
            assert_eq!(forgot.status, StatusCode::ACCEPTED);
            assert_eq!(letter_to(&stage, email).await.0, "Новый пароль для CallBack");
            for left in (0..=4).rev() {
                let login = json!({ "email": email, "password": "четыре грустных гуся" });
                let refused = stranger.post("/login", login).await;
                assert_eq!(
                    (refused.problem().as_str(), &refused.body["attempts_left"]),
                    ("login-refused", &json!(left))
                );
            }
            let right = stranger.post("/login", json!({ "email": email, "password": PASSWORD })).await;
            assert_eq!((right.status, right.problem().as_str()), (StatusCode::TOO_MANY_REQUESTS, "paused"));
            assert!(right.body["retry_after_s"].as_u64().unwrap() <= 61);
        }
        let mut elsewhere = Browser::of(&stage).at("192.0.2.8");
        let right = json!({ "email": OWNER, "password": PASSWORD });
        elsewhere.post("/login", right).await.ok();
    });
}

#[test]
fn what_is_wrong_with_a_registration_is_said_at_each_field() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let mut browser = Browser::of(&stage);
        let body = json!({
            "company": " ", "email": "klimova", "password": "qwertyuiop",
            "country": "Россия", "time_zone": "Москва", "language": "de",
        });
        assert_eq!(
            browser.post("/register", body).await.fields(),
            "company required, email email, password common_password, country country, time_zone time_zone, language language"
        );
        let mut long = registration(&"Я".repeat(65), OWNER);
        long["password"] = json!("короткий");
        assert_eq!(browser.post("/register", long).await.fields(), "company too_long, password too_short");
        assert_eq!(browser.post("/register", json!({ "company": 1 })).await.problem(), "body-invalid");
        let plain =
            reqwest::Client::new().post(format!("{}/api/v1/login", browser.base)).body("{}").send().await;
        assert_eq!(plain.unwrap().status(), StatusCode::BAD_REQUEST, "a form of another page cannot ask");
        let elsewhere = reqwest::Client::new().post(format!("{}/api/v1/login", browser.base));
        let elsewhere =
            elsewhere.header("origin", "https://evil.example").json(&json!({})).send().await.unwrap();
        assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    });
}

#[test]
fn a_forgotten_password_is_set_anew_and_signs_everybody_else_out() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut home, _) = Browser::register(&stage, "Ромашка", OWNER).await;
        let mut elsewhere = Browser::login(&stage, OWNER, PASSWORD).await;
        let mut browser = Browser::of(&stage);
        browser.post("/password/forgot", json!({ "email": OWNER })).await.ok();
        let token = token_to(&stage, OWNER).await;
        let weak = json!({ "token": token, "password": "password123" });
        assert_eq!(browser.post("/password/reset", weak).await.fields(), "password common_password");
        let new = json!({ "token": token, "password": "шесть лиловых слонов" });
        browser.post("/password/reset", new.clone()).await.ok();
        assert_eq!(browser.post("/password/reset", new).await.problem(), "link-over");
        assert_eq!(browser.get("/me").await.ok()["user"]["email"], OWNER);
        assert_eq!(home.get("/me").await.problem(), "login-needed");
        assert_eq!(elsewhere.get("/me").await.problem(), "login-needed");
        let old = json!({ "email": OWNER, "password": PASSWORD });
        assert_eq!(Browser::of(&stage).post("/login", old).await.problem(), "login-refused");
        let mut again = Browser::login(&stage, OWNER, "шесть лиловых слонов").await;
        let sessions = again.get("/me/sessions").await.ok();
        assert_eq!(sessions.as_array().unwrap().len(), 2);
        let other = sessions.as_array().unwrap().iter().find(|one| one["current"] == false).unwrap();
        let path = format!("/me/sessions/{}", other["id"].as_str().unwrap());
        assert_eq!(again.ask("DELETE", &path, json!({})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(browser.get("/me").await.problem(), "login-needed");
    });
}

#[test]
fn strangers_keep_nobody_out_of_where_he_is_signed_in() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut owner, _) = Browser::register(&stage, "Ромашка", OWNER).await;
        let wrong = json!({ "email": OWNER, "password": "четыре грустных гуся" });
        for n in 0..50 {
            let address: &'static str = [
                "192.0.2.1",
                "192.0.2.2",
                "192.0.2.3",
                "192.0.2.4",
                "192.0.2.5",
                "192.0.2.6",
                "192.0.2.7",
                "192.0.2.8",
                "192.0.2.9",
                "192.0.2.10",
                "192.0.2.11",
            ][n / 5];
            assert_eq!(
                Browser::of(&stage).at(address).post("/login", wrong.clone()).await.problem(),
                "login-refused"
            );
        }
        let right = json!({ "email": OWNER, "password": PASSWORD });
        let elsewhere = Browser::of(&stage).at("192.0.2.99").post("/login", right.clone()).await;
        assert_eq!(elsewhere.problem(), "paused");
        // The browser that signs in again is one browser still.
        owner.post("/login", right).await.ok();
        assert_eq!(owner.get("/me/sessions").await.ok().as_array().unwrap().len(), 1);
    });
}

#[test]
fn an_address_changes_when_both_have_agreed() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut browser, _) = Browser::register(&stage, "Ромашка", OWNER).await;
        let new = "new@romashka.example";
        let wrong = json!({ "email": new, "password": "не тот пароль" });
        assert_eq!(browser.post("/me/email", wrong).await.fields(), "password password_wrong");
        browser.post("/me/email", json!({ "email": new, "password": PASSWORD })).await.ok();
        let (from, to) = (token_to(&stage, OWNER).await, token_to(&stage, new).await);
        let first = browser.post("/email/confirm", json!({ "token": to })).await.ok();
        assert_eq!(first, json!({ "state": "other_side_needed", "email": new }));
        assert_eq!(browser.get("/me").await.ok()["user"]["email"], OWNER);
        let second = browser.post("/email/confirm", json!({ "token": from })).await.ok();
        assert_eq!(second, json!({ "state": "done", "email": new }));
        Browser::login(&stage, new, PASSWORD).await;
    });
}

#[test]
fn a_second_factor_is_asked_for_and_paper_helps_once() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut browser, _) = Browser::register(&stage, "Ромашка", OWNER).await;
        let begun = browser.post("/me/totp", json!({ "password": PASSWORD })).await.ok();
        let secret = begun["secret"].as_str().unwrap().to_owned();
        assert!(begun["uri"].as_str().unwrap().starts_with("otpauth://totp/CallBack:"));
        let wrong = json!({ "secret": secret, "code": "000000", "password": PASSWORD });
        assert_eq!(browser.post("/me/totp/confirm", wrong).await.fields(), "code code_wrong");
        let app = Secret::try_from_base32(&secret).unwrap();
        let app = Builder::new().with_secret(app.as_bytes().to_vec()).with_account_name("a").build().unwrap();
        let code = app.generate_current().to_string();
        let right = json!({ "secret": secret, "code": code, "password": PASSWORD });
        let codes = browser.post("/me/totp/confirm", right).await.ok()["recovery_codes"].clone();
        let paper = codes[0].as_str().unwrap();
        let login = |code: Option<&str>| json!({ "email": OWNER, "password": PASSWORD, "code": code });
        let mut other = Browser::of(&stage);
        assert_eq!(other.post("/login", login(None)).await.problem(), "code-needed");
        assert_eq!(other.post("/login", login(Some(&code))).await.problem(), "code-refused", "it was used");
        other.post("/login", login(Some(paper))).await.ok();
        assert_eq!(Browser::of(&stage).post("/login", login(Some(paper))).await.problem(), "code-refused");
        assert_eq!(other.get("/me").await.ok()["user"]["recovery_codes"], 9);
        let gone = other.ask("DELETE", "/me/totp", json!({ "password": PASSWORD })).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        Browser::login(&stage, OWNER, PASSWORD).await;
    });
}
