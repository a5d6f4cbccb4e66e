-- What the caps count: where an order came from, when its visitor's telephone was dialled, whether he answered, and
-- how long they talked. An order that met a list or a cap has ended when it seems so to its visitor.
ALTER TABLE orders ADD COLUMN network TEXT;
ALTER TABLE orders ADD COLUMN rang_at TIMESTAMPTZ;
ALTER TABLE orders ADD COLUMN answered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN talk_s BIGINT;
CREATE INDEX orders_of_phone ON orders (phone, run_at);
CREATE INDEX orders_of_network ON orders (network, accepted_at) WHERE network IS NOT NULL;
CREATE INDEX orders_running ON orders (customer_id, site_id) WHERE ended_at IS NULL AND lease_until IS NOT NULL;
CREATE INDEX orders_held ON orders (lease_owner) WHERE ended_at IS NULL AND lease_owner IS NOT NULL;

-- Rows to stand in line at: orders of one telephone, or from one network, are decided one after the other, and so
-- are the claims of all processes. A row in which nobody stands is deleted after a while.
DROP TABLE order_lines;
CREATE TABLE lines (
    name TEXT NOT NULL PRIMARY KEY,
    turns BIGINT NOT NULL
);

-- Whom a customer never calls, from any site; and how many of a site's managers can be free at once, at least one.
ALTER TABLE customers ADD COLUMN blacklist JSONB NOT NULL DEFAULT '{"numbers":[],"networks":[]}';
ALTER TABLE sites ADD COLUMN managers BIGINT NOT NULL DEFAULT 1;

-- Visitors who asked never to be called: by key 9 in a call, or on the page.
CREATE TABLE stops (
    phone TEXT NOT NULL PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    order_id UUID REFERENCES orders (id)
);
INSERT INTO stops (phone, at, order_id) SELECT phone, at, order_id FROM stop_list;
DROP TABLE stop_list;

-- Who wrote a number on the page in the last hour, be it on the list or not: else an address could ask who is.
CREATE TABLE stop_tries (
    network TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL
);
CREATE INDEX stop_tries_of_network ON stop_tries (network, at);
