-- What the gateway works with: secrets, models, endpoints, budgets. Few, read whole, and changed by an administrator now and then.
CREATE TABLE gateway_documents (
    document_id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    -- JSON. What is secret in it is encrypted.
    body TEXT COLLATE "C" NOT NULL
);

-- Grows with every change of a document: whoever writes says which version they have read, and holds up all others meanwhile.
CREATE TABLE gateway_version (version BIGINT NOT NULL);

INSERT INTO gateway_version (version) VALUES (0);

-- What calls came to, by the hour.
CREATE TABLE gateway_usage (
    hour_ms BIGINT NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    user_name TEXT COLLATE "C" NOT NULL,
    calls BIGINT NOT NULL,
    failed_calls BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    -- 10⁻⁹ US dollars.
    nano_usd BIGINT NOT NULL,
    PRIMARY KEY (hour_ms, endpoint_id, user_name)
);
