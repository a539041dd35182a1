import { ConfigurationError } from "@posthorn/core";
import {
  type CallOptions,
  createManager,
  dateOf,
  defineManageFeatures,
  listOf,
  type ManageApi,
  type ManageMethods,
  type Manager,
  messageEvent,
  pages,
  recordOf,
  retrievedMessage,
  type Suppression,
  type SuppressionReason,
  stringOf,
  stringsOf,
  suppression,
} from "@posthorn/core/manage";
import type { MailgunBackend, MailgunOptions } from "./backend.js";
import { readEventData } from "./webhooks/event-data.js";

/**
 * What Mailgun offers once a message is sent. It cancels the scheduled messages of a whole domain alone.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/events
 * @see https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/bounces
 */
export const mailgunManageFeatures = defineManageFeatures({
  retrieve: true,
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link mailgunManageFeatures}. */
export type MailgunManageFeatures = typeof mailgunManageFeatures;

/**
 * Messages once they are sent, and the suppressions of a domain: the backend's `senderDomain`. What a new suppression has no
 * `reason` for is an unsubscription.
 *
 * @param backend from `mailgun(…)`; its key, session and retries are used
 * @throws ConfigurationError when the backend is none of Mailgun's
 * @example
 * ```ts
 * import { mailgun } from "@posthorn/mailgun";
 * import { manage } from "@posthorn/mailgun/manage";
 *
 * const { suppressions } = manage(mailgun({ apiKey: "…", senderDomain: "mg.example.com" }));
 * if (await suppressions.has("grace@example.org")) await suppressions.remove("grace@example.org");
 * ```
 */
export function manage(backend: MailgunBackend): Manager<MailgunManageFeatures> {
  return createManager<MailgunManageFeatures, MailgunOptions>(
    backend,
    "Mailgun",
    mailgunManageFeatures,
    methods,
  );
}

/** Mailgun has a list for each reason. */
const LISTS = [
  ["bounced", "bounces"],
  ["unsubscribed", "unsubscribes"],
  ["spam", "complaints"],
] as const satisfies readonly (readonly [SuppressionReason, string])[];

/** https://github.com/mailgun/mailgun-mcp-server (`src/openapi.yaml`): entries of a page of a list, and of events. */
const PAGE = 1000;
const EVENT_PAGE = 300;

function methods(api: ManageApi<MailgunOptions>): ManageMethods {
  const domainPath = (domain: string | undefined): string => {
    if (domain) return encodeURIComponent(domain);
    throw new ConfigurationError(
      'Mailgun: option "senderDomain" is required: pass it, or set MAILGUN_SENDER_DOMAIN',
      { provider: "Mailgun" },
    );
  };
  const listPath = (list: string, address?: string): string => {
    const path = `${domainPath(api.options.senderDomain)}/${list}`;
    return address === undefined ? path : `${path}/${encodeURIComponent(address)}`;
  };
  /** The next page is a whole URL: of it only the path counts, so that the key goes nowhere else. */
  const read = (path: string, query: Readonly<Record<string, string | number>>, options: CallOptions) =>
    pages<unknown>(async (next) => {
      const url = next === undefined ? undefined : new URL(next);
      const response = await api.request(
        url ? { path: new URL(url.pathname + url.search, api.urlOf("")).href } : { path, query },
        options,
      );
      const { items, paging } = recordOf(response.json());
      // The last page has a next one too, which is empty.
      const entries = listOf(items);
      return { items: entries, next: entries.length > 0 ? nextPage(paging) : undefined };
    });
  return {
    async retrieve(id, options) {
      const bare = id.replace(/^<(.*)>$/, "$1");
      const domain = api.options.senderDomain ?? bare.split("@")[1];
      const query = { "message-id": bare, limit: EVENT_PAGE, ascending: "yes" };
      const items: unknown[] = [];
      for await (const item of read(`${domainPath(domain)}/events`, query, options)) items.push(item);
      if (items.length === 0) return undefined;
      const events = items.map((item) => messageEvent(item, readEventData({ "event-data": item }, "")));
      return retrievedMessage(id, items, { events });
    },
    async *list(options) {
      for (const [reason, list] of LISTS)
        for await (const item of read(listPath(list), { limit: PAGE }, options))
          yield readEntry(item, reason);
    },
    async add(address, { reason = "unsubscribed", description, ...options }) {
      const list = LISTS.find(([name]) => name === reason)?.[1];
      if (!list) throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      const entry =
        list === "bounces" && description !== undefined ? { address, error: description } : { address };
      await api.request({ method: "POST", path: listPath(list), body: { json: [entry] } }, options);
    },
    async remove(address, options) {
      let wasThere = false;
      for (const [, list] of LISTS) {
        const request = { method: "DELETE", path: listPath(list, address), readable: [404] } as const;
        const { status, uncertain } = await api.request(request, options);
        wasThere ||= status !== 404 || uncertain;
      }
      return wasThere;
    },
    async has(address, options) {
      for (const [, list] of LISTS) {
        const { status } = await api.request({ path: listPath(list, address), readable: [404] }, options);
        if (status !== 404) return true;
      }
      return false;
    },
  };
}

function nextPage(paging: unknown): string | undefined {
  const next = stringOf(recordOf(paging)["next"]);
  return next !== null && URL.canParse(next) ? next : undefined;
}

function readEntry(raw: unknown, reason: SuppressionReason): Suppression {
  const { address, error, tags, created_at: createdAt } = recordOf(raw);
  const tagged = stringsOf(tags).filter((tag) => tag !== "*");
  return suppression(stringOf(address) ?? "", raw, {
    reason,
    createdAt: dateOf(createdAt),
    description: stringOf(error) || tagged.join(", ") || null,
  });
}
