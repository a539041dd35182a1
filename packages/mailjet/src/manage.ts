import {
  type CallOptions,
  createManager,
  dateOfSeconds,
  defineManageFeatures,
  listOf,
  type ManageApi,
  type ManageMethods,
  type Manager,
  type MessageEvent,
  messageEvent,
  ownProperty,
  recordOf,
  retrievedMessage,
  stringOf,
  type TrackingEventType,
} from "@posthorn/core/manage";
import type { MailjetBackend, MailjetOptions } from "./backend.js";

/**
 * What Mailjet offers once a message is sent. Its exclusion lists are for marketing alone.
 *
 * @see https://dev.mailjet.com/email/reference/messages/
 */
export const mailjetManageFeatures = defineManageFeatures({ retrieve: true });

/** Type of {@link mailjetManageFeatures}. */
export type MailjetManageFeatures = typeof mailjetManageFeatures;

/**
 * Messages once they are sent.
 *
 * @param backend from `mailjet(…)`; its keys, session and retries are used
 * @throws ConfigurationError when the backend is none of Mailjet's
 * @example
 * ```ts
 * import { mailjet } from "@posthorn/mailjet";
 * import { manage } from "@posthorn/mailjet/manage";
 *
 * const { retrieve } = manage(mailjet({ apiKey: "…", secretKey: "…" }));
 * console.log((await retrieve("1152921526505923417"))?.events);
 * ```
 */
export function manage(backend: MailjetBackend): Manager<MailjetManageFeatures> {
  return createManager<MailjetManageFeatures, MailjetOptions>(
    backend,
    "Mailjet",
    mailjetManageFeatures,
    methods,
  );
}

/**
 * What a message has come to, and its events.
 *
 * @see https://github.com/mailjet/mailjet-apiv3-nodejs (`CurrentMessageStatus`, `EventType`)
 */
const STATUSES: Readonly<Record<string, TrackingEventType>> = {
  queued: "queued",
  // Mailjet's word for what the receiving server took.
  sent: "delivered",
  opened: "delivered",
  clicked: "delivered",
  spam: "delivered",
  unsub: "delivered",
  bounce: "bounced",
  bounced: "bounced",
  hardbounced: "bounced",
  softbounced: "bounced",
  blocked: "rejected",
  deferred: "deferred",
};
const EVENTS: Readonly<Record<string, TrackingEventType>> = {
  ...STATUSES,
  opened: "opened",
  clicked: "clicked",
  spam: "complained",
  unsub: "unsubscribed",
};

function methods(api: ManageApi<MailjetOptions>): ManageMethods {
  /** Entries at a place of the REST API, which stands beside that for sending; none for an id that is not there. */
  const read = async (resource: string, id: string, options: CallOptions): Promise<readonly unknown[]> => {
    const path = `../v3/REST/${resource}/${encodeURIComponent(id)}`;
    const response = await api.request({ path, readable: [404] }, options);
    return response.status === 404 ? [] : listOf(recordOf(response.json())["Data"]);
  };
  return {
    async retrieve(id, options) {
      const [message] = await read("message", id, options);
      if (message === undefined) return undefined;
      const history = await read("messagehistory", id, options);
      return retrievedMessage(
        id,
        { message, history },
        {
          status: ownProperty(STATUSES, recordOf(message)["Status"]) ?? "unknown",
          events: history.map(readEvent),
        },
      );
    },
  };
}

function readEvent(raw: unknown): MessageEvent {
  const { EventType, EventAt, Comment, State } = recordOf(raw);
  return messageEvent(raw, {
    eventType: ownProperty(EVENTS, EventType) ?? "unknown",
    timestamp: dateOfSeconds(EventAt),
    description: stringOf(State) || stringOf(Comment) || null,
  });
}
