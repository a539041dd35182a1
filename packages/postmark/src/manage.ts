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
  messageEvent,
  ownProperty,
  recordOf,
  retrievedMessage,
  type Suppression,
  type SuppressionReason,
  stringOf,
  suppression,
  type TrackingEventType,
} from "@posthorn/core/manage";
import type { PostmarkBackend, PostmarkOptions } from "./backend.js";

/**
 * What Postmark offers once a message is sent.
 *
 * @see https://postmarkapp.com/developer/api/messages-api#outbound-message-details
 * @see https://postmarkapp.com/developer/api/suppressions-api
 */
export const postmarkManageFeatures = defineManageFeatures({
  retrieve: true,
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link postmarkManageFeatures}. */
export type PostmarkManageFeatures = typeof postmarkManageFeatures;

/**
 * Messages once they are sent, and the suppressions of a message stream: that of the backend's
 * `sendDefaults.espExtra.MessageStream`, otherwise `outbound`.
 *
 * @param backend from `postmark(…)`; its token, session and retries are used
 * @throws ConfigurationError when the backend is none of Postmark's
 * @example
 * ```ts
 * import { postmark } from "@posthorn/postmark";
 * import { manage } from "@posthorn/postmark/manage";
 *
 * const { retrieve, suppressions } = manage(postmark({ serverToken: "…" }));
 * const message = await retrieve("the messageId of a result");
 * for await (const { address, reason } of suppressions.list()) console.log(address, reason);
 * ```
 */
export function manage(backend: PostmarkBackend): Manager<PostmarkManageFeatures> {
  return createManager<PostmarkManageFeatures, PostmarkOptions>(
    backend,
    "Postmark",
    postmarkManageFeatures,
    methods,
  );
}

/** https://postmarkapp.com/developer/api/overview#error-codes: no message of this id. */
const UNKNOWN_MESSAGE = 701;

/** https://postmarkapp.com/developer/api/messages-api#outbound-message-details (`MessageEvents`) */
const EVENTS: Readonly<Record<string, TrackingEventType>> = {
  Delivered: "delivered",
  Transient: "deferred",
  Opened: "opened",
  LinkClicked: "clicked",
  Bounced: "bounced",
};

/** https://postmarkapp.com/developer/api/suppressions-api#suppression-dump (`SuppressionReason`) */
const REASONS: Readonly<Record<string, SuppressionReason>> = {
  HardBounce: "bounced",
  SpamComplaint: "spam",
  ManualSuppression: "blocked",
};

function methods(api: ManageApi<PostmarkOptions>): ManageMethods {
  const list = (): string => {
    const stream = stringOf(recordOf(api.options.sendDefaults?.espExtra)["MessageStream"]) ?? "outbound";
    return `message-streams/${encodeURIComponent(stream)}/suppressions`;
  };
  const find = async (options: CallOptions, address?: string): Promise<readonly unknown[]> => {
    const request = { path: `${list()}/dump`, query: { EmailAddress: address } };
    return listOf(recordOf((await api.request(request, options)).json())["Suppressions"]);
  };
  const has = async (address: string, options: CallOptions): Promise<boolean> =>
    (await find(options, address)).length > 0;
  const change = async (path: string, address: string, options: CallOptions): Promise<void> => {
    const body = { json: { Suppressions: [{ EmailAddress: address }] } };
    const response = await api.request({ method: "POST", path, body }, options);
    const [entry] = listOf(recordOf(response.json())["Suppressions"]);
    const { Status, Message } = recordOf(entry);
    if (Status === "Failed") throw response.error(stringOf(Message) ?? "the suppression cannot be changed");
  };
  return {
    async retrieve(id, options) {
      const path = `messages/outbound/${encodeURIComponent(id)}/details`;
      const response = await api.request({ path, readable: [404, 422] }, options);
      const message = recordOf(response.json());
      if (response.status < 300) {
        const events = listOf(message["MessageEvents"]).map(readEvent);
        const status =
          events.length > 0 ? {} : ({ status: message["Status"] === "Sent" ? "sent" : "queued" } as const);
        return retrievedMessage(id, message, { events, ...status });
      }
      if (response.status === 404 || message["ErrorCode"] === UNKNOWN_MESSAGE) return undefined;
      throw response.error(stringOf(message["Message"]) ?? `answered ${response.status}`);
    },
    async *list(options) {
      yield* (await find(options)).map(readSuppression);
    },
    async add(address, { reason = "blocked", description: _, ...options }) {
      if (reason !== "blocked")
        throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      await change(list(), address, options);
    },
    async remove(address, options) {
      // The response does not reveal whether there was one.
      if (!(await has(address, options))) return false;
      await change(`${list()}/delete`, address, options);
      return true;
    },
    has,
  };
}

function readEvent(raw: unknown): MessageEvent {
  const { Recipient, Type, ReceivedAt, Details } = recordOf(raw);
  const { DeliveryMessage, Summary, Link, SuppressSending } = recordOf(Details);
  const suppressed = String(SuppressSending).toLowerCase() === "true";
  const eventType =
    Type === "SubscriptionChanged"
      ? suppressed
        ? "unsubscribed"
        : "subscribed"
      : (ownProperty(EVENTS, Type) ?? "unknown");
  return messageEvent(raw, {
    eventType,
    recipient: stringOf(Recipient),
    timestamp: dateOf(ReceivedAt),
    rejectReason: eventType === "bounced" ? "bounced" : null,
    description: stringOf(Summary) ?? stringOf(Link),
    mtaResponse: stringOf(DeliveryMessage),
  });
}

function readSuppression(raw: unknown): Suppression {
  const { EmailAddress, SuppressionReason: reason, Origin, CreatedAt } = recordOf(raw);
  return suppression(stringOf(EmailAddress) ?? "", raw, {
    reason: ownProperty(REASONS, reason) ?? "other",
    createdAt: dateOf(CreatedAt),
    description: stringOf(Origin),
  });
}
