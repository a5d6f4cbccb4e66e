-- Whether anybody wrote to a draft since the last publication: only then is it compared with what is published.
ALTER TABLE drafts ADD COLUMN written BIGINT NOT NULL DEFAULT 1;
