CREATE TABLE capture (
    -- One run of pulltap that recorded into this file.
    id INTEGER PRIMARY KEY,
    began INTEGER NOT NULL,          -- microseconds since 1970-01-01 UTC
    pulltap TEXT NOT NULL,           -- the program's version
    first_exchange INTEGER NOT NULL, -- the first id that was free then
    lost INTEGER NOT NULL DEFAULT 0  -- exchanges that could not be written
);
CREATE TABLE certificate (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE, -- of der, in hexadecimal
    der BLOB NOT NULL
);
CREATE TABLE tls (
    -- One TLS handshake, which the exchanges of a connection share.
    id INTEGER PRIMARY KEY,
    started INTEGER NOT NULL,    -- microseconds since 1970-01-01 UTC
    duration INTEGER,            -- microseconds; NULL: it was never complete
    summary TEXT NOT NULL,       -- what was negotiated, by its names
    name TEXT NOT NULL,          -- by which the certificate was made (client side) or checked (server side)
    sni TEXT,                    -- the server name that the client sent
    version INTEGER,             -- these three as on the wire
    suite INTEGER,
    key_group INTEGER,
    alpn,                        -- text; a blob where it is none
    verdict TEXT NOT NULL,       -- trusted, not-checked, certificate-expired and so on
    verdict_words TEXT,          -- of the verifier, when it had a reason of its own
    alert INTEGER,               -- the number of the alert that ended it
    alert_sender TEXT,           -- peer, us
    hello TEXT,                  -- JSON: versions, suites, groups and alpn that the client offered
    chain TEXT NOT NULL          -- JSON: certificate.id, the server's own first
);
CREATE TABLE upstream (
    -- How a server was reached, or was not.
    id INTEGER PRIMARY KEY,
    address TEXT,                -- NULL: no connection came about
    addresses TEXT NOT NULL,     -- JSON: what the name resolved to
    resolve_start INTEGER,       -- these four in microseconds since 1970-01-01 UTC
    resolve_end INTEGER,
    connect_start INTEGER,
    connect_end INTEGER,
    parent_proxy TEXT            -- host:port, when a parent proxy was asked; the addresses are its own then
);
CREATE TABLE content (
    -- What was kept of contents, decoded and masked. What is sent again is mostly here once.
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
);
CREATE TABLE exchange (
    -- One request and what came of it.
    id INTEGER PRIMARY KEY,      -- in the order in which they began, also where a clock jumped
    state TEXT NOT NULL,         -- open (it ran when this was written), complete, failed
    origin TEXT NOT NULL,        -- live, file
    started INTEGER NOT NULL,    -- microseconds since 1970-01-01 UTC
    scheme TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    method TEXT,
    target TEXT,                 -- as on the wire; overview has the URL
    status INTEGER,
    reason TEXT,
    role TEXT,                   -- what it is to a registry client: ping, token, manifest, blob and so on
    answered_by_us INTEGER NOT NULL, -- 1: the response is pulltap's own
    client TEXT,                 -- the client's address
    connection INTEGER,          -- the number of the client's connection
    connect INTEGER,             -- the id of the CONNECT whose tunnel carried it
    request_version TEXT,
    response_version TEXT,
    request_head INTEGER,        -- these six, and failure_at: microseconds after started
    request_end INTEGER,
    first_byte INTEGER,
    response_head INTEGER,
    response_end INTEGER,
    closed INTEGER,              -- NULL, and response_end too: it still ran
    failure_stage TEXT,          -- resolve, connect, upstream-tls, read-body and so on; NULL: it did not fail
    failure_side TEXT,           -- client, us, parent-proxy, origin
    failure_kind TEXT,           -- refused, timed-out, certificate-expired and so on
    failure_detail TEXT,         -- the status, the alert or the words that belong to the kind
    failure_chain TEXT,          -- JSON: the messages of the errors below, outermost first
    failure_os_code INTEGER,
    failure_at INTEGER,
    tunnel_why TEXT,             -- why its bytes passed uninterpreted; NULL: they did not
    tunnel_sent INTEGER,
    tunnel_received INTEGER,
    upstream INTEGER REFERENCES upstream,
    client_tls INTEGER REFERENCES tls,
    upstream_tls INTEGER REFERENCES tls,
    request_length INTEGER NOT NULL,   -- bytes that passed, still content-coded
    request_complete INTEGER NOT NULL, -- 1: it ended where HTTP's framing says
    request_sha256 TEXT,
    request_kept TEXT NOT NULL,  -- all, prefix:LIMIT; or why it was not kept: binary, recorder-behind, not-in-file
    response_length INTEGER NOT NULL,
    response_complete INTEGER NOT NULL,
    response_sha256 TEXT,
    response_kept TEXT NOT NULL,
    request_headers TEXT,        -- JSON
    response_headers TEXT,       -- JSON
    interim TEXT,                -- JSON: 1xx responses
    request_trailers TEXT,       -- JSON
    response_trailers TEXT,      -- JSON
    request_decoded_from TEXT,   -- JSON: content codings that were undone for request_body, outermost first
    response_decoded_from TEXT,
    request_body INTEGER REFERENCES content,  -- NULL: there was none, or nothing of it was kept
    response_body INTEGER REFERENCES content
);
