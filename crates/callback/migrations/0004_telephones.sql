-- Which telephone a dial rings; with its order's customer and time, so that the calls of one telephone are found.
ALTER TABLE intents ADD COLUMN telephone TEXT;
ALTER TABLE intents ADD COLUMN customer_id UUID;
ALTER TABLE intents ADD COLUMN ordered_at TIMESTAMPTZ;
CREATE INDEX intents_of_telephone ON intents (customer_id, telephone, ordered_at, order_id)
    WHERE telephone IS NOT NULL;

-- The telephones at which a member answers: the calls that rang there are his own.
ALTER TABLE memberships ADD COLUMN telephones JSONB NOT NULL DEFAULT '[]';
