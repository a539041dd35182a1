import { contentOf } from "./content.js";
import {
  ALL_FEATURES,
  ConfigurationError,
  type Features,
  type Message,
  type RecipientResult,
  type RecipientResults,
} from "./core.js";
import { checkWebhooks, type MailboxWebhooks, postEvent } from "./events.js";
import { createGuard } from "./guard.js";
import type { PreviewBackend } from "./requests.js";
import { createHandler } from "./routes.js";
import { type Like, SinkBackend, type SinkOptions } from "./sink.js";
import { MemoryStore, type MessageStore, type StoreLimits } from "./store/store.js";
import {
  type MessageQuery,
  matchesQuery,
  messageIdOf,
  recipientsOf,
  type StoredContent,
  type StoredMessage,
} from "./stored-message.js";

/** Options of {@link mailbox}. */
export interface MailboxOptions<F extends Features = typeof ALL_FEATURES> extends SinkOptions<F> {
  /**
   * The provider that the application uses in production: its features, its backend, or its factory. Messages that it
   * would refuse are refused here, with the same error. @default everything is accepted
   */
  readonly like?: Like<F> | undefined;
  /**
   * A mailbox in another process, such as `http://localhost:4025`: messages go there, and everything else here is
   * without use.
   */
  readonly url?: string | undefined;
  /**
   * The file that messages are kept in. `false`: in memory. @default `.posthorn/mailbox.ndjson` where there is
   * `node:fs`, else memory
   */
  readonly file?: string | false | undefined;
  /** Messages kept; the oldest go first. @default 500 */
  readonly limit?: number | undefined;
  /** Milliseconds that messages are kept. @default no bound */
  readonly maxAge?: number | undefined;
  /** Bytes of all messages together. @default 250,000,000 */
  readonly maxSize?: number | undefined;
  /** Backends whose requests the page shows, by name. They send nothing. @default the backend of `like` */
  readonly providers?: Readonly<Record<string, PreviewBackend>> | undefined;
  /** Where the routes are mounted, such as `/dev/mail`. @default told from each request's path */
  readonly basePath?: string | undefined;
  /** Host names that the mailbox answers to beside `localhost`, `*.localhost`, 127.0.0.0/8 and [::1]. */
  readonly hosts?: readonly string[] | undefined;
  /** Where the page's buttons post events. @default no buttons */
  readonly webhooks?: MailboxWebhooks | undefined;
  /**
   * What the sender is told of a recipient. @default `rejected` for `reject.example`, `invalid` for `invalid.example`,
   * `sent` for all others
   */
  readonly outcome?: ((email: string) => RecipientResult["status"]) | undefined;
  /** Whether it may run where `NODE_ENV` is `production`; `authorize` is required then. @default false */
  readonly allowInProduction?: boolean | undefined;
  /** Decides about each request to the page and its API. @default everyone on this machine */
  readonly authorize?: ((request: Request) => boolean | Promise<boolean>) | undefined;
}

/** Options of {@link Mailbox.listen}. */
export interface ListenOptions {
  /** @default 4025 */
  readonly port?: number | undefined;
  /** The address to listen at. Others than loopback show the mailbox to the network. @default "127.0.0.1" */
  readonly host?: string | undefined;
  /** Port for SMTP, which needs the package `smtp-server`; `false` for none. @default false */
  readonly smtp?: number | false | undefined;
}

/** A mailbox that listens. */
export interface ListeningMailbox {
  /** The page. */
  readonly url: string;
  /** Where SMTP is taken, as `smtp://localhost:1025`. */
  readonly smtpUrl: string | undefined;
  /** Stops listening. */
  close(): Promise<void>;
}

/** What the sender is told of a message that is kept. */
type Kept = Pick<StoredMessage, "id" | "recipients">;

/** Milliseconds between looks at a file that other processes may have written to, while a page is open. */
const POLL_INTERVAL = 1_000;
/** Milliseconds between signs of life, so that a page sees that a proxy keeps events back. */
const HEARTBEAT_INTERVAL = 4_000;

/** The development mailbox: a backend that keeps every message, and the page that shows them. */
export class Mailbox<F extends Features = typeof ALL_FEATURES> extends SinkBackend<F> {
  readonly #options: MailboxOptions<F>;
  readonly #watchers = new Set<(id: string | undefined) => void>();
  readonly #listening = new Set<ListeningMailbox>();
  readonly #keys = new Map<string, Kept>();
  #store: Promise<MessageStore> | undefined;
  #handler: ((request: Request) => Promise<Response>) | undefined;

  /** @throws ConfigurationError for an option that is malformed, and in production */
  constructor(options: MailboxOptions<F> = {}) {
    const { like = ALL_FEATURES as unknown as F, url } = options;
    // Made by the base before there is a `this`.
    let deliver: (content: StoredContent) => Promise<Kept>;
    super("Mailbox", like, url === undefined ? { deliver: (content) => deliver(content) } : { url }, {
      ...pick(options, SINK_OPTIONS),
    });
    deliver = (content) => this.#keep(content);
    checkOptions(options);
    this.#options = options;
    if (options.webhooks) checkWebhooks(options.webhooks);
    const guard = createGuard(options);
    this.fetch = (request) => {
      this.#handler ??= createHandler({
        store: lazyStore(() => this.#open()),
        basePath: options.basePath?.replace(/\/+$/, ""),
        guard,
        providers: options.providers ?? this.modelByName(),
        deliver: async (message) => this.#keep(await contentOf(message as Message)),
        post: options.webhooks && this.#poster(options.webhooks),
        watch: (changed) => this.#watch(changed),
      });
      return this.#handler(request);
    };
  }

  /**
   * The page and its API as a web handler, to be mounted in the application during development.
   *
   * @example app.all("/dev/mail/*", (context) => mail.fetch(context.req.raw))
   */
  readonly fetch: (request: Request) => Promise<Response>;

  /**
   * Serves the page from a server of its own, on Node, Bun and Deno.
   *
   * @example const { url } = await mailbox().listen({ port: 4025, smtp: 1025 })
   * @throws ConfigurationError when a port is in use, or `smtp-server` is not installed
   */
  async listen(options: ListenOptions = {}): Promise<ListeningMailbox> {
    const { listen } = await import("./listen.js");
    const listening = await listen(this.fetch, options, {
      outcome: (email) => this.#outcome(email),
      keep: (content, source, recipients) => this.#keep(content, { source, recipients }),
    });
    const { close } = listening;
    const entry: ListeningMailbox = {
      ...listening,
      close: async () => {
        this.#listening.delete(entry);
        await close();
      },
    };
    this.#listening.add(entry);
    return entry;
  }

  /** The messages that fit a query, newest first. */
  async listMessages(query: MessageQuery = {}): Promise<readonly StoredMessage[]> {
    const messages = await (await this.#open()).list();
    return messages.filter((message) => matchesQuery(message, query));
  }

  /**
   * The newest message that fits, as soon as there is one.
   *
   * @param options `timeout`: milliseconds; default 5,000
   * @throws Error that lists what there is instead
   */
  async waitForMessage(
    query: MessageQuery = {},
    options: { readonly timeout?: number; readonly signal?: AbortSignal } = {},
  ): Promise<StoredMessage> {
    const { timeout = 5_000, signal } = options;
    let wake = (): void => {};
    const unwatch = this.#watch(() => wake());
    const end = AbortSignal.timeout(timeout);
    try {
      for (;;) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const [found] = await this.listMessages(query);
        if (found) return found;
        signal?.throwIfAborted();
        if (end.aborted) break;
        await Promise.race([changed, aborted(end), ...(signal ? [aborted(signal)] : [])]);
      }
    } finally {
      unwatch();
    }
    const there = (await this.listMessages()).slice(0, 10).map(
      ({ message }) =>
        `"${message.subject ?? ""}" to ${recipientsOf(message)
          .map(({ email }) => email)
          .join(", ")}`,
    );
    const rest = there.length > 0 ? `; the newest are ${there.join("; ")}` : "; the mailbox is empty";
    throw new Error(`Mailbox: no message fits ${describeQuery(query)} within ${timeout} ms${rest}`);
  }

  /** Removes all messages. */
  async clear(): Promise<void> {
    await (await this.#open()).remove();
    this.#changed("");
  }

  /** Stops listening, and waits for what is being written. */
  override async close(): Promise<void> {
    await super.close();
    await Promise.all([...this.#listening].map((listening) => listening.close()));
    if (this.#store) await (await this.#store).close();
  }

  #open(): Promise<MessageStore> {
    this.#store ??= openStore(this.#options);
    return this.#store;
  }

  async #keep(
    content: StoredContent,
    bySmtp?: { readonly source: string; readonly recipients: readonly string[] },
  ): Promise<Kept> {
    // A repeat by the same key is the same message.
    const key = content.idempotencyKey;
    const known = key === undefined ? undefined : this.#keys.get(key);
    if (known) return known;
    const id = newId(this.#now());
    const all = bySmtp?.recipients ?? recipientsOf(content).map(({ email }) => email);
    const messageId = messageIdOf(id);
    const recipients: RecipientResults = Object.fromEntries(
      all.map((email) => [email, { status: this.#outcome(email), messageId }]),
    );
    const receivedAt = new Date(this.#now()).toISOString();
    const stored: StoredMessage = {
      id,
      receivedAt,
      via: bySmtp ? "smtp" : "api",
      message: content,
      recipients,
      ...(bySmtp ? { source: bySmtp.source } : {}),
      read: false,
      events: [],
    };
    if (key !== undefined) {
      this.#keys.set(key, { id, recipients });
      const [oldest] = this.#keys.keys();
      if (this.#keys.size > 500 && oldest !== undefined) this.#keys.delete(oldest);
    }
    await (await this.#open()).add(stored);
    this.#changed(id);
    return { id, recipients };
  }

  #outcome(email: string): RecipientResult["status"] {
    if (this.#options.outcome) return this.#options.outcome(email);
    const domain = email.slice(email.lastIndexOf("@") + 1).toLowerCase();
    return domain === "reject.example" ? "rejected" : domain === "invalid.example" ? "invalid" : "sent";
  }

  #poster(webhooks: MailboxWebhooks) {
    return async (
      message: StoredMessage,
      type: Parameters<typeof postEvent>[1]["type"],
      recipient: string,
      clickUrl?: string,
    ) => {
      const messageId = messageIdOf(message.id);
      const eventId = `evt_${crypto.randomUUID()}`;
      const timestamp = new Date(this.#now());
      return postEvent(webhooks, { type, recipient, clickUrl, message, messageId, eventId, timestamp });
    };
  }

  #watch(changed: (id: string | undefined) => void): () => void {
    this.#watchers.add(changed);
    let newest: string | undefined;
    let beat = Date.now();
    const look = async (): Promise<void> => {
      const messages = await (await this.#open()).list().catch(() => []);
      const state = `${messages.length} ${messages[0]?.id ?? ""}`;
      if (newest !== undefined && state !== newest) changed(messages[0]?.id ?? "");
      newest = state;
      if (Date.now() - beat < HEARTBEAT_INTERVAL) return;
      beat = Date.now();
      changed(undefined);
    };
    const timer = setInterval(() => void look(), POLL_INTERVAL);
    void look();
    return () => {
      clearInterval(timer);
      this.#watchers.delete(changed);
    };
  }

  #changed(id: string): void {
    for (const changed of this.#watchers) changed(id);
  }

  #now(): number {
    return (this.#options.clock ?? Date).now();
  }
}

const SINK_OPTIONS = [
  "sendDefaults",
  "unsupported",
  "ignoreRecipientStatus",
  "preSend",
  "postSend",
  "clock",
  "timeout",
] as const;

/**
 * Makes a development mailbox.
 *
 * @example
 * const mail = process.env.NODE_ENV === "production" ? resend() : mailbox({ like: resend });
 * @throws ConfigurationError for an option that is malformed, and where `NODE_ENV` is `production`
 */
export function mailbox<const F extends Features = typeof ALL_FEATURES>(
  options: MailboxOptions<F> = {},
): Mailbox<F> {
  return new Mailbox<F>(options);
}

function checkOptions<F extends Features>(options: MailboxOptions<F>): void {
  const fail = (message: string): never => {
    throw new ConfigurationError(`Mailbox: ${message}`, { provider: "Mailbox" });
  };
  const known = [...SINK_OPTIONS, ...OWN_OPTIONS];
  for (const name of Object.keys(options)) {
    if (!known.includes(name as (typeof known)[number]))
      fail(`unknown option "${name}". Valid options: ${known.join(", ")}`);
  }
  for (const name of ["limit", "maxAge", "maxSize"] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isFinite(value) && value > 0))
      fail(`option "${name}" must be a number above 0`);
  }
  if (options.basePath !== undefined && !/^\/[\w./-]*$/.test(options.basePath))
    fail('option "basePath" must be a path such as /dev/mail');
}

const OWN_OPTIONS = [
  "like",
  "url",
  "file",
  "limit",
  "maxAge",
  "maxSize",
  "providers",
  "basePath",
  "hosts",
  "webhooks",
  "outcome",
  "allowInProduction",
  "authorize",
] as const;

async function openStore(
  options: Pick<MailboxOptions, "file" | "limit" | "maxAge" | "maxSize" | "clock">,
): Promise<MessageStore> {
  const limits: StoreLimits = {
    limit: options.limit ?? 500,
    maxAge: options.maxAge,
    maxSize: options.maxSize ?? 250_000_000,
  };
  const now = (): number => (options.clock ?? Date).now();
  if (options.file === false || (options.file === undefined && !hasFiles()))
    return new MemoryStore(limits, now);
  const { FileStore } = await import("./store/file-store.js");
  return new FileStore(options.file ?? ".posthorn/mailbox.ndjson", limits, now);
}

/** Whether this is Node, Bun or Deno. Workers have `node:fs` too, but nothing that outlives a request. */
function hasFiles(): boolean {
  const scope = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };
  const isWorker = typeof navigator !== "undefined" && navigator.userAgent === "Cloudflare-Workers";
  return !isWorker && scope.process?.versions?.node !== undefined;
}

function lazyStore(open: () => Promise<MessageStore>): MessageStore {
  return {
    list: async () => (await open()).list(),
    load: async (id) => (await open()).load(id),
    add: async (message) => (await open()).add(message),
    change: async (id, change) => (await open()).change(id, change),
    remove: async (ids) => (await open()).remove(ids),
    close: async () => (await open()).close(),
  };
}

/** Ids sort by time, and are safe as file names and in URLs. */
function newId(now: number): string {
  return `${now.toString(36)}-${crypto.randomUUID().slice(0, 8)}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function describeQuery(query: MessageQuery): string {
  const parts = Object.entries(query).map(([name, value]) => `${name} ${String(value)}`);
  return parts.length > 0 ? parts.join(", ") : "anything";
}

function pick<T extends object, K extends keyof T>(value: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    names.filter((name) => value[name] !== undefined).map((name) => [name, value[name]]),
  ) as Pick<T, K>;
}
