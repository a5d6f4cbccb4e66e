-- Who pays.
CREATE TABLE customers (
    id UUID NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    max_calls BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

-- Their sites; what visitors get is the published version.
CREATE TABLE sites (
    id UUID NOT NULL PRIMARY KEY,
    customer_id UUID NOT NULL REFERENCES customers (id),
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ
);
CREATE INDEX sites_of_customer ON sites (customer_id);

-- Versions are inserted and never changed: a call keeps the one it was made with.
CREATE TABLE site_versions (
    site_id UUID NOT NULL REFERENCES sites (id),
    version BIGINT NOT NULL,
    author TEXT NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    body JSONB NOT NULL,
    PRIMARY KEY (site_id, version)
);

-- An order is also its place in the queue: run_at, the lease of the process that serves it, and `process`, which
-- counts the processes that had it and fences off those that lost it. `seen_at` is the process's last sign of life,
-- `last_sign` the last of the process before it.
CREATE TABLE orders (
    id UUID NOT NULL PRIMARY KEY,
    site_id UUID NOT NULL REFERENCES sites (id),
    customer_id UUID NOT NULL REFERENCES customers (id),
    phone TEXT NOT NULL,
    country TEXT NOT NULL,
    settings_version BIGINT NOT NULL,
    accepted_at TIMESTAMPTZ NOT NULL,
    run_at TIMESTAMPTZ NOT NULL,
    visit JSONB NOT NULL,
    consent JSONB NOT NULL,
    ip TEXT,
    joined_to UUID REFERENCES orders (id),
    state JSONB NOT NULL,
    detail JSONB NOT NULL,
    process BIGINT NOT NULL,
    lease_owner UUID,
    lease_until TIMESTAMPTZ,
    seen_at TIMESTAMPTZ,
    last_sign TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    disposition TEXT,
    reason TEXT,
    record JSONB
);
CREATE INDEX orders_due ON orders (run_at, id) WHERE ended_at IS NULL AND joined_to IS NULL AND lease_until IS NULL;
CREATE INDEX orders_leased ON orders (lease_until) WHERE ended_at IS NULL AND lease_until IS NOT NULL;
CREATE INDEX orders_open_of_phone ON orders (site_id, phone, run_at) WHERE ended_at IS NULL AND joined_to IS NULL;
CREATE INDEX orders_newest ON orders (accepted_at, id) WHERE joined_to IS NULL;
CREATE INDEX orders_unrecorded ON orders (ended_at, id) WHERE ended_at IS NOT NULL AND record IS NULL AND process > 0;

-- A row to stand in line at: two orders of one telephone on one site are decided one after the other.
CREATE TABLE order_lines (
    site_id UUID NOT NULL REFERENCES sites (id),
    phone TEXT NOT NULL,
    turns BIGINT NOT NULL,
    PRIMARY KEY (site_id, phone)
);

-- What each process that had an order began with; with its inputs, the call can be replayed. The plan is the first one's.
CREATE TABLE processes (
    order_id UUID NOT NULL REFERENCES orders (id),
    process BIGINT NOT NULL,
    began_at TIMESTAMPTZ NOT NULL,
    plan JSONB NOT NULL,
    past JSONB NOT NULL,
    PRIMARY KEY (order_id, process)
);

CREATE TABLE inputs (
    order_id UUID NOT NULL REFERENCES orders (id),
    process BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    input JSONB NOT NULL,
    PRIMARY KEY (order_id, process, seq)
);

-- A dial, stored before its INVITE leaves; `dialog` is what is needed to hang its leg up after a crash.
CREATE TABLE intents (
    order_id UUID NOT NULL REFERENCES orders (id),
    leg BIGINT NOT NULL,
    process BIGINT NOT NULL,
    callee JSONB NOT NULL,
    round BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    dialog JSONB,
    outcome JSONB NOT NULL,
    ended_at TIMESTAMPTZ,
    PRIMARY KEY (order_id, leg)
);

-- Visitors who asked never to be called.
CREATE TABLE stop_list (
    phone TEXT NOT NULL PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    order_id UUID NOT NULL REFERENCES orders (id)
);

-- Numbers that running processes watch.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('settings_epoch', 0);
