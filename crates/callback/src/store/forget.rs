//! A visitor is forgotten: his number, where he came from and what was noted of him are taken out of every row, and a name
//! that stands for nobody is put in their place. What happened stays: counts, durations, charges. It is done by and by, so
//! that no call waits for it; done twice, it does nothing more. The list of those who are never called is not touched, for
//! it protects them.

use super::db::{Row, Tx, query};
use super::types::Json;
use super::{Entry, OrderPhone, Result, Store, audit, sites, statements};
use crate::ids::CustomerId;
use callback_core::arrival::{Arrival, Place};
use callback_core::attribution::{Attribution, Keyword};
use callback_core::id::OrderId;
use callback_core::time::Ts;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// With this begins what stands in the place of a number.
pub const FORGOTTEN: &str = "forgotten-";

/// Orders that are looked at in one transaction.
const ORDERS: u32 = 40;
/// Lists of numbers that are looked at in one transaction.
const LISTS: u32 = 8;
/// The digits of a number that every spelling of it has: what is before them is a country's, or a way to dial.
const OWN_DIGITS: usize = 10;
/// Digits that are kept of a number whose call was dialled: where it is at home, and by what it is charged.
const HOME_DIGITS: usize = 4;
/// Digits at a number's end that are never kept.
const LAST_DIGITS: usize = 4;
/// What of a consent proves that it was given, and to what.
const EVIDENCE: [&str; 4] = ["given", "text_version", "text", "privacy_url"];

/// Whose orders are forgotten.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Forgetting {
    /// Those of one number, or of what was written in its place.
    Visitor(OrderPhone),
    /// Those that came before then.
    Before(Ts),
}

/// What became of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Forgotten {
    /// So many orders were forgotten; none where no more are left.
    Orders(Vec<OrderId>),
    /// One of his calls goes on: nothing was changed.
    Running,
}

impl Store {
    /// Begins to forget who has this number: it is taken off the customer's own lists, unless he is to stay on them, and
    /// written down that it was done. False where a call of his goes on: then nothing is changed.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn begin_to_forget(
        &self,
        of: CustomerId,
        phone: OrderPhone,
        stays_blocked: bool,
        entry: Entry,
    ) -> Result<bool> {
        let begun = self
            .deed((of, phone.clone(), entry), |tx, (of, phone, entry)| {
                Box::pin(async move {
                    let is_running = is_running(tx, *of, phone).await?;
                    if !is_running {
                        audit::write(tx, *of, entry).await?;
                    }
                    Ok(!is_running)
                })
            })
            .await?;
        if begun && !stays_blocked {
            let number = phone.to_string();
            while self
                .deed((of, number.clone()), |tx, (of, number)| Box::pin(unlist(tx, *of, number)))
                .await?
            {}
            self.settings_changed();
        }
        Ok(begun)
    }

    /// Forgets some more orders of a customer's. What stands in the place of a number is made of it and `secret`, which
    /// nobody keeps: the same visitor stays the same, and is not found again.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn forget(&self, of: CustomerId, what: Forgetting, secret: Uuid, now: Ts) -> Result<Forgotten> {
        self.deed((of, what, secret, now), |tx, (of, what, secret, now)| {
            Box::pin(forget(tx, *of, what, *secret, *now))
        })
        .await
    }
}

async fn forget(tx: &mut Tx, of: CustomerId, what: &Forgetting, secret: Uuid, now: Ts) -> Result<Forgotten> {
    let find = match what {
        Forgetting::Visitor(phone) => {
            if is_running(tx, of, phone).await? {
                return Ok(Forgotten::Running);
            }
            query(OF_VISITOR).bind(of.0).bind(phone.to_string()).bind(ORDERS)
        }
        Forgetting::Before(then) => query(BEFORE).bind(of.0).bind(*then).bind(ORDERS),
    };
    let mut forgotten = Vec::new();
    for row in tx.all(find).await? {
        forgotten.push(one(tx, of, &row, secret, now).await?);
    }
    if forgotten.is_empty() {
        match what {
            Forgetting::Visitor(phone) => digests(tx, of, phone, now).await?,
            Forgetting::Before(then) => {
                tx.run(query(OLD_DAYS).bind(of.0).bind(*then).bind(now)).await?;
            }
        }
    }
    Ok(Forgotten::Orders(forgotten))
}

async fn is_running(tx: &mut Tx, of: CustomerId, phone: &OrderPhone) -> Result<bool> {
    Ok(tx.maybe(query(RUNNING).bind(of.0).bind(phone.to_string())).await?.is_some())
}

/// Takes the visitor out of one order, and out of all that was written of it.
async fn one(tx: &mut Tx, of: CustomerId, row: &Row, secret: Uuid, now: Ts) -> Result<OrderId> {
    let id: Uuid = row.get("id")?;
    let accepted_at = row.time("accepted_at")?;
    let phone: String = row.get("phone")?;
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let name = name(secret, &phone);
    let arrival = forgetful(row.maybe_json::<Arrival>("arrival")?.unwrap_or_default(), &digits);
    let consent = evidence(row.json("consent")?);
    let order = query(ORDER).bind(id).bind(name.as_str()).bind(Json::of(&Map::new())?);
    tx.run(order.bind(Json::of(&consent)?).bind(Json::of(&arrival)?).bind(now)).await?;

    let kept = kept_digits(tx, id, &digits).await?;
    for process in tx.all(query(PLANS).bind(id)).await? {
        let mut plan: Value = process.json("plan")?;
        replace(&mut plan, &digits, &kept);
        tx.run(query(PLAN).bind(id).bind(process.get::<i64>("process")?).bind(Json::of(&plan)?)).await?;
    }
    tx.run(query(DIALOGS).bind(id)).await?;

    tx.run(query(TALLY).bind(of.0).bind(accepted_at).bind(id).bind(name.as_str())).await?;
    let seen = tx.maybe(query(SEEN).bind(of.0).bind(accepted_at).bind(id)).await?;
    for (column, text) in [("source", SOURCE), ("campaign", CAMPAIGN), ("keyword", KEYWORD), ("page", PAGE)] {
        let told = seen.as_ref().map(|row| row.get::<Option<String>>(column)).transpose()?.flatten();
        if told.is_some_and(|told| says(&told, &digits)) {
            tx.run(query(text).bind(of.0).bind(accepted_at).bind(id)).await?;
        }
    }

    tx.run(query(DIGEST_LINES).bind(id)).await?;
    tx.run(query(LETTER).bind(id).bind(now)).await?;
    tx.run(query(STOP).bind(id)).await?;
    for line in [Some(phone), row.get("network")?].into_iter().flatten() {
        tx.run(query(LINE).bind(line)).await?;
    }
    Ok(OrderId(id))
}

/// What stands in the place of a number: letters alone, so that no search for digits finds it.
fn name(secret: Uuid, phone: &str) -> String {
    let digest = Sha256::new().chain_update(secret.as_bytes()).chain_update(phone.as_bytes()).finalize();
    let letters = digest.iter().take(8).flat_map(|byte| [byte >> 4, byte & 15]);
    letters.fold(String::from(FORGOTTEN), |mut name, four| {
        name.push(char::from(b'a' + four));
        name
    })
}

/// What statistics count of an arrival stays; what names a person goes.
fn forgetful(arrival: Arrival, digits: &str) -> Arrival {
    let town = |place: Option<Place>| place.map(|place| Place { city: None, ..place });
    let clean = |text: Option<String>| text.filter(|text| !says(text, digits));
    let came = arrival.came.map(|came| Attribution {
        name: clean(came.name),
        medium: clean(came.medium),
        campaign: clean(came.campaign),
        content: None,
        keyword: if matches!(&came.keyword, Keyword::Known(text) if says(text, digits)) {
            Keyword::Hidden
        } else {
            came.keyword
        },
        ..came
    });
    Arrival {
        came,
        page: clean(arrival.page),
        place: town(arrival.place),
        by_number: town(arrival.by_number),
        ..arrival
    }
}

fn evidence(consent: Value) -> Map<String, Value> {
    let Value::Object(fields) = consent else { return Map::new() };
    fields.into_iter().filter(|(name, _)| EVIDENCE.contains(&name.as_str())).collect()
}

/// Whether a text has a number in it, in whatever spelling.
fn says(text: &str, digits: &str) -> bool {
    let own = digits.get(digits.len().saturating_sub(OWN_DIGITS)..).unwrap_or(digits);
    let written: String = text.chars().filter(char::is_ascii_digit).collect();
    own.len() >= HOME_DIGITS && written.contains(own)
}

/// A number of the same home that is nobody's any more: its first digits, as far as its call was charged by them, and
/// zeros.
async fn kept_digits(tx: &mut Tx, order: Uuid, digits: &str) -> Result<String> {
    let mut keep = HOME_DIGITS;
    for row in tx.all(query(CHARGES).bind(order)).await? {
        let charge: Value = row.json("body")?;
        let prefix = charge.get("prefix").and_then(Value::as_str).unwrap_or_default();
        if digits.starts_with(prefix) {
            keep = keep.max(prefix.len());
        }
    }
    let keep = keep.min(digits.len().saturating_sub(LAST_DIGITS));
    Ok(digits.chars().enumerate().map(|(at, digit)| if at < keep { digit } else { '0' }).collect())
}

/// Puts other digits in the place of a number's, wherever they stand in a value.
fn replace(value: &mut Value, digits: &str, kept: &str) {
    match value {
        Value::String(text) if !digits.is_empty() && text.contains(digits) => {
            *text = text.replace(digits, kept)
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| replace(part, digits, kept)),
        Value::Object(fields) => fields.values_mut().for_each(|part| replace(part, digits, kept)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Letters about a day that name him: they tell of others too, and none is sent without its text.
async fn digests(tx: &mut Tx, of: CustomerId, phone: &OrderPhone, now: Ts) -> Result<()> {
    let digits: String = phone.to_string().chars().filter(char::is_ascii_digit).collect();
    for row in tx.all(query(DAYS).bind(of.0)).await? {
        let texts = [row.get::<String>("subject")?, row.get("body")?];
        let html: Option<String> = row.get("html")?;
        if texts.iter().chain(html.iter()).any(|text| says(text, &digits)) {
            tx.run(query(DAY).bind(row.get::<Uuid>("id")?).bind(now)).await?;
        }
    }
    Ok(())
}

/// Takes a number off some lists of a customer's: published, earlier, and those that are being written. False where none
/// has it any more.
async fn unlist(tx: &mut Tx, of: CustomerId, number: &str) -> Result<bool> {
    // The two databases write JSON with and without a space.
    let space = if tx.is_alone() { "" } else { " " };
    let like = format!("%\"what\":{space}\"{number}\"%");
    let mut found = false;
    for (find, write) in
        [(OWN_LIST, OWN), (OWN_VERSIONS, OWN_VERSION), (SITE_VERSIONS, SITE_VERSION), (DRAFTS, DRAFT)]
    {
        for row in tx.all(query(find).bind(of.0).bind(like.as_str()).bind(LISTS)).await? {
            let mut body: Value = row.json("body")?;
            if !without(&mut body, number) {
                continue;
            }
            found = true;
            let write = query(write).bind(row.get::<Uuid>("id")?).bind(row.get::<i64>("version")?);
            tx.run(write.bind(Json::of(&body)?)).await?;
        }
    }
    if found {
        sites::next_epoch(tx).await?;
    }
    Ok(found)
}

/// Takes entries about a number out of all lists of a value; false where there was none.
fn without(value: &mut Value, number: &str) -> bool {
    let is_his = |entry: &Value| entry.get("what").and_then(Value::as_str) == Some(number);
    let mut found = false;
    match value {
        Value::Array(parts) => {
            let before = parts.len();
            parts.retain(|entry| !is_his(entry));
            found = parts.len() < before;
            parts.iter_mut().for_each(|part| found |= without(part, number));
        }
        Value::Object(fields) => fields.values_mut().for_each(|part| found |= without(part, number)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

/// An order `o` whose call goes on, or is to come.
macro_rules! is_open {
    () => {
        "o.joined_to IS NULL AND o.record IS NULL AND (o.ended_at IS NULL OR o.process > 0)"
    };
}

macro_rules! to_forget {
    () => {
        "SELECT o.id, o.accepted_at, o.phone, o.network, o.consent, o.arrival FROM orders o "
    };
}

statements! {
    RUNNING = concat!("SELECT o.id FROM orders o WHERE o.customer_id = $1 AND o.phone = $2 AND ", is_open!(), " LIMIT 1");
    OF_VISITOR = concat!(to_forget!(), "WHERE o.customer_id = $1 AND o.phone = $2 ORDER BY o.run_at, o.id LIMIT $3
        FOR UPDATE");
    BEFORE = concat!(to_forget!(), "WHERE o.customer_id = $1 AND o.accepted_at < $2 AND o.forgotten_at IS NULL
            AND NOT (", is_open!(), ")
        ORDER BY o.accepted_at, o.id LIMIT $3 FOR UPDATE OF o SKIP LOCKED");
    ORDER = "UPDATE orders SET phone = $2, visit = $3, consent = $4, arrival = $5, forgotten_at = $6, ip = NULL,
            network = NULL
        WHERE id = $1";
    CHARGES = "SELECT body FROM charges WHERE order_id = $1";
    PLANS = "SELECT process, plan FROM processes WHERE order_id = $1";
    PLAN = "UPDATE processes SET plan = $3 WHERE order_id = $1 AND process = $2";
    DIALOGS = "UPDATE intents SET dialog = NULL WHERE order_id = $1 AND dialog IS NOT NULL";
    TALLY = "UPDATE tallies SET phone = $4, note = NULL WHERE customer_id = $1 AND accepted_at = $2 AND order_id = $3";
    SEEN = "SELECT source, campaign, keyword, page FROM tallies
        WHERE customer_id = $1 AND accepted_at = $2 AND order_id = $3";
    SOURCE = "UPDATE tallies SET source = NULL WHERE customer_id = $1 AND accepted_at = $2 AND order_id = $3";
    CAMPAIGN = "UPDATE tallies SET campaign = NULL WHERE customer_id = $1 AND accepted_at = $2 AND order_id = $3";
    KEYWORD = "UPDATE tallies SET keyword = '' WHERE customer_id = $1 AND accepted_at = $2 AND order_id = $3";
    PAGE = "UPDATE tallies SET page = NULL WHERE customer_id = $1 AND accepted_at = $2 AND order_id = $3";
    DIGEST_LINES = "DELETE FROM digests WHERE order_id = $1";
    LETTER = "UPDATE letters SET subject = '', body = '', html = NULL, trouble = NULL,
            given_up_at = CASE WHEN sent_at IS NULL THEN COALESCE(given_up_at, $2) END
        WHERE about = $1";
    STOP = "UPDATE stops SET order_id = NULL WHERE order_id = $1";
    LINE = "DELETE FROM lines WHERE name IN (SELECT o.name FROM lines o WHERE o.name = $1 FOR UPDATE OF o SKIP LOCKED)";
    DAYS = "SELECT id, subject, body, html FROM letters WHERE customer_id = $1 AND kind = 'digest' AND body <> ''";
    DAY = "UPDATE letters SET subject = '', body = '', html = NULL, trouble = NULL,
            given_up_at = CASE WHEN sent_at IS NULL THEN COALESCE(given_up_at, $2) END
        WHERE id = $1";
    OLD_DAYS = "UPDATE letters SET subject = '', body = '', html = NULL, trouble = NULL,
            given_up_at = CASE WHEN sent_at IS NULL THEN COALESCE(given_up_at, $3) END
        WHERE customer_id = $1 AND at < $2 AND kind = 'digest' AND body <> ''";
    OWN_LIST = "SELECT id, version, blacklist AS body FROM customers
        WHERE id = $1 AND CAST(blacklist AS TEXT) LIKE $2 LIMIT $3";
    OWN = "UPDATE customers SET blacklist = $3 WHERE id = $1 AND version = $2";
    OWN_VERSIONS = "SELECT customer_id AS id, version, body FROM customer_versions
        WHERE customer_id = $1 AND CAST(body AS TEXT) LIKE $2 ORDER BY version LIMIT $3";
    OWN_VERSION = "UPDATE customer_versions SET body = $3 WHERE customer_id = $1 AND version = $2";
    SITE_VERSIONS = "SELECT v.site_id AS id, v.version, v.body FROM sites s JOIN site_versions v ON v.site_id = s.id
        WHERE s.customer_id = $1 AND CAST(v.body AS TEXT) LIKE $2 ORDER BY v.site_id, v.version LIMIT $3";
    SITE_VERSION = "UPDATE site_versions SET body = $3 WHERE site_id = $1 AND version = $2";
    DRAFTS = "SELECT d.owner AS id, d.revision AS version, d.body FROM drafts d
        WHERE (d.owner = $1 OR d.owner IN (SELECT s.id FROM sites s WHERE s.customer_id = $1))
            AND CAST(d.body AS TEXT) LIKE $2 ORDER BY d.owner LIMIT $3";
    DRAFT = "UPDATE drafts SET body = $3 WHERE owner = $1 AND revision = $2";
}

#[cfg(test)]
mod tests {
    use super::{FORGOTTEN, name, replace, says, without};
    use serde_json::json;
    use uuid::Uuid;

    #[test]
    fn a_number_is_found_in_any_spelling_and_in_no_other_number() {
        let check = |text: &str, expected: bool| assert_eq!(says(text, "79161234567"), expected, "{text}");
        check("8 (916) 123-45-67", true);
        check("tel:+7 916 123-45-67, Anna", true);
        check("/order/9161234567?x", true);
        check("+7 916 123-45-68", false);
        check("окна", false);
    }

    #[test]
    fn one_visitor_stays_one_and_has_no_digits() {
        let (secret, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let named = name(secret, "+79161234567");
        assert_eq!(named, name(secret, "+79161234567"));
        assert_ne!(named, name(secret, "+79161234568"));
        assert_ne!(named, name(other, "+79161234567"), "whoever has no secret does not find him");
        assert!(named.strip_prefix(FORGOTTEN).unwrap().chars().all(|letter| letter.is_ascii_lowercase()));
    }

    #[test]
    fn values_lose_a_number_wherever_it_stands() {
        let mut plan =
            json!({ "visitor": { "number": "+79161234567" }, "to": ["sip:79161234567@x", "+74951234567"] });
        replace(&mut plan, "79161234567", "79160000000");
        assert_eq!(plan["visitor"]["number"], "+79160000000");
        assert_eq!(plan["to"], json!(["sip:79160000000@x", "+74951234567"]));
        let mut body =
            json!({ "blacklist": { "entries": [{ "what": "+79161234567" }, { "what": "+7916*" }] } });
        assert!(without(&mut body, "+79161234567"));
        assert_eq!(body["blacklist"]["entries"], json!([{ "what": "+7916*" }]));
        assert!(!without(&mut body, "+79161234567"));
    }
}
