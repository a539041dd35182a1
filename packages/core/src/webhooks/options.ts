import { readEnv } from "../env.js";
import { ConfigurationError } from "../errors.js";
import { nearest } from "../message/text.js";
import type { EventStore } from "./store.js";

/** One secret, or several of which any will do: while one is replaced by another, both are right. */
export type Secrets = string | readonly string[];

/** What a post was refused for, or what a handler threw. */
export type OnWebhookError = (error: unknown, request: Request) => void;

/** Options that every webhook takes beside its own. */
export interface WebhookOptions<E> {
  /**
   * Called with each event, in order. When it throws, the answer is 500, so that the provider posts the event again.
   */
  readonly onEvent: (event: E) => void | Promise<void>;
  /** HTTP basic auth as `user:password`, which goes into the URL given to the provider. Environment: `…_WEBHOOK_SECRET`. */
  readonly basicAuth?: Secrets | undefined;
  /** Takes posts from anyone, when nothing is configured to verify them by. For tests alone. */
  readonly insecure?: boolean | undefined;
  /** Where handled events are noted, so that one posted twice is handled once. */
  readonly store?: EventStore | undefined;
  /** Called with what a post was refused for and with what `onEvent` threw. */
  readonly onError?: OnWebhookError | undefined;
  /** Seconds between signing and arrival, for providers that sign a time. */
  readonly maxAge?: number | undefined;
  /** Bytes of a post. Default 10 MB for tracking, 50 MB for inbound mail. */
  readonly maxBodyBytes?: number | undefined;
  /** Parts of a form. Default 1,000. */
  readonly maxParts?: number | undefined;
  /**
   * Posts that this webhook reads and handles at once, which bounds its memory. One beyond them is answered 503, so that the
   * provider posts it again.
   *
   * @default 100
   */
  readonly maxConcurrent?: number | undefined;
  /** Milliseconds until the body must be here. Default 30,000. */
  readonly timeout?: number | undefined;
  /** Time for tests. */
  readonly clock?: { now(): number } | undefined;
}

const FORMS: Readonly<Record<keyof WebhookOptions<never>, (value: unknown) => boolean>> = {
  onEvent: isFunction,
  basicAuth: isSecrets,
  insecure: (value) => typeof value === "boolean",
  store: isStore,
  onError: isFunction,
  maxAge: isPositive,
  maxBodyBytes: isPositive,
  maxParts: isPositive,
  maxConcurrent: isPositive,
  timeout: isPositive,
  clock: (value) => typeof value === "object" && value !== null,
};

function isStore(value: unknown): boolean {
  return ["claim", "complete", "release"].every(
    (name) => typeof (value as Record<string, unknown> | null)?.[name] === "function",
  );
}

/** Whether a value is a secret or a list of them. */
function isSecrets(value: unknown): boolean {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.length > 0 && list.every((entry) => typeof entry === "string" && entry !== "");
}

/** Secrets as a list. */
export function secretList(secrets: Secrets | undefined): readonly string[] {
  return secrets === undefined ? [] : typeof secrets === "string" ? [secrets] : secrets;
}

/** A provider's own webhook options: the form of each, `secrets` and `text` being read from the environment too. */
export type WebhookOptionForms = Readonly<
  Record<string, "secrets" | "text" | SecretsForm | ((value: unknown) => boolean)>
>;

/** Secrets whose environment variable has another name than the option, without the provider's prefix. */
export interface SecretsForm {
  readonly secrets: string;
}

/**
 * Checks options and adds what the environment has.
 *
 * @param prefix of the environment variables, such as `MAILGUN`
 * @throws ConfigurationError for an unknown option, a missing `onEvent`, or one of the wrong form
 */
export function resolveWebhookOptions<O extends object>(
  provider: string,
  prefix: string,
  forms: WebhookOptionForms,
  options: O,
): O {
  const fail = (why: string): never => {
    throw new ConfigurationError(`${provider}: ${why}`, { provider });
  };
  if (typeof options !== "object" || options === null) fail("options must be an object");
  const resolved = { ...options } as Record<string, unknown>;
  const known: WebhookOptionForms = { ...FORMS, ...forms };
  for (const name of Object.keys(resolved)) {
    if (name in known) continue;
    const meant = nearest(name, Object.keys(known));
    fail(
      `unknown option "${name}". ${meant ? `Did you mean "${meant}"?` : `Valid options: ${Object.keys(known).join(", ")}`}`,
    );
  }
  for (const [name, form] of Object.entries({ basicAuth: { secrets: "WEBHOOK_SECRET" }, ...forms })) {
    if (typeof form === "function") continue;
    const variable = typeof form === "object" ? form.secrets : name.replace(/([A-Z])/g, "_$1").toUpperCase();
    resolved[name] ??= readEnv(`${prefix}_${variable}`);
  }
  for (const [name, form] of Object.entries(known)) {
    const value = resolved[name];
    const fits = form === "text" ? isText : typeof form === "function" ? form : isSecrets;
    if (value !== undefined && !fits(value)) fail(`option "${name}" ${expected(form)}`);
  }
  if (!resolved["onEvent"]) fail('option "onEvent" is required: pass the function that handles events');
  if (secretList(resolved["basicAuth"] as Secrets | undefined).some((secret) => !secret.includes(":"))) {
    fail('option "basicAuth" must be of the form "user:password"');
  }
  return resolved as O;
}

function expected(form: WebhookOptionForms[string]): string {
  if (form === "text") return "must be a string that is not empty";
  if (typeof form !== "function") return "must be a string or a list of strings, none of them empty";
  if (form === isFunction) return "must be a function";
  if (form === isPositive) return "must be a number above zero";
  return form === isStore ? "must have claim, complete and release" : "is of the wrong type";
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && value > 0;
}
