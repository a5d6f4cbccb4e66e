-- Where the visitor came from, as it was understood when the order was taken: a later rule changes nothing of it.
ALTER TABLE orders ADD COLUMN came JSONB;
