import { ConfigurationError, type Message } from "@posthorn/core";
import type { Context } from "./context.js";
import { durationOr, parseDuration } from "./duration.js";
import { uuidv7 } from "./ids.js";
import { packMessage } from "./payload.js";
import type { EnqueueOptions, Prepared, PreparedRow, Priority } from "./types.js";

/** Priorities by their number in the table. */
export const PRIORITIES = ["high", "normal", "low", "bulk"] as const satisfies readonly Priority[];

const DAY = 86_400_000;

/** Checks a message and makes its row. */
export async function prepareMessage(
  context: Context,
  message: Message,
  options: Omit<EnqueueOptions, "tx"> & { readonly parent?: string },
  tenantOfMessage: string | undefined,
  sharedBodies = false,
): Promise<Prepared> {
  const { clock } = context;
  const id = uuidv7(clock.now());
  const tenant = name(options.tenant ?? tenantOfMessage ?? "", "tenant", true);
  const backend = name(options.backend ?? "default", "backend");
  const stream = name(options.stream ?? "transactional", "stream");
  const priority = PRIORITIES.indexOf(options.priority ?? "normal");
  if (priority < 0)
    throw new ConfigurationError(
      `Option "priority" must be one of ${PRIORITIES.map((p) => `"${p}"`).join(", ")}`,
    );
  if (
    context.backendNames.length > 0 &&
    !context.backendNames.includes(backend) &&
    !context.backendOf(backend, tenant)
  )
    throw new ConfigurationError(
      `There is no backend "${backend}". Valid options: ${context.backendNames.join(", ")}`,
    );
  const packed = await packMessage(message, id, context.storage, { sharedBodies });
  const row: PreparedRow = {
    id,
    tenant,
    backend,
    stream,
    batch: options.batch ?? null,
    priority,
    dueIn: durationOr(options.delay, "delay", 0),
    dueAt: options.sendAt === undefined ? null : time(options.sendAt),
    expiresIn: options.expiresIn === undefined ? null : parseDuration(options.expiresIn, "expiresIn"),
    idempotencyKey: message.idempotencyKey || id,
    dedupeKey: options.dedupeKey === undefined ? null : name(options.dedupeKey, "dedupeKey"),
    dedupeFor: durationOr(options.dedupeFor, "dedupeFor", DAY),
    parent: options.parent ?? null,
    codec: packed.codec,
    body: packed.body,
    hashes: packed.blobs.map(({ hash }) => hash),
  };
  return { id, rows: [row], blobs: packed.blobs };
}

function name(value: unknown, option: string, mayBeEmpty = false): string {
  if (
    typeof value === "string" &&
    (mayBeEmpty || value !== "") &&
    value.length <= 500 &&
    !value.includes("\0")
  )
    return value;
  throw new ConfigurationError(`Option "${option}" must be a string of 1 to 500 characters`);
}

/** Milliseconds since the epoch. Text without an offset is UTC, on every machine alike. */
function time(input: Date | string | number): number {
  const isBare =
    typeof input === "string" && /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/.test(input);
  const value =
    input instanceof Date
      ? input.getTime()
      : typeof input === "number"
        ? input > 0 && input < 1e11
          ? input * 1000
          : Number.NaN
        : Date.parse(isBare ? `${input.replace(" ", "T")}Z` : input);
  if (Number.isNaN(value))
    throw new ConfigurationError('Option "sendAt" must be a Date, ISO 8601 text, or seconds since the epoch');
  return value;
}
