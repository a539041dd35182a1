import type { MessageSummary, StoredAddress } from "../stored-message.js";
import type { MessageList } from "./api.js";
import type { TabName } from "./detail.js";
import { Icon } from "./icons.js";

/** The messages, newest first. */
export function List(props: {
  readonly list: MessageList | undefined;
  readonly query: string;
  readonly selected: string | undefined;
  readonly tab: TabName | undefined;
}) {
  const { list, query, selected, tab } = props;
  if (!list) return <nav class="list" aria-label="Messages" aria-busy="true" />;
  const { messages, total, unread } = list;
  return (
    <nav class="list" aria-label="Messages">
      <p class="count">
        {query.trim() !== ""
          ? `${total} ${total === 1 ? "match" : "matches"}`
          : `${total} ${total === 1 ? "message" : "messages"}${unread > 0 ? `, ${unread} unread` : ""}`}
      </p>
      {messages.length === 0 && <Nothing isSearch={query.trim() !== ""} />}
      <ul>
        {messages.map((message) => (
          <li key={message.id}>
            <Entry message={message} isSelected={message.id === selected} tab={tab} />
          </li>
        ))}
      </ul>
      {messages.length < total && (
        <p class="count">The newest {messages.length} are shown: search for others.</p>
      )}
    </nav>
  );
}

function Entry(props: {
  readonly message: MessageSummary;
  readonly isSelected: boolean;
  readonly tab: TabName | undefined;
}) {
  const { message, isSelected, tab } = props;
  const { id, to, subject, snippet, receivedAt, read, attachments, tags } = message;
  const [first, ...others] = to;
  return (
    <a
      href={`#/${id}${tab ? `/${tab}` : ""}`}
      class={`entry${read ? "" : " unread"}`}
      aria-current={isSelected ? "true" : undefined}
      data-id={id}
    >
      <span class="line">
        <span class="who">
          {!read && <span class="hidden">Unread: </span>}
          {first ? nameOf(first) : "no recipient"}
          {others.length > 0 && <span class="more"> +{others.length}</span>}
        </span>
        {attachments > 0 && (
          <span class="files">
            <Icon name="clip" />
            <span class="hidden">{attachments} attachments</span>
          </span>
        )}
        <time dateTime={receivedAt} title={new Date(receivedAt).toLocaleString()}>
          {shortTime(receivedAt)}
        </time>
      </span>
      <span class="subject">{subject || "(no subject)"}</span>
      <span class="snippet">
        {tags.slice(0, 2).map((tag) => (
          <span class="tag" key={tag}>
            {tag}
          </span>
        ))}
        {snippet}
      </span>
    </a>
  );
}

function Nothing({ isSearch }: { readonly isSearch: boolean }) {
  if (isSearch) return <p class="nothing">No message has these words.</p>;
  return (
    <div class="nothing">
      <p>
        <strong>No messages yet.</strong> Send one, and it appears here by itself:
      </p>
      <pre>{`const mail = mailbox({
  url: "${location.origin}"
});
await mail.send(message);`}</pre>
    </div>
  );
}

function nameOf({ name, email }: StoredAddress): string {
  return name || email;
}

/** The time today, the date before that. */
function shortTime(iso: string): string {
  const date = new Date(iso);
  return date.toDateString() === new Date().toDateString()
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString([], { day: "numeric", month: "short" });
}
