import {
  type CallOptions,
  createManager,
  dateOf,
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
  type RejectReason,
  recordOf,
  retrievedMessage,
  type Suppression,
  type SuppressionReason,
  stringOf,
  suppression,
  type TrackingEventType,
} from "@posthorn/core/manage";
import type { BrevoBackend, BrevoOptions } from "./backend.js";

/**
 * What Brevo offers once a message is sent. A new time is a cancellation and another message; addresses are blocked in its
 * contacts.
 *
 * @see https://developers.brevo.com/reference/get-transac-blocked-contacts
 * @see https://developers.brevo.com/reference/delete-scheduled-email-by-id
 */
export const brevoManageFeatures = defineManageFeatures({
  retrieve: true,
  cancel: true,
  "suppressions.list": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link brevoManageFeatures}. */
export type BrevoManageFeatures = typeof brevoManageFeatures;

/**
 * Messages once they are sent, and blocked contacts. `cancel` also takes the `batchId` that a message had in its `espExtra`.
 *
 * @param backend from `brevo(…)`; its key, session and retries are used
 * @throws ConfigurationError when the backend is none of Brevo's
 * @example
 * ```ts
 * import { brevo } from "@posthorn/brevo";
 * import { manage } from "@posthorn/brevo/manage";
 *
 * const { cancel, retrieve } = manage(brevo({ apiKey: "…" }));
 * await cancel("<202601020304.12345@smtp-relay.mailin.fr>");
 * ```
 */
export function manage(backend: BrevoBackend): Manager<BrevoManageFeatures> {
  return createManager<BrevoManageFeatures, BrevoOptions>(backend, "Brevo", brevoManageFeatures, methods);
}

/** Entries of a page: of events, and of blocked contacts. */
const EVENT_PAGE = 2500;
const PAGE = 100;

/** https://developers.brevo.com/reference/get-scheduled-email-by-id */
const SCHEDULED: Readonly<Record<string, MessageStatus>> = {
  queued: "scheduled",
  inProgress: "queued",
  processed: "sent",
  error: "failed",
};
/** https://developers.brevo.com/reference/get-email-event-report */
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  requests: "queued",
  delivered: "delivered",
  hardBounces: "bounced",
  softBounces: "bounced",
  bounces: "bounced",
  invalid: "bounced",
  blocked: "rejected",
  deferred: "deferred",
  error: "failed",
  spam: "complained",
  opened: "opened",
  loadedByProxy: "opened",
  clicks: "clicked",
  unsubscribed: "unsubscribed",
};
const REJECTS: Readonly<Record<string, RejectReason>> = {
  hardBounces: "bounced",
  softBounces: "bounced",
  bounces: "bounced",
  invalid: "invalid",
  blocked: "blocked",
  spam: "spam",
  unsubscribed: "unsubscribed",
};
/** https://developers.brevo.com/reference/get-transac-blocked-contacts (`reason.code`) */
const REASONS: Readonly<Record<string, SuppressionReason>> = {
  unsubscribedViaMA: "unsubscribed",
  unsubscribedViaEmail: "unsubscribed",
  unsubscribedViaApi: "unsubscribed",
  adminBlocked: "blocked",
  hardBounce: "bounced",
  contactFlaggedAsSpam: "spam",
};

function methods(api: ManageApi<BrevoOptions>): ManageMethods {
  /** Pages by offset: each but the last is full. */
  const read = (
    path: string,
    list: string,
    limit: number,
    query: Readonly<Record<string, string>>,
    options: CallOptions,
  ) =>
    pages<unknown>(async (cursor = "0") => {
      const request = { path, query: { ...query, limit, offset: cursor }, readable: [404] };
      const response = await api.request(request, options);
      const items = response.status === 404 ? [] : listOf(recordOf(response.json())[list]);
      return { items, next: items.length < limit ? undefined : String(Number(cursor) + limit) };
    });
  return {
    async retrieve(id, options) {
      const events: unknown[] = [];
      const query = { messageId: id };
      for await (const event of read("smtp/statistics/events", "events", EVENT_PAGE, query, options))
        events.push(event);
      if (events.length > 0) return retrievedMessage(id, events, { events: events.map(readEvent) });
      // Of a scheduled message there are no events.
      const path = `smtp/emailStatus/${encodeURIComponent(id)}`;
      const response = await api.request({ path, readable: [404] }, options);
      if (response.status === 404) return undefined;
      const scheduled = recordOf(response.json());
      return retrievedMessage(id, scheduled, {
        status: ownProperty(SCHEDULED, scheduled["status"]) ?? "unknown",
        sendAt: dateOf(scheduled["scheduledAt"]),
      });
    },
    async cancel(id, options) {
      const path = `smtp/email/${encodeURIComponent(id)}`;
      const { status, uncertain } = await api.request({ method: "DELETE", path, readable: [404] }, options);
      if (status === 404 && !uncertain) throw api.notFound(id);
    },
    async *list(options) {
      for await (const entry of read("smtp/blockedContacts", "contacts", PAGE, {}, options))
        yield readBlocked(entry);
    },
    async remove(address, options) {
      const path = `smtp/blockedContacts/${encodeURIComponent(address)}`;
      const { status, uncertain } = await api.request({ method: "DELETE", path, readable: [404] }, options);
      return status !== 404 || uncertain;
    },
  };
}

function readEvent(raw: unknown): MessageEvent {
  const { event, email, date, reason, link } = recordOf(raw);
  return messageEvent(raw, {
    eventType: ownProperty(TYPES, event) ?? "unknown",
    recipient: stringOf(email),
    timestamp: dateOf(date),
    rejectReason: ownProperty(REJECTS, event) ?? null,
    description: stringOf(reason) || stringOf(link) || null,
  });
}

function readBlocked(raw: unknown): Suppression {
  const { email, reason, blockedAt } = recordOf(raw);
  const { code, message } = recordOf(reason);
  return suppression(stringOf(email) ?? "", raw, {
    reason: ownProperty(REASONS, code) ?? "other",
    createdAt: dateOf(blockedAt),
    description: stringOf(message) || null,
  });
}
