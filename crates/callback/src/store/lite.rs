//! SQLite's one writer: statements are carried out where they are given, with no thread between, so that a batch of
//! hundreds costs no change of threads. Whoever uses it waits for the disk: it has a thread of its own (`writer`).

use super::db::{Arg, Query, for_lite};
use super::types::{Json, Ts};
use callback_core::time;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement, ToSql};
use sqlx::error::{BoxDynError, DatabaseError, ErrorKind};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Prepared statements that are kept: all of this program's.
const STATEMENTS: usize = 128;
/// Pages that are kept in memory, in KiB: ids are random, so what is written next may lie anywhere.
const CACHE_KIB: i64 = 16_384;
/// Pages that are written before they are copied into the file itself: most of them more than once until then.
const CHECKPOINT_PAGES: i64 = 4_000;

/// The writer's connection; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Lite {
    options: Arc<SqliteConnectOptions>,
    busy_timeout: Duration,
    /// None while a transaction has it, or after it was given up.
    idle: Arc<Mutex<Option<Connection>>>,
}

/// A transaction; it is undone where it is dropped.
pub(super) struct LiteTx {
    home: Lite,
    connection: Option<Connection>,
}

/// A row as it was read.
pub(super) struct LiteRow {
    names: Arc<[String]>,
    values: Vec<Value>,
}

impl Lite {
    /// Opens the file, or makes it.
    pub(super) fn open(options: &SqliteConnectOptions, busy_timeout: Duration) -> sqlx::Result<Self> {
        let lite = Self { options: Arc::new(options.clone()), busy_timeout, idle: Arc::default() };
        *lite.idle() = Some(lite.connect().map_err(of)?);
        Ok(lite)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.options.get_filename(), flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Else each new argument of a statement that asks by a partial index has it planned anew.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        Ok(connection)
    }

    /// A connection of sqlx's, for its migrations.
    pub(super) async fn pool(&self) -> sqlx::Result<SqlitePool> {
        SqlitePoolOptions::new().max_connections(1).connect_with(self.options.as_ref().clone()).await
    }

    /// Begins a transaction that writes.
    pub(super) fn begin(&self) -> sqlx::Result<LiteTx> {
        let idle = self.idle().take();
        let connection = idle.map_or_else(|| self.connect(), Ok).map_err(of)?;
        let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(of);
        if let Err(error) = begun {
            *self.idle() = Some(connection);
            return Err(error);
        }
        Ok(LiteTx { home: self.clone(), connection: Some(connection) })
    }

    /// What is wrong with a statement, if anything.
    pub(super) fn prepare(&self, text: &str) -> sqlx::Result<()> {
        let idle = self.idle();
        let connection = idle.as_ref().ok_or(sqlx::Error::PoolTimedOut)?;
        connection.prepare(text).map(drop).map_err(of)
    }

    /// Closes the connection; the next transaction opens another.
    pub(super) fn close(&self) {
        drop(self.idle().take());
    }

    fn idle(&self) -> MutexGuard<'_, Option<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiteTx {
    /// Reads all rows.
    pub(super) fn all(&mut self, query: &Query) -> sqlx::Result<Vec<LiteRow>> {
        self.rows(query, usize::MAX).map_err(of)
    }

    /// Reads a row that may be missing.
    pub(super) fn maybe(&mut self, query: &Query) -> sqlx::Result<Option<LiteRow>> {
        Ok(self.rows(query, 1).map_err(of)?.pop())
    }

    /// Writes; says how many rows it changed.
    pub(super) fn run(&mut self, query: &Query) -> sqlx::Result<u64> {
        let mut statement = self.connection()?.prepare_cached(&for_lite(query.text())).map_err(of)?;
        bind(&mut statement, query).map_err(of)?;
        let changed = statement.raw_execute().map_err(of)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// Makes it durable. A connection that cannot is given up.
    pub(super) fn commit(mut self) -> sqlx::Result<()> {
        let connection = self.connection.take().ok_or(sqlx::Error::PoolClosed)?;
        connection.execute_batch("COMMIT").map_err(of)?;
        *self.home.idle() = Some(connection);
        Ok(())
    }

    fn rows(&mut self, query: &Query, most: usize) -> rusqlite::Result<Vec<LiteRow>> {
        let Some(connection) = &self.connection else { return Ok(Vec::new()) };
        let mut statement = connection.prepare_cached(&for_lite(query.text()))?;
        let columns = statement.column_count();
        let mut names: Option<Arc<[String]>> = None;
        bind(&mut statement, query)?;
        let mut rows = statement.raw_query();
        let mut read = Vec::new();
        while read.len() < most
            && let Some(row) = rows.next()?
        {
            let names = names
                .get_or_insert_with(|| row.as_ref().column_names().into_iter().map(str::to_owned).collect());
            let values = (0..columns).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?;
            read.push(LiteRow { names: Arc::clone(names), values });
        }
        Ok(read)
    }

    fn connection(&self) -> sqlx::Result<&Connection> {
        self.connection.as_ref().ok_or(sqlx::Error::PoolClosed)
    }
}

impl Drop for LiteTx {
    fn drop(&mut self) {
        // A connection that cannot even undo is given up.
        if let Some(connection) = self.connection.take()
            && connection.execute_batch("ROLLBACK").is_ok()
        {
            *self.home.idle() = Some(connection);
        }
    }
}

impl LiteRow {
    /// A column by its name.
    pub(super) fn get<T: FromLite>(&self, name: &str) -> sqlx::Result<T> {
        let at = self.names.iter().position(|other| other == name);
        let value = at.and_then(|at| self.values.get(at));
        let value = value.ok_or_else(|| sqlx::Error::ColumnNotFound(name.to_owned()))?;
        T::from_lite(value).map_err(|source| sqlx::Error::ColumnDecode { index: name.to_owned(), source })
    }
}

/// What a column of SQLite can be read as.
pub(super) trait FromLite: Sized {
    fn from_lite(value: &Value) -> Result<Self, BoxDynError>;
}

impl FromLite for i64 {
    fn from_lite(value: &Value) -> Result<Self, BoxDynError> {
        if let Value::Integer(number) = value { Ok(*number) } else { Err("no integer".into()) }
    }
}

impl FromLite for String {
    fn from_lite(value: &Value) -> Result<Self, BoxDynError> {
        if let Value::Text(text) = value { Ok(text.clone()) } else { Err("no text".into()) }
    }
}

impl FromLite for Uuid {
    fn from_lite(value: &Value) -> Result<Self, BoxDynError> {
        if let Value::Blob(bytes) = value { Ok(Self::from_slice(bytes)?) } else { Err("no bytes".into()) }
    }
}

impl FromLite for Vec<u8> {
    fn from_lite(value: &Value) -> Result<Self, BoxDynError> {
        if let Value::Blob(bytes) = value { Ok(bytes.clone()) } else { Err("no bytes".into()) }
    }
}

impl FromLite for Ts {
    fn from_lite(value: &Value) -> Result<Self, BoxDynError> {
        i64::from_lite(value).map(|micros| Self(time::Ts(micros)))
    }
}

impl FromLite for Json {
    fn from_lite(value: &Value) -> Result<Self, BoxDynError> {
        String::from_lite(value).map(Self)
    }
}

impl<T: FromLite> FromLite for Option<T> {
    fn from_lite(value: &Value) -> Result<Self, BoxDynError> {
        if matches!(value, Value::Null) { Ok(None) } else { T::from_lite(value).map(Some) }
    }
}

impl ToSql for Arg {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Id(Some(id)) => ValueRef::Blob(id.as_bytes()),
            Self::Int(Some(number)) => ValueRef::Integer(*number),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Time(Some(at)) => ValueRef::Integer(at.0.0),
            Self::Json(Some(json)) => ValueRef::Text(json.0.as_bytes()),
            Self::Bytes(Some(bytes)) => ValueRef::Blob(bytes),
            Self::Id(None)
            | Self::Int(None)
            | Self::Text(None)
            | Self::Time(None)
            | Self::Json(None)
            | Self::Bytes(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

/// An error of SQLite as the store knows the errors of databases.
#[derive(Debug)]
struct LiteError {
    code: i32,
    message: String,
}

impl fmt::Display for LiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(code: {}) {}", self.code, self.message)
    }
}

impl StdError for LiteError {}

impl DatabaseError for LiteError {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// Gives each `$n` its argument: to SQLite it is a name, and its place the order in which the names come.
fn bind(statement: &mut Statement<'_>, query: &Query) -> rusqlite::Result<()> {
    for place in 1..=statement.parameter_count() {
        let number: Option<usize> =
            statement.parameter_name(place).and_then(|name| name.get(1..)?.parse().ok());
        let arg = number.and_then(|number| query.args().get(number.checked_sub(1)?));
        statement.raw_bind_parameter(
            place,
            arg.ok_or(rusqlite::Error::InvalidParameterCount(place, query.args().len()))?,
        )?;
    }
    Ok(())
}

fn of(error: rusqlite::Error) -> sqlx::Error {
    match error.sqlite_error() {
        Some(failure) => {
            let code = failure.extended_code;
            sqlx::Error::Database(Box::new(LiteError { code, message: error.to_string() }))
        }
        // What the library itself finds wrong is wrong with the values.
        None => sqlx::Error::Decode(Box::new(error)),
    }
}
