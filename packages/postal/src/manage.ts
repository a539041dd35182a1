import {
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
import type { PostalBackend, PostalOptions } from "./backend.js";

/**
 * What Postal offers once a message is sent. Its suppression list is for its web interface alone.
 *
 * @see https://apiv1.postalserver.io/controllers/messages
 */
export const postalManageFeatures = defineManageFeatures({ retrieve: true });

/** Type of {@link postalManageFeatures}. */
export type PostalManageFeatures = typeof postalManageFeatures;

/**
 * Messages once they are sent.
 *
 * @param backend from `postal(…)`; its key, session and retries are used
 * @throws ConfigurationError when the backend is none of Postal's
 * @example
 * ```ts
 * import { postal } from "@posthorn/postal";
 * import { manage } from "@posthorn/postal/manage";
 *
 * const { retrieve } = manage(postal({ apiKey: "…", apiUrl: "https://postal.example.com" }));
 * console.log((await retrieve(1234))?.status);
 * ```
 */
export function manage(backend: PostalBackend): Manager<PostalManageFeatures> {
  return createManager<PostalManageFeatures, PostalOptions>(backend, "Postal", postalManageFeatures, methods);
}

/** https://github.com/postalserver/postal (`app/lib/message_dequeuer`) */
const STATUSES: Readonly<Record<string, TrackingEventType>> = {
  Pending: "queued",
  Sent: "delivered",
  SoftFail: "deferred",
  HardFail: "failed",
  Bounced: "bounced",
  Held: "queued",
};

function methods(api: ManageApi<PostalOptions>): ManageMethods {
  /** Errors are responses of 200 too; `undefined` for an id that Postal does not have. */
  const post = async (action: string, body: object, options: object): Promise<unknown> => {
    const response = await api.request(
      { method: "POST", path: `api/v1/messages/${action}`, body: { json: { ...body } } },
      options,
    );
    const { status, data } = recordOf(response.json());
    if (status === "success") return data;
    const { code, message } = recordOf(data);
    if (code === "MessageNotFound") return undefined;
    throw response.error(
      stringOf(message) ?? `answered with the status ${status}`,
      stringOf(code) ?? undefined,
    );
  };
  return {
    async retrieve(id, options) {
      const message = await post("message", { id, _expansions: ["status", "details"] }, options);
      if (message === undefined) return undefined;
      const { status, details } = recordOf(message);
      const deliveries = await post("deliveries", { id }, options);
      const recipient = stringOf(recordOf(details)["rcpt_to"]);
      const events = listOf(deliveries).map((raw) => readDelivery(raw, recipient));
      return retrievedMessage(
        /^\d+$/.test(id) ? Number(id) : id,
        { message, deliveries },
        { status: ownProperty(STATUSES, recordOf(status)["status"]) ?? "unknown", events },
      );
    },
  };
}

function readDelivery(raw: unknown, recipient: string | null): MessageEvent {
  const { status, details, output, timestamp } = recordOf(raw);
  return messageEvent(raw, {
    eventType: ownProperty(STATUSES, status) ?? "unknown",
    recipient,
    timestamp: dateOfSeconds(timestamp),
    description: stringOf(details) || null,
    mtaResponse: stringOf(output) || null,
  });
}
