-- Hours of a week are counted from quarters, by the zone that the customer has.
ALTER TABLE tallies DROP COLUMN hour;
