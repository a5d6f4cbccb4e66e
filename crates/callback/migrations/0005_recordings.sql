-- Sounds that customers sent in; they are never changed, for versions of settings name them.
CREATE TABLE recordings (
    id UUID NOT NULL PRIMARY KEY,
    customer_id UUID NOT NULL REFERENCES customers (id),
    sent_at TIMESTAMPTZ NOT NULL,
    wav BYTEA NOT NULL
);
CREATE INDEX recordings_of_customer ON recordings (customer_id);
