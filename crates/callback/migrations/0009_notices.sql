-- Who is told of a customer's missed calls, and whether by one letter a day.
ALTER TABLE customers ADD COLUMN missed_emails JSONB NOT NULL DEFAULT '[]';
ALTER TABLE customers ADD COLUMN missed_digest BIGINT NOT NULL DEFAULT 0;

-- A letter for those who read HTML; and of one about calls whose it is, what it tells, and of which order.
ALTER TABLE letters ADD COLUMN html TEXT;
ALTER TABLE letters ADD COLUMN customer_id UUID REFERENCES customers (id);
ALTER TABLE letters ADD COLUMN kind TEXT;
ALTER TABLE letters ADD COLUMN about UUID;
CREATE INDEX letters_of_customer ON letters (customer_id, at) WHERE customer_id IS NOT NULL;

-- Missed orders that wait for the letter of their day, by who is to read it.
CREATE TABLE digests (
    order_id UUID NOT NULL REFERENCES orders (id),
    email TEXT NOT NULL,
    customer_id UUID NOT NULL REFERENCES customers (id),
    accepted_at TIMESTAMPTZ NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (order_id, email)
);
CREATE INDEX digests_due ON digests (due_at);
