-- The customer's number: short, for people, with a check digit, never given twice.
ALTER TABLE customers ADD COLUMN number BIGINT;
ALTER TABLE customers ADD COLUMN language TEXT NOT NULL DEFAULT 'ru';
ALTER TABLE customers ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE customers ADD COLUMN managers JSONB NOT NULL DEFAULT '[]';
UPDATE customers SET blacklist = '{"entries":[]}';
UPDATE customers SET number = 4000 + (SELECT COUNT(*) FROM customers o WHERE o.id <= customers.id);
CREATE UNIQUE INDEX customers_number ON customers (number);
INSERT INTO counters (name, value) SELECT 'customer_number', 4000 + COUNT(*) FROM customers;

-- Who signs in. Without a password the account is not confirmed, or waits for its invitation.
CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    password TEXT NOT NULL,
    totp_secret TEXT,
    totp_step BIGINT NOT NULL DEFAULT 0,
    recovery JSONB NOT NULL DEFAULT '[]',
    is_operator BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL,
    confirmed_at TIMESTAMPTZ
);

-- What a user may do at a customer; one user may belong to several.
CREATE TABLE memberships (
    customer_id UUID NOT NULL REFERENCES customers (id),
    user_id UUID NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (customer_id, user_id)
);
CREATE INDEX memberships_of_user ON memberships (user_id);

-- Browsers that are signed in. Of the cookie's secret only its hash is kept.
CREATE TABLE login_sessions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    secret TEXT NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL,
    ip TEXT NOT NULL,
    device TEXT NOT NULL
);
CREATE INDEX login_sessions_of_user ON login_sessions (user_id, seen_at);
CREATE INDEX login_sessions_seen ON login_sessions (seen_at);

-- Links in letters, each good once and until a time.
CREATE TABLE links (
    secret TEXT NOT NULL PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    email TEXT NOT NULL,
    user_id UUID REFERENCES users (id),
    customer_id UUID REFERENCES customers (id),
    body JSONB NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    until TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
);
CREATE INDEX links_of_customer ON links (customer_id, kind);
CREATE INDEX links_until ON links (until);

-- How often something that is guessed at was guessed wrong, and until when it is not listened to.
CREATE TABLE throttles (
    name TEXT NOT NULL PRIMARY KEY,
    tries BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    until TIMESTAMPTZ NOT NULL
);
CREATE INDEX throttles_at ON throttles (at);

-- Who changed what.
CREATE TABLE audit (
    id UUID NOT NULL PRIMARY KEY,
    customer_id UUID NOT NULL REFERENCES customers (id),
    at TIMESTAMPTZ NOT NULL,
    user_id UUID REFERENCES users (id),
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    object TEXT NOT NULL,
    detail JSONB NOT NULL
);
CREATE INDEX audit_of_customer ON audit (customer_id, id);

-- Letters to send; one that is sent stays for a while, so that it can be looked at.
CREATE TABLE letters (
    id UUID NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    run_at TIMESTAMPTZ NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    sent_at TIMESTAMPTZ,
    given_up_at TIMESTAMPTZ,
    trouble TEXT
);
CREATE INDEX letters_due ON letters (run_at) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX letters_newest ON letters (at);

-- Settings as they are being written: of a site, or of a customer, by its id. `fields` tells for each field who wrote
-- it last, and at which revision.
CREATE TABLE drafts (
    owner UUID NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    body JSONB NOT NULL,
    fields JSONB NOT NULL,
    at TIMESTAMPTZ NOT NULL
);

-- Published versions of a customer's own settings, as those of a site.
CREATE TABLE customer_versions (
    customer_id UUID NOT NULL REFERENCES customers (id),
    version BIGINT NOT NULL,
    author TEXT NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    body JSONB NOT NULL,
    PRIMARY KEY (customer_id, version)
);

-- Telephones whose owner told the code that a call spoke to him; without that none is dialled.
CREATE TABLE verified_phones (
    customer_id UUID NOT NULL REFERENCES customers (id),
    phone TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    by_whom TEXT NOT NULL,
    PRIMARY KEY (customer_id, phone)
);
CREATE TABLE verifications (
    id UUID NOT NULL PRIMARY KEY,
    customer_id UUID NOT NULL REFERENCES customers (id),
    phone TEXT NOT NULL,
    code TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX verifications_of_phone ON verifications (phone, at);
CREATE INDEX verifications_of_customer ON verifications (customer_id, at);

-- The journal of a customer.
CREATE INDEX orders_newest_of_customer ON orders (customer_id, accepted_at, id) WHERE joined_to IS NULL;

-- The office that the visitor chose, by its name; none where the site has none, or he chose none.
ALTER TABLE orders ADD COLUMN office TEXT;
