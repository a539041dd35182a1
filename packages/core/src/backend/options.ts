import type { Clock } from "../clock.js";
import { readEnv } from "../env.js";
import { ConfigurationError, type PosthornError } from "../errors.js";
import type { Features, MessageFor } from "../message/features.js";
import type { Message } from "../message/message.js";
import { nearest } from "../message/text.js";
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
}

// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing is the usual one
type PreSendAnswer = Message | false | void;

/**
 * Called with each message before it is checked. What it returns is sent instead; `false` cancels the message, and
 * nothing returned leaves it as it is. What it throws comes out of `send`, and nothing is sent.
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
  "apiUrl",
  "fetch",
  "timeout",
  "retry",
  "rateLimit",
  "retryBudget",
  "breaker",
  "onRetry",
  "session",
  "sendDefaults",
  "unsupported",
  "ignoreRecipientStatus",
  "debug",
  "preSend",
  "postSend",
  "clock",
];

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
 * Checks options and adds what the environment has: `senderDomain` of Mailgun is `MAILGUN_SENDER_DOMAIN` there.
 *
 * @param provider display name, for errors
 * @param prefix of the environment variables, such as `MAILGUN`
 * @throws ConfigurationError for an unknown option, one that is missing, or one of the wrong form
 */
export function resolveOptions<O extends object>(
  provider: string,
  prefix: string,
  specs: OptionSpecs,
  options: O,
): O {
  if (typeof options !== "object" || options === null) {
    throw new ConfigurationError(`${provider}: options are an object`, { provider });
  }
  const known = [...Object.keys(specs), ...COMMON];
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    const hint = meant ? `is "${meant}" meant?` : `known are ${known.join(", ")}`;
    throw new ConfigurationError(`${provider}: unknown option "${name}"; ${hint}`, { provider });
  }
  const resolved = { ...options } as Record<string, unknown>;
  for (const [name, spec] of Object.entries<OptionSpec>({ apiUrl: {}, ...specs })) {
    const variable = `${prefix}_${snakeCase(name)}`;
    const value =
      resolved[name] ?? (spec.env === false ? undefined : fromEnv([variable, ...(spec.alsoEnv ?? [])], spec));
    if (value === undefined || value === "") {
      if (spec.required) {
        const where = spec.env === false ? "" : `, or set ${variable} in the environment`;
        throw new ConfigurationError(`${provider}: option "${name}" is missing; give it${where}`, {
          provider,
        });
      }
      if (value === undefined) delete resolved[name];
      continue;
    }
    checkOption(provider, name, spec, value);
    resolved[name] = value;
  }
  checkChoice(provider, "unsupported", resolved["unsupported"], ["error", "warn", "drop"]);
  return resolved as O;
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
    throw new ConfigurationError(`${provider}: option "${name}" is a ${type.replaceAll("-", " ")}`, {
      provider,
    });
  }
  if (spec.values) checkChoice(provider, name, value, spec.values);
  // A key pasted with its line break would fail deep inside fetch, with the key in the message.
  if (typeof value === "string" && /[\r\n]/.test(value) && spec.secret && !value.includes("-----BEGIN")) {
    throw new ConfigurationError(`${provider}: option "${name}" holds a line break`, { provider });
  }
}

function checkChoice(provider: string, name: string, value: unknown, values: readonly string[]): void {
  if (value === undefined || values.includes(String(value))) return;
  throw new ConfigurationError(
    `${provider}: option "${name}" is one of ${values.map((v) => `"${v}"`).join(", ")}`,
    {
      provider,
    },
  );
}

function snakeCase(name: string): string {
  return name.replace(/([A-Z])/g, "_$1").toUpperCase();
}
