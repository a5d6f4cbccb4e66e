-- The ledger as its customer reads it: a line for each booking that touched what he has, and what was left then. Made of
-- transfers, with them, and never changed; reservations are no lines. `seq` is that of the booking's last transfer.
CREATE TABLE statement_lines (
    customer_id UUID NOT NULL REFERENCES customers (id),
    seq BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    reason TEXT NOT NULL,
    order_id UUID REFERENCES orders (id),
    payment_id UUID,
    amount BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    PRIMARY KEY (customer_id, seq)
);
CREATE INDEX statement_paid ON statement_lines (customer_id, seq) WHERE amount > 0;
CREATE INDEX statement_by_time ON statement_lines (customer_id, at, reason, amount);
INSERT INTO statement_lines (customer_id, seq, at, reason, order_id, amount, balance)
    SELECT customer_id, seq, at, reason, (SELECT x.order_id FROM transfers x WHERE x.key = l.key AND x.nth = 0), amount,
        CAST(SUM(amount) OVER (PARTITION BY customer_id ORDER BY seq) AS BIGINT)
    FROM (SELECT b.key, b.customer_id, b.at, MAX(t.seq) AS seq,
            CASE WHEN b.key LIKE 'call/%' THEN 'call' ELSE MAX(t.body ->> 'reason') END AS reason,
            CAST(SUM(CASE WHEN t.body ->> 'phase' IN ('pending', 'voided') THEN 0
                WHEN t.body ->> 'from' LIKE 'customer/%' THEN -CAST(t.body ->> 'amount' AS BIGINT)
                WHEN t.body ->> 'to' LIKE 'customer/%' THEN CAST(t.body ->> 'amount' AS BIGINT)
                ELSE 0 END) AS BIGINT) AS amount
        FROM bookings b JOIN transfers t ON t.key = b.key WHERE b.key NOT LIKE 'call/%/reserve/%'
        GROUP BY b.key, b.customer_id, b.at) l;

-- Payments by way of a provider, from when they are asked for. What has come is in the ledger, by the same id; `look_at` is
-- when the provider is asked about one whose notice has not come.
CREATE TABLE payments (
    id UUID NOT NULL PRIMARY KEY,
    customer_id UUID NOT NULL REFERENCES customers (id),
    provider TEXT NOT NULL,
    provider_id TEXT,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    state TEXT NOT NULL,
    url TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    looks BIGINT NOT NULL,
    look_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX payments_of_provider ON payments (provider, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX payments_to_look_for ON payments (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX payments_of_customer ON payments (customer_id, created_at);
