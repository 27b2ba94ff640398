DROP VIEW IF EXISTS overview;
CREATE VIEW overview AS
    -- A line per exchange, as people read it.
    SELECT named.id,
        strftime('%Y-%m-%d %H:%M:%f', named.started / 1e6, 'unixepoch') AS started, -- UTC
        method, url, status, state, role,
        round(coalesce(closed, response_end) / 1e3, 1) AS ms, -- NULL: still running
        request_length AS sent, response_length AS received,
        failure_stage || ': ' || failure_kind || ' (' || failure_side || ')' AS failure,
        tunnel_why AS opaque, client, upstream.address AS server,
        from_client.summary AS client_tls, to_server.summary AS upstream_tls, connection, connect,
        substr(rest, 1, instr(rest || '?', '?') - 1) AS path
    FROM (
        SELECT *, substr(substr(url, instr(url, '://') + 3),
                         instr(substr(url, instr(url, '://') + 3) || '/', '/')) AS rest -- of the URL, from its path on
        FROM (
            SELECT *, CASE
                WHEN method = 'CONNECT' THEN 'https://' || authority || ':' || port || '/'
                WHEN instr(target, '://') AND substr(target, 1, 1) <> '/' THEN target
                ELSE scheme || '://' || authority
                    || iif(port = iif(scheme = 'https', 443, 80), '', ':' || port)
                    || iif(target = '*', '/*', coalesce(target, ''))
                END AS url
            FROM (SELECT *, iif(instr(host, ':'), '[' || host || ']', host) AS authority FROM exchange)
        )
    ) AS named
    LEFT JOIN upstream ON upstream.id = named.upstream
    LEFT JOIN tls AS from_client ON from_client.id = named.client_tls
    LEFT JOIN tls AS to_server ON to_server.id = named.upstream_tls
    ORDER BY named.id;
