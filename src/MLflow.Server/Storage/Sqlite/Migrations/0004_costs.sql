-- Units are 10^-12 US dollars.
ALTER TABLE spans ADD COLUMN input_cost INTEGER;
ALTER TABLE spans ADD COLUMN output_cost INTEGER;
ALTER TABLE traces ADD COLUMN input_cost INTEGER;
ALTER TABLE traces ADD COLUMN output_cost INTEGER;
ALTER TABLE traces ADD COLUMN unpriced_calls INTEGER NOT NULL DEFAULT 0;
