-- What this installation alone knows, by what it is for: drawn when it is needed first.
CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    secret BYTEA NOT NULL
);
