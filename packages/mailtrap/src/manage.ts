import { ConfigurationError } from "@posthorn/core";
import {
  type CallOptions,
  createManager,
  dateOf,
  defineManageFeatures,
  listOf,
  type ManageApi,
  type ManageMethods,
  type ManageRequest,
  type ManageResponse,
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
import type { MailtrapBackend, MailtrapOptions } from "./backend.js";

/**
 * What Mailtrap offers once a message is sent.
 *
 * @see https://docs.mailtrap.io/developers/email-sending
 * @see https://github.com/mailtrap/mailtrap-openapi (`specs/email-sending.openapi.yml`)
 */
export const mailtrapManageFeatures = defineManageFeatures({
  retrieve: true,
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link mailtrapManageFeatures}. */
export type MailtrapManageFeatures = typeof mailtrapManageFeatures;

/** What Mailtrap's suppressions are for. */
export interface MailtrapManageSettings {
  /** Id of the sending domain that new suppressions are for. */
  readonly domainId?: number | undefined;
  /**
   * The stream that new suppressions are for.
   *
   * @default "transactional"
   */
  readonly sendingStream?: "transactional" | "bulk" | undefined;
}

/**
 * Messages once they are sent, and suppressions. New and removed suppressions take a token with admin access; all of them 10
 * requests a minute.
 *
 * @param backend from `mailtrap(…)`; its token, session and retries are used
 * @param settings `domainId` for new suppressions
 * @throws ConfigurationError when the backend is none of Mailtrap's
 * @example
 * ```ts
 * import { mailtrap } from "@posthorn/mailtrap";
 * import { manage } from "@posthorn/mailtrap/manage";
 *
 * const { suppressions } = manage(mailtrap({ apiToken: "…" }), { domainId: 12345 });
 * await suppressions.add("grace@example.org");
 * ```
 */
export function manage(
  backend: MailtrapBackend,
  settings: MailtrapManageSettings = {},
): Manager<MailtrapManageFeatures> {
  return createManager<MailtrapManageFeatures, MailtrapOptions>(
    backend,
    "Mailtrap",
    mailtrapManageFeatures,
    (api) => methods(api, settings),
  );
}

/** The account's API has a host of its own. */
const ACCOUNT_URL = "https://mailtrap.io/api/";
/** Suppressions of a page. */
const PAGE = 1000;

const STATUSES: Readonly<Record<string, MessageStatus>> = {
  delivered: "delivered",
  not_delivered: "failed",
  enqueued: "queued",
  opted_out: "rejected",
};
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  delivery: "delivered",
  open: "opened",
  click: "clicked",
  soft_bounce: "deferred",
  bounce: "bounced",
  suspension: "deferred",
  reject: "rejected",
  spam: "complained",
  unsubscribe: "unsubscribed",
};
const REASONS: Readonly<Record<string, RejectReason>> = {
  soft_bounce: "other",
  bounce: "bounced",
  suspension: "other",
  reject: "blocked",
  spam: "spam",
  unsubscribe: "unsubscribed",
};
/** Mailtrap's words for why an address is suppressed. */
const SUPPRESSIONS: Readonly<Record<string, SuppressionReason>> = {
  "hard bounce": "bounced",
  unsubscription: "unsubscribed",
  "spam complaint": "spam",
  "manual import": "blocked",
};

function methods(api: ManageApi<MailtrapOptions>, settings: MailtrapManageSettings): ManageMethods {
  const base = new URL(api.urlOf(""));
  const account = base.hostname.endsWith(".mailtrap.io") ? ACCOUNT_URL : base.href;
  const call = (request: ManageRequest, options?: CallOptions): Promise<ManageResponse> =>
    api.request(
      {
        ...request,
        path: account + request.path,
        headers: { authorization: `Bearer ${api.options.apiToken}`, "user-agent": "posthorn" },
      },
      options,
    );
  const find = async (email: string, options: CallOptions): Promise<readonly unknown[]> =>
    listOf((await call({ path: "suppressions", query: { email } }, options)).json());
  return {
    async retrieve(id, options) {
      const request = { path: `email_logs/${encodeURIComponent(id)}`, readable: [404] };
      const response = await call(request, options);
      if (response.status === 404) return undefined;
      const message = recordOf(response.json());
      const recipient = stringOf(message["to"]);
      const events = listOf(message["events"]).map((raw) => readEvent(raw, recipient));
      const status = ownProperty(STATUSES, message["status"]) ?? "unknown";
      // Events say more of what was not delivered.
      const known = retrievedMessage(id, message, { events });
      return status === "failed" && known.status !== "unknown" ? known : { ...known, status };
    },
    async *list(options) {
      yield* pages(async (lastId) => {
        const items = listOf(
          (await call({ path: "suppressions", query: { last_id: lastId } }, options)).json(),
        );
        const last = recordOf(items.at(-1))["id"];
        return {
          items: items.map(readSuppression),
          next: items.length < PAGE ? undefined : (stringOf(last) ?? undefined),
        };
      });
    },
    async add(email, { reason = "blocked", description: _, ...options }) {
      const type = Object.entries(SUPPRESSIONS).find(([, name]) => name === reason)?.[0];
      if (!type) throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      const { domainId, sendingStream = "transactional" } = settings;
      if (domainId === undefined)
        throw new ConfigurationError(
          'Mailtrap: "domainId" is required for new suppressions: pass it to manage()',
          { provider: "Mailtrap" },
        );
      const json = { email, domain_id: domainId, sending_stream: sendingStream, type };
      await call({ method: "POST", path: "suppressions", body: { json } }, options);
    },
    async remove(email, options) {
      let wasThere = false;
      for (const entry of await find(email, options)) {
        const path = `suppressions/${encodeURIComponent(stringOf(recordOf(entry)["id"]) ?? "")}`;
        const { status, uncertain } = await call({ method: "DELETE", path, readable: [404] }, options);
        wasThere ||= status !== 404 || uncertain;
      }
      return wasThere;
    },
    async has(email, options) {
      return (await find(email, options)).length > 0;
    },
  };
}

function readEvent(raw: unknown, recipient: string | null): MessageEvent {
  const { event_type: type, created_at: createdAt, details } = recordOf(raw);
  const {
    email_service_provider_response: response,
    bounce_category,
    reject_reason,
    click_url,
  } = recordOf(details);
  return messageEvent(raw, {
    eventType: ownProperty(TYPES, type) ?? "unknown",
    recipient,
    timestamp: dateOf(createdAt),
    rejectReason: ownProperty(REASONS, type) ?? null,
    description: stringOf(reject_reason) || stringOf(bounce_category) || stringOf(click_url) || null,
    mtaResponse: stringOf(response) || null,
  });
}

function readSuppression(raw: unknown): Suppression {
  const { email, type, created_at: createdAt, message_esp_response: response } = recordOf(raw);
  return suppression(stringOf(email) ?? "", raw, {
    reason: ownProperty(SUPPRESSIONS, type) ?? "other",
    createdAt: dateOf(createdAt),
    description: stringOf(response) || null,
  });
}
