//! What a service's database says of an order, read as an auditor would: beside the service, or after its death.

use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};
use uuid::Uuid;

/// A dial that was to be made.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The leg.
    pub leg: i64,
    /// Of the visitor; else of a manager.
    pub is_visitors: bool,
}

/// What is written of the order.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The order is there.
    pub is_stored: bool,
    /// How it is to be called is settled.
    pub is_planned: bool,
    /// Its dials.
    pub intents: Vec<Intent>,
    /// What its flow was told, of all processes, in order, as JSON.
    pub inputs: Vec<String>,
    /// Its visitor's state, as JSON.
    pub state: String,
    /// What became of it, once that is settled.
    pub disposition: Option<String>,
    /// How many processes have had it.
    pub processes: i64,
    /// Its record.
    pub record: Option<Value>,
}

/// One text for both databases; JSON and UUIDs are read as text.
const ORDER: &str =
    "SELECT CAST(state AS TEXT) AS state, disposition, process, CAST(record AS TEXT) AS record,
    EXISTS (SELECT 1 FROM processes WHERE order_id = id) AS planned FROM orders WHERE id = $1";
const INTENTS: &str = "SELECT leg, CAST(callee AS TEXT) AS callee FROM intents WHERE order_id = $1
    ORDER BY leg";
const INPUTS: &str =
    "SELECT CAST(input AS TEXT) AS input FROM inputs WHERE order_id = $1 ORDER BY process, seq";

macro_rules! read {
    ($kind:ty, $url:expr, $order:expr) => {{
        let mut database = <$kind>::connect($url).await?;
        let mut ledger = Ledger::default();
        if let Some(row) = sqlx::query(ORDER).bind($order).fetch_optional(&mut database).await? {
            ledger.is_stored = true;
            ledger.is_planned = row.try_get("planned")?;
            ledger.state = row.try_get("state")?;
            ledger.disposition = row.try_get("disposition")?;
            ledger.processes = row.try_get("process")?;
            let record: Option<String> = row.try_get("record")?;
            ledger.record = record.and_then(|record| serde_json::from_str(&record).ok());
        }
        for row in sqlx::query(INTENTS).bind($order).fetch_all(&mut database).await? {
            let callee: String = row.try_get("callee")?;
            let is_visitors = callee.contains("isitor");
            ledger.intents.push(Intent { leg: row.try_get("leg")?, is_visitors });
        }
        for row in sqlx::query(INPUTS).bind($order).fetch_all(&mut database).await? {
            ledger.inputs.push(row.try_get("input")?);
        }
        database.close().await?;
        Ok(ledger)
    }};
}

impl Ledger {
    /// Reads it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn read(url: &str, order: Uuid) -> sqlx::Result<Self> {
        if url.starts_with("sqlite:") {
            read!(SqliteConnection, url, order)
        } else {
            read!(PgConnection, url, order)
        }
    }

    /// Whether the flow was told this, of this leg where it is of one.
    #[must_use]
    pub fn says(&self, leg: Option<i64>, words: &str) -> bool {
        let of = leg.map(|leg| format!("[{leg},"));
        self.inputs.iter().any(|input| {
            let input = input.replace(' ', "");
            input.contains(words) && of.as_ref().is_none_or(|of| input.contains(of.as_str()))
        })
    }
}
