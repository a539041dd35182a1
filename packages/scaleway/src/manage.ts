import {
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
  numberOf,
  ownProperty,
  pages,
  recordOf,
  retrievedMessage,
  type Suppression,
  type SuppressionReason,
  stringOf,
  suppression,
} from "@posthorn/core/manage";
import type { ScalewayBackend, ScalewayOptions } from "./backend.js";

/**
 * What Scaleway offers once a message is sent.
 *
 * @see https://www.scaleway.com/en/developers/api/transactional-email/
 */
export const scalewayManageFeatures = defineManageFeatures({
  retrieve: true,
  cancel: true,
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link scalewayManageFeatures}. */
export type ScalewayManageFeatures = typeof scalewayManageFeatures;

/**
 * Messages once they are sent, and the blocklists of the project's domains. A message can be cancelled as long as it was not sent
 * yet. An address is added to the blocklist of each domain of the project.
 *
 * @param backend from `scaleway(…)`; its key, project, session and retries are used
 * @throws ConfigurationError when the backend is none of Scaleway's
 * @example
 * ```ts
 * import { scaleway } from "@posthorn/scaleway";
 * import { manage } from "@posthorn/scaleway/manage";
 *
 * const { retrieve, suppressions } = manage(scaleway({ secretKey: "…", projectId: "…" }));
 * const message = await retrieve("the messageId of a result");
 * await suppressions.remove("grace@example.org");
 * ```
 */
export function manage(backend: ScalewayBackend): Manager<ScalewayManageFeatures> {
  return createManager<ScalewayManageFeatures, ScalewayOptions>(
    backend,
    "Scaleway",
    scalewayManageFeatures,
    methods,
  );
}

/** `status` of an email. */
const STATUSES: Readonly<Record<string, MessageStatus>> = {
  new: "queued",
  sending: "queued",
  sent: "sent",
  failed: "failed",
  canceled: "cancelled",
};

/** `type` of a blocklist entry. */
const REASONS: Readonly<Record<string, SuppressionReason>> = {
  mailbox_full: "bounced",
  mailbox_not_found: "bounced",
};

const PAGE = 100;

function methods(api: ManageApi<ScalewayOptions>): ManageMethods {
  const { region = "fr-par", projectId } = api.options;
  // The braces of `{region}` are percent-encoded in a URL.
  const base = api.urlOf("").replace(/%7Bregion%7D|\{region\}/gi, () => encodeURIComponent(region));
  const listed = (
    what: "blocklists" | "domains",
    query: Readonly<Record<string, string | undefined>>,
    options: Parameters<NonNullable<ManageMethods["has"]>>[1],
  ): AsyncGenerator<unknown, void, undefined> =>
    pages(async (cursor = "1") => {
      const page = Number(cursor);
      const request = { path: `${base}${what}`, query: { ...query, page, page_size: PAGE } };
      const body = recordOf((await api.request(request, options)).json());
      const isLast = page * PAGE >= (numberOf(body["total_count"]) ?? 0);
      return { items: listOf(body[what]), next: isLast ? undefined : String(page + 1) };
    });
  const entries = (options: Parameters<NonNullable<ManageMethods["has"]>>[1], email?: string) =>
    listed("blocklists", { project_id: projectId, email }, options);
  return {
    async retrieve(id, options) {
      const path = `${base}emails/${encodeURIComponent(id)}`;
      const response = await api.request({ path, readable: [404] }, options);
      if (response.status === 404) return undefined;
      const email = recordOf(response.json());
      const flags = listOf(email["flags"]);
      const isRefused = flags.includes("blocklisted") || flags.includes("mailbox_not_found");
      return retrievedMessage(id, email, {
        status: isRefused ? "rejected" : (ownProperty(STATUSES, email["status"]) ?? "unknown"),
        events: listOf(email["last_tries"]).map((raw) => readTry(raw, stringOf(email["mail_rcpt"]))),
      });
    },
    async cancel(id, options) {
      const path = `${base}emails/${encodeURIComponent(id)}/cancel`;
      const request = { method: "POST", path, body: { json: {} }, readable: [404] } as const;
      if ((await api.request(request, options)).status === 404) throw api.notFound(id);
    },
    async *list(options) {
      for await (const entry of entries(options)) yield readEntry(entry);
    },
    async add(address, { reason = "blocked", description = "blocked by the sender", ...options }) {
      if (reason !== "blocked" && reason !== "bounced")
        throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      for await (const domain of listed("domains", { project_id: projectId }, options)) {
        const entry = { domain_id: stringOf(recordOf(domain)["id"]), emails: [address] };
        const json = { ...entry, type: "mailbox_not_found", reason: description };
        await api.request({ method: "POST", path: `${base}blocklists`, body: { json } }, options);
      }
    },
    async remove(address, options) {
      let found = false;
      for await (const entry of entries(options, address)) {
        const { id, email } = recordOf(entry);
        if (stringOf(email)?.toLowerCase() !== address.toLowerCase()) continue;
        found = true;
        const path = `${base}blocklists/${encodeURIComponent(stringOf(id) ?? "")}`;
        await api.request({ method: "DELETE", path, readable: [404] }, options);
      }
      return found;
    },
    async has(address, options) {
      for await (const entry of entries(options, address))
        if (stringOf(recordOf(entry)["email"])?.toLowerCase() === address.toLowerCase()) return true;
      return false;
    },
  };
}

/** One attempt to deliver: its SMTP code and words. */
function readTry(raw: unknown, recipient: string | null): MessageEvent {
  const { tried_at: triedAt, code, message } = recordOf(raw);
  const smtp = numberOf(code) ?? 0;
  return messageEvent(raw, {
    eventType: smtp >= 500 ? "bounced" : smtp >= 400 ? "deferred" : smtp >= 200 ? "delivered" : "unknown",
    recipient,
    timestamp: dateOf(triedAt),
    rejectReason: smtp >= 500 ? "bounced" : null,
    mtaResponse: [smtp || null, stringOf(message)].filter(Boolean).join(" ") || null,
  });
}

function readEntry(raw: unknown): Suppression {
  const { email, type, reason, custom, created_at: createdAt } = recordOf(raw);
  return suppression(stringOf(email) ?? "", raw, {
    reason: custom === true ? "blocked" : (ownProperty(REASONS, type) ?? "other"),
    createdAt: dateOf(createdAt),
    description: stringOf(reason) || null,
  });
}
