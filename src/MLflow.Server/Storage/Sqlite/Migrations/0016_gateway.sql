-- What the gateway works with: secrets, models, endpoints, budgets. Few, read whole, and changed by an administrator now and then.
CREATE TABLE gateway_documents (
    document_id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    -- JSON. What is secret in it is encrypted.
    body TEXT NOT NULL
) WITHOUT ROWID;

-- Grows with every change of a document: whoever writes says which version they have read.
CREATE TABLE gateway_version (version INTEGER NOT NULL);
INSERT INTO gateway_version (version) VALUES (0);

-- What calls came to, by the hour.
CREATE TABLE gateway_usage (
    hour_ms INTEGER NOT NULL,
    endpoint_id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    calls INTEGER NOT NULL,
    failed_calls INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    -- 10⁻⁹ US dollars.
    nano_usd INTEGER NOT NULL,
    PRIMARY KEY (hour_ms, endpoint_id, user_name)
) WITHOUT ROWID;
