import { ConfigurationError } from "@posthorn/core";
import {
  type CallOptions,
  createManager,
  dateOf,
  dateOfSeconds,
  defineManageFeatures,
  idOf,
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
  type SuppressionReason,
  stringOf,
  suppression,
  type TrackingEventType,
} from "@posthorn/core/manage";
import type { MailerSendBackend, MailerSendOptions } from "./backend.js";

/**
 * What MailerSend offers once a message is sent.
 *
 * @see https://developers.mailersend.com/api/v1/messages.html
 * @see https://developers.mailersend.com/api/v1/recipients.html
 */
export const mailersendManageFeatures = defineManageFeatures({
  retrieve: true,
  cancel: true,
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link mailersendManageFeatures}. */
export type MailerSendManageFeatures = typeof mailersendManageFeatures;

/** What MailerSend's suppressions are for. */
export interface MailerSendManageSettings {
  /** Id of the domain that new suppressions are for. Without it, they can only be `blocked`, for all domains. */
  readonly domainId?: string | undefined;
}

/**
 * Messages once they are sent, and suppressions. `retrieve` takes the `bulk:…` id of a batch too: its `messageIds` are those of
 * the single messages, once MailerSend has made them.
 *
 * @param backend from `mailersend(…)`; its token, session and retries are used
 * @param settings `domainId` for new suppressions
 * @throws ConfigurationError when the backend is none of MailerSend's
 * @example
 * ```ts
 * import { mailersend } from "@posthorn/mailersend";
 * import { manage } from "@posthorn/mailersend/manage";
 *
 * const { retrieve } = manage(mailersend({ apiToken: "…" }));
 * const batch = await retrieve("bulk:614470d1588b866d0454f3e2");
 * console.log(batch?.status, batch?.messageIds);
 * ```
 */
export function manage(
  backend: MailerSendBackend,
  settings: MailerSendManageSettings = {},
): Manager<MailerSendManageFeatures> {
  return createManager<MailerSendManageFeatures, MailerSendOptions>(
    backend,
    "MailerSend",
    mailersendManageFeatures,
    (api) => methods(api, settings),
  );
}

/** MailerSend has a list for each reason. The last cannot be added to. */
const LISTS = [
  ["blocked", "blocklist"],
  ["bounced", "hard-bounces"],
  ["spam", "spam-complaints"],
  ["unsubscribed", "unsubscribes"],
  ["other", "on-hold-list"],
] as const satisfies readonly (readonly [SuppressionReason, string])[];
/** Entries of a page, which is the most. */
const PAGE = 100;

/** https://developers.mailersend.com/api/v1/messages.html (`status` of an email) */
const STATUSES: Readonly<Record<string, TrackingEventType>> = {
  queued: "queued",
  sent: "sent",
  delivered: "delivered",
  soft_bounced: "bounced",
  hard_bounced: "bounced",
  deferred: "deferred",
  rejected: "rejected",
  suppressed: "rejected",
  junk: "complained",
  spam_complaint: "complained",
  opened: "opened",
  clicked: "clicked",
  unsubscribed: "unsubscribed",
};
/** https://developers.mailersend.com/api/v1/scheduled-messages.html */
const SCHEDULED: Readonly<Record<string, MessageStatus>> = {
  scheduled: "scheduled",
  sent: "sent",
  error: "failed",
};
/** https://developers.mailersend.com/api/v1/email.html#get-bulk-email-status */
const BULK: Readonly<Record<string, MessageStatus>> = {
  queued: "queued",
  processing: "queued",
  completed: "sent",
  failed: "failed",
};

interface Entry {
  readonly list: string;
  readonly reason: SuppressionReason;
  readonly raw: Readonly<Record<string, unknown>>;
}

function methods(api: ManageApi<MailerSendOptions>, settings: MailerSendManageSettings): ManageMethods {
  /** The member `data` of what is there, if anything is. */
  const find = async (
    path: string,
    options: CallOptions,
  ): Promise<Readonly<Record<string, unknown>> | undefined> => {
    const response = await api.request({ path, readable: [404] }, options);
    return response.status === 404 ? undefined : recordOf(recordOf(response.json())["data"]);
  };
  const entries = async function* (options: CallOptions): AsyncGenerator<Entry, void, undefined> {
    for (const [reason, list] of LISTS)
      yield* pages(async (page = "1") => {
        const request = { path: `suppressions/${list}`, query: { page, limit: PAGE } };
        const body = recordOf((await api.request(request, options)).json());
        const items = listOf(body["data"]).map((raw): Entry => ({ list, reason, raw: recordOf(raw) }));
        const more = items.length > 0 && recordOf(body["links"])["next"];
        return { items, next: more ? String(Number(page) + 1) : undefined };
      });
  };
  return {
    async retrieve(id, options) {
      const bulk = /^bulk:(.*)$/s.exec(id)?.[1];
      if (bulk !== undefined) {
        const batch = await find(`bulk-email/${encodeURIComponent(bulk)}`, options);
        return (
          batch &&
          retrievedMessage(id, batch, {
            status: ownProperty(BULK, batch["state"]) ?? "unknown",
            messageIds: listOf(batch["messages_id"]).flatMap((each) => idOf(each) ?? []),
          })
        );
      }
      const path = encodeURIComponent(id);
      const message = await find(`messages/${path}`, options);
      if (message) return retrievedMessage(id, message, { events: listOf(message["emails"]).map(readEmail) });
      const scheduled = await find(`message-schedules/${path}`, options);
      return (
        scheduled &&
        retrievedMessage(id, scheduled, {
          status: ownProperty(SCHEDULED, scheduled["status"]) ?? "unknown",
          sendAt: dateOf(scheduled["send_at"]) ?? dateOfSeconds(scheduled["send_at"]),
        })
      );
    },
    async cancel(id, options) {
      const path = `message-schedules/${encodeURIComponent(id)}`;
      const { status, uncertain } = await api.request({ method: "DELETE", path, readable: [404] }, options);
      if (status === 404 && !uncertain) throw api.notFound(id);
    },
    async *list(options) {
      for await (const { raw, reason } of entries(options))
        yield suppression(addressOf(raw), raw, {
          reason,
          createdAt: dateOf(raw["created_at"]),
          description: stringOf(raw["readable_reason"]) || stringOf(raw["reason"]) || null,
        });
    },
    async add(address, { reason = "blocked", description: _, ...options }) {
      const list = LISTS.find(([name]) => name === reason)?.[1];
      if (!list || list === "on-hold-list")
        throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      const { domainId } = settings;
      if (domainId === undefined && list !== "blocklist")
        throw new ConfigurationError(
          `MailerSend: "domainId" is required for suppressions that are ${reason}: pass it to manage()`,
          { provider: "MailerSend" },
        );
      const json = { domain_id: domainId, recipients: [address] };
      await api.request({ method: "POST", path: `suppressions/${list}`, body: { json } }, options);
    },
    async remove(address, options) {
      const found: Entry[] = [];
      for await (const entry of entries(options))
        if (addressOf(entry.raw).toLowerCase() === address.toLowerCase()) found.push(entry);
      for (const { list, raw } of found) {
        const json = { ids: [stringOf(raw["id"])] };
        await api.request({ method: "DELETE", path: `suppressions/${list}`, body: { json } }, options);
      }
      return found.length > 0;
    },
  };
}

/** The blocklist has patterns, the other lists recipients. */
function addressOf(entry: Readonly<Record<string, unknown>>): string {
  const { pattern, recipient, email } = entry;
  return stringOf(recordOf(recipient)["email"]) ?? stringOf(email) ?? stringOf(pattern) ?? "";
}

/** A message to several recipients has an email for each, which tells what became of it last. */
function readEmail(raw: unknown): MessageEvent {
  const { status, recipient, updated_at: updatedAt, created_at: createdAt } = recordOf(raw);
  return messageEvent(raw, {
    eventType: ownProperty(STATUSES, status) ?? "unknown",
    recipient: stringOf(recordOf(recipient)["email"]) ?? stringOf(recipient),
    timestamp: dateOf(updatedAt) ?? dateOf(createdAt),
  });
}
