import { toHex } from "../ids.js";
import type { Row, SqlValue, Statement, Steps, StoreNames, Work } from "../store.js";
import type { PreparedBlob, PreparedRow } from "../types.js";
import { claimedOf } from "./postgres.js";
import {
  type Inserted,
  type MessageRow,
  once,
  one,
  type Settlement,
  type StoredPayload,
  type Transitions,
  type Windows,
} from "./transitions.js";

/**
 * The transitions in SQLite (3.42 or later). What takes several statements runs in one `BEGIN IMMEDIATE`, so that no snapshot grows
 * stale between reading and writing. Times are milliseconds since the epoch by the engine's clock.
 */
export function sqliteTransitions(names: StoreNames = {}): Transitions {
  const NOW = names.now ?? "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
  const idsOf = (rows: readonly Row[]): readonly string[] => rows.map((row) => String(row["id"]));
  const ids = (parameter: string): string => `(SELECT value FROM json_each(${parameter}))`;
  const int = (expression: string): string => `CAST(${expression} AS INTEGER)`;

  /** Several statements in one transaction. */
  const all = <T>(steps: (attempt: number) => Steps<T>): Work<T> => ({ atomic: true, steps });

  const moved = (
    values: { state: string; provider: string; providerId: string; recipients: string; reason: string },
    where: string,
  ): string =>
    `INSERT INTO posthorn_settled (id, tenant, backend, stream, batch, state, provider, provider_id, attempts, recipients, reason, parent, created_at, settled_at)
    SELECT id, tenant, backend, stream, batch, ${values.state}, ${values.provider}, ${values.providerId}, attempt, ${values.recipients}, ${values.reason}, parent, created_at, ${NOW}
    FROM posthorn_message WHERE ${where} ON CONFLICT (id) DO NOTHING RETURNING id`;
  const forget = (list: readonly string[]): Statement => ({
    sql: `DELETE FROM posthorn_message WHERE id IN ${ids("$1")}`,
    params: [JSON.stringify(list)],
  });
  /** Moves messages into the send log. */
  function* move(sql: string, params: readonly SqlValue[]): Steps<readonly string[]> {
    const list = idsOf(yield { sql, params });
    if (list.length > 0) yield forget(list);
    return list;
  }

  const repeatUntil = (windows: string): string =>
    `coalesce(repeat_until, begun_at + (SELECT value ->> 'repeatFor' FROM json_each(${windows}) WHERE key = backend))`;
  /** Frees the leased messages that `where` selects. */
  function* free(
    where: string,
    params: readonly SqlValue[],
    windows: Windows,
  ): Steps<readonly { id: string; state: string }[]> {
    const at = `$${params.length + 1}`;
    const rows = yield {
      sql: `UPDATE posthorn_message SET worker = NULL,
          crashes = crashes + (begun_at IS NOT NULL),
          sole_provider = CASE WHEN begun_at IS NULL THEN sole_provider
            ELSE coalesce(sole_provider, (SELECT value ->> 'provider' FROM json_each(${at}) WHERE key = backend), '') END,
          repeat_until = CASE WHEN begun_at IS NULL THEN repeat_until ELSE ${int(repeatUntil(at))} END,
          reason = CASE WHEN begun_at IS NULL THEN reason ELSE 'its worker died while sending' END,
          state = CASE WHEN begun_at IS NULL THEN 'queued' WHEN crashes < 2 AND ${NOW} < ${repeatUntil(at)} THEN 'deferred' ELSE 'unknown' END
        WHERE state = 'leased' AND ${where} RETURNING id, state, attempt, sole_provider, begun_at`,
      params: [...params, JSON.stringify(windows)],
    };
    const begun = rows.filter((row) => row["begun_at"] !== null);
    if (begun.length > 0) {
      yield {
        sql: `INSERT INTO posthorn_attempt (message_id, attempt, provider, outcome, delivery, error, ended_at)
          SELECT value ->> 'id', value ->> 'attempt', nullif(value ->> 'sole_provider', ''), value ->> 'state', 'unknown', 'its worker died while sending', ${NOW} FROM json_each($1) WHERE true ON CONFLICT DO NOTHING`,
        params: [JSON.stringify(begun)],
      };
    }
    return rows.map((row) => ({ id: String(row["id"]), state: String(row["state"]) }));
  }

  function insertBlobs(blobs: readonly PreparedBlob[]): readonly Statement[] {
    return blobs.map(({ hash, codec, size, bytes }) => ({
      sql: `INSERT INTO posthorn_blob (hash, codec, size, bytes, created_at) VALUES (unhex($1), $2, $3, $4, ${NOW}) ON CONFLICT (hash) DO NOTHING`,
      params: [hash, codec, size, bytes],
    }));
  }

  /** The statements that insert messages. None depends on another's rows; the last tells of duplicates. */
  function insertRows(rows: readonly PreparedRow[]): readonly Statement[] {
    const list = JSON.stringify(rows.map(({ body, hashes, ...row }) => row));
    const bodies = JSON.stringify(
      rows.map(({ id, codec, body, hashes }) => ({ id, codec, body: toHex(body), hashes })),
    );
    const statements: Statement[] = [];
    if (rows.some(({ dedupeKey }) => dedupeKey !== null)) {
      statements.push({
        sql: `INSERT INTO posthorn_dedupe (tenant, key, message_id, expires_at)
          SELECT value ->> 'tenant', value ->> 'dedupeKey', value ->> 'id', ${int(`${NOW} + (value ->> 'dedupeFor')`)} FROM json_each($1) WHERE value ->> 'dedupeKey' IS NOT NULL
          ON CONFLICT (tenant, key) DO UPDATE SET message_id = excluded.message_id, expires_at = excluded.expires_at WHERE posthorn_dedupe.expires_at <= ${NOW}`,
        params: [list],
      });
    }
    statements.push(
      {
        sql: `INSERT INTO posthorn_message (id, tenant, backend, stream, batch, priority, due_at, first_due_at, expires_at, idempotency_key, parent, created_at)
          SELECT value ->> 'id', value ->> 'tenant', value ->> 'backend', value ->> 'stream', value ->> 'batch', value ->> 'priority',
            ${int(`coalesce(value ->> 'dueAt', ${NOW} + (value ->> 'dueIn'))`)}, ${int(`coalesce(value ->> 'dueAt', ${NOW} + (value ->> 'dueIn'))`)},
            ${int(`${NOW} + (value ->> 'expiresIn')`)}, value ->> 'idempotencyKey', value ->> 'parent', ${NOW}
          FROM json_each($1) WHERE (value ->> 'dedupeKey' IS NULL
            OR EXISTS (SELECT 1 FROM posthorn_dedupe d WHERE d.tenant = value ->> 'tenant' AND d.key = value ->> 'dedupeKey' AND d.message_id = value ->> 'id'))
            AND NOT EXISTS (SELECT 1 FROM posthorn_settled s WHERE s.id = value ->> 'id')
          ON CONFLICT (id) DO NOTHING`,
        params: [list],
      },
      {
        sql: `INSERT INTO posthorn_payload (message_id, codec, body) SELECT m.id, value ->> 'codec', unhex(value ->> 'body')
          FROM json_each($1) JOIN posthorn_message m ON m.id = value ->> 'id' WHERE true ON CONFLICT (message_id) DO NOTHING`,
        params: [bodies],
      },
    );
    if (rows.some(({ hashes }) => hashes.length > 0)) {
      statements.push({
        sql: `INSERT INTO posthorn_payload_blob (message_id, hash) SELECT m.id, unhex(h.value)
          FROM json_each($1) i JOIN posthorn_message m ON m.id = i.value ->> 'id' JOIN json_each(i.value -> 'hashes') h WHERE true ON CONFLICT DO NOTHING`,
        params: [bodies],
      });
    }
    statements.push({
      sql: `SELECT value ->> 'id' AS id, coalesce((SELECT d.message_id FROM posthorn_dedupe d WHERE d.tenant = value ->> 'tenant' AND d.key = value ->> 'dedupeKey'), value ->> 'id') AS holder
        FROM json_each($1) ORDER BY json_each.key`,
      params: [list],
    });
    return statements;
  }

  function* insert(rows: readonly PreparedRow[], blobs: readonly PreparedBlob[]): Steps<readonly Inserted[]> {
    let last: readonly Row[] = [];
    for (const statement of [...insertBlobs(blobs), ...insertRows(rows)]) last = yield statement;
    return last.map((row) => ({ id: String(row["id"]), holder: String(row["holder"]) }));
  }

  function* settleSteps(worker: string, items: readonly Settlement[]): Steps<readonly string[]> {
    return yield* move(
      `INSERT INTO posthorn_settled (id, tenant, backend, stream, batch, state, provider, provider_id, attempts, recipients, reason, parent, created_at, settled_at)
      SELECT m.id, m.tenant, m.backend, m.stream, m.batch, t.value ->> 'state', t.value ->> 'provider', t.value ->> 'providerId', m.attempt, t.value ->> 'recipients', t.value ->> 'reason', m.parent, m.created_at, ${NOW}
      FROM json_each($2) t JOIN posthorn_message m ON m.id = t.value ->> 'id' AND m.attempt = t.value ->> 'attempt'
      WHERE (m.state = 'leased' AND m.worker = $1 AND (t.value ->> 'state' = 'accepted' OR m.sole_provider IS NULL))
        OR (m.state IN ('unknown', 'deferred', 'queued') AND t.value ->> 'state' = 'accepted')
      ON CONFLICT (id) DO NOTHING RETURNING id`,
      [worker, JSON.stringify(items)],
    );
  }

  const dueProbe = (priority: number): string =>
    `SELECT id FROM (SELECT id FROM posthorn_message WHERE backend = $2 AND priority = ${priority} AND due_at <= ${NOW} AND state IN ('queued', 'deferred') ORDER BY due_at, id LIMIT $3)`;
  const refsMatch = "(id, attempt) IN (SELECT value ->> 'id', value ->> 'attempt' FROM json_each($2))";

  return {
    migrations: MIGRATIONS,

    migrate() {
      const { migrations } = this;
      return all(function* () {
        yield {
          sql: "CREATE TABLE IF NOT EXISTS posthorn_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
          params: [],
        };
        const [row] = yield {
          sql: "SELECT value FROM posthorn_meta WHERE key = 'schema_version'",
          params: [],
        };
        const version = Number(row?.["value"] ?? 0);
        for (const statements of migrations.slice(version)) {
          for (const sql of statements) yield { sql, params: [] };
        }
        const reached = Math.max(version, migrations.length);
        yield {
          sql: `INSERT INTO posthorn_meta (key, value) VALUES ('schema_version', $1), ('min_client', '1')
            ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE posthorn_meta.key = 'schema_version'`,
          params: [String(reached)],
        };
        return reached;
      });
    },
    version: () =>
      one("SELECT key, value FROM posthorn_meta", [], (rows) => {
        const values = new Map(rows.map((row) => [row["key"], Number(row["value"])]));
        return { version: values.get("schema_version") ?? 0, minClient: values.get("min_client") ?? 1 };
      }),

    enqueue: (rows, blobs) => all(() => insert(rows, blobs)),

    register: (worker, { host, pid, version, backends }) =>
      one(
        `INSERT INTO posthorn_worker (id, host, pid, version, backends, started_at, beat_at) VALUES ($1, $2, $3, $4, $5, ${NOW}, ${NOW}) ON CONFLICT (id) DO NOTHING`,
        [worker, host, pid, version, backends],
        () => undefined,
      ),
    unregister: (worker) =>
      one(
        "DELETE FROM posthorn_worker WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM posthorn_message m WHERE m.worker = posthorn_worker.id AND m.state = 'leased')",
        [worker],
        () => undefined,
      ),

    due: (backend) =>
      one(
        `SELECT ${[0, 1, 2, 3]
          .map(
            (priority) =>
              `EXISTS (SELECT 1 FROM posthorn_message WHERE backend = $1 AND priority = ${priority} AND due_at <= ${NOW} AND state IN ('queued', 'deferred'))`,
          )
          .join(" OR ")} AS due`,
        [backend],
        ([row]) => Number(row?.["due"]) === 1,
      ),
    permit: (backend, count, { burst, interval }) =>
      all(function* () {
        yield {
          sql: "INSERT INTO posthorn_limit (name) VALUES ($1) ON CONFLICT DO NOTHING",
          params: [backend],
        };
        const from = `max(next_at, ${NOW} - $3)`;
        const granted = `CASE WHEN paused_until > ${NOW} THEN 0 ELSE min($2, CAST((${NOW} - ${from}) / $4 AS INTEGER)) END`;
        const [row] = yield {
          sql: `UPDATE posthorn_limit SET granted = ${granted}, next_at = ${from} + $4 * (${granted}) WHERE name = $1
            RETURNING granted, max(0, coalesce(paused_until, 0) - ${NOW}) AS paused_for`,
          params: [backend, count, burst * interval, interval],
        };
        return { granted: Number(row?.["granted"] ?? 0), pausedFor: Number(row?.["paused_for"] ?? 0) };
      }),
    giveBack: (backend, count, { interval }) =>
      one(
        "UPDATE posthorn_limit SET next_at = next_at - $2 WHERE name = $1",
        [backend, count * interval],
        () => undefined,
      ),
    paused: (backend) =>
      one(
        `SELECT paused_until - ${NOW} AS paused_for FROM posthorn_limit WHERE name = $1 AND paused_until > ${NOW}`,
        [backend],
        ([row]) => Number(row?.["paused_for"] ?? 0),
      ),
    pause: (backend, ms, reason) =>
      one(
        `INSERT INTO posthorn_limit (name, paused_until, reason) VALUES ($1, ${int(`${NOW} + $2`)}, $3)
        ON CONFLICT (name) DO UPDATE SET paused_until = max(coalesce(posthorn_limit.paused_until, 0), excluded.paused_until), reason = excluded.reason`,
        [backend, ms, reason],
        () => undefined,
      ),
    resume: (backend) =>
      one(
        "UPDATE posthorn_limit SET paused_until = NULL, reason = NULL WHERE name = $1",
        [backend],
        () => undefined,
      ),

    claim: (worker, backend, count) =>
      once(
        one(
          `UPDATE posthorn_message SET state = 'leased', worker = $1, attempt = attempt + 1, begun_at = NULL
        WHERE EXISTS (SELECT 1 FROM posthorn_worker WHERE id = $1) AND id IN (SELECT id FROM (${[0, 1, 2, 3].map(dueProbe).join(" UNION ALL ")}) LIMIT $3)
        RETURNING id, attempt, backend, tenant, stream, idempotency_key, tries, sole_provider, omitted,
          coalesce(expires_at <= ${NOW}, 0) AS expired, ${NOW} - first_due_at AS age`,
          [worker, backend, count],
          (rows) => rows.map(claimedOf),
        ),
      ),
    payloads: (list) =>
      one(
        `SELECT message_id AS id, codec, body FROM posthorn_payload WHERE message_id IN ${ids("$1")}`,
        [JSON.stringify(list)],
        (rows) =>
          rows.map(
            (row): StoredPayload => ({
              id: String(row["id"]),
              codec: String(row["codec"]),
              body: bytesOf(row["body"]),
            }),
          ),
      ),
    blobs: (hashes) =>
      one(
        "SELECT lower(hex(hash)) AS hash, codec, size, bytes FROM posthorn_blob WHERE hash IN (SELECT unhex(value) FROM json_each($1))",
        [JSON.stringify(hashes)],
        (rows) =>
          rows.map(
            (row): PreparedBlob => ({
              hash: String(row["hash"]),
              codec: String(row["codec"]),
              size: Number(row["size"]),
              bytes: row["bytes"] === null ? null : bytesOf(row["bytes"]),
            }),
          ),
      ),
    suppressed: (tenant, addresses) =>
      one(
        `SELECT address, scope FROM posthorn_suppression WHERE tenant IN ('', $1) AND address IN ${ids("$2")} AND (expires_at IS NULL OR expires_at > ${NOW})`,
        [tenant, JSON.stringify(addresses)],
        (rows) => rows.map((row) => ({ address: String(row["address"]), scope: String(row["scope"]) })),
      ),
    begin: (worker, refs) =>
      once(
        one(
          `UPDATE posthorn_message SET begun_at = ${NOW}, omitted = coalesce(omitted, (SELECT value ->> 'omitted' FROM json_each($2) WHERE value ->> 'id' = posthorn_message.id))
        WHERE state = 'leased' AND worker = $1 AND begun_at IS NULL AND ${refsMatch} RETURNING id`,
          [worker, JSON.stringify(refs)],
          idsOf,
        ),
      ),
    unbegin: (worker, refs) =>
      one(
        `UPDATE posthorn_message SET state = 'queued', worker = NULL, begun_at = NULL WHERE state = 'leased' AND worker = $1 AND ${refsMatch} RETURNING id`,
        [worker, JSON.stringify(refs)],
        idsOf,
      ),
    letGo: (worker, known) =>
      one(
        `UPDATE posthorn_message SET state = 'queued', worker = NULL WHERE worker = $1 AND state = 'leased' AND begun_at IS NULL AND id NOT IN ${ids("$2")} RETURNING id`,
        [worker, JSON.stringify(known)],
        idsOf,
      ),
    settle: (worker, items) => all(() => settleSteps(worker, items)),
    settleWithRest: (worker, item, rest, blobs) =>
      all(function* () {
        const done = yield* settleSteps(worker, [item]);
        if (done.length > 0) yield* insert(rest, blobs);
        return done;
      }),
    defer: (worker, items) =>
      all(function* () {
        const window = "coalesce(m.repeat_until, m.begun_at + (t.value ->> 'repeatFor'))";
        const rows = yield {
          sql: `UPDATE posthorn_message AS m SET worker = NULL, tries = m.tries + (t.value ->> 'counts'), reason = t.value ->> 'reason',
              sole_provider = CASE WHEN t.value ->> 'delivery' = 'unknown' THEN coalesce(m.sole_provider, t.value ->> 'provider', '') ELSE m.sole_provider END,
              repeat_until = CASE WHEN t.value ->> 'delivery' = 'unknown' THEN ${int(window)} ELSE m.repeat_until END,
              due_at = ${int(`${NOW} + (t.value ->> 'wait')`)},
              state = CASE WHEN t.value ->> 'delivery' <> 'unknown' AND m.sole_provider IS NULL THEN t.value ->> 'to'
                WHEN t.value ->> 'to' = 'deferred' AND ${NOW} + (t.value ->> 'wait') < ${window} THEN 'deferred' ELSE 'unknown' END
            FROM json_each($2) t WHERE m.id = t.value ->> 'id' AND m.attempt = t.value ->> 'attempt' AND m.state = 'leased' AND m.worker = $1
            RETURNING id, attempt, state, due_at`,
          params: [worker, JSON.stringify(items)],
        };
        if (rows.length > 0) {
          yield {
            sql: `INSERT INTO posthorn_attempt (message_id, attempt, provider, outcome, delivery, status, code, error, ended_at, next_at)
              SELECT u.value ->> 'id', u.value ->> 'attempt', t.value ->> 'provider', u.value ->> 'state', t.value ->> 'delivery', t.value ->> 'status', t.value ->> 'code',
                t.value ->> 'error', ${NOW}, CASE WHEN u.value ->> 'state' = 'deferred' THEN u.value ->> 'due_at' END
              FROM json_each($1) u JOIN json_each($2) t ON t.value ->> 'id' = u.value ->> 'id' WHERE true ON CONFLICT DO NOTHING`,
            params: [JSON.stringify(rows), JSON.stringify(items)],
          };
        }
        return rows.map((row) => ({ id: String(row["id"]), state: String(row["state"]) }));
      }),

    beat: (worker) =>
      one(
        `UPDATE posthorn_worker SET beat = beat + 1, beat_at = ${NOW} WHERE id = $1 RETURNING id`,
        [worker],
        (rows) => rows.length > 0,
      ),
    watch: () =>
      one("SELECT id, beat FROM posthorn_worker", [], (rows) =>
        rows.map((row) => ({ id: String(row["id"]), beat: String(row["beat"]) })),
      ),
    reap: (worker, beat, windows) =>
      all(function* () {
        const dead = yield {
          sql: "DELETE FROM posthorn_worker WHERE id = $1 AND beat = CAST($2 AS INTEGER) RETURNING id",
          params: [worker, beat],
        };
        return dead.length > 0 ? yield* free("worker = $1", [worker], windows) : undefined;
      }),
    orphans: (windows) =>
      all(() =>
        free(
          "NOT EXISTS (SELECT 1 FROM posthorn_worker w WHERE w.id = posthorn_message.worker)",
          [],
          windows,
        ),
      ),
    provenByEvents: () =>
      all(() =>
        move(
          moved(
            {
              state: "'accepted'",
              provider: "nullif(sole_provider, '')",
              providerId: "NULL",
              recipients: "NULL",
              reason: "'proven by an event'",
            },
            "sole_provider IS NOT NULL AND state <> 'leased' AND EXISTS (SELECT 1 FROM posthorn_event e WHERE e.message_id = posthorn_message.id)",
          ),
          [],
        ),
      ),
    proven: (id, provider, providerId, reason) =>
      all(function* () {
        const list = yield* move(
          moved(
            { state: "'accepted'", provider: "$2", providerId: "$3", recipients: "NULL", reason: "$4" },
            "id = $1 AND sole_provider IS NOT NULL AND state <> 'leased'",
          ),
          [id, provider, providerId, reason],
        );
        return list.length > 0;
      }),
    noteEvent: ({ id, key, recipient, type, at, detail, always }) =>
      one(
        `INSERT INTO posthorn_event (message_id, event_key, recipient, type, at, detail) SELECT $1, $2, $3, $4, $5, $6
        WHERE $7 OR EXISTS (SELECT 1 FROM posthorn_message WHERE id = $1) ON CONFLICT DO NOTHING`,
        [id, key, recipient, type, at, detail, always ? 1 : 0],
        () => undefined,
      ),
    owner: (id) =>
      one(
        "SELECT tenant, stream FROM posthorn_message WHERE id = $1 UNION ALL SELECT tenant, stream FROM posthorn_settled WHERE id = $1 LIMIT 1",
        [id],
        ([row]) => row && { tenant: String(row["tenant"]), stream: String(row["stream"]) },
      ),
    resendUnknown: (after) =>
      one(
        `UPDATE posthorn_message SET state = 'queued', due_at = ${NOW}, tries = 0, sole_provider = NULL, repeat_until = NULL, reason = 'sent again by the policy onUnknown'
        WHERE state = 'unknown' AND crashes < 3 AND begun_at < ${NOW} - $1 AND (expires_at IS NULL OR expires_at > ${NOW}) RETURNING id`,
        [after],
        idsOf,
      ),
    retry: (list, evenIfUnknown) =>
      one(
        `UPDATE posthorn_message SET state = 'queued', due_at = ${NOW}, first_due_at = ${NOW}, tries = 0, crashes = 0, reason = NULL, sole_provider = NULL, repeat_until = NULL, omitted = NULL
        WHERE id IN ${ids("$1")} AND (state = 'dead' OR (state = 'unknown' AND $2)) RETURNING id`,
        [JSON.stringify(list), evenIfUnknown ? 1 : 0],
        idsOf,
      ),
    cancel: (list, batch) =>
      all(() =>
        move(
          moved(
            {
              state: "'cancelled'",
              provider: "NULL",
              providerId: "NULL",
              recipients: "NULL",
              reason: "'by request'",
            },
            `(id IN ${ids("$1")} OR batch = $2) AND state IN ('queued', 'deferred', 'dead') AND sole_provider IS NULL`,
          ),
          [JSON.stringify(list), batch],
        ),
      ),
    suppress: (rows) =>
      one(
        `INSERT INTO posthorn_suppression (tenant, address, scope, reason, provider, detail, created_at, expires_at)
        SELECT value ->> 'tenant', value ->> 'address', value ->> 'scope', value ->> 'reason', value ->> 'provider', value ->> 'detail', ${NOW}, ${int(`${NOW} + (value ->> 'expiresIn')`)}
        FROM json_each($1) WHERE true ON CONFLICT (tenant, address, scope) DO UPDATE
        SET reason = excluded.reason, provider = excluded.provider, detail = excluded.detail, expires_at = excluded.expires_at`,
        [JSON.stringify(rows)],
        () => undefined,
      ),
    unsuppress: (addresses, tenant, scope) =>
      one(
        `DELETE FROM posthorn_suppression WHERE tenant = $2 AND address IN ${ids("$1")} AND ($3 IS NULL OR scope = $3) RETURNING address`,
        [JSON.stringify(addresses), tenant, scope],
        (rows) => rows.length,
      ),
    suppressions: ({ address, tenant, reason, after, limit }) =>
      one(
        `SELECT tenant, address, scope, reason, provider, detail, created_at, expires_at FROM posthorn_suppression
        WHERE ($1 IS NULL OR address = $1) AND ($2 IS NULL OR tenant = $2) AND ($3 IS NULL OR reason = $3)
        AND ($4 IS NULL OR (tenant, address, scope) > ($4, $5, $6)) ORDER BY tenant, address, scope LIMIT $7`,
        [address, tenant, reason, after?.[0] ?? null, after?.[1] ?? null, after?.[2] ?? null, limit],
        (rows) => rows,
      ),
    claimKey: (key, id, ms) =>
      one(
        `INSERT INTO posthorn_dedupe (tenant, key, message_id, expires_at) VALUES (':events', $1, $2, ${int(`${NOW} + $3`)})
        ON CONFLICT (tenant, key) DO UPDATE SET message_id = excluded.message_id, expires_at = excluded.expires_at WHERE posthorn_dedupe.expires_at <= ${NOW} RETURNING key`,
        [key, id, ms],
        (rows) => rows.length > 0,
      ),
    releaseKey: (key) =>
      one("DELETE FROM posthorn_dedupe WHERE tenant = ':events' AND key = $1", [key], () => undefined),
    list: ({ state, backend, tenant, batch, before, after, limit, from }) =>
      one(
        `SELECT ${from === "message" ? LIVE : SETTLED} FROM posthorn_${from}
        WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR backend = $2) AND ($3 IS NULL OR tenant = $3) AND ($4 IS NULL OR batch = $4)
        AND ($5 IS NULL OR created_at < $5) AND ($6 IS NULL OR id < $6) ORDER BY id DESC LIMIT $7`,
        [state, backend, tenant, batch, before, after, limit],
        (rows) => rows as unknown as readonly MessageRow[],
      ),
    find: (id) =>
      one(
        `SELECT ${LIVE} FROM posthorn_message WHERE id = $1 UNION ALL SELECT ${SETTLED} FROM posthorn_settled WHERE id = $1 LIMIT 1`,
        [id],
        ([row]) => row as unknown as MessageRow | undefined,
      ),
    attempts: (id) =>
      one(
        "SELECT attempt, outcome, provider, delivery, status, code, error, ended_at, next_at FROM posthorn_attempt WHERE message_id = $1 ORDER BY attempt",
        [id],
        (rows) => rows,
      ),
    events: (id) =>
      one(
        "SELECT type, recipient, at, detail FROM posthorn_event WHERE message_id = $1 ORDER BY at, event_key",
        [id],
        (rows) => rows,
      ),
    counts: () =>
      one(
        `SELECT backend, state, count(*) AS count, ${NOW} - min(CASE WHEN due_at <= ${NOW} THEN due_at END) AS oldest FROM posthorn_message GROUP BY backend, state`,
        [],
        (rows) =>
          rows.map((row) => ({
            backend: String(row["backend"]),
            state: String(row["state"]),
            count: Number(row["count"]),
            oldest: row["oldest"] === null ? null : Number(row["oldest"]),
          })),
      ),
    limits: () =>
      one(
        `SELECT name, CASE WHEN paused_until > ${NOW} THEN paused_until END AS paused_until, reason FROM posthorn_limit`,
        [],
        (rows) => rows as never,
      ),
    workers: () =>
      one(
        "SELECT id, host, pid, version, backends, started_at, beat_at FROM posthorn_worker ORDER BY started_at",
        [],
        (rows) => rows,
      ),
    settledCounts: (since, bound) =>
      one(
        `SELECT state, count(*) AS count FROM posthorn_settled WHERE id >= $2 AND settled_at > ${NOW} - $1 GROUP BY state`,
        [since, bound],
        countsOf,
      ),
    progress: (batch) =>
      one(
        `SELECT state, count(*) AS count FROM posthorn_message WHERE batch = $1 GROUP BY state
        UNION ALL SELECT state, count(*) FROM posthorn_settled WHERE batch = $1 GROUP BY state`,
        [batch],
        countsOf,
      ),
    health: () => one("SELECT 1 AS one", [], () => undefined),
    purgeSettled: (ms, bound, limit) =>
      one(
        `DELETE FROM posthorn_settled WHERE id IN (SELECT id FROM posthorn_settled WHERE id < $2 AND settled_at < ${NOW} - $1 ORDER BY id LIMIT $3) RETURNING id`,
        [ms, bound, limit],
        (rows) => rows.length,
      ),
    purgePersonal: (ms, bound, limit) =>
      all(function* () {
        const rows = yield {
          sql: `UPDATE posthorn_settled SET recipients = NULL WHERE id IN (SELECT id FROM posthorn_settled WHERE id < $2 AND recipients IS NOT NULL AND settled_at < ${NOW} - $1 ORDER BY settled_at LIMIT $3) RETURNING id`,
          params: [ms, bound, limit],
        };
        if (rows.length > 0) {
          yield {
            sql: `UPDATE posthorn_attempt SET error = NULL, recipients = NULL WHERE message_id IN ${ids("$1")}`,
            params: [JSON.stringify(idsOf(rows))],
          };
        }
        return rows.length;
      }),
    purgeHeld: (ms, limit) =>
      all(function* () {
        const list = yield* move(
          moved(
            { state: "state", provider: "NULL", providerId: "NULL", recipients: "NULL", reason: "reason" },
            `id IN (SELECT id FROM posthorn_message WHERE state IN ('unknown', 'dead') AND max(created_at, first_due_at) < ${NOW} - $1 ORDER BY id LIMIT $2)`,
          ),
          [ms, limit],
        );
        return list.length;
      }),
    purgeAttempts: (bound, limit) =>
      one(
        `DELETE FROM posthorn_attempt WHERE (message_id, attempt) IN (SELECT message_id, attempt FROM posthorn_attempt a
          WHERE message_id < $1 AND NOT EXISTS (SELECT 1 FROM posthorn_message m WHERE m.id = a.message_id) LIMIT $2) RETURNING attempt`,
        [bound, limit],
        (rows) => rows.length,
      ),
    purgeEvents: (ms, limit) =>
      one(
        `DELETE FROM posthorn_event WHERE (message_id, event_key) IN (SELECT message_id, event_key FROM posthorn_event e
          WHERE coalesce(at, 0) < ${NOW} - $1 AND NOT EXISTS (SELECT 1 FROM posthorn_message m WHERE m.id = e.message_id) LIMIT $2) RETURNING type`,
        [ms, limit],
        (rows) => rows.length,
      ),
    purgeDedupe: (limit) =>
      one(
        `DELETE FROM posthorn_dedupe WHERE (tenant, key) IN (SELECT tenant, key FROM posthorn_dedupe WHERE expires_at < ${NOW} LIMIT $1) RETURNING key`,
        [limit],
        (rows) => rows.length,
      ),
    purgeBlobs: (limit) =>
      one(
        `DELETE FROM posthorn_blob WHERE hash IN (SELECT hash FROM posthorn_blob b WHERE created_at < ${NOW} - 86400000
          AND NOT EXISTS (SELECT 1 FROM posthorn_payload_blob l WHERE l.hash = b.hash) LIMIT $1) RETURNING lower(hex(hash)) AS hash, bytes IS NULL AS external`,
        [limit],
        (rows) => rows.map((row) => ({ hash: String(row["hash"]), external: Number(row["external"]) === 1 })),
      ),
    erase: (address) =>
      all(function* () {
        const has = "EXISTS (SELECT 1 FROM json_each(recipients) r WHERE r.key = $1)";
        const rows = yield {
          sql: `UPDATE posthorn_settled SET recipients = (SELECT json_group_object(r.key, json(r.value)) FROM json_each(recipients) r WHERE r.key <> $1)
            WHERE recipients IS NOT NULL AND ${has} RETURNING id`,
          params: [address],
        };
        const list = JSON.stringify(idsOf(rows));
        yield {
          sql: `UPDATE posthorn_attempt SET error = NULL, recipients = NULL WHERE message_id IN ${ids("$1")}`,
          params: [list],
        };
        yield {
          sql: "UPDATE posthorn_event SET recipient = NULL, detail = NULL WHERE recipient = $1",
          params: [address],
        };
        return rows.length;
      }),
    scan: (after, limit) =>
      one(
        "SELECT id, state FROM posthorn_message WHERE id > $1 ORDER BY id LIMIT $2",
        [after, limit],
        (rows) => rows.map((row) => ({ id: String(row["id"]), state: String(row["state"]) })),
      ),
    drop: (list, reason) =>
      all(() =>
        move(
          moved(
            { state: "state", provider: "NULL", providerId: "NULL", recipients: "NULL", reason: "$2" },
            `id IN ${ids("$1")} AND state IN ('unknown', 'dead')`,
          ),
          [JSON.stringify(list), reason],
        ),
      ),
  };
}

const LIVE = `id, state, tenant, backend, stream, batch, priority, attempt AS attempts, nullif(sole_provider, '') AS provider, NULL AS provider_id, reason, parent,
  NULL AS recipients, created_at, due_at, NULL AS settled_at`;
const SETTLED = `id, state, tenant, backend, stream, batch, NULL AS priority, attempts, provider, provider_id, reason, parent, recipients, created_at, NULL AS due_at, settled_at`;

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new TypeError("The driver gave no bytes for a blob");
}

function countsOf(rows: readonly Row[]): readonly { readonly state: string; readonly count: number }[] {
  return rows.map((row) => ({ state: String(row["state"]), count: Number(row["count"]) }));
}

/** The schema, by version. Within a major version of the package a migration only adds. */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE posthorn_worker (
  id TEXT PRIMARY KEY, beat INTEGER NOT NULL DEFAULT 0, version TEXT NOT NULL, host TEXT, pid INTEGER, backends TEXT NOT NULL,
  started_at INTEGER NOT NULL, beat_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
    `CREATE TABLE posthorn_message (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL DEFAULT '', backend TEXT NOT NULL DEFAULT 'default', stream TEXT NOT NULL DEFAULT 'transactional', batch TEXT,
  priority INTEGER NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 3),
  state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'deferred', 'leased', 'unknown', 'dead')),
  due_at INTEGER NOT NULL, first_due_at INTEGER NOT NULL, expires_at INTEGER,
  attempt INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, worker TEXT, begun_at INTEGER,
  idempotency_key TEXT NOT NULL, sole_provider TEXT, repeat_until INTEGER, omitted TEXT, parent TEXT, reason TEXT, created_at INTEGER NOT NULL,
  CHECK ((state = 'leased') = (worker IS NOT NULL)), CHECK (state <> 'unknown' OR sole_provider IS NOT NULL)
) STRICT, WITHOUT ROWID`,
    "CREATE INDEX posthorn_message_due ON posthorn_message (backend, priority, due_at, id) WHERE state IN ('queued', 'deferred')",
    "CREATE INDEX posthorn_message_leased ON posthorn_message (worker) WHERE state = 'leased'",
    "CREATE INDEX posthorn_message_held ON posthorn_message (state, id) WHERE state IN ('unknown', 'dead')",
    "CREATE INDEX posthorn_message_uncertain ON posthorn_message (id) WHERE sole_provider IS NOT NULL",
    "CREATE INDEX posthorn_message_batch ON posthorn_message (batch) WHERE batch IS NOT NULL",
    `CREATE TABLE posthorn_payload (
  message_id TEXT PRIMARY KEY REFERENCES posthorn_message ON DELETE CASCADE, codec TEXT NOT NULL DEFAULT 'json', body BLOB NOT NULL
) STRICT`,
    `CREATE TABLE posthorn_blob (
  hash BLOB PRIMARY KEY, codec TEXT NOT NULL DEFAULT 'raw', size INTEGER NOT NULL, bytes BLOB, created_at INTEGER NOT NULL
) STRICT`,
    `CREATE TABLE posthorn_payload_blob (
  message_id TEXT NOT NULL REFERENCES posthorn_payload ON DELETE CASCADE, hash BLOB NOT NULL REFERENCES posthorn_blob, PRIMARY KEY (message_id, hash)
) STRICT, WITHOUT ROWID`,
    "CREATE INDEX posthorn_payload_blob_hash ON posthorn_payload_blob (hash)",
    `CREATE TABLE posthorn_dedupe (
  tenant TEXT NOT NULL, key TEXT NOT NULL, message_id TEXT NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID`,
    "CREATE INDEX posthorn_dedupe_expires ON posthorn_dedupe (expires_at)",
    `CREATE TABLE posthorn_attempt (
  message_id TEXT NOT NULL, attempt INTEGER NOT NULL, provider TEXT, outcome TEXT NOT NULL, delivery TEXT, status INTEGER,
  code TEXT, error TEXT, recipients TEXT, ended_at INTEGER NOT NULL, next_at INTEGER, PRIMARY KEY (message_id, attempt)
) STRICT, WITHOUT ROWID`,
    `CREATE TABLE posthorn_settled (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL, backend TEXT NOT NULL, stream TEXT NOT NULL, batch TEXT,
  state TEXT NOT NULL CHECK (state IN ('accepted', 'cancelled', 'suppressed', 'expired', 'dead', 'unknown')), provider TEXT, provider_id TEXT,
  attempts INTEGER NOT NULL, recipients TEXT, reason TEXT, parent TEXT, created_at INTEGER NOT NULL, settled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
    "CREATE INDEX posthorn_settled_batch ON posthorn_settled (batch) WHERE batch IS NOT NULL",
    "CREATE INDEX posthorn_settled_personal ON posthorn_settled (settled_at) WHERE recipients IS NOT NULL",
    `CREATE TABLE posthorn_event (
  message_id TEXT NOT NULL, event_key TEXT NOT NULL, recipient TEXT, type TEXT NOT NULL, at INTEGER, detail TEXT, PRIMARY KEY (message_id, event_key)
) STRICT, WITHOUT ROWID`,
    `CREATE TABLE posthorn_suppression (
  tenant TEXT NOT NULL DEFAULT '', address TEXT NOT NULL, scope TEXT NOT NULL DEFAULT '*',
  reason TEXT NOT NULL CHECK (reason IN ('bounced', 'complained', 'unsubscribed', 'rejected', 'manual')),
  provider TEXT, detail TEXT, created_at INTEGER NOT NULL, expires_at INTEGER, PRIMARY KEY (tenant, address, scope)
) STRICT, WITHOUT ROWID`,
    // REAL: a limit's interval may be part of a millisecond.
    `CREATE TABLE posthorn_limit (
  name TEXT PRIMARY KEY, next_at REAL NOT NULL DEFAULT 0, granted INTEGER NOT NULL DEFAULT 0, paused_until INTEGER, reason TEXT
) STRICT, WITHOUT ROWID`,
  ],
];
