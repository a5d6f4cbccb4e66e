-- When an order's visitor was forgotten; those that may still be are found by their time.
ALTER TABLE orders ADD COLUMN forgotten_at TIMESTAMPTZ;
CREATE INDEX orders_to_forget ON orders (customer_id, accepted_at, id) WHERE forgotten_at IS NULL;
CREATE INDEX letters_about ON letters (about) WHERE about IS NOT NULL;

-- After how many days a customer's visitors are forgotten; without a row, never. Whoever forgets them moves `due_at` ahead
-- while he is at it, so that no other process does the same.
CREATE TABLE retention (
    customer_id UUID NOT NULL PRIMARY KEY REFERENCES customers (id),
    days BIGINT NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    ran_at TIMESTAMPTZ,
    forgot BIGINT
);
CREATE INDEX retention_due ON retention (due_at);
