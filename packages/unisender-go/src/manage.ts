import {
  type CallOptions,
  createManager,
  dateOf,
  defineManageFeatures,
  listOf,
  type ManageApi,
  type ManageMethods,
  type Manager,
  ownProperty,
  pages,
  recordOf,
  type Suppression,
  type SuppressionReason,
  stringOf,
  suppression,
} from "@posthorn/core/manage";
import type { UnisenderGoBackend, UnisenderGoOptions } from "./backend.js";

/**
 * What Unisender Go offers once a message is sent. Its events come by webhooks, or by dumps that are made in the background.
 *
 * @see https://godocs.unisender.ru/web-api-ref#suppression
 */
export const unisenderGoManageFeatures = defineManageFeatures({
  "suppressions.list": true,
  "suppressions.add": true,
  "suppressions.remove": true,
  "suppressions.has": true,
});

/** Type of {@link unisenderGoManageFeatures}. */
export type UnisenderGoManageFeatures = typeof unisenderGoManageFeatures;

/**
 * The project's suppressions.
 *
 * @param backend from `unisenderGo(…)`; its key, session and retries are used
 * @throws ConfigurationError when the backend is none of Unisender Go's
 * @example
 * ```ts
 * import { unisenderGo } from "@posthorn/unisender-go";
 * import { manage } from "@posthorn/unisender-go/manage";
 *
 * const { suppressions } = manage(unisenderGo({ apiKey: "…", apiUrl: "https://go1.unisender.ru/ru/transactional/api/v1" }));
 * await suppressions.add("grace@example.org", { reason: "unsubscribed" });
 * ```
 */
export function manage(backend: UnisenderGoBackend): Manager<UnisenderGoManageFeatures> {
  return createManager<UnisenderGoManageFeatures, UnisenderGoOptions>(
    backend,
    "Unisender Go",
    unisenderGoManageFeatures,
    methods,
  );
}

/** https://godocs.unisender.ru/web-api-ref#suppression-set (`cause`); the first for a reason is the one that is set. */
const REASONS: Readonly<Record<string, SuppressionReason>> = {
  unsubscribed: "unsubscribed",
  permanent_unavailable: "bounced",
  temporary_unavailable: "bounced",
  complained: "spam",
  blocked: "blocked",
};

const PAGE = 50;

function methods(api: ManageApi<UnisenderGoOptions>): ManageMethods {
  const post = async (
    name: string,
    json: Readonly<Record<string, string | number | undefined>>,
    options: CallOptions,
  ) => {
    const request = { method: "POST", path: `suppression/${name}.json`, body: { json } } as const;
    return recordOf((await api.request(request, options)).json());
  };
  const has = async (email: string, options: CallOptions): Promise<boolean> =>
    listOf((await post("get", { email }, options))["suppressions"]).length > 0;
  return {
    list: (options) =>
      pages(async (cursor) => {
        const { suppressions, cursor: next } = await post("list", { limit: PAGE, cursor }, options);
        return { items: listOf(suppressions).map(readSuppression), next: stringOf(next) ?? undefined };
      }),
    async add(email, { reason = "blocked", description: _, ...options }) {
      const cause = Object.keys(REASONS).find((word) => REASONS[word] === reason);
      if (!cause) throw api.unsupported("suppressions.add", `suppressions for the reason "${reason}"`);
      await post("set", { email, cause }, options);
    },
    async remove(email, options) {
      // The response does not reveal whether there was one.
      if (!(await has(email, options))) return false;
      await post("delete", { email }, options);
      return true;
    },
    has,
  };
}

function readSuppression(raw: unknown): Suppression {
  const { email, cause, source, created } = recordOf(raw);
  return suppression(stringOf(email) ?? "", raw, {
    reason: ownProperty(REASONS, cause) ?? "other",
    createdAt: dateOf(created),
    description: stringOf(source),
  });
}
