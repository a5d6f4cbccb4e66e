-- How often a site's dialog was shown by itself, taken up, and closed: by the customer's day, the rule ('' for the button),
-- and the page.
CREATE TABLE shows (
    site_id UUID NOT NULL REFERENCES sites (id),
    day TEXT NOT NULL,
    rule TEXT NOT NULL,
    page TEXT NOT NULL,
    shown BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    closed BIGINT NOT NULL,
    PRIMARY KEY (site_id, day, rule, page)
);

-- The rule that showed the dialog in which it was ordered.
ALTER TABLE tallies ADD COLUMN rule TEXT;
