-- When a site's script was loaded last: by a page of its own, and by one elsewhere.
CREATE TABLE signs (
    site_id UUID PRIMARY KEY REFERENCES sites (id),
    seen_at TIMESTAMPTZ,
    elsewhere TEXT,
    elsewhere_at TIMESTAMPTZ
);
