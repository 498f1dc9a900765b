//! The database: PostgreSQL or SQLite, one schema, one verb.
