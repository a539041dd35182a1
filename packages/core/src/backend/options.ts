import type { Clock } from "../clock.js";
import { readEnv } from "../env.js";
import { ConfigurationError, type PosthornError } from "../errors.js";
import type { Features, MessageFor } from "../message/features.js";
import type { Message } from "../message/message.js";
import { nearest, ownProperty } from "../message/text.js";
import type { SendResult } from "../result.js";
import type { RetryBudgetOptions } from "../retry/budget.js";
import type { RetrySetting } from "../retry/defaults.js";
import type { Breaker, FetchLike, OnRetry } from "../session/options.js";
import type { RateLimit } from "../session/rate-limit.js";
import type { Session } from "../session/session.js";

/** What to do with a field that the provider does not support: refuse the message, or send it without. */
export type UnsupportedMode = "error" | "warn" | "drop";

/** What a hook is told of the send it is part of. */
export interface HookContext {
  /** Display name of the provider. */
  readonly provider: string;
  /** Whether the message is not going to be sent: `dryRun` was called. */
  readonly dryRun: boolean;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing is the usual one
type PreSendAnswer = Message | false | void;

/**
 * Called with each message before it is checked. What it returns is sent instead; `false` cancels the message, and
 * nothing returned leaves it as it is. When it throws, nothing is sent, and `send` throws a {@link PosthornError} with that as its
 * `cause`.
 */
export type PreSend = (message: Message, context: HookContext) => PreSendAnswer | Promise<PreSendAnswer>;

/**
 * Called after each send with its result or its error. What it throws comes out of `send` as the `cause` of a
 * {@link PosthornError} whose `delivery` says what became of the mail.
 */
export type PostSend = (
  outcome: { readonly result: SendResult } | { readonly error: PosthornError },
  message: Message,
  context: HookContext,
) => void | Promise<void>;

/** Options that every backend takes beside its own. */
export interface BackendOptions<F extends Features = Features> {
  /** Base URL of the API, for other regions, self-hosted servers and tests. Environment: `…_API_URL`. */
  readonly apiUrl?: string | undefined;
  /** The `fetch` to use instead of the platform's. */
  readonly fetch?: FetchLike | undefined;
  /** Milliseconds for one attempt. Default 30,000. */
  readonly timeout?: number | undefined;
  /** What to retry: options over the default policy, a whole `RetryPolicy`, or `false`. */
  readonly retry?: RetrySetting | undefined;
  /** At most so many requests in so much time. */
  readonly rateLimit?: RateLimit | undefined;
  /** How many retries all sends together may make: 500 tokens, 5 a retry, by default; `false` for no such limit. */
  readonly retryBudget?: RetryBudgetOptions | false | undefined;
  /** A `CircuitBreaker`: fails sends at once while the provider is sick. In a pool take the pool's `breaker`. */
  readonly breaker?: Breaker | undefined;
  readonly onRetry?: OnRetry | undefined;
  /** A session to use, instead of the one `createSession()` makes. */
  readonly session?: Session | undefined;
  /** Fields for every message: lists join, dictionaries merge, everything else gives way to the message's own. */
  readonly sendDefaults?: Partial<MessageFor<F>> | undefined;
  /** What to do with message fields that the provider does not support. Default `error`. */
  readonly unsupported?: UnsupportedMode | undefined;
  /**
   * What to do with a batch that the provider's own batch request cannot carry: `auto` makes a request for each recipient, `native`
   * refuses it.
   *
   * @default "auto"
   */
  readonly batch?: "auto" | "native" | undefined;
  /** Whether a result comes back even when every recipient was refused. Default `false`: that is an error. */
  readonly ignoreRecipientStatus?: boolean | undefined;
  /** Writes each request and answer, secrets replaced, to the console or to the function given. */
  readonly debug?: boolean | ((line: string) => void) | undefined;
  readonly preSend?: PreSend | readonly PreSend[] | undefined;
  readonly postSend?: PostSend | readonly PostSend[] | undefined;
  /** Time and chance for tests. */
  readonly clock?: Clock | undefined;
}

/** Names of the options that every backend takes. */
const COMMON: readonly (keyof BackendOptions)[] = [
  "timeout",
  "retry",
  "rateLimit",
  "retryBudget",
  "breaker",
  "onRetry",
  "sendDefaults",
  "unsupported",
  "batch",
  "ignoreRecipientStatus",
  "debug",
  "preSend",
  "postSend",
  "clock",
];

/** Names of those that backends over HTTP take beside. */
export const HTTP_OPTIONS: readonly (keyof BackendOptions)[] = ["apiUrl", "fetch", "session"];

/** Other libraries' names. */
const OPTION_OF_NAME: Readonly<Record<string, string>> = {
  retries: "retry",
  baseurl: "apiUrl",
  url: "apiUrl",
  endpoint: "apiUrl",
};

/** What a provider's own option is. */
export interface OptionSpec {
  /** Whether there is no sending without it. */
  readonly required?: boolean;
  /** Whether its value is a credential. */
  readonly secret?: boolean;
  /** Its form. Default `string`. From the environment, numbers and booleans are read from their text. */
  readonly type?: "string" | "number" | "boolean" | "string-or-number" | "object" | "function";
  /** The values it may have. */
  readonly values?: readonly string[];
  /** Whether it is read from the environment. Default `true`. */
  readonly env?: boolean;
  /** Further environment variables to read it from, after its own: for names that are well known elsewhere. */
  readonly alsoEnv?: readonly string[];
}

/** A provider's own options by name. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/**
 * Checks options and adds what the environment has: `senderDomain` of Mailgun is `MAILGUN_SENDER_DOMAIN` there. One that is
 * required may be missing still: see {@link requireOptions}.
 *
 * @param provider display name, for errors
 * @param prefix of the environment variables, such as `MAILGUN`
 * @param also names of further options, which are not checked here
 * @throws ConfigurationError for an unknown or malformed option
 */
export function resolveOptions<O extends object>(
  provider: string,
  prefix: string,
  specs: OptionSpecs,
  options: O,
  also: readonly string[] = HTTP_OPTIONS,
): O {
  const fail = (why: string): never => {
    throw new ConfigurationError(`${provider}: ${why}`, { provider });
  };
  if (typeof options !== "object" || options === null) fail("options must be an object");
  const known = [...new Set([...Object.keys(specs), ...also, ...COMMON])];
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const meant = ownProperty(OPTION_OF_NAME, name.toLowerCase()) ?? nearest(name, known);
    fail(
      `unknown option "${name}". ${meant && known.includes(meant) ? `Did you mean "${meant}"?` : `Valid options: ${known.join(", ")}`}`,
    );
  }
  const resolved = { ...options } as Record<string, unknown>;
  addFromEnv(provider, prefix, also.includes("apiUrl") ? { apiUrl: {}, ...specs } : specs, resolved);
  checkChoice(provider, "unsupported", resolved["unsupported"], ["error", "warn", "drop"]);
  checkChoice(provider, "batch", resolved["batch"], ["auto", "native"]);
  return resolved as O;
}

/**
 * Looks again for required options that are missing: an application may load its environment after it makes a backend.
 *
 * @throws ConfigurationError for one that is missing still
 */
export function requireOptions(provider: string, prefix: string, specs: OptionSpecs, options: object): void {
  const resolved = options as Record<string, unknown>;
  const isMissing = ([name, spec]: [string, OptionSpec]): boolean =>
    Boolean(spec.required) && !resolved[name];
  const missing = Object.entries(specs).filter(isMissing);
  if (missing.length === 0) return;
  addFromEnv(provider, prefix, Object.fromEntries(missing), resolved);
  const [first] = missing.filter(isMissing);
  if (!first) return;
  const [name, spec] = first;
  const where = spec.env === false ? "" : ` or set ${prefix}_${snakeCase(name)}`;
  throw new ConfigurationError(`${provider}: option "${name}" is required: pass it${where}`, { provider });
}

function addFromEnv(
  provider: string,
  prefix: string,
  specs: OptionSpecs,
  resolved: Record<string, unknown>,
): void {
  for (const [name, spec] of Object.entries(specs)) {
    const variables = [`${prefix}_${snakeCase(name)}`, ...(spec.alsoEnv ?? [])];
    const value = resolved[name] ?? (spec.env === false ? undefined : fromEnv(variables, spec));
    if (value === undefined || value === "") {
      if (value === undefined) delete resolved[name];
      continue;
    }
    checkOption(provider, name, spec, value);
    resolved[name] = value;
  }
}

function fromEnv(variables: readonly string[], spec: OptionSpec): string | number | boolean | undefined {
  const text = variables.map(readEnv).find((value) => value !== undefined);
  if (text === undefined || spec.type === "object" || spec.type === "function") return undefined;
  if (spec.type === "boolean") return /^(?:1|true|yes|on)$/i.test(text);
  return spec.type === "number" ? Number(text) : text;
}

function checkOption(provider: string, name: string, spec: OptionSpec, value: unknown): void {
  const type = spec.type ?? "string";
  const fits =
    type === "string-or-number"
      ? typeof value === "string" || Number.isFinite(value)
      : typeof value === type && !Number.isNaN(value);
  if (!fits) {
    throw new ConfigurationError(`${provider}: option "${name}" must be a ${type.replaceAll("-", " ")}`, {
      provider,
    });
  }
  if (spec.values) checkChoice(provider, name, value, spec.values);
  // A key pasted with what no header can hold would fail deep inside fetch, with the key in the message.
  if (typeof value !== "string" || value.includes("-----BEGIN")) return;
  const isHeader = spec.secret || /key|token|user|password/i.test(name);
  const bad = /^\s|\s$/.test(value) ? [" "] : (isHeader ? NOT_IN_HEADER : CONTROL).exec(value);
  if (!bad) return;
  const code = bad[0]?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
  const what = bad[0] === " " ? "white space around it" : `a character that no header can hold (U+${code})`;
  throw new ConfigurationError(`${provider}: option "${name}" must not have ${what}`, { provider });
}

/** What a header cannot hold, as Fetch writes it: control characters, and all beyond Latin-1. */
const NOT_IN_HEADER = /[^ -~\u00a0-\u00ff]/u;
const CONTROL = /\p{Cc}/u;

function checkChoice(provider: string, name: string, value: unknown, values: readonly string[]): void {
  if (value === undefined || values.includes(String(value))) return;
  throw new ConfigurationError(
    `${provider}: option "${name}" must be one of ${values.map((v) => `"${v}"`).join(", ")}`,
    {
      provider,
    },
  );
}

function snakeCase(name: string): string {
  return name.replace(/([A-Z])/g, "_$1").toUpperCase();
}
