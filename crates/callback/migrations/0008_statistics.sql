-- What is known of an order as it came, understood once; where its visitor came from is a part of it.
ALTER TABLE orders RENAME COLUMN came TO arrival;

-- A call as it is counted: one row each, inserted when it is over and found by the time of its order. `quarter` counts
-- quarters of an hour since 1970, `hour` those of the customer's week; a keyword that was hidden is ''.
CREATE TABLE tallies (
    customer_id UUID NOT NULL REFERENCES customers (id),
    accepted_at TIMESTAMPTZ NOT NULL,
    order_id UUID NOT NULL REFERENCES orders (id),
    site_id UUID NOT NULL,
    quarter BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    phone TEXT NOT NULL,
    disposition TEXT NOT NULL,
    reason TEXT,
    rang_ms BIGINT,
    connected_ms BIGINT,
    promise_ms BIGINT,
    talk_s BIGINT,
    manager TEXT,
    telephone TEXT,
    source_kind TEXT NOT NULL,
    source TEXT,
    campaign TEXT,
    keyword TEXT,
    page TEXT,
    region TEXT,
    device TEXT,
    called_back_at TIMESTAMPTZ,
    called_back_by TEXT,
    note TEXT,
    PRIMARY KEY (customer_id, accepted_at, order_id)
);
CREATE INDEX tallies_of_order ON tallies (order_id);
CREATE INDEX tallies_of_phone ON tallies (customer_id, phone, accepted_at);
CREATE INDEX tallies_waiting ON tallies (customer_id, accepted_at)
    WHERE called_back_at IS NULL AND disposition <> 'connected';

-- The tries that were a manager's to answer.
CREATE TABLE tries (
    customer_id UUID NOT NULL,
    accepted_at TIMESTAMPTZ NOT NULL,
    order_id UUID NOT NULL REFERENCES orders (id),
    leg BIGINT NOT NULL,
    manager TEXT NOT NULL,
    telephone TEXT NOT NULL,
    answered_ms BIGINT,
    PRIMARY KEY (customer_id, accepted_at, order_id, leg)
);

-- The calls of a manager's telephones are found among the tallies.
DROP INDEX intents_of_telephone;
ALTER TABLE intents DROP COLUMN customer_id;
ALTER TABLE intents DROP COLUMN ordered_at;

-- What is not over is found by its customer; what is over, among the tallies.
DROP INDEX orders_newest_of_customer;
CREATE INDEX orders_open ON orders (customer_id)
    WHERE joined_to IS NULL AND record IS NULL AND (ended_at IS NULL OR process > 0);
