//! Column types that both databases know: an instant is `TIMESTAMPTZ` or an integer of µs, JSON is `JSONB` or text.

use callback_core::time;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Postgres, Sqlite, Type};

/// 1970-01-01 to 2000-01-01, where PostgreSQL begins to count, in µs.
const PG_EPOCH_US: i64 = 946_684_800_000_000;
/// `TIMESTAMPTZ` in PostgreSQL's catalogue.
const TIMESTAMPTZ: Oid = Oid(1184);
/// `JSONB` in PostgreSQL's catalogue.
const JSONB: Oid = Oid(3802);
/// The version byte before the text of a binary `JSONB`.
const JSONB_VERSION: u8 = 1;

/// An instant in a column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ts(pub(super) time::Ts);

/// JSON in a column, as text. It holds no NUL, which PostgreSQL cannot store.
#[derive(Clone, Debug)]
pub(super) struct Json(pub(super) String);

impl Json {
    /// Writes a value; characters of code 0 inside its texts become U+FFFD.
    pub(super) fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let text = serde_json::to_string(value)?;
        Ok(Self(if text.contains("\\u0000") { without_nul(&text) } else { text }))
    }

    /// Reads it.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

/// Replaces the escape of NUL, but not an escaped backslash that `u0000` follows.
fn without_nul(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = escape.strip_prefix("\\u0000") {
            out.push('\u{fffd}');
            rest = after;
        } else {
            let (escape, after) = escape.split_at(2);
            out.push_str(escape);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

impl Type<Postgres> for Ts {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for Ts {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buf.extend_from_slice(&self.0.0.saturating_sub(PG_EPOCH_US).to_be_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Ts {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => {
                let micros = i64::from_be_bytes(value.as_bytes()?.try_into()?);
                Ok(Self(time::Ts(micros.saturating_add(PG_EPOCH_US))))
            }
            PgValueFormat::Text => Err("an instant in text form".into()),
        }
    }
}

impl Type<Sqlite> for Ts {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }

    fn compatible(info: &SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(info)
    }
}

impl Encode<'_, Sqlite> for Ts {
    fn encode_by_ref(&self, buf: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode_by_ref(&self.0.0, buf)
    }
}

impl Decode<'_, Sqlite> for Ts {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        <i64 as Decode<Sqlite>>::decode(value).map(|micros| Self(time::Ts(micros)))
    }
}

impl Type<Postgres> for Json {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSONB)
    }
}

impl Encode<'_, Postgres> for Json {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buf.push(JSONB_VERSION);
        buf.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Json {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let bytes = value.as_bytes()?;
        let text = match value.format() {
            PgValueFormat::Binary => {
                bytes.strip_prefix(&[JSONB_VERSION]).ok_or("JSONB of an unknown version")?
            }
            PgValueFormat::Text => bytes,
        };
        Ok(Self(std::str::from_utf8(text)?.to_owned()))
    }
}

impl Type<Sqlite> for Json {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }

    fn compatible(info: &SqliteTypeInfo) -> bool {
        <String as Type<Sqlite>>::compatible(info)
    }
}

impl Encode<'_, Sqlite> for Json {
    fn encode_by_ref(&self, buf: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode_by_ref(&self.0, buf)
    }
}

impl Decode<'_, Sqlite> for Json {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        <String as Decode<Sqlite>>::decode(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn a_nul_in_a_text_is_replaced_and_what_only_looks_like_one_is_kept() {
        let check = |text: &str, stored: &str| {
            let read: String = Json::of(&text).unwrap().read().unwrap();
            assert_eq!(read, stored);
        };
        check("a\0b\0", "a\u{fffd}b\u{fffd}");
        check("a\\u0000b", "a\\u0000b");
        check("a\\\0b", "a\\\u{fffd}b");
        check("tab\tquote\" \u{1}", "tab\tquote\" \u{1}");
    }
}
