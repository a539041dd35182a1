import { render } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { MessageSummary } from "../stored-message.js";
import { api, type Info, type MessageList, type ShownMessage, watchMessages } from "./api.js";
import { Detail, TABS, type TabName } from "./detail.js";
import { Icon } from "./icons.js";
import { List } from "./list.js";
import "./page.css";

/** What the address says: `#/<id>/<tab>`. */
function readHash(): { readonly id: string | undefined; readonly tab: TabName | undefined } {
  const [, id, tab] = location.hash.split("/");
  return { id: id || undefined, tab: TABS.find((name) => name === tab) };
}

function App() {
  const [list, setList] = useState<MessageList>();
  const [query, setQuery] = useState("");
  const [place, setPlace] = useState(readHash);
  const [message, setMessage] = useState<ShownMessage>();
  const [info, setInfo] = useState<Info>({ providers: [], events: [] });
  const [isLive, setLive] = useState(false);
  const [status, setStatus] = useState("");
  const [problem, setProblem] = useState("");
  const search = useRef<HTMLInputElement>(null);
  const help = useRef<HTMLDialogElement>(null);
  const clear = useRef<HTMLDialogElement>(null);
  const state = useRef({ query, list, id: place.id, message });
  state.current = { query, list, id: place.id, message };

  const attempt = useCallback(async (action: () => Promise<void>) => {
    try {
      await action();
      setProblem("");
    } catch (error) {
      setProblem((error as Error).message);
    }
  }, []);

  const refresh = useCallback(
    (text = state.current.query) =>
      attempt(async () => {
        const next = await api.list(text);
        // A slower response to an earlier search must not replace this one.
        if (text !== state.current.query) return;
        const known = new Set(state.current.list?.messages.map(({ id }) => id));
        const added = state.current.list ? next.messages.filter(({ id }) => !known.has(id)) : [];
        if (added.length > 0 && added.length < next.messages.length + 1) {
          const [first] = added;
          setStatus(
            added.length === 1
              ? `New message: ${first?.subject || "no subject"}`
              : `${added.length} new messages`,
          );
        }
        setList(next);
      }),
    [attempt],
  );

  useEffect(() => {
    void attempt(async () => setInfo(await api.info()));
    const onHash = (): void => setPlace(readHash());
    addEventListener("hashchange", onHash);
    const stop = watchMessages(() => void refresh(), setLive);
    return () => {
      removeEventListener("hashchange", onHash);
      stop();
    };
  }, [attempt, refresh]);

  useEffect(() => {
    const timer = setTimeout(() => void refresh(query), list ? 150 : 0);
    return () => clearTimeout(timer);
  }, [query]);

  useEffect(() => {
    document.title = list?.unread ? `(${list.unread}) Mailbox` : "Mailbox";
  }, [list?.unread]);

  useEffect(() => {
    const { id } = place;
    if (id === undefined) return setMessage(undefined);
    if (message?.id === id) return;
    void attempt(async () => {
      const loaded = await api.get(id);
      if (state.current.id !== id) return;
      setMessage(loaded);
      if (!loaded.read) {
        await api.setRead(id, true);
        await refresh();
      }
    });
  }, [place.id]);

  const go = (id: string | undefined, tab?: TabName): void => {
    location.hash = id === undefined ? "" : `#/${id}${tab ? `/${tab}` : ""}`;
  };
  const move = (step: 1 | -1): void => {
    const messages = state.current.list?.messages ?? [];
    const at = messages.findIndex(({ id }) => id === state.current.id);
    const next = at < 0 ? messages[0] : messages[at + step];
    if (!next) return;
    go(next.id, readHash().tab);
    requestAnimationFrame(() =>
      document.querySelector(`[data-id="${next.id}"]`)?.scrollIntoView({ block: "nearest" }),
    );
  };
  const remove = (id: string): Promise<void> =>
    attempt(async () => {
      const messages = state.current.list?.messages ?? [];
      const at = messages.findIndex((entry) => entry.id === id);
      const next: MessageSummary | undefined = messages[at + 1] ?? messages[at - 1];
      await api.remove(id);
      setStatus("Message deleted");
      go(next?.id, readHash().tab);
      await refresh();
    });
  const toggleRead = (id: string): Promise<void> =>
    attempt(async () => {
      const entry = state.current.list?.messages.find((summary) => summary.id === id);
      await api.setRead(id, !entry?.read);
      setStatus(entry?.read ? "Marked as unread" : "Marked as read");
      await refresh();
    });
  const removeAll = (): Promise<void> =>
    attempt(async () => {
      await api.removeAll();
      go(undefined);
      setStatus("All messages deleted");
      await refresh();
    });

  const actions = useRef({ move, remove, toggleRead, go });
  actions.current = { move, remove, toggleRead, go };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const isTyping = /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (event.key === "Escape" && isTyping) target.blur();
      if (
        isTyping ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        document.querySelector("dialog[open]")
      )
        return;
      const { id } = state.current;
      const tab = TABS[Number(event.key) - 1];
      const keys: Record<string, () => void> = {
        j: () => actions.current.move(1),
        k: () => actions.current.move(-1),
        "/": () => search.current?.focus(),
        "?": () => help.current?.showModal(),
        "#": () => id && void actions.current.remove(id),
        r: () => id && void actions.current.toggleRead(id),
        Escape: () => actions.current.go(undefined),
      };
      const action = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
      if (action) action();
      else if (tab && id) actions.current.go(id, tab);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  return (
    <div class={`app${place.id ? " reading" : ""}`}>
      <header class="bar">
        <h1 class="brand">
          <Icon name="logo" /> Mailbox
        </h1>
        <label class="search">
          <Icon name="search" />
          <span class="hidden">Search messages</span>
          <input
            ref={search}
            type="search"
            placeholder="Search"
            value={query}
            onInput={(event) => setQuery(event.currentTarget.value)}
          />
          <kbd>/</kbd>
        </label>
        <span
          class={`live${isLive ? " on" : ""}`}
          title={isLive ? "New messages appear by themselves" : "Not connected"}
        >
          {isLive ? "Live" : "Offline"}
        </span>
        <button
          type="button"
          class="icon"
          aria-label="Keyboard help"
          onClick={() => help.current?.showModal()}
        >
          <Icon name="help" />
        </button>
        <button
          type="button"
          class="icon"
          aria-label="Delete all messages"
          disabled={!list?.total}
          onClick={() => clear.current?.showModal()}
        >
          <Icon name="trash" />
        </button>
      </header>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <main>
        <List list={list} query={query} selected={place.id} tab={place.tab} />
        <section class="detail">
          {place.id && message?.id === place.id ? (
            <Detail
              key={message.id}
              message={message}
              info={info}
              tab={place.tab}
              isRead={list?.messages.find(({ id }) => id === message.id)?.read ?? true}
              onTab={(tab) => go(message.id, tab)}
              onBack={() => go(undefined)}
              onDelete={() => void remove(message.id)}
              onToggleRead={() => void toggleRead(message.id)}
              onChanged={() => void attempt(async () => setMessage(await api.get(message.id)))}
            />
          ) : (
            <div class="empty">
              <Icon name="open" />
              <p>{list?.total ? "Choose a message to read it." : "Nothing here yet."}</p>
            </div>
          )}
        </section>
      </main>
      <p class="hidden" role="status">
        {status}
      </p>
      <dialog ref={help} class="help" aria-labelledby="help-title">
        <h2 id="help-title">Keyboard</h2>
        <dl>
          {KEYS.map(([keys, what]) => (
            <div key={keys}>
              <dt>
                {keys.split(" ").map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button type="submit" class="button">
            Close
          </button>
        </form>
      </dialog>
      <dialog ref={clear} class="help" aria-labelledby="clear-title">
        <h2 id="clear-title">Delete all messages?</h2>
        <p>They cannot be brought back.</p>
        <form method="dialog" class="row">
          <button type="submit" class="button">
            Keep them
          </button>
          <button type="submit" class="button danger" onClick={() => void removeAll()}>
            Delete all
          </button>
        </form>
      </dialog>
    </div>
  );
}

const KEYS: readonly (readonly [string, string])[] = [
  ["j k", "Next and previous message"],
  ["/", "Search"],
  ["1 … 8", "Tabs: Preview to Events"],
  ["r", "Mark as read or unread"],
  ["#", "Delete"],
  ["Esc", "Back to the list"],
  ["?", "This help"],
];

const root = document.getElementById("app");
if (root) {
  root.textContent = "";
  render(<App />, root);
}
