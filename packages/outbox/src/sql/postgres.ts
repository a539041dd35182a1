import type { Row, Steps, StoreNames, Work } from "../store.js";
import type { PreparedBlob, PreparedRow } from "../types.js";
import {
  type Bucket,
  type Claimed,
  type Inserted,
  type MessageRow,
  once,
  one,
  type StoredPayload,
  type Transitions,
} from "./transitions.js";

/**
 * The transitions in PostgreSQL (13 or later). Each is one statement where it can be. Parameters are texts and numbers with explicit
 * casts, so that no driver guesses a type; lists are JSON. Times cross the border as milliseconds.
 */
export function postgresTransitions(names: StoreNames = {}): Transitions {
  const prefix = names.schema === undefined ? "" : `"${names.schema.replaceAll('"', '""')}".`;
  const NOW = names.now ?? "now()";
  /** A table by its short name, in the schema. */
  const table = (name: string): string => `${prefix}posthorn_${name}`;
  const message = table("message");
  const settled = table("settled");
  const ms = (parameter: string): string => `(${parameter}::float8 * interval '1 millisecond')`;
  const epoch = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;

  const toSettled =
    "(id, tenant, backend, stream, batch, state, provider, provider_id, attempts, recipients, reason, parent, created_at, settled_at)";
  /** What of a message goes into the send log. */
  const moved = (
    state: string,
    provider: string,
    providerId: string,
    recipients: string,
    reason: string,
  ): string =>
    `INSERT INTO ${settled} ${toSettled}
     SELECT id, tenant, backend, stream, batch, ${state}, ${provider}, ${providerId}, attempt, ${recipients}, ${reason}, parent, created_at, ${NOW} FROM g
     ON CONFLICT (id) DO NOTHING RETURNING id::text AS id`;
  const kept = "id, tenant, backend, stream, batch, attempt, parent, created_at, state, reason";
  const ids = (parameter: string): string =>
    `(SELECT value::uuid FROM jsonb_array_elements_text(${parameter}::text::jsonb))`;
  const idsOf = (rows: readonly Row[]): readonly string[] => rows.map((row) => String(row["id"]));

  const reaped = (windows: string): string => `worker = NULL,
    crashes = m.crashes + (m.begun_at IS NOT NULL)::int,
    sole_provider = CASE WHEN m.begun_at IS NULL THEN m.sole_provider ELSE coalesce(m.sole_provider, ${windows} -> m.backend ->> 'provider', '') END,
    repeat_until = CASE WHEN m.begun_at IS NULL THEN m.repeat_until
      ELSE coalesce(m.repeat_until, m.begun_at + (${windows} -> m.backend ->> 'repeatFor')::float8 * interval '1 millisecond') END,
    reason = CASE WHEN m.begun_at IS NULL THEN m.reason ELSE 'its worker died while sending' END,
    state = CASE WHEN m.begun_at IS NULL THEN 'queued'
      WHEN m.crashes < 2 AND ${NOW} < coalesce(m.repeat_until, m.begun_at + (${windows} -> m.backend ->> 'repeatFor')::float8 * interval '1 millisecond') THEN 'deferred'
      ELSE 'unknown' END`;
  const noteCrash = `n AS (INSERT INTO ${table("attempt")} (message_id, attempt, provider, outcome, delivery, error, ended_at)
    SELECT id, attempt, sole_provider, state, 'unknown', reason, ${NOW} FROM u WHERE begun_at IS NOT NULL ON CONFLICT DO NOTHING)`;

  function* insertBlobs(blobs: readonly PreparedBlob[]): Steps<void> {
    if (blobs.length === 0) return;
    // Those that are there are locked, so that the purger cannot take them before this transaction refers to them.
    yield {
      sql: `WITH i AS (SELECT decode(hash, 'hex') AS hash, codec, size, decode(bytes, 'base64') AS bytes
          FROM json_to_recordset($1::text::json) AS i(hash text, codec text, size bigint, bytes text)),
        l AS MATERIALIZED (SELECT b.hash FROM ${table("blob")} b WHERE b.hash IN (SELECT hash FROM i) FOR KEY SHARE)
        INSERT INTO ${table("blob")} (hash, codec, size, bytes, created_at)
        SELECT hash, codec, size, bytes, ${NOW} FROM i WHERE hash NOT IN (SELECT hash FROM l) ON CONFLICT (hash) DO NOTHING`,
      params: [
        JSON.stringify(
          blobs.map(({ hash, codec, size, bytes }) => ({ hash, codec, size, bytes: bytes && base64(bytes) })),
        ),
      ],
    };
  }

  function* insertRows(rows: readonly PreparedRow[]): Steps<readonly Inserted[]> {
    const found = yield {
      sql: `WITH i AS (SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS i(n int, id uuid, tenant text, backend text, stream text, batch text,
          priority smallint, due_in float8, due_at float8, expires_in float8, key text, dedupe_key text, dedupe_for float8, parent uuid, codec text, body text, hashes jsonb)),
        f AS (SELECT DISTINCT ON (tenant, dedupe_key) tenant, dedupe_key, id, dedupe_for FROM i WHERE dedupe_key IS NOT NULL ORDER BY tenant, dedupe_key, n),
        d AS (INSERT INTO ${table("dedupe")} AS x (tenant, key, message_id, expires_at)
          SELECT tenant, dedupe_key, id, ${NOW} + ${ms("dedupe_for")} FROM f ORDER BY tenant, dedupe_key
          ON CONFLICT (tenant, key) DO UPDATE SET message_id = excluded.message_id, expires_at = excluded.expires_at
          WHERE x.expires_at <= ${NOW} OR x.message_id = excluded.message_id RETURNING message_id),
        m AS (INSERT INTO ${message} (id, tenant, backend, stream, batch, priority, due_at, first_due_at, expires_at, idempotency_key, parent, created_at)
          SELECT id, tenant, backend, stream, batch, priority, due.at, due.at, ${NOW} + ${ms("expires_in")}, key, parent, ${NOW}
          FROM i CROSS JOIN LATERAL (SELECT coalesce(to_timestamp(due_at / 1000), ${NOW} + ${ms("due_in")}) AS at) due
          WHERE (dedupe_key IS NULL OR id IN (SELECT message_id FROM d)) AND NOT EXISTS (SELECT 1 FROM ${settled} s WHERE s.id = i.id)
          ON CONFLICT (id) DO NOTHING RETURNING id),
        p AS (INSERT INTO ${table("payload")} (message_id, codec, body) SELECT i.id, i.codec, decode(i.body, 'base64') FROM i JOIN m USING (id)),
        b AS (INSERT INTO ${table("payload_blob")} (message_id, hash)
          SELECT i.id, decode(h.hash, 'hex') FROM i JOIN m USING (id) CROSS JOIN LATERAL jsonb_array_elements_text(i.hashes) h(hash))
        SELECT i.id::text AS id, m.id IS NOT NULL AS inserted, i.dedupe_key, i.tenant,
          (coalesce(CASE WHEN m.id IS NOT NULL THEN i.id END,
            (SELECT x.message_id FROM ${table("dedupe")} x WHERE x.tenant = i.tenant AND x.key = i.dedupe_key AND x.expires_at > ${NOW}), f.id, i.id))::text AS holder
        FROM i LEFT JOIN m USING (id) LEFT JOIN f ON f.tenant = i.tenant AND f.dedupe_key = i.dedupe_key ORDER BY i.n`,
      params: [JSON.stringify(rows.map(wireRow))],
    };
    const inserted: Inserted[] = [];
    for (const row of found) {
      const id = String(row["id"]);
      let holder = String(row["holder"]);
      if (!row["inserted"] && holder === id && row["dedupe_key"] !== null) {
        // Another transaction took the key while this statement ran.
        const [taken] = yield {
          sql: `SELECT message_id::text AS id FROM ${table("dedupe")} WHERE tenant = $1::text AND key = $2::text`,
          params: [String(row["tenant"]), String(row["dedupe_key"])],
        };
        holder = taken ? String(taken["id"]) : id;
      }
      inserted.push({ id, holder });
    }
    return inserted;
  }

  return {
    migrations: postgresMigrations(prefix),

    migrate() {
      const { migrations } = this;
      return {
        atomic: true,
        *steps() {
          // Migrators wait for each other; the lock ends with the transaction, which PgBouncer allows.
          yield { sql: "SELECT pg_advisory_xact_lock(hashtext('posthorn_outbox'))", params: [] };
          if (names.schema !== undefined)
            yield { sql: `CREATE SCHEMA IF NOT EXISTS ${prefix.slice(0, -1)}`, params: [] };
          yield {
            sql: `CREATE TABLE IF NOT EXISTS ${table("meta")} (key text PRIMARY KEY, value text NOT NULL)`,
            params: [],
          };
          const [row] = yield {
            sql: `SELECT value FROM ${table("meta")} WHERE key = 'schema_version'`,
            params: [],
          };
          const version = Number(row?.["value"] ?? 0);
          for (const statements of migrations.slice(version)) {
            for (const sql of statements) yield { sql, params: [] };
          }
          const reached = Math.max(version, migrations.length);
          yield {
            sql: `INSERT INTO ${table("meta")} (key, value) VALUES ('schema_version', $1::text), ('min_client', '1')
              ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE ${table("meta")}.key = 'schema_version'`,
            params: [String(reached)],
          };
          return reached;
        },
      };
    },

    version: () =>
      one(`SELECT key, value FROM ${table("meta")}`, [], (rows) => {
        const values = new Map(rows.map((row) => [row["key"], Number(row["value"])]));
        return { version: values.get("schema_version") ?? 0, minClient: values.get("min_client") ?? 1 };
      }),

    enqueue(rows, blobs): Work<readonly Inserted[]> {
      return {
        atomic: blobs.length > 0,
        *steps(attempt) {
          if (attempt > 0) {
            // An earlier try may have been committed, and its messages even sent by now.
            const list = JSON.stringify(rows.map(({ id }) => id));
            const there = yield {
              sql: `SELECT id::text AS id FROM ${message} WHERE id IN ${ids("$1")} UNION ALL SELECT id::text FROM ${settled} WHERE id IN ${ids("$1")}`,
              params: [list],
            };
            if (there.length > 0) {
              const done = new Set(idsOf(there));
              const rest = rows.filter(({ id }) => !done.has(id));
              const others = rest.length > 0 ? yield* insertRows(rest) : [];
              return rows.map(({ id }) => others.find((row) => row.id === id) ?? { id, holder: id });
            }
          }
          yield* insertBlobs(blobs);
          return yield* insertRows(rows);
        },
      };
    },

    register: (worker, { host, pid, version, backends }) =>
      one(
        `INSERT INTO ${table("worker")} (id, host, pid, version, backends, started_at, beat_at) VALUES ($1::text::uuid, $2::text, $3::int, $4::text, $5::text, ${NOW}, ${NOW}) ON CONFLICT (id) DO NOTHING`,
        [worker, host, pid, version, backends],
        () => undefined,
      ),
    unregister: (worker) =>
      one(
        `DELETE FROM ${table("worker")} w WHERE w.id = $1::text::uuid AND NOT EXISTS (SELECT 1 FROM ${message} m WHERE m.worker = w.id AND m.state = 'leased')`,
        [worker],
        () => undefined,
      ),

    due: (backend) =>
      one(
        `SELECT EXISTS (SELECT 1 FROM unnest('{0,1,2,3}'::smallint[]) p(priority) CROSS JOIN LATERAL (SELECT 1 FROM ${message}
          WHERE backend = $1::text AND priority = p.priority AND due_at <= ${NOW} AND state IN ('queued', 'deferred') LIMIT 1) m) AS due`,
        [backend],
        ([row]) => row?.["due"] === true,
      ),

    permit: (backend, count, bucket) => ({
      atomic: false,
      *steps() {
        const paused = `CASE WHEN l.paused_until > ${NOW} THEN 0 ELSE`;
        const from = `greatest(l.next_at, ${NOW} - ${ms("$3")})`;
        const granted = `${paused} least($2::int, floor((extract(epoch FROM ${NOW} - ${from}) * 1000)::float8 / $4::float8)::int) END`;
        const ask = {
          sql: `UPDATE ${table("limit")} l SET granted = ${granted}, next_at = ${from} + ${ms("$4")} * (${granted})
            WHERE name = $1::text RETURNING granted, greatest(0, ${epoch(`(l.paused_until - ${NOW})`)}) AS paused_for`,
          params: [backend, count, windowOf(bucket), bucket.interval],
        };
        let [row] = yield ask;
        if (!row) {
          yield {
            sql: `INSERT INTO ${table("limit")} (name) VALUES ($1::text) ON CONFLICT DO NOTHING`,
            params: [backend],
          };
          [row] = yield ask;
        }
        return { granted: Number(row?.["granted"] ?? 0), pausedFor: Number(row?.["paused_for"] ?? 0) };
      },
    }),
    giveBack: (backend, count, bucket) =>
      one(
        `UPDATE ${table("limit")} SET next_at = next_at - ${ms("$2")} WHERE name = $1::text`,
        [backend, count * bucket.interval],
        () => undefined,
      ),
    paused: (backend) =>
      one(
        `SELECT greatest(0, ${epoch(`(paused_until - ${NOW})`)}) AS paused_for FROM ${table("limit")} WHERE name = $1::text AND paused_until > ${NOW}`,
        [backend],
        ([row]) => Number(row?.["paused_for"] ?? 0),
      ),
    pause: (backend, time, reason) =>
      one(
        `INSERT INTO ${table("limit")} AS l (name, paused_until, reason) VALUES ($1::text, ${NOW} + ${ms("$2")}, $3::text)
        ON CONFLICT (name) DO UPDATE SET paused_until = greatest(l.paused_until, excluded.paused_until), reason = excluded.reason`,
        [backend, time, reason],
        () => undefined,
      ),
    resume: (backend) =>
      one(
        `UPDATE ${table("limit")} SET paused_until = NULL, reason = NULL WHERE name = $1::text`,
        [backend],
        () => undefined,
      ),

    claim: (worker, backend, count) =>
      once(
        one(
          `WITH w AS (SELECT id FROM ${table("worker")} WHERE id = $1::text::uuid FOR KEY SHARE),
        c AS MATERIALIZED (SELECT m.id FROM w CROSS JOIN unnest('{0,1,2,3}'::smallint[]) WITH ORDINALITY p(priority, o) CROSS JOIN LATERAL (
            SELECT id, due_at FROM ${message} WHERE backend = $2::text AND priority = p.priority AND due_at <= ${NOW} AND state IN ('queued', 'deferred')
            ORDER BY due_at, id LIMIT $3::int FOR UPDATE SKIP LOCKED) m LIMIT $3::int)
        UPDATE ${message} m SET state = 'leased', worker = $1::text::uuid, attempt = m.attempt + 1, begun_at = NULL FROM c WHERE m.id = c.id
        RETURNING m.id::text AS id, m.attempt, m.backend, m.tenant, m.stream, m.idempotency_key, m.tries, m.sole_provider, m.omitted,
          coalesce(m.expires_at <= ${NOW}, false) AS expired, ${epoch(`(${NOW} - m.first_due_at)`)} AS age`,
          [worker, backend, count],
          (rows) => rows.map(claimedOf),
        ),
      ),

    payloads: (list) =>
      one(
        `SELECT message_id::text AS id, codec, encode(body, 'base64') AS body FROM ${table("payload")} WHERE message_id IN ${ids("$1")}`,
        [JSON.stringify(list)],
        (rows) =>
          rows.map(
            (row): StoredPayload => ({
              id: String(row["id"]),
              codec: String(row["codec"]),
              body: fromBase64(row["body"]) as Uint8Array,
            }),
          ),
      ),
    blobs: (hashes) =>
      one(
        `SELECT encode(hash, 'hex') AS hash, codec, size::float8 AS size, encode(bytes, 'base64') AS bytes FROM ${table("blob")}
        WHERE hash IN (SELECT decode(value, 'hex') FROM jsonb_array_elements_text($1::text::jsonb))`,
        [JSON.stringify(hashes)],
        (rows) =>
          rows.map(
            (row): PreparedBlob => ({
              hash: String(row["hash"]),
              codec: String(row["codec"]),
              size: Number(row["size"]),
              bytes: fromBase64(row["bytes"]),
            }),
          ),
      ),

    suppressed: (tenant, addresses) =>
      one(
        `SELECT address, scope FROM ${table("suppression")} WHERE tenant IN ('', $1::text)
        AND address IN (SELECT value FROM jsonb_array_elements_text($2::text::jsonb)) AND (expires_at IS NULL OR expires_at > ${NOW})`,
        [tenant, JSON.stringify(addresses)],
        (rows) => rows.map((row) => ({ address: String(row["address"]), scope: String(row["scope"]) })),
      ),

    begin: (worker, refs) =>
      once(
        one(
          `UPDATE ${message} m SET begun_at = ${NOW}, omitted = coalesce(m.omitted, t.omitted)
        FROM jsonb_to_recordset($2::text::jsonb) AS t(id uuid, attempt int, omitted text)
        WHERE m.id = t.id AND m.attempt = t.attempt AND m.state = 'leased' AND m.worker = $1::text::uuid AND m.begun_at IS NULL RETURNING m.id::text AS id`,
          [worker, JSON.stringify(refs)],
          idsOf,
        ),
      ),
    unbegin: (worker, refs) =>
      one(
        `UPDATE ${message} m SET state = 'queued', worker = NULL, begun_at = NULL FROM jsonb_to_recordset($2::text::jsonb) AS t(id uuid, attempt int)
        WHERE m.id = t.id AND m.attempt = t.attempt AND m.state = 'leased' AND m.worker = $1::text::uuid RETURNING m.id::text AS id`,
        [worker, JSON.stringify(refs)],
        idsOf,
      ),
    letGo: (worker, known) =>
      one(
        `UPDATE ${message} m SET state = 'queued', worker = NULL WHERE m.worker = $1::text::uuid AND m.state = 'leased' AND m.begun_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text($2::text::jsonb) k WHERE k.value::uuid = m.id) RETURNING m.id::text AS id`,
        [worker, JSON.stringify(known)],
        idsOf,
      ),

    settle: (worker, items) => settleWork(worker, items),
    settleWithRest: (worker, item, rest, blobs) => ({
      atomic: true,
      *steps(attempt) {
        const done = yield* settleWork(worker, [item]).steps(attempt);
        // Not settled: another has it, or this ran before.
        if (done.length > 0) {
          yield* insertBlobs(blobs);
          yield* insertRows(rest);
        }
        return done;
      },
    }),

    defer: (worker, items) =>
      one(
        `WITH t AS (SELECT * FROM jsonb_to_recordset($2::text::jsonb) AS t(id uuid, attempt int, "to" text, wait float8, counts int, provider text, "repeatFor" float8,
            delivery text, status int, code text, error text, reason text)),
        u AS (UPDATE ${message} m SET worker = NULL, tries = m.tries + t.counts, reason = t.reason,
            sole_provider = CASE WHEN t.delivery = 'unknown' THEN coalesce(m.sole_provider, t.provider, '') ELSE m.sole_provider END,
            repeat_until = CASE WHEN t.delivery = 'unknown' THEN coalesce(m.repeat_until, m.begun_at + ${ms('t."repeatFor"')}) ELSE m.repeat_until END,
            due_at = ${NOW} + ${ms("t.wait")},
            state = CASE WHEN t.delivery <> 'unknown' AND m.sole_provider IS NULL THEN t."to"
              WHEN t."to" = 'deferred' AND ${NOW} + ${ms("t.wait")} < coalesce(m.repeat_until, m.begun_at + ${ms('t."repeatFor"')}) THEN 'deferred'
              ELSE 'unknown' END
          FROM t WHERE m.id = t.id AND m.attempt = t.attempt AND m.state = 'leased' AND m.worker = $1::text::uuid
          RETURNING m.id, m.attempt, m.state, m.due_at, t.provider, t.delivery, t.status, t.code, t.error),
        n AS (INSERT INTO ${table("attempt")} (message_id, attempt, provider, outcome, delivery, status, code, error, ended_at, next_at)
          SELECT id, attempt, provider, state, delivery, status, code, error, ${NOW}, CASE WHEN state = 'deferred' THEN due_at END FROM u ON CONFLICT DO NOTHING)
        SELECT id::text AS id, state FROM u`,
        [worker, JSON.stringify(items)],
        statesOf,
      ),

    beat: (worker) =>
      one(
        `UPDATE ${table("worker")} SET beat = beat + 1, beat_at = ${NOW} WHERE id = $1::text::uuid RETURNING id`,
        [worker],
        (rows) => rows.length > 0,
      ),
    watch: () =>
      one(`SELECT id::text AS id, beat::text AS beat FROM ${table("worker")}`, [], (rows) =>
        rows.map((row) => ({ id: String(row["id"]), beat: String(row["beat"]) })),
      ),
    reap: (worker, beat, windows) =>
      one(
        `WITH d AS (DELETE FROM ${table("worker")} WHERE id = $1::text::uuid AND beat = $2::text::bigint RETURNING id),
        u AS (UPDATE ${message} m SET ${reaped("$3::text::jsonb")} FROM d WHERE m.worker = d.id AND m.state = 'leased'
          RETURNING m.id, m.state, m.attempt, m.sole_provider, m.reason, m.begun_at),
        ${noteCrash}
        SELECT u.id::text AS id, u.state FROM d LEFT JOIN u ON true`,
        [worker, beat, JSON.stringify(windows)],
        (rows) => (rows.length === 0 ? undefined : statesOf(rows.filter((row) => row["id"] !== null))),
      ),
    orphans: (windows) =>
      one(
        `WITH u AS (UPDATE ${message} m SET ${reaped("$1::text::jsonb")}
          WHERE m.state = 'leased' AND NOT EXISTS (SELECT 1 FROM ${table("worker")} w WHERE w.id = m.worker)
          RETURNING m.id, m.state, m.attempt, m.sole_provider, m.reason, m.begun_at),
        ${noteCrash}
        SELECT id::text AS id, state FROM u`,
        [JSON.stringify(windows)],
        statesOf,
      ),

    provenByEvents: () =>
      one(
        `WITH g AS (DELETE FROM ${message} m WHERE m.sole_provider IS NOT NULL AND m.state <> 'leased'
          AND EXISTS (SELECT 1 FROM ${table("event")} e WHERE e.message_id = m.id) RETURNING ${kept}, sole_provider)
        ${moved("'accepted'", "nullif(sole_provider, '')", "NULL", "NULL", "'proven by an event'")}`,
        [],
        idsOf,
      ),
    proven: (id, provider, providerId, reason) =>
      one(
        `WITH g AS (DELETE FROM ${message} WHERE id = $1::text::uuid AND sole_provider IS NOT NULL AND state <> 'leased' RETURNING ${kept})
        ${moved("'accepted'", "$2::text", "$3::text", "NULL", "$4::text")}`,
        [id, provider, providerId, reason],
        (rows) => rows.length > 0,
      ),
    noteEvent: ({ id, key, recipient, type, at, detail, always }) =>
      one(
        `INSERT INTO ${table("event")} (message_id, event_key, recipient, type, at, detail)
        SELECT $1::text::uuid, $2::text, $3::text, $4::text, to_timestamp($5::float8 / 1000), $6::text
        WHERE $7::boolean OR EXISTS (SELECT 1 FROM ${message} WHERE id = $1::text::uuid) ON CONFLICT DO NOTHING`,
        [id, key, recipient, type, at, detail, always],
        () => undefined,
      ),
    owner: (id) =>
      one(
        `SELECT tenant, stream FROM ${message} WHERE id = $1::text::uuid UNION ALL SELECT tenant, stream FROM ${settled} WHERE id = $1::text::uuid LIMIT 1`,
        [id],
        ([row]) => row && { tenant: String(row["tenant"]), stream: String(row["stream"]) },
      ),

    resendUnknown: (after) =>
      one(
        `UPDATE ${message} SET state = 'queued', due_at = ${NOW}, tries = 0, sole_provider = NULL, repeat_until = NULL, reason = 'sent again by the policy onUnknown'
        WHERE state = 'unknown' AND crashes < 3 AND begun_at < ${NOW} - ${ms("$1")} AND (expires_at IS NULL OR expires_at > ${NOW}) RETURNING id::text AS id`,
        [after],
        idsOf,
      ),
    retry: (list, evenIfUnknown) =>
      one(
        `UPDATE ${message} SET state = 'queued', due_at = ${NOW}, first_due_at = ${NOW}, tries = 0, crashes = 0, reason = NULL, sole_provider = NULL, repeat_until = NULL, omitted = NULL
        WHERE id IN ${ids("$1")} AND (state = 'dead' OR (state = 'unknown' AND $2::boolean)) RETURNING id::text AS id`,
        [JSON.stringify(list), evenIfUnknown],
        idsOf,
      ),
    cancel: (list, batch) =>
      one(
        `WITH g AS (DELETE FROM ${message} WHERE (id IN ${ids("$1")} OR batch = $2::text) AND state IN ('queued', 'deferred', 'dead') AND sole_provider IS NULL RETURNING ${kept})
        ${moved("'cancelled'", "NULL", "NULL", "NULL", "'by request'")}`,
        [JSON.stringify(list), batch],
        idsOf,
      ),

    suppress: (rows) =>
      one(
        `INSERT INTO ${table("suppression")} AS s (tenant, address, scope, reason, provider, detail, created_at, expires_at)
        SELECT tenant, address, scope, reason, provider, detail, ${NOW}, ${NOW} + ${ms('"expiresIn"')}
        FROM jsonb_to_recordset($1::text::jsonb) AS i(tenant text, address text, scope text, reason text, provider text, detail text, "expiresIn" float8)
        ON CONFLICT (tenant, address, scope) DO UPDATE SET reason = excluded.reason, provider = excluded.provider, detail = excluded.detail, expires_at = excluded.expires_at`,
        [JSON.stringify(rows)],
        () => undefined,
      ),
    unsuppress: (addresses, tenant, scope) =>
      one(
        `DELETE FROM ${table("suppression")} WHERE tenant = $2::text AND address IN (SELECT value FROM jsonb_array_elements_text($1::text::jsonb))
        AND ($3::text IS NULL OR scope = $3::text) RETURNING address`,
        [JSON.stringify(addresses), tenant, scope],
        (rows) => rows.length,
      ),
    suppressions: ({ address, tenant, reason, after, limit }) =>
      one(
        `SELECT tenant, address, scope, reason, provider, detail, ${epoch("created_at")} AS created_at, ${epoch("expires_at")} AS expires_at
        FROM ${table("suppression")} WHERE ($1::text IS NULL OR address = $1::text) AND ($2::text IS NULL OR tenant = $2::text) AND ($3::text IS NULL OR reason = $3::text)
        AND ($4::text IS NULL OR (tenant, address, scope) > ($4::text, $5::text, $6::text)) ORDER BY tenant, address, scope LIMIT $7::int`,
        [address, tenant, reason, after?.[0] ?? null, after?.[1] ?? null, after?.[2] ?? null, limit],
        (rows) => rows,
      ),

    claimKey: (key, id, time) =>
      one(
        `INSERT INTO ${table("dedupe")} AS x (tenant, key, message_id, expires_at) VALUES (':events', $1::text, $2::text::uuid, ${NOW} + ${ms("$3")})
        ON CONFLICT (tenant, key) DO UPDATE SET message_id = excluded.message_id, expires_at = excluded.expires_at WHERE x.expires_at <= ${NOW} RETURNING key`,
        [key, id, time],
        (rows) => rows.length > 0,
      ),
    releaseKey: (key) =>
      one(
        `DELETE FROM ${table("dedupe")} WHERE tenant = ':events' AND key = $1::text`,
        [key],
        () => undefined,
      ),

    list: ({ state, backend, tenant, batch, before, after, limit, from }) =>
      one(
        `SELECT ${from === "message" ? liveColumns : settledColumns} FROM ${from === "message" ? message : settled}
        WHERE ($1::text IS NULL OR state = $1::text) AND ($2::text IS NULL OR backend = $2::text) AND ($3::text IS NULL OR tenant = $3::text)
        AND ($4::text IS NULL OR batch = $4::text) AND ($5::float8 IS NULL OR created_at < to_timestamp($5::float8 / 1000)) AND ($6::text IS NULL OR id < $6::text::uuid)
        ORDER BY id DESC LIMIT $7::int`,
        [state, backend, tenant, batch, before, after, limit],
        (rows) => rows as unknown as readonly MessageRow[],
      ),
    find: (id) =>
      one(
        `SELECT ${liveColumns} FROM ${message} WHERE id = $1::text::uuid UNION ALL SELECT ${settledColumns} FROM ${settled} WHERE id = $1::text::uuid LIMIT 1`,
        [id],
        ([row]) => row as unknown as MessageRow | undefined,
      ),
    attempts: (id) =>
      one(
        `SELECT attempt, outcome, provider, delivery, status, code, error, ${epoch("ended_at")} AS ended_at, ${epoch("next_at")} AS next_at
        FROM ${table("attempt")} WHERE message_id = $1::text::uuid ORDER BY attempt`,
        [id],
        (rows) => rows,
      ),
    events: (id) =>
      one(
        `SELECT type, recipient, ${epoch("at")} AS at, detail FROM ${table("event")} WHERE message_id = $1::text::uuid ORDER BY at, event_key`,
        [id],
        (rows) => rows,
      ),
    counts: () =>
      one(
        `SELECT backend, state, count(*)::float8 AS count, ${epoch(`${NOW} - min(due_at) FILTER (WHERE due_at <= ${NOW})`)} AS oldest FROM ${message} GROUP BY backend, state`,
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
        `SELECT name, ${epoch(`CASE WHEN paused_until > ${NOW} THEN paused_until END`)} AS paused_until, reason FROM ${table("limit")}`,
        [],
        (rows) => rows as never,
      ),
    workers: () =>
      one(
        `SELECT id::text AS id, host, pid, version, backends, ${epoch("started_at")} AS started_at, ${epoch("beat_at")} AS beat_at FROM ${table("worker")} ORDER BY started_at`,
        [],
        (rows) => rows,
      ),
    settledCounts: (since, bound) =>
      one(
        `SELECT state, count(*)::float8 AS count FROM ${settled} WHERE id >= $2::text::uuid AND settled_at > ${NOW} - ${ms("$1")} GROUP BY state`,
        [since, bound],
        countsOf,
      ),
    progress: (batch) =>
      one(
        `SELECT state, count(*)::float8 AS count FROM ${message} WHERE batch = $1::text GROUP BY state
        UNION ALL SELECT state, count(*)::float8 FROM ${settled} WHERE batch = $1::text GROUP BY state`,
        [batch],
        countsOf,
      ),
    health: () =>
      one(
        `SELECT coalesce((SELECT max(${epoch("clock_timestamp() - xact_start")}) FROM pg_stat_activity WHERE datname = current_database() AND backend_xmin IS NOT NULL), 0) AS oldest,
          coalesce((SELECT n_dead_tup::float8 FROM pg_stat_all_tables WHERE relid = to_regclass('${message.replaceAll("'", "''")}')), 0) AS dead`,
        [],
        ([row]) => ({
          oldestTransaction: Number(row?.["oldest"] ?? 0),
          deadRows: Number(row?.["dead"] ?? 0),
        }),
      ),

    purgeSettled: (time, bound, limit) =>
      one(
        `WITH x AS (SELECT id FROM ${settled} WHERE id < $2::text::uuid AND settled_at < ${NOW} - ${ms("$1")} ORDER BY id LIMIT $3::int FOR UPDATE SKIP LOCKED)
        DELETE FROM ${settled} s USING x WHERE s.id = x.id RETURNING s.id`,
        [time, bound, limit],
        (rows) => rows.length,
      ),
    purgePersonal: (time, bound, limit) =>
      one(
        `WITH x AS (SELECT id FROM ${settled} WHERE id < $2::text::uuid AND recipients IS NOT NULL AND settled_at < ${NOW} - ${ms("$1")} ORDER BY settled_at LIMIT $3::int FOR UPDATE SKIP LOCKED),
        a AS (UPDATE ${table("attempt")} a SET error = NULL, recipients = NULL FROM x WHERE a.message_id = x.id)
        UPDATE ${settled} s SET recipients = NULL FROM x WHERE s.id = x.id RETURNING s.id`,
        [time, bound, limit],
        (rows) => rows.length,
      ),
    purgeHeld: (time, limit) =>
      one(
        `WITH x AS (SELECT id FROM ${message} WHERE state IN ('unknown', 'dead') AND greatest(created_at, first_due_at) < ${NOW} - ${ms("$1")} ORDER BY id LIMIT $2::int FOR UPDATE SKIP LOCKED),
        g AS (DELETE FROM ${message} m USING x WHERE m.id = x.id RETURNING m.id, tenant, backend, stream, batch, attempt, parent, created_at, state, reason)
        ${moved("state", "NULL", "NULL", "NULL", "reason")}`,
        [time, limit],
        (rows) => rows.length,
      ),
    purgeAttempts: (bound, limit) =>
      one(
        `WITH x AS (SELECT message_id, attempt FROM ${table("attempt")} a WHERE message_id < $1::text::uuid AND NOT EXISTS (SELECT 1 FROM ${message} m WHERE m.id = a.message_id) LIMIT $2::int)
        DELETE FROM ${table("attempt")} a USING x WHERE a.message_id = x.message_id AND a.attempt = x.attempt RETURNING a.attempt`,
        [bound, limit],
        (rows) => rows.length,
      ),
    purgeEvents: (time, limit) =>
      one(
        `WITH x AS (SELECT message_id, event_key FROM ${table("event")} e WHERE coalesce(e.at, 'epoch') < ${NOW} - ${ms("$1")}
          AND NOT EXISTS (SELECT 1 FROM ${message} m WHERE m.id = e.message_id) LIMIT $2::int)
        DELETE FROM ${table("event")} e USING x WHERE e.message_id = x.message_id AND e.event_key = x.event_key RETURNING e.type`,
        [time, limit],
        (rows) => rows.length,
      ),
    purgeDedupe: (limit) =>
      one(
        `WITH x AS (SELECT tenant, key FROM ${table("dedupe")} WHERE expires_at < ${NOW} LIMIT $1::int FOR UPDATE SKIP LOCKED)
        DELETE FROM ${table("dedupe")} d USING x WHERE d.tenant = x.tenant AND d.key = x.key RETURNING d.key`,
        [limit],
        (rows) => rows.length,
      ),
    purgeBlobs: (limit) =>
      one(
        `WITH x AS (SELECT hash FROM ${table("blob")} b WHERE created_at < ${NOW} - interval '1 day'
          AND NOT EXISTS (SELECT 1 FROM ${table("payload_blob")} l WHERE l.hash = b.hash) LIMIT $1::int FOR UPDATE SKIP LOCKED)
        DELETE FROM ${table("blob")} b USING x WHERE b.hash = x.hash RETURNING encode(b.hash, 'hex') AS hash, b.bytes IS NULL AS external`,
        [limit],
        (rows) => rows.map((row) => ({ hash: String(row["hash"]), external: row["external"] === true })),
      ),
    erase: (address) =>
      one(
        `WITH x AS (UPDATE ${settled} SET recipients = recipients - $1::text WHERE recipients ? $1::text RETURNING id),
        a AS (UPDATE ${table("attempt")} SET error = NULL, recipients = NULL FROM x WHERE message_id = x.id),
        e AS (UPDATE ${table("event")} SET recipient = NULL, detail = NULL WHERE recipient = $1::text)
        SELECT id::text AS id FROM x`,
        [address],
        (rows) => rows.length,
      ),
    scan: (after, limit) =>
      one(
        `SELECT id::text AS id, state FROM ${message} WHERE id > $1::text::uuid ORDER BY id LIMIT $2::int`,
        [after, limit],
        statesOf,
      ),
    drop: (list, reason) =>
      one(
        `WITH g AS (DELETE FROM ${message} WHERE id IN ${ids("$1")} AND state IN ('unknown', 'dead') RETURNING ${kept})
        ${moved("state", "NULL", "NULL", "NULL", "$2::text")}`,
        [JSON.stringify(list), reason],
        idsOf,
      ),
  };

  function settleWork(worker: string, items: readonly unknown[]): Work<readonly string[]> {
    return one(
      `WITH t AS (SELECT * FROM jsonb_to_recordset($2::text::jsonb) AS t(id uuid, attempt int, state text, provider text, "providerId" text, recipients text, reason text)),
      g AS (DELETE FROM ${message} m USING t WHERE m.id = t.id AND m.attempt = t.attempt
          AND ((m.state = 'leased' AND m.worker = $1::text::uuid AND (t.state = 'accepted' OR m.sole_provider IS NULL))
            OR (m.state IN ('unknown', 'deferred', 'queued') AND t.state = 'accepted'))
          RETURNING m.id, m.tenant, m.backend, m.stream, m.batch, m.attempt, m.parent, m.created_at, t.state AS to_state, t.provider, t."providerId", t.recipients, t.reason AS why)
      ${moved("to_state", "provider", '"providerId"', "recipients::jsonb", "why")}`,
      [worker, JSON.stringify(items)],
      idsOf,
    );
  }
}

const liveColumns = `id::text AS id, state, tenant, backend, stream, batch, priority, attempt AS attempts, nullif(sole_provider, '') AS provider, NULL::text AS provider_id, reason,
  parent::text AS parent, NULL::text AS recipients, (extract(epoch FROM created_at) * 1000)::float8 AS created_at, (extract(epoch FROM due_at) * 1000)::float8 AS due_at, NULL::float8 AS settled_at`;
const settledColumns = `id::text AS id, state, tenant, backend, stream, batch, NULL::smallint AS priority, attempts, provider, provider_id, reason,
  parent::text AS parent, recipients::text AS recipients, (extract(epoch FROM created_at) * 1000)::float8 AS created_at, NULL::float8 AS due_at, (extract(epoch FROM settled_at) * 1000)::float8 AS settled_at`;

/** Milliseconds that a bucket takes to fill. */
function windowOf({ burst, interval }: Bucket): number {
  return burst * interval;
}

function wireRow(row: PreparedRow, n: number): object {
  return {
    n,
    id: row.id,
    tenant: row.tenant,
    backend: row.backend,
    stream: row.stream,
    batch: row.batch,
    priority: row.priority,
    due_in: row.dueIn,
    due_at: row.dueAt,
    expires_in: row.expiresIn,
    key: row.idempotencyKey,
    dedupe_key: row.dedupeKey,
    dedupe_for: row.dedupeFor,
    parent: row.parent,
    codec: row.codec,
    body: base64(row.body),
    hashes: row.hashes,
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function fromBase64(text: unknown): Uint8Array | null {
  return text === null || text === undefined ? null : new Uint8Array(Buffer.from(String(text), "base64"));
}

function statesOf(rows: readonly Row[]): readonly { readonly id: string; readonly state: string }[] {
  return rows.map((row) => ({ id: String(row["id"]), state: String(row["state"]) }));
}

function countsOf(rows: readonly Row[]): readonly { readonly state: string; readonly count: number }[] {
  return rows.map((row) => ({ state: String(row["state"]), count: Number(row["count"]) }));
}

/** A claimed row of either dialect. */
export function claimedOf(row: Row): Claimed {
  return {
    id: String(row["id"]),
    attempt: Number(row["attempt"]),
    backend: String(row["backend"]),
    tenant: String(row["tenant"]),
    stream: String(row["stream"]),
    key: String(row["idempotency_key"]),
    tries: Number(row["tries"]),
    soleProvider: row["sole_provider"] === null ? null : String(row["sole_provider"]),
    omitted: row["omitted"] === null ? [] : (JSON.parse(String(row["omitted"])) as string[]),
    expired: Boolean(row["expired"]),
    age: Number(row["age"]),
  };
}

/** The schema, by version. Within a major version of the package a migration only adds. */
function postgresMigrations(prefix: string): readonly (readonly string[])[] {
  const p = `${prefix}posthorn_`;
  return [
    [
      `CREATE TABLE ${p}worker (
  id uuid PRIMARY KEY, beat bigint NOT NULL DEFAULT 0, version text NOT NULL, host text, pid int, backends text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(), beat_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50)`,
      `CREATE TABLE ${p}message (
  id uuid PRIMARY KEY, tenant text NOT NULL DEFAULT '', backend text NOT NULL DEFAULT 'default', stream text NOT NULL DEFAULT 'transactional', batch text,
  priority smallint NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 3),
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'deferred', 'leased', 'unknown', 'dead')),
  due_at timestamptz NOT NULL DEFAULT now(), first_due_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz,
  attempt int NOT NULL DEFAULT 0, tries int NOT NULL DEFAULT 0, crashes smallint NOT NULL DEFAULT 0, worker uuid, begun_at timestamptz,
  idempotency_key text NOT NULL, sole_provider text, repeat_until timestamptz, omitted text, parent uuid, reason text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((state = 'leased') = (worker IS NOT NULL)), CHECK (state <> 'unknown' OR sole_provider IS NOT NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000)`,
      `CREATE INDEX posthorn_message_due ON ${p}message (backend, priority, due_at, id) WHERE state IN ('queued', 'deferred')`,
      `CREATE INDEX posthorn_message_leased ON ${p}message (worker) WHERE state = 'leased'`,
      `CREATE INDEX posthorn_message_held ON ${p}message (state, id) WHERE state IN ('unknown', 'dead')`,
      `CREATE INDEX posthorn_message_uncertain ON ${p}message (id) WHERE sole_provider IS NOT NULL`,
      `CREATE INDEX posthorn_message_batch ON ${p}message (batch) WHERE batch IS NOT NULL`,
      `CREATE TABLE ${p}payload (
  message_id uuid PRIMARY KEY REFERENCES ${p}message ON DELETE CASCADE, codec text NOT NULL DEFAULT 'json', body bytea NOT NULL
)`,
      `CREATE TABLE ${p}blob (
  hash bytea PRIMARY KEY, codec text NOT NULL DEFAULT 'raw', size bigint NOT NULL, bytes bytea, created_at timestamptz NOT NULL DEFAULT now()
)`,
      `ALTER TABLE ${p}blob ALTER COLUMN bytes SET STORAGE EXTERNAL`,
      `CREATE TABLE ${p}payload_blob (
  message_id uuid NOT NULL REFERENCES ${p}payload ON DELETE CASCADE, hash bytea NOT NULL REFERENCES ${p}blob, PRIMARY KEY (message_id, hash)
)`,
      `CREATE INDEX posthorn_payload_blob_hash ON ${p}payload_blob (hash)`,
      `CREATE TABLE ${p}dedupe (
  tenant text NOT NULL, key text NOT NULL, message_id uuid NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (tenant, key)
)`,
      `CREATE INDEX posthorn_dedupe_expires ON ${p}dedupe (expires_at)`,
      `CREATE TABLE ${p}attempt (
  message_id uuid NOT NULL, attempt int NOT NULL, provider text, outcome text NOT NULL, delivery text, status int, code text, error text,
  recipients jsonb, ended_at timestamptz NOT NULL DEFAULT now(), next_at timestamptz, PRIMARY KEY (message_id, attempt)
)`,
      `CREATE TABLE ${p}settled (
  id uuid PRIMARY KEY, tenant text NOT NULL, backend text NOT NULL, stream text NOT NULL, batch text,
  state text NOT NULL CHECK (state IN ('accepted', 'cancelled', 'suppressed', 'expired', 'dead', 'unknown')),
  provider text, provider_id text, attempts int NOT NULL, recipients jsonb, reason text, parent uuid,
  created_at timestamptz NOT NULL, settled_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 100)`,
      `CREATE INDEX posthorn_settled_batch ON ${p}settled (batch) WHERE batch IS NOT NULL`,
      `CREATE INDEX posthorn_settled_personal ON ${p}settled (settled_at) WHERE recipients IS NOT NULL`,
      `CREATE TABLE ${p}event (
  message_id uuid NOT NULL, event_key text NOT NULL, recipient text, type text NOT NULL, at timestamptz, detail text, PRIMARY KEY (message_id, event_key)
)`,
      `CREATE TABLE ${p}suppression (
  tenant text NOT NULL DEFAULT '', address text NOT NULL, scope text NOT NULL DEFAULT '*',
  reason text NOT NULL CHECK (reason IN ('bounced', 'complained', 'unsubscribed', 'rejected', 'manual')),
  provider text, detail text, created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz, PRIMARY KEY (tenant, address, scope)
)`,
      `CREATE TABLE ${p}limit (
  name text PRIMARY KEY, next_at timestamptz NOT NULL DEFAULT 'epoch', granted int NOT NULL DEFAULT 0, paused_until timestamptz, reason text
) WITH (fillfactor = 50)`,
    ],
  ];
}
