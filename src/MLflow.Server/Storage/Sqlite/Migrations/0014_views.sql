-- Lists of traces that somebody gave a name.
CREATE TABLE saved_views (
    experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    saved_by TEXT,
    PRIMARY KEY (experiment_id, name)
) WITHOUT ROWID;
