-- What was wrong with the widget on a site's pages, when it was seen last: of each kind one; with what there is to tell of it.
CREATE TABLE faults (
    site_id UUID NOT NULL REFERENCES sites (id),
    kind TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    detail TEXT,
    PRIMARY KEY (site_id, kind)
);

-- When a page told what became of a dialog: the dialog came, and could talk.
ALTER TABLE signs ADD COLUMN told_at TIMESTAMPTZ;
