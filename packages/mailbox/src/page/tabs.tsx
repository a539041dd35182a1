import { useEffect, useMemo, useState } from "preact/hooks";
import { mergeValues } from "../merge.js";
import type { ProviderPreview } from "../requests.js";
import { recipientsOf, type SimulatedEventType, type StoredContent } from "../stored-message.js";
import { api, type ShownMessage } from "./api.js";
import { checkMessage, linksOf } from "./checks.js";
import { Icon } from "./icons.js";
import { Segments, Table } from "./parts.js";

export function Source({ id, html }: { readonly id: string; readonly html: string | undefined }) {
  const [kind, setKind] = useState<"HTML" | "MIME">(html === undefined ? "MIME" : "HTML");
  const [mime, setMime] = useState<string>();
  useEffect(() => {
    if (kind === "MIME" && mime === undefined) void api.source(id).then(setMime);
  }, [kind]);
  return (
    <>
      {html !== undefined && (
        <div class="tools">
          <Segments label="Source" choices={["HTML", "MIME"]} value={kind} onChange={setKind} />
        </div>
      )}
      <pre class="code">{kind === "HTML" ? html : (mime ?? "…")}</pre>
    </>
  );
}

export function Headers({ message }: { readonly message: ShownMessage }) {
  const { message: content, id } = message;
  const rows: (readonly [string, string])[] = [
    ...Object.entries(content.headers ?? {}).map(([name, value]) => [name, String(value)] as const),
    ...fieldRows(content),
    ["Mailbox id", id],
  ];
  return (
    <Table columns={["Name", "Value"]}>
      {rows.map(([name, value]) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          <td>{value}</td>
        </tr>
      ))}
    </Table>
  );
}

/** What providers are told beside the message itself. */
function fieldRows(content: StoredContent): (readonly [string, string])[] {
  const fields = [
    "envelopeSender",
    "tags",
    "metadata",
    "sendAt",
    "trackOpens",
    "trackClicks",
    "templateId",
    "mergeGlobalData",
    "espExtra",
    "idempotencyKey",
  ] as const;
  return fields
    .filter((field) => content[field] !== undefined)
    .map((field) => {
      const value = content[field];
      return [field, typeof value === "string" ? value : JSON.stringify(value)] as const;
    });
}

export function Recipients(props: {
  readonly message: ShownMessage;
  readonly isBatch: boolean;
  readonly onChoose: (address: string) => void;
}) {
  const { message, isBatch, onChoose } = props;
  const { message: content, recipients } = message;
  const kind = (email: string): string =>
    [content.to, content.cc, content.bcc].findIndex((list) => list.some((entry) => entry.email === email)) ===
    0
      ? "to"
      : content.cc.some((entry) => entry.email === email)
        ? "cc"
        : "bcc";
  return (
    <>
      {isBatch && <p class="note">A batch: each recipient in “to” gets a message of their own.</p>}
      <Table columns={["Recipient", "Field", "Status", "Merge values"]}>
        {recipientsOf(content).map(({ email }) => {
          const values = mergeValues(content, email);
          const metadata = content.mergeMetadata?.[email];
          return (
            <tr key={email}>
              <th scope="row">{email}</th>
              <td>{kind(email)}</td>
              <td>
                <span class={`status s-${recipients[email]?.status}`}>
                  {recipients[email]?.status ?? "unknown"}
                </span>
              </td>
              <td>
                {Object.entries(values).map(([name, value]) => (
                  <code class="value" key={name}>
                    {name}: {typeof value === "string" ? value : JSON.stringify(value)}
                  </code>
                ))}
                {metadata && <code class="value">metadata: {JSON.stringify(metadata)}</code>}
                {Object.keys(values).length > 0 && (
                  <button type="button" class="link" onClick={() => onChoose(email)}>
                    Preview
                  </button>
                )}
              </td>
            </tr>
          );
        })}
      </Table>
    </>
  );
}

export function Requests({ id, providers }: { readonly id: string; readonly providers: readonly string[] }) {
  const [provider, setProvider] = useState(providers[0]);
  const [preview, setPreview] = useState<ProviderPreview>();
  const [problem, setProblem] = useState("");
  useEffect(() => {
    if (!provider) return;
    setPreview(undefined);
    api.requests(id, provider).then(
      (next) => {
        setPreview(next);
        setProblem("");
      },
      (error: Error) => setProblem(error.message),
    );
  }, [provider]);
  if (!provider) {
    return (
      <div class="nothing">
        <p>See what a provider would be sent, and which fields it lacks: set the option</p>
        <pre>providers: {"{ resend: resend() }"}</pre>
      </div>
    );
  }
  return (
    <>
      <div class="tools">
        <Segments label="Provider" choices={providers} value={provider} onChange={setProvider} />
      </div>
      {problem && <p class="problem">{problem}</p>}
      {preview?.unsupported.map(({ field, reason }) => (
        <Finding
          key={field}
          level="warning"
          title={`${field} is not supported`}
          detail={`${reason}. Below is the request without it.`}
        />
      ))}
      {preview?.error && (
        <Finding
          level="error"
          title={preview.error.field ? `${preview.error.name}: ${preview.error.field}` : preview.error.name}
          detail={preview.error.message}
        />
      )}
      {preview?.requests.map((request, index) => (
        <section class="request" key={`${index}-${request.url}`} aria-label={`Request ${index + 1}`}>
          <p class="url">
            <b>{request.method}</b> {request.url}
          </p>
          <pre class="code">
            {Object.entries(request.headers)
              .map(([name, value]) => `${name}: ${value}`)
              .join("\n")}
          </pre>
          <pre class="code">{request.body}</pre>
        </section>
      ))}
    </>
  );
}

function Finding(props: {
  readonly level: "ok" | "warning" | "error";
  readonly title: string;
  readonly detail: string;
  readonly more?: string | undefined;
}) {
  const { level, title, detail, more } = props;
  return (
    <div class={`finding ${level}`}>
      <Icon name={level} />
      <div>
        <strong>
          <span class="hidden">
            {level === "ok" ? "Good: " : level === "error" ? "Error: " : "Warning: "}
          </span>
          {title}
        </strong>
        <p>
          {detail}{" "}
          {more && (
            <a href={more} target="_blank" rel="noreferrer">
              Can I email
            </a>
          )}
        </p>
      </div>
    </div>
  );
}

export function Checks({ content }: { readonly content: StoredContent }) {
  const findings = useMemo(() => checkMessage(content), [content]);
  const links = useMemo(() => linksOf(content.html ?? ""), [content]);
  return (
    <>
      <div class="findings">
        {findings.map((finding) => (
          <Finding key={finding.title} {...finding} />
        ))}
        {findings.length === 0 && <p class="nothing">Nothing stands out.</p>}
      </div>
      {links.length > 0 && (
        <>
          <h3>Links</h3>
          <Table columns={["Text", "Address", "Note"]}>
            {links.map(({ href, text, problem }, index) => (
              <tr key={`${index}-${href}`}>
                <td>{text || "(no text)"}</td>
                {/* As text: an address of a message is opened from its preview alone. */}
                <td class="address">{href}</td>
                <td>{problem ? <span class="status s-rejected">{problem}</span> : "fine"}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  );
}

export function Events(props: {
  readonly message: ShownMessage;
  readonly events: readonly SimulatedEventType[];
  readonly onPosted: () => void;
}) {
  const { message, events, onPosted } = props;
  const addresses = Object.keys(message.recipients);
  const [recipient, setRecipient] = useState(addresses[0] ?? "");
  const links = useMemo(
    () => [
      ...new Set(
        linksOf(message.message.html ?? "")
          .filter(({ href }) => /^https?:/.test(href))
          .map(({ href }) => href),
      ),
    ],
    [message],
  );
  const [link, setLink] = useState(links[0] ?? "https://example.com/");
  const [problem, setProblem] = useState("");
  const [isPosting, setPosting] = useState(false);
  if (events.length === 0) {
    return (
      <div class="nothing">
        <p>Post signed events to your own webhook, as the provider would: set the option</p>
        <pre>webhooks: {"{ tracking, format }"}</pre>
      </div>
    );
  }
  const post = async (type: SimulatedEventType): Promise<void> => {
    setPosting(true);
    try {
      await api.post(message.id, { type, recipient, ...(type === "clicked" ? { url: link } : {}) });
      setProblem("");
      onPosted();
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setPosting(false);
    }
  };
  return (
    <>
      <div class="form">
        <label>
          Recipient
          <select value={recipient} onChange={(event) => setRecipient(event.currentTarget.value)}>
            {addresses.map((address) => (
              <option key={address}>{address}</option>
            ))}
          </select>
        </label>
        {links.length > 0 && (
          <label>
            Link for “clicked”
            <select value={link} onChange={(event) => setLink(event.currentTarget.value)}>
              {links.map((href) => (
                <option key={href}>{href}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      <div class="buttons">
        {events.map((type) => (
          <button
            type="button"
            class="button"
            key={type}
            disabled={isPosting}
            onClick={() => void post(type)}
          >
            {type}
          </button>
        ))}
      </div>
      {problem && <p class="problem">{problem}</p>}
      <div role="log" aria-label="Posted events">
        {[...message.events].reverse().map((event) => (
          <section class="posted" key={event.at + event.type}>
            <p>
              <span class={`status ${event.status !== null && event.status < 300 ? "s-sent" : "s-rejected"}`}>
                {event.status ?? "failed"}
              </span>{" "}
              <b>{event.type}</b> {event.recipient}{" "}
              <time dateTime={event.at}>{new Date(event.at).toLocaleTimeString()}</time>
            </p>
            {event.response && <pre class="code">{event.response}</pre>}
          </section>
        ))}
      </div>
    </>
  );
}
