import type { ProviderPreview } from "../requests.js";
import type { MessageSummary, SimulatedEventType, StoredEvent, StoredMessage } from "../stored-message.js";

/** A list of messages as the API returns it. */
export interface MessageList {
  readonly total: number;
  readonly unread: number;
  readonly messages: readonly MessageSummary[];
}

/** A message as the API returns it: without contents. */
export type ShownMessage = Omit<StoredMessage, "source"> & { readonly hasSource: boolean };

/** What this mailbox can do. */
export interface Info {
  readonly providers: readonly string[];
  readonly events: readonly SimulatedEventType[];
}

async function call<T>(
  path: string,
  init?: { readonly method: string; readonly body?: unknown },
): Promise<T> {
  const body = init?.body === undefined ? {} : { body: JSON.stringify(init.body) };
  const headers = { "content-type": "application/json" };
  const response = await fetch(path, init ? { method: init.method, headers, ...body } : {});
  if (!response.ok) {
    const text = await response.text();
    throw new Error(text.startsWith("{") ? (JSON.parse(text) as { readonly error: string }).error : text);
  }
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export const api = {
  list: (query: string, before?: string) => {
    const search = new URLSearchParams({ q: query, ...(before ? { before } : {}) });
    return call<MessageList>(`api/messages?${search}`);
  },
  get: (id: string) => call<ShownMessage>(`api/messages/${id}`),
  setRead: (id: string, read: boolean) =>
    call<MessageSummary>(`api/messages/${id}`, { method: "PATCH", body: { read } }),
  remove: (id: string) => call<void>(`api/messages/${id}`, { method: "DELETE" }),
  removeAll: () => call<unknown>("api/messages", { method: "DELETE" }),
  info: () => call<Info>("api/info"),
  requests: (id: string, provider: string) =>
    call<ProviderPreview>(`api/messages/${id}/requests/${encodeURIComponent(provider)}`),
  post: (id: string, body: { readonly type: string; readonly recipient: string; readonly url?: string }) =>
    call<StoredEvent>(`api/messages/${id}/events`, { method: "POST", body }),
  source: async (id: string) => (await fetch(`messages/${id}/source.eml?view=1`)).text(),
};

/** Milliseconds without a sign of life after which the page asks by itself: a proxy may keep events back. */
const SILENCE = 9_000;

/**
 * Calls back when messages may have changed. The connection is closed while the page is hidden, since a browser has but
 * six for one server.
 */
export function watchMessages(
  changed: (id: string | undefined) => void,
  live: (isLive: boolean) => void,
): () => void {
  let source: EventSource | undefined;
  let lastSign = 0;
  const open = (): void => {
    source?.close();
    source = undefined;
    if (document.hidden) return;
    changed(undefined);
    source = new EventSource("api/events");
    const sign = (): void => {
      lastSign = Date.now();
      live(true);
    };
    source.addEventListener("ready", sign);
    source.addEventListener("beat", sign);
    source.addEventListener("change", (event) => {
      sign();
      changed((JSON.parse((event as MessageEvent<string>).data) as { id: string }).id);
    });
    source.onerror = () => live(false);
  };
  const timer = setInterval(() => {
    if (!document.hidden && Date.now() - lastSign > SILENCE) {
      live(false);
      changed(undefined);
    }
  }, 5_000);
  document.addEventListener("visibilitychange", open);
  open();
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", open);
    source?.close();
  };
}
