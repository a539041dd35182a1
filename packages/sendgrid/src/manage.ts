import {
  type CallOptions,
  createManager,
  dateOf,
  dateOfSeconds,
  defineManageFeatures,
  listOf,
  type ManageApi,
  type ManageMethods,
  type Manager,
  type MessageEvent,
  type MessageStatus,
  messageEvent,
  ownProperty,
  pages,
  recordOf,
  retrievedMessage,
  type Suppression,
  type SuppressionReason,
  stringOf,
  suppression,
  type TrackingEventType,
} from "@posthorn/core/manage";
import type { SendGridBackend, SendGridOptions } from "./backend.js";

/**
 * What SendGrid offers once a message is sent.
 *
 * @see https://www.twilio.com/docs/sendgrid/api-reference/suppressions-suppressions
 * @see https://www.twilio.com/docs/sendgrid/api-reference/cancel-scheduled-sends
 */
export const sendgridManageFeatures = defineManageFeatures({
  retrieve: true,
  cancel: true,
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link sendgridManageFeatures}. */
export type SendGridManageFeatures = typeof sendgridManageFeatures;

/**
 * Messages once they are sent, and the account's suppressions.
 *
 * `retrieve` takes the id that SendGrid has for a message, `sg_message_id` in its webhooks. `cancel` takes the batch id of scheduled
 * messages, sent with `espExtra: { batch_id }`.
 *
 * @param backend from `sendgrid(…)`; its key, session and retries are used
 * @throws ConfigurationError when the backend is none of SendGrid's
 * @example
 * ```ts
 * import { sendgrid } from "@posthorn/sendgrid";
 * import { manage } from "@posthorn/sendgrid/manage";
 *
 * const { cancel, suppressions } = manage(sendgrid({ apiKey: "…" }));
 * await cancel("the batch_id of scheduled messages");
 * for await (const { address, reason } of suppressions.list()) console.log(address, reason);
 * ```
 */
export function manage(backend: SendGridBackend): Manager<SendGridManageFeatures> {
  return createManager<SendGridManageFeatures, SendGridOptions>(
    backend,
    "SendGrid",
    sendgridManageFeatures,
    methods,
  );
}

/** https://www.twilio.com/docs/sendgrid/api-reference/email-logs (`status`) */
const STATUSES: Readonly<Record<string, MessageStatus>> = {
  processed: "queued",
  delivered: "delivered",
  deferred: "deferred",
  dropped: "rejected",
  bounced: "bounced",
  blocked: "bounced",
};
const EVENTS: Readonly<Record<string, TrackingEventType>> = {
  received: "queued",
  processed: "queued",
  deferred: "deferred",
  delivered: "delivered",
  dropped: "rejected",
  cancel_drop: "rejected",
  bounce: "bounced",
  open: "opened",
  click: "clicked",
  spam_report: "complained",
  unsubscribe: "unsubscribed",
  group_unsubscribe: "unsubscribed",
};

/** The lists of suppressions, the path of one address in each, and why addresses are there. */
const LISTS: readonly (readonly [list: string, one: string, reason: SuppressionReason])[] = [
  ["suppression/bounces", "suppression/bounces", "bounced"],
  ["suppression/blocks", "suppression/blocks", "blocked"],
  ["suppression/invalid_emails", "suppression/invalid_emails", "invalid"],
  ["suppression/spam_reports", "suppression/spam_reports", "spam"],
  ["suppression/unsubscribes", "asm/suppressions/global", "unsubscribed"],
];
const PAGE = 500;

function methods(api: ManageApi<SendGridOptions>): ManageMethods {
  const { onBehalfOf } = api.options;
  const headers = onBehalfOf ? { "on-behalf-of": onBehalfOf } : {};
  const one = (path: string, address: string): string => `${path}/${encodeURIComponent(address)}`;
  // A list of the one entry, or an object with the address: empty where there is none.
  const isListed = async (path: string, address: string, options: CallOptions): Promise<boolean> => {
    const response = await api.request({ path: one(path, address), headers, readable: [404] }, options);
    const found = response.status === 404 ? [] : response.json();
    return Array.isArray(found) ? found.length > 0 : Object.keys(recordOf(found)).length > 0;
  };
  return {
    async retrieve(id, options) {
      const path = `logs/${encodeURIComponent(id)}`;
      const response = await api.request({ path, headers, readable: [404] }, options);
      if (response.status === 404) return undefined;
      const message = recordOf(response.json());
      return retrievedMessage(id, message, {
        status: ownProperty(STATUSES, message["status"]) ?? "unknown",
        events: listOf(message["events"]).map((raw) => readEvent(raw, stringOf(message["to_email"]))),
      });
    },
    async cancel(id, options) {
      const json = { batch_id: id, status: "cancel" };
      const request = { method: "POST", path: "user/scheduled_sends", headers, body: { json } } as const;
      await api.request(request, options);
    },
    async *list(options) {
      for (const [path, , reason] of LISTS) {
        yield* pages(async (offset = "0") => {
          const request = { path, headers, query: { limit: PAGE, offset } };
          const items = listOf((await api.request(request, options)).json());
          return {
            items: items.map((raw) => readSuppression(raw, reason)),
            next: items.length < PAGE ? undefined : String(Number(offset) + PAGE),
          };
        });
      }
    },
    async add(address, { reason = "unsubscribed", description: _, ...options }) {
      if (reason !== "unsubscribed")
        throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      const body = { json: { recipient_emails: [address] } };
      await api.request({ method: "POST", path: "asm/suppressions/global", headers, body }, options);
    },
    async remove(address, options) {
      let found = false;
      for (const [, path] of LISTS) {
        if (!(await isListed(path, address, options))) continue;
        found = true;
        const request = { method: "DELETE", path: one(path, address), headers, readable: [404] } as const;
        await api.request(request, options);
      }
      return found;
    },
    async has(address, options) {
      for (const [, path] of LISTS) if (await isListed(path, address, options)) return true;
      return false;
    },
  };
}

function readEvent(raw: unknown, recipient: string | null): MessageEvent {
  const { event, event_name: name, timestamp, processed, reason, response, url } = recordOf(raw);
  const time = timestamp ?? processed;
  const eventType = ownProperty(EVENTS, event ?? name) ?? "unknown";
  return messageEvent(raw, {
    eventType,
    recipient,
    timestamp: typeof time === "number" ? dateOfSeconds(time) : dateOf(time),
    rejectReason: eventType === "bounced" ? "bounced" : eventType === "complained" ? "spam" : null,
    description: stringOf(reason) ?? stringOf(url),
    mtaResponse: stringOf(response),
  });
}

function readSuppression(raw: unknown, reason: SuppressionReason): Suppression {
  const { email, created, reason: words } = recordOf(raw);
  return suppression(stringOf(email) ?? "", raw, {
    reason,
    createdAt: dateOfSeconds(created),
    description: stringOf(words) || null,
  });
}
