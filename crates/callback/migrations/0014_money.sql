-- What carriers take, as their files say it: one deck for each trunk and currency, each import a version that stays. Dates
-- in a file count by `time_zone`.
CREATE TABLE decks (
    id UUID NOT NULL,
    version BIGINT NOT NULL,
    trunk TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    file BYTEA NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (id, version)
);
CREATE UNIQUE INDEX decks_of_trunk ON decks (trunk, currency, version);

-- What makes a price of a cost: the last of a customer's own, or else the last of all customers'.
CREATE TABLE markups (
    version BIGINT NOT NULL PRIMARY KEY,
    customer_id UUID REFERENCES customers (id),
    currency TEXT NOT NULL,
    percent TEXT NOT NULL,
    per_minute BIGINT NOT NULL,
    floor_per_minute BIGINT NOT NULL,
    set_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX markups_in_force ON markups (currency, customer_id, version);

-- What a customer pays in, once he has paid; and how far below nothing his balance may go, in millionths.
ALTER TABLE customers ADD COLUMN currency TEXT;
ALTER TABLE customers ADD COLUMN credit_limit BIGINT NOT NULL DEFAULT 0;

-- What happened to customers' money, each once, and the transfers that it is made of, never changed. `seq` counts them in
-- the order in which they were written; `reverses` names one that is taken back.
CREATE TABLE bookings (
    key TEXT NOT NULL PRIMARY KEY,
    fingerprint BYTEA NOT NULL,
    customer_id UUID NOT NULL REFERENCES customers (id),
    at TIMESTAMPTZ NOT NULL,
    note TEXT
);
CREATE TABLE transfers (
    seq BIGINT NOT NULL PRIMARY KEY,
    key TEXT NOT NULL REFERENCES bookings (key),
    nth BIGINT NOT NULL,
    order_id UUID REFERENCES orders (id),
    reverses TEXT,
    body JSONB NOT NULL
);
CREATE UNIQUE INDEX transfers_of_booking ON transfers (key, nth);
CREATE INDEX transfers_of_call ON transfers (order_id, seq) WHERE order_id IS NOT NULL;
CREATE INDEX transfers_that_reverse ON transfers (reverses) WHERE reverses IS NOT NULL;

-- What transfers come to, in millionths; made of them and checked against them.
CREATE TABLE balances (
    account TEXT NOT NULL PRIMARY KEY,
    posted BIGINT NOT NULL,
    reserved BIGINT NOT NULL
);

-- By what a call is charged, from its beginning, and what each of its legs was charged in the end.
CREATE TABLE terms (
    order_id UUID NOT NULL PRIMARY KEY REFERENCES orders (id),
    body JSONB NOT NULL
);
CREATE TABLE charges (
    order_id UUID NOT NULL REFERENCES orders (id),
    leg BIGINT NOT NULL,
    body JSONB NOT NULL,
    PRIMARY KEY (order_id, leg)
);
