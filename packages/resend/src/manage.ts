import {
  createManager,
  dateOf,
  defineManageFeatures,
  listOf,
  type ManageApi,
  type ManageMethods,
  type Manager,
  type MessageStatus,
  ownProperty,
  pages,
  recordOf,
  retrievedMessage,
  type Suppression,
  type SuppressionReason,
  stringOf,
  suppression,
} from "@posthorn/core/manage";
import type { ResendBackend, ResendOptions } from "./backend.js";

/**
 * What Resend offers once a message is sent.
 *
 * @see https://resend.com/docs/api-reference/emails/retrieve-email
 * @see https://resend.com/docs/api-reference/suppressions/list-suppressions
 */
export const resendManageFeatures = defineManageFeatures({
  retrieve: true,
  cancel: true,
  reschedule: true,
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link resendManageFeatures}. */
export type ResendManageFeatures = typeof resendManageFeatures;

/**
 * Messages once they are sent, and the account's suppressions.
 *
 * @param backend from `resend(…)`; its key, session and retries are used
 * @throws ConfigurationError when the backend is none of Resend's
 * @example
 * ```ts
 * import { resend } from "@posthorn/resend";
 * import { manage } from "@posthorn/resend/manage";
 *
 * const { cancel, reschedule } = manage(resend({ apiKey: "…" }));
 * await reschedule("the messageId of a result", new Date("2030-01-02T03:04:05Z"));
 * await cancel("the messageId of another");
 * ```
 */
export function manage(backend: ResendBackend): Manager<ResendManageFeatures> {
  return createManager<ResendManageFeatures, ResendOptions>(backend, "Resend", resendManageFeatures, methods);
}

/** https://resend.com/docs/dashboard/emails/introduction#understand-email-events (`last_event`) */
const STATUSES: Readonly<Record<string, MessageStatus>> = {
  queued: "queued",
  scheduled: "scheduled",
  canceled: "cancelled",
  sent: "sent",
  delivered: "delivered",
  delivery_delayed: "deferred",
  opened: "opened",
  clicked: "clicked",
  bounced: "bounced",
  complained: "complained",
  failed: "failed",
  suppressed: "rejected",
};

/** Where a suppression comes from. https://resend.com/docs/api-reference/suppressions/list-suppressions */
const REASONS: Readonly<Record<string, SuppressionReason>> = {
  bounce: "bounced",
  complaint: "spam",
  manual: "blocked",
};

function methods(api: ManageApi<ResendOptions>): ManageMethods {
  const email = (id: string): string => `emails/${encodeURIComponent(id)}`;
  return {
    async retrieve(id, options) {
      const response = await api.request({ path: email(id), readable: [404] }, options);
      if (response.status === 404) return undefined;
      const message = recordOf(response.json());
      return retrievedMessage(id, message, {
        status: ownProperty(STATUSES, message["last_event"]) ?? "unknown",
        sendAt: dateOf(message["scheduled_at"]),
      });
    },
    async cancel(id, options) {
      const request = { method: "POST", path: `${email(id)}/cancel`, readable: [404] } as const;
      if ((await api.request(request, options)).status === 404) throw api.notFound(id);
    },
    async reschedule(id, { iso }, options) {
      const body = { json: { scheduled_at: iso } };
      const request = { method: "PATCH", path: email(id), body, readable: [404] } as const;
      if ((await api.request(request, options)).status === 404) throw api.notFound(id);
    },
    list: (options) =>
      pages(async (after) => {
        const response = await api.request({ path: "suppressions", query: { limit: 100, after } }, options);
        const { data, has_more: more } = recordOf(response.json());
        const entries = listOf(data);
        const next = more === true ? stringOf(recordOf(entries.at(-1))["id"]) : null;
        return { items: entries.map(readSuppression), next: next ?? undefined };
      }),
    async add(address, { reason = "blocked", description: _, ...options }) {
      if (reason !== "blocked")
        throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      await api.request(
        { method: "POST", path: "suppressions", body: { json: { email: address } } },
        options,
      );
    },
    async remove(address, options) {
      const path = `suppressions/${encodeURIComponent(address)}`;
      const response = await api.request({ method: "DELETE", path, readable: [404] }, options);
      return response.status !== 404 || response.uncertain;
    },
  };
}

function readSuppression(raw: unknown): Suppression {
  const { email, origin, created_at: createdAt } = recordOf(raw);
  return suppression(stringOf(email) ?? "", raw, {
    reason: ownProperty(REASONS, origin) ?? "other",
    createdAt: dateOf(createdAt),
    description: stringOf(origin),
  });
}
