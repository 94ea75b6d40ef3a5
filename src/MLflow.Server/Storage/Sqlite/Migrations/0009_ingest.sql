-- When something of a trace came last, and for how many milliseconds its process then said that it would be heard again. A trace in progress of which
-- nothing is heard for longer is interrupted; that is worked out when it is read, so that nobody has to be awake for it.
ALTER TABLE traces ADD COLUMN last_seen_ms INTEGER;
ALTER TABLE traces ADD COLUMN lease_ms INTEGER;

-- Absent where the cost of a call is not known: a sum without a part of it would be compared as the whole.
ALTER TABLE traces ADD COLUMN total_cost INTEGER GENERATED ALWAYS AS (CASE WHEN unpriced_calls = 0 THEN input_cost + output_cost END) VIRTUAL;

-- The version that done_rowid counts for: a newer one begins again.
ALTER TABLE convention_mapping ADD COLUMN target INTEGER NOT NULL DEFAULT 0;
