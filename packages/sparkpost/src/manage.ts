import {
  createManager,
  dateOf,
  defineManageFeatures,
  listOf,
  type ManageApi,
  type ManageMethods,
  type Manager,
  type MessageEvent,
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
import type { SparkPostBackend, SparkPostOptions } from "./backend.js";

/**
 * What SparkPost offers once a message is sent.
 *
 * @see https://developers.sparkpost.com/api/events/
 * @see https://developers.sparkpost.com/api/suppression-list/
 */
export const sparkpostManageFeatures = defineManageFeatures({
  retrieve: true,
  cancel: true,
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link sparkpostManageFeatures}. */
export type SparkPostManageFeatures = typeof sparkpostManageFeatures;

/**
 * Messages once they are sent, and the account's suppression list.
 *
 * SparkPost cancels scheduled messages by campaign, which is the first of a message's `tags`: `cancel` takes that, and cancels all
 * messages of it. A message has no status before its first event, so `retrieve` does not know it until then.
 *
 * @param backend from `sparkpost(…)`; its key, session and retries are used
 * @throws ConfigurationError when the backend is none of SparkPost's
 * @example
 * ```ts
 * import { sparkpost } from "@posthorn/sparkpost";
 * import { manage } from "@posthorn/sparkpost/manage";
 *
 * const { retrieve, cancel } = manage(sparkpost({ apiKey: "…" }));
 * const message = await retrieve("the messageId of a result");
 * await cancel("the first tag of scheduled messages");
 * ```
 */
export function manage(backend: SparkPostBackend): Manager<SparkPostManageFeatures> {
  return createManager<SparkPostManageFeatures, SparkPostOptions>(
    backend,
    "SparkPost",
    sparkpostManageFeatures,
    methods,
  );
}

/** https://developers.sparkpost.com/api/events/#header-event-types */
const EVENTS: Readonly<Record<string, TrackingEventType>> = {
  injection: "queued",
  delivery: "delivered",
  delay: "deferred",
  bounce: "bounced",
  out_of_band: "bounced",
  policy_rejection: "rejected",
  generation_rejection: "rejected",
  generation_failure: "failed",
  spam_complaint: "complained",
  list_unsubscribe: "unsubscribed",
  link_unsubscribe: "unsubscribed",
  open: "opened",
  initial_open: "opened",
  amp_open: "opened",
  amp_initial_open: "opened",
  click: "clicked",
  amp_click: "clicked",
};

/** https://developers.sparkpost.com/api/suppression-list/ (`source`) */
const REASONS: Readonly<Record<string, SuppressionReason>> = {
  "Spam Complaint": "spam",
  "List Unsubscribe": "unsubscribed",
  "Unsubscribe Link": "unsubscribed",
  "Bounce Rule": "bounced",
  "Manually Added": "blocked",
  Compliance: "blocked",
};

const LIST = "suppression-list";
const one = (address: string): string => `${LIST}/${encodeURIComponent(address)}`;

function methods(api: ManageApi<SparkPostOptions>): ManageMethods {
  return {
    async retrieve(id, options) {
      const query = { transmissions: id, per_page: 1000 };
      const body = (await api.request({ path: "events/message", query }, options)).json();
      const events = listOf(recordOf(body)["results"]).map(readEvent);
      return events.length === 0 ? undefined : retrievedMessage(id, body, { events });
    },
    async cancel(id, options) {
      const query = { campaign_id: id };
      const request = { method: "DELETE", path: "transmissions", query, readable: [404] } as const;
      const response = await api.request(request, options);
      if (response.status === 404 && !response.uncertain) throw api.notFound(id);
    },
    list: (options) =>
      pages(async (cursor = "initial") => {
        const request = { path: LIST, query: { cursor, per_page: 1000 } };
        const { results, links } = recordOf((await api.request(request, options)).json());
        const items = listOf(results);
        const next = listOf(links)
          .map(recordOf)
          .find(({ rel }) => rel === "next");
        const query = stringOf(next?.["href"])?.split("?")[1];
        return {
          items: items.map(readSuppression),
          next: items.length > 0 ? (new URLSearchParams(query).get("cursor") ?? undefined) : undefined,
        };
      }),
    async add(address, { reason = "blocked", description, ...options }) {
      if (reason !== "blocked")
        throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      // Transactional messages and all others have entries of their own.
      const recipients = ["transactional", "non_transactional"].map((type) => ({
        recipient: address,
        type,
        description,
      }));
      await api.request({ method: "PUT", path: LIST, body: { json: { recipients } } }, options);
    },
    async remove(address, options) {
      const request = { method: "DELETE", path: one(address), readable: [404] } as const;
      const response = await api.request(request, options);
      return response.status !== 404 || response.uncertain;
    },
    async has(address, options) {
      return (await api.request({ path: one(address), readable: [404] }, options)).status !== 404;
    },
  };
}

function readEvent(raw: unknown): MessageEvent {
  const {
    type,
    timestamp,
    rcpt_to: recipient,
    reason,
    raw_reason: mtaResponse,
    target_link_url,
  } = recordOf(raw);
  const eventType = ownProperty(EVENTS, type) ?? "unknown";
  return messageEvent(raw, {
    eventType,
    recipient: stringOf(recipient),
    timestamp: dateOf(timestamp),
    rejectReason: eventType === "bounced" ? "bounced" : eventType === "complained" ? "spam" : null,
    description: stringOf(reason) ?? stringOf(target_link_url),
    mtaResponse: stringOf(mtaResponse),
  });
}

function readSuppression(raw: unknown): Suppression {
  const { recipient, source, description, created } = recordOf(raw);
  return suppression(stringOf(recipient) ?? "", raw, {
    reason: ownProperty(REASONS, source) ?? "other",
    createdAt: dateOf(created),
    description: stringOf(description) || null,
  });
}
