//! What the databases answer, as plain values.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row as _, TypeInfo, ValueRef};

use super::Error;

/// A value that a database answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Unknown.
    Null,
    /// A number, or a truth value as 1 or 0.
    Int(i64),
    /// A number with a fraction.
    Real(f64),
    /// A text; in SQLite also an instant.
    Text(String),
    /// An instant.
    Time(Timestamp),
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row(pub(super) Vec<Value>);

impl Row {
    pub(super) fn int(&self, column: usize) -> i64 {
        self.maybe_int(column).unwrap_or_default()
    }

    pub(super) fn maybe_int(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn flag(&self, column: usize) -> bool {
        self.int(column) != 0
    }

    pub(super) fn text(&self, column: usize) -> String {
        self.maybe_text(column).unwrap_or_default()
    }

    pub(super) fn maybe_text(&self, column: usize) -> Option<String> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn time(&self, column: usize) -> Option<Timestamp> {
        match self.0.get(column) {
            Some(Value::Time(at)) => Some(*at),
            Some(Value::Text(text)) => text.parse().ok(),
            _ => None,
        }
    }
}

pub(super) fn read_postgres(row: &PgRow) -> Result<Row, Error> {
    let cell = |index: usize| -> Result<Value, Error> {
        if row.try_get_raw(index)?.is_null() {
            return Ok(Value::Null);
        }
        Ok(match row.column(index).type_info().name() {
            "INT8" => Value::Int(row.try_get(index)?),
            "INT4" => Value::Int(row.try_get::<i32, _>(index)?.into()),
            "BOOL" => Value::Int(row.try_get::<bool, _>(index)?.into()),
            "FLOAT8" => Value::Real(row.try_get(index)?),
            "TIMESTAMPTZ" => Value::Time(row.try_get::<jiff_sqlx::Timestamp, _>(index)?.to_jiff()),
            "DATE" => Value::Text(row.try_get::<jiff_sqlx::Date, _>(index)?.to_jiff().to_string()),
            "JSONB" => Value::Text(row.try_get::<serde_json::Value, _>(index)?.to_string()),
            _ => Value::Text(row.try_get(index)?),
        })
    };
    (0..row.len()).map(cell).collect::<Result<_, _>>().map(Row)
}

pub(super) fn read_sqlite(row: &SqliteRow) -> Result<Row, Error> {
    let cell = |index: usize| -> Result<Value, Error> {
        let raw = row.try_get_raw(index)?;
        let kind = raw.type_info().name().to_owned();
        Ok(match kind.as_str() {
            _ if raw.is_null() => Value::Null,
            "INTEGER" | "BOOLEAN" => Value::Int(row.try_get_unchecked(index)?),
            "REAL" => Value::Real(row.try_get_unchecked(index)?),
            _ => Value::Text(row.try_get_unchecked(index)?),
        })
    };
    (0..row.len()).map(cell).collect::<Result<_, _>>().map(Row)
}
