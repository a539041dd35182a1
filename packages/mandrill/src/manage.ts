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
  type RejectReason,
  type RetrievedMessage,
  recordOf,
  retrievedMessage,
  type Suppression,
  type SuppressionReason,
  stringOf,
  suppression,
  type TrackingEventType,
} from "@posthorn/core/manage";
import type { MandrillBackend, MandrillOptions } from "./backend.js";

/**
 * What Mandrill offers once a message is sent.
 *
 * @see https://mailchimp.com/developer/transactional/api/messages/
 * @see https://mailchimp.com/developer/transactional/api/rejects/
 */
export const mandrillManageFeatures = defineManageFeatures({
  retrieve: true,
  cancel: true,
  reschedule: true,
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link mandrillManageFeatures}. */
export interface MandrillManageFeatures extends Readonly<typeof mandrillManageFeatures> {}

/**
 * Messages once they are sent, and Mandrill's rejection denylist.
 *
 * @param backend from `mandrill(…)`; its key, session and retries are used
 * @throws ConfigurationError when the backend is not one of Mandrill
 * @example
 * ```ts
 * import { mandrill } from "@posthorn/mandrill";
 * import { manage } from "@posthorn/mandrill/manage";
 *
 * const { cancel, suppressions } = manage(mandrill({ apiKey: "…" }));
 * await cancel("the messageId of a result");
 * for await (const { address, reason } of suppressions.list()) console.log(address, reason);
 * ```
 */
export function manage(backend: MandrillBackend): Manager<MandrillManageFeatures> {
  return createManager<MandrillManageFeatures, MandrillOptions>(
    backend,
    "Mandrill",
    mandrillManageFeatures,
    methods,
  );
}

/** Names of the errors for an id or a suppression that Mandrill does not have. */
const UNKNOWN: ReadonlySet<string> = new Set(["Unknown_Message", "Invalid_Reject"]);

/** https://mailchimp.com/developer/transactional/api/messages/get-message-info/ (`state`, `smtp_events`) */
const STATES: Readonly<Record<string, MessageStatus>> = {
  sent: "sent",
  delivered: "delivered",
  queued: "queued",
  scheduled: "scheduled",
  deferred: "deferred",
  bounced: "bounced",
  "soft-bounced": "bounced",
  rejected: "rejected",
  spam: "delivered",
  unsub: "delivered",
};
const SMTP_EVENTS: Readonly<Record<string, TrackingEventType>> = {
  sent: "delivered",
  deferred: "deferred",
  bounced: "bounced",
};

/** https://mailchimp.com/developer/transactional/api/rejects/list-denylisted-emails/ (`reason`) */
const REASONS: Readonly<Record<string, SuppressionReason & RejectReason>> = {
  "hard-bounce": "bounced",
  "soft-bounce": "bounced",
  spam: "spam",
  unsub: "unsubscribed",
  custom: "blocked",
};

function methods(api: ManageApi<MandrillOptions>): ManageMethods {
  // Every call is a POST with the key in its body. An unknown id is an error of 500, or 404 in later versions of the API.
  const post = async (path: string, body: object, options?: CallOptions): Promise<unknown> => {
    const request = { method: "POST", path: `${path}.json`, readable: [404, 500] } as const;
    const response = await api.request(
      { ...request, body: { json: { key: api.options.apiKey, ...body } } },
      options,
    );
    const { name, message } = recordOf(response.json());
    if (response.status < 300) return response.json();
    if (UNKNOWN.has(stringOf(name) ?? "")) return undefined;
    throw response.error(stringOf(message) ?? `answered ${response.status}`, stringOf(name) ?? undefined);
  };
  const change = async (path: string, id: string, body: object, options: CallOptions): Promise<void> => {
    const done = await post(path, { id, ...body }, options);
    if (done === undefined) throw api.notFound(id);
  };
  return {
    async retrieve(id, options) {
      const info = await post("messages/info", { id }, options);
      return info === undefined ? undefined : readInfo(id, recordOf(info));
    },
    cancel: (id, options) => change("messages/cancel-scheduled", id, {}, options),
    reschedule: (id, when, options) =>
      change(
        "messages/reschedule",
        id,
        { send_at: new Date(when.time).toISOString().slice(0, 19).replace("T", " ") },
        options,
      ),
    async *list(options) {
      yield* listOf(await post("rejects/list", { include_expired: false }, options)).map(readReject);
    },
    async add(address, { reason = "blocked", description, ...options }) {
      if (reason !== "blocked")
        throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      await post("rejects/add", { email: address, comment: description }, options);
    },
    async remove(address, options) {
      return recordOf(await post("rejects/delete", { email: address }, options))["deleted"] === true;
    },
    async has(address, options) {
      return (
        listOf(await post("rejects/list", { email: address, include_expired: false }, options)).length > 0
      );
    },
  };
}

function readInfo(id: string, info: Readonly<Record<string, unknown>>): RetrievedMessage {
  const recipient = stringOf(info["email"]);
  const each = (list: unknown, read: (entry: Readonly<Record<string, unknown>>) => Partial<MessageEvent>) =>
    listOf(list).map((raw): MessageEvent => {
      const entry = recordOf(raw);
      return messageEvent(raw, { recipient, timestamp: dateOfSeconds(entry["ts"]), ...read(entry) });
    });
  return retrievedMessage(id, info, {
    status: ownProperty(STATES, info["state"]) ?? "unknown",
    events: [
      ...each(info["smtp_events"], ({ type, diag }) => ({
        eventType: ownProperty(SMTP_EVENTS, type) ?? "unknown",
        mtaResponse: stringOf(diag),
      })),
      ...each(info["opens_detail"], () => ({ eventType: "opened" })),
      ...each(info["clicks_detail"], ({ url }) => ({ eventType: "clicked", description: stringOf(url) })),
    ],
  });
}

function readReject(raw: unknown): Suppression {
  const { email, reason, detail, created_at: createdAt } = recordOf(raw);
  return suppression(stringOf(email) ?? "", raw, {
    reason: ownProperty(REASONS, reason) ?? "other",
    createdAt: dateOf(createdAt),
    description: stringOf(detail) || null,
  });
}
