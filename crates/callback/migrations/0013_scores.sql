-- What visitors thought of their talks: 1 to 5, the last that they said.
CREATE TABLE scores (
    order_id UUID PRIMARY KEY REFERENCES orders (id),
    score BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL
);
