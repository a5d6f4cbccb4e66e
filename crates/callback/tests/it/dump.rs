//! All that a database holds, as text: every column of every table, found by the schema, so that no table is forgotten here.

use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};

/// Each row as a line behind its table's name; bytes as the text that they may be.
pub(crate) async fn dump(url: &str) -> String {
    if url.starts_with("sqlite:") { lite(url).await } else { pg(url).await }
}

async fn lite(url: &str) -> String {
    let mut db = SqliteConnection::connect(url).await.unwrap();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut whole = String::new();
    for table in sqlx::query(tables).fetch_all(&mut db).await.unwrap() {
        let table: String = table.get(0);
        let columns =
            sqlx::query(sqlx::AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')")));
        for column in columns.fetch_all(&mut db).await.unwrap() {
            let column: String = column.get(0);
            let cells =
                format!("SELECT CAST(\"{column}\" AS BLOB) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
            for cell in sqlx::query(sqlx::AssertSqlSafe(cells)).fetch_all(&mut db).await.unwrap() {
                let cell: Vec<u8> = cell.get(0);
                whole += &format!("{table}.{column}: {}\n", String::from_utf8_lossy(&cell));
            }
        }
    }
    whole
}

async fn pg(url: &str) -> String {
    let mut db = PgConnection::connect(url).await.unwrap();
    let columns =
        "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
        WHERE table_schema = 'public'";
    let mut whole = String::new();
    for column in sqlx::query(columns).fetch_all(&mut db).await.unwrap() {
        let (table, column, kind): (String, String, String) = (column.get(0), column.get(1), column.get(2));
        let cell = if kind == "bytea" {
            format!("encode(\"{column}\", 'escape')")
        } else {
            format!("\"{column}\"::text")
        };
        let cells = format!("SELECT {cell} FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
        for cell in sqlx::query(sqlx::AssertSqlSafe(cells)).fetch_all(&mut db).await.unwrap() {
            let cell: String = cell.get(0);
            whole += &format!("{table}.{column}: {cell}\n");
        }
    }
    whole
}
