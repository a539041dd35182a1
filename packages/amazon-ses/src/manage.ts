import {
  createManager,
  dateOf,
  dateOfSeconds,
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
import type { AmazonSesBackend, AmazonSesOptions } from "./backend.js";

/**
 * What Amazon SES offers once a message is sent.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetMessageInsights.html
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListSuppressedDestinations.html
 */
export const amazonSesManageFeatures = defineManageFeatures({
  retrieve: true,
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link amazonSesManageFeatures}. */
export type AmazonSesManageFeatures = typeof amazonSesManageFeatures;

/**
 * Messages once they are sent (by the Virtual Deliverability Manager, which the account must have on), and the account's
 * suppression list.
 *
 * @param backend from `amazonSes(…)`; its credentials, session and retries are used
 * @throws ConfigurationError when the backend is none of Amazon SES's
 * @example
 * ```ts
 * import { amazonSes } from "@posthorn/amazon-ses";
 * import { manage } from "@posthorn/amazon-ses/manage";
 *
 * const { retrieve, suppressions } = manage(amazonSes({ region: "eu-west-1" }));
 * const message = await retrieve("the messageId of a result");
 * await suppressions.remove("grace@example.org");
 * ```
 */
export function manage(backend: AmazonSesBackend): Manager<AmazonSesManageFeatures> {
  return createManager<AmazonSesManageFeatures, AmazonSesOptions>(
    backend,
    "Amazon SES",
    amazonSesManageFeatures,
    methods,
  );
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_InsightsEvent.html */
const EVENTS: Readonly<Record<string, TrackingEventType>> = {
  SEND: "sent",
  REJECT: "rejected",
  BOUNCE: "bounced",
  COMPLAINT: "complained",
  DELIVERY: "delivered",
  OPEN: "opened",
  CLICK: "clicked",
  RENDERING_FAILURE: "failed",
  DELIVERY_DELAY: "deferred",
  SUBSCRIPTION: "subscribed",
};

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SuppressedDestinationSummary.html */
const REASONS: Readonly<Record<string, SuppressionReason>> = { BOUNCE: "bounced", COMPLAINT: "spam" };

const LIST = "v2/email/suppression/addresses";
const one = (address: string): string => `${LIST}/${encodeURIComponent(address)}`;

function methods(api: ManageApi<AmazonSesOptions>): ManageMethods {
  return {
    async retrieve(id, options) {
      const path = `v2/email/insights/${encodeURIComponent(id)}`;
      const response = await api.request({ path, readable: [404] }, options);
      if (response.status === 404) return undefined;
      const message = recordOf(response.json());
      return retrievedMessage(id, message, { events: listOf(message["Insights"]).flatMap(readInsights) });
    },
    list: (options) =>
      pages(async (NextToken) => {
        const response = await api.request({ path: LIST, query: { PageSize: 1000, NextToken } }, options);
        const { SuppressedDestinationSummaries: entries, NextToken: next } = recordOf(response.json());
        return { items: listOf(entries).map(readSuppression), next: stringOf(next) ?? undefined };
      }),
    async add(address, { reason = "bounced", description: _, ...options }) {
      const Reason = Object.keys(REASONS).find((word) => REASONS[word] === reason);
      if (!Reason) throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      await api.request(
        { method: "PUT", path: LIST, body: { json: { EmailAddress: address, Reason } } },
        options,
      );
    },
    async remove(address, options) {
      const response = await api.request({ method: "DELETE", path: one(address), readable: [404] }, options);
      return response.status !== 404 || response.uncertain;
    },
    async has(address, options) {
      return (await api.request({ path: one(address), readable: [404] }, options)).status !== 404;
    },
  };
}

/** Times are seconds since the epoch. */
function timeOf(value: unknown): Date | null {
  return typeof value === "number" ? dateOfSeconds(value) : dateOf(value);
}

function readInsights(insights: unknown): MessageEvent[] {
  const { Destination, Events } = recordOf(insights);
  return listOf(Events).map((raw) => {
    const { Timestamp, Type, Details } = recordOf(raw);
    const { BounceType, BounceSubType, DiagnosticCode } = recordOf(recordOf(Details)["Bounce"]);
    const { ComplaintSubType, ComplaintFeedbackType } = recordOf(recordOf(Details)["Complaint"]);
    const words = [BounceType, BounceSubType, ComplaintSubType, ComplaintFeedbackType].map(stringOf);
    const eventType = ownProperty(EVENTS, Type) ?? "unknown";
    return messageEvent(raw, {
      eventType,
      recipient: stringOf(Destination),
      timestamp: timeOf(Timestamp),
      rejectReason: eventType === "complained" ? "spam" : eventType === "bounced" ? "bounced" : null,
      description: words.filter(Boolean).join(": ") || null,
      mtaResponse: stringOf(DiagnosticCode),
    });
  });
}

function readSuppression(raw: unknown): Suppression {
  const { EmailAddress, Reason, LastUpdateTime } = recordOf(raw);
  return suppression(stringOf(EmailAddress) ?? "", raw, {
    reason: ownProperty(REASONS, Reason) ?? "other",
    createdAt: timeOf(LastUpdateTime),
  });
}
