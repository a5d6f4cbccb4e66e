//! Who belongs to a company, and what each of them may do.

use super::{Browser, PASSWORD, letter_to, stage, token_to};
use crate::stage::{ANNA, BORIS, Does, Network, Stage, VISITOR, managers};
use crate::world::on_both;
use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;

const OWNER: &str = "klimova@romashka.example";

/// Somebody who was invited and has accepted.
pub(super) async fn joined(stage: &Stage, owner: &mut Browser, number: &str, role: &str) -> Browser {
    let email = format!("{role}@romashka.example");
    let invitation = json!({ "email": email, "role": role });
    owner.post(&format!("/customers/{number}/invitations"), invitation).await.ok();
    let token = token_to(stage, &email).await;
    let mut browser = Browser::of(stage);
    let seen = browser.get(&format!("/invitations/{token}")).await.ok();
    assert_eq!((&seen["role"], &seen["known"]), (&json!(role), &json!(false)));
    let accepted = json!({ "name": role, "password": PASSWORD, "language": "en" });
    let me = browser.post(&format!("/invitations/{token}"), accepted).await.ok();
    assert_eq!(me["memberships"][0]["role"], role);
    browser
}

#[test]
fn a_team_is_invited_and_somebody_stays_the_owner() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut owner, number) = Browser::register(&stage, "Ромашка", OWNER).await;
        let mut manager = joined(&stage, &mut owner, &number, "manager").await;
        assert!(letter_to(&stage, "manager@romashka.example").await.1.contains("видит свои звонки"));
        let path = format!("/customers/{number}");
        let team = owner.get(&format!("{path}/team")).await.ok();
        let told: Vec<_> =
            team.as_array().unwrap().iter().map(|one| (one["email"].clone(), one["role"].clone())).collect();
        assert_eq!(
            told,
            [(json!(OWNER), json!("owner")), (json!("manager@romashka.example"), json!("manager"))]
        );
        let twice = json!({ "email": "manager@romashka.example", "role": "owner" });
        assert_eq!(owner.post(&format!("{path}/invitations"), twice).await.fields(), "email twice");
        let me = &team[0]["user_id"].as_str().unwrap().to_owned();
        let him = &team[1]["user_id"].as_str().unwrap().to_owned();
        let demote = owner.ask("PATCH", &format!("{path}/team/{me}"), json!({ "role": "manager" })).await;
        assert_eq!((demote.status, demote.problem().as_str()), (StatusCode::CONFLICT, "last-owner"));
        assert_eq!(
            owner.ask("DELETE", &format!("{path}/team/{me}"), json!({})).await.problem(),
            "last-owner"
        );
        let promote = owner.ask("PATCH", &format!("{path}/team/{him}"), json!({ "role": "owner" })).await;
        assert_eq!(promote.status, StatusCode::NO_CONTENT);
        assert_eq!(manager.get(&format!("{path}/team")).await.ok().as_array().unwrap().len(), 2);
        assert_eq!(
            manager.ask("DELETE", &format!("{path}/team/{me}"), json!({})).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(owner.get(&path).await.problem(), "not-found", "he is out");
        let audit = manager.get(&format!("{path}/audit")).await.ok();
        let done: Vec<_> =
            audit["entries"].as_array().unwrap().iter().map(|one| one["what"].clone()).collect();
        assert_eq!(done, ["team.remove", "team.role", "team.join", "team.invite", "customer.register"]);
    });
}

#[test]
fn an_invitation_is_taken_back_or_accepted_by_whoever_it_went_to() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut owner, number) = Browser::register(&stage, "Ромашка", OWNER).await;
        let (mut agency, _) = Browser::register(&stage, "Агентство", "anna@agency.example").await;
        let invitations = format!("/customers/{number}/invitations");
        let invite = json!({ "email": "anna@agency.example", "role": "marketer" });
        let first = owner.post(&invitations, invite.clone()).await.ok();
        let token = token_to(&stage, "anna@agency.example").await;
        let back = format!("{invitations}/{}", first["invitation_id"].as_str().unwrap());
        assert_eq!(owner.ask("DELETE", &back, json!({})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(agency.get(&format!("/invitations/{token}")).await.problem(), "link-over");
        owner.post(&invitations, invite).await.ok();
        let token = token_to(&stage, "anna@agency.example").await;
        assert_eq!(agency.get(&format!("/invitations/{token}")).await.ok()["known"], true);
        // Whoever found the letter, and is somebody else, is asked for her password.
        let stolen = owner
            .post(&format!("/invitations/{token}"), json!({ "name": "Eve", "password": "чужой пароль тут" }))
            .await;
        assert_eq!(stolen.fields(), "password password_wrong");
        let me = agency.post(&format!("/invitations/{token}"), json!({})).await.ok();
        let companies: Vec<_> =
            me["memberships"].as_array().unwrap().iter().map(|one| one["company"].clone()).collect();
        assert_eq!(companies, ["Агентство", "Ромашка"], "one user, two customers");
    });
}

#[test]
fn a_manager_sees_the_calls_that_rang_at_his_telephone() {
    on_both(async |world| {
        let network = Network::start(&[(ANNA, Does::Talks(1_100)), (VISITOR, Does::Answers)]).await;
        let mut stage = Stage::new(world, &network, &managers(&[ANNA, BORIS])).await;
        // The company of the file is its address's.
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let mut manager = joined(&stage, &mut owner, &number, "manager").await;
        let call = Uuid::new_v4();
        stage.order(call).await;
        stage.record(call).await;
        let path = format!("/customers/{number}");
        let user = manager.get("/me").await.ok()["user"]["id"].as_str().unwrap().to_owned();
        let tie = format!("{path}/team/{user}/telephones");
        let known = owner.get(&format!("{path}/telephones")).await.ok();
        let known: Vec<_> = known.as_array().unwrap().iter().map(|one| one["telephone"].clone()).collect();
        assert_eq!(known, [ANNA, BORIS]);
        let strange = json!({ "telephones": ["+74959999999"] });
        assert_eq!(owner.ask("PUT", &tie, strange).await.fields(), "telephones choice");
        assert_eq!(manager.ask("PUT", &tie, json!({ "telephones": [ANNA] })).await.problem(), "not-allowed");

        let all = [(vec![], 0), (vec![BORIS], 0), (vec![ANNA, BORIS], 1), (vec![ANNA], 1)];
        for (telephones, sees) in all {
            let tied = owner.ask("PUT", &tie, json!({ "telephones": telephones })).await;
            assert_eq!(tied.status, StatusCode::NO_CONTENT);
            assert_eq!(manager.get("/me").await.ok()["memberships"][0]["telephones"], json!(telephones));
            let seen = manager.get(&format!("{path}/calls")).await.ok();
            let seen: Vec<_> =
                seen["calls"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
            assert_eq!(seen, vec![json!(call); sees], "{telephones:?}");
            let one = manager.get(&format!("/calls/{call}")).await;
            let expected = if sees == 1 { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(one.status, expected, "{telephones:?}");
        }
        let mut marketer = joined(&stage, &mut owner, &number, "marketer").await;
        for path in [format!("{path}/calls"), format!("/calls/{call}")] {
            let told = marketer.get(&path).await.ok().to_string();
            assert!(told.contains("+7916•••••"), "{told}");
            assert!(
                !told.contains(VISITOR),
                "a marketer sees no visitor's number, wherever it stands: {told}"
            );
        }
        let row = manager.get(&format!("{path}/calls?site=demo")).await.ok()["calls"][0].clone();
        assert_eq!((&row["phone"], &row["disposition"]), (&json!(VISITOR), &json!("connected")));
        stage.service.take();
    });
}

#[test]
fn whoever_belongs_to_no_company_makes_his_own() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut owner, number) = Browser::register(&stage, "Ромашка", OWNER).await;
        let mut accountant = joined(&stage, &mut owner, &number, "accountant").await;
        let company = json!({ "company": "Бухгалтерия", "country": "RU", "time_zone": "Europe/Moscow" });
        let me = accountant.post("/customers", company.clone()).await.ok();
        let names: Vec<_> = me["memberships"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| [one["company"].clone(), one["role"].clone()])
            .collect();
        assert_eq!(names, [[json!("Бухгалтерия"), json!("owner")], [json!("Ромашка"), json!("accountant")]]);
        assert_eq!(accountant.post("/customers", company.clone()).await.problem(), "company-exists");
        assert_eq!(owner.post("/customers", company).await.problem(), "company-exists");
        let wrong = json!({ "company": "", "country": "Россия", "time_zone": "Москва" });
        let told = accountant.post("/customers", wrong).await.fields();
        assert_eq!(told, "company required, country country, time_zone time_zone");
    });
}

/// Every operation on something of a company, and who may ask for it beside the owner: `m` a manager, `k` a marketer,
/// `a` an accountant.
const MAY: &str = "
    get /calls/{call} mk
    post /calls/{call}/again m
    put /calls/{call}/called-back m
    put /calls/{call}/note m
    get /customers/{customer} mka
    get /customers/{customer}/analysis mk
    get /customers/{customer}/audit
    get /customers/{customer}/balance a
    get /customers/{customer}/calls mk
    get /customers/{customer}/calls.csv mk
    get /customers/{customer}/calls.xlsx mk
    get /customers/{customer}/calls/events mk
    get /customers/{customer}/calls/open mk
    get /customers/{customer}/draft k
    delete /customers/{customer}/draft
    patch /customers/{customer}/draft
    post /customers/{customer}/invitations
    post /customers/{customer}/missed-email/test
    get /customers/{customer}/notices k
    delete /customers/{customer}/invitations/{invitation}
    get /customers/{customer}/numbers k
    get /customers/{customer}/overview mk
    get /customers/{customer}/payments a
    post /customers/{customer}/payments a
    get /customers/{customer}/price a
    get /customers/{customer}/statement a
    get /customers/{customer}/statement.csv a
    post /customers/{customer}/numbers/confirm
    post /customers/{customer}/numbers/verify
    post /customers/{customer}/publish
    post /customers/{customer}/sites
    get /customers/{customer}/retention
    put /customers/{customer}/retention
    get /customers/{customer}/team
    delete /customers/{customer}/team/{user}
    patch /customers/{customer}/team/{user}
    put /customers/{customer}/team/{user}/telephones
    get /customers/{customer}/telephones
    get /customers/{customer}/versions k
    get /customers/{customer}/versions/{version} k
    post /customers/{customer}/versions/{version}/restore
    post /customers/{customer}/visitors/erase
    post /customers/{customer}/visitors/export
    post /customers/{customer}/visitors/find
    get /sites/{site}/announcement k
    post /sites/{site}/archive
    get /sites/{site}/draft k
    delete /sites/{site}/draft
    patch /sites/{site}/draft
    get /sites/{site}/installation k
    post /sites/{site}/publish
    post /sites/{site}/recordings
    get /sites/{site}/rehearsal k
    get /sites/{site}/scenarios/shows k
    post /sites/{site}/scenarios/try k
    post /sites/{site}/test-call
    post /sites/{site}/trial
    post /sites/{site}/unarchive
    get /sites/{site}/versions k
    get /sites/{site}/versions/{version} k
    post /sites/{site}/versions/{version}/restore
";

#[test]
fn each_role_may_do_what_is_its_own_and_no_more() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let mut stage = Stage::new(world, &network, &managers(&[ANNA])).await;
        stage.charge().await;
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let call = Uuid::new_v4();
        stage.order(call).await;
        let me = owner.get("/me").await.ok()["user"]["id"].as_str().unwrap().to_owned();
        let mut told: Vec<_> = MAY.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect();
        told.sort_unstable();
        let document = owner.get("/openapi.json").await.ok();
        let mut known: Vec<String> = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let path = path.strip_prefix("/api/v1").unwrap();
            if ["{customer}", "{site}", "{call}"].iter().any(|id| path.contains(id)) {
                known.extend(item.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
            }
        }
        known.sort_unstable();
        let named: Vec<String> =
            told.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(named, known, "who may do it is written above");
        let roles =
            [('m', "manager", "192.0.2.1"), ('k', "marketer", "192.0.2.2"), ('a', "accountant", "192.0.2.3")];
        for (mark, role, address) in roles {
            let browser = joined(&stage, &mut owner, &number, role).await.at(address);
            for line in &told {
                let [method, path, may @ ..] = &line.split(' ').collect::<Vec<_>>()[..] else {
                    panic!("{line}")
                };
                let path = path
                    .replace("{customer}", &number)
                    .replace("{site}", "demo")
                    .replace("{call}", &call.to_string())
                    .replace("{user}", &me)
                    .replace("{invitation}", &Uuid::nil().to_string())
                    .replace("{version}", "1");
                let seen = match *method {
                    "delete" if path.ends_with("draft") => "?revision=0",
                    "get" if path.ends_with("price") => "?phone=%2B79161234567",
                    _ => "",
                };
                let status = browser.status(method, &format!("{path}{seen}"), super::tenants::body()).await;
                if may.iter().any(|roles| roles.contains(mark)) {
                    // What would be changed may not be there, no speech program is, and a manager has no call yet.
                    let speaks = path.ends_with("/announcement");
                    let is_a_call = path.starts_with("/calls/") && mark == 'm';
                    let may_be_gone = *method != "get" || speaks || is_a_call;
                    let is_there = status.is_success() || may_be_gone;
                    let answers = !status.is_server_error() && status != StatusCode::UNAUTHORIZED;
                    assert!(
                        is_there && answers && status != StatusCode::FORBIDDEN,
                        "{role} {line}: {status}"
                    );
                } else {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{role} {line}");
                }
            }
        }
        stage.service.take();
    });
}
