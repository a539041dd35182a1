import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isBatch, mergeContent } from "../merge.js";
import type { StoredAddress } from "../stored-message.js";
import type { Info, ShownMessage } from "./api.js";
import { formatSize } from "./checks.js";
import { Icon } from "./icons.js";
import { Segments } from "./parts.js";
import { Checks, Events, Headers, Recipients, Requests, Source } from "./tabs.js";

export const TABS = [
  "preview",
  "text",
  "source",
  "headers",
  "recipients",
  "request",
  "checks",
  "events",
] as const;
export type TabName = (typeof TABS)[number];

interface DetailProps {
  readonly message: ShownMessage;
  readonly info: Info;
  readonly tab: TabName | undefined;
  readonly isRead: boolean;
  readonly onTab: (tab: TabName) => void;
  readonly onBack: () => void;
  readonly onDelete: () => void;
  readonly onToggleRead: () => void;
  readonly onChanged: () => void;
}

/** A message with all that is known of it. */
export function Detail(props: DetailProps) {
  const { message, info, onTab } = props;
  const { message: content } = message;
  const tab = props.tab ?? (content.html === undefined ? "text" : "preview");
  const [recipient, setRecipient] = useState<string>();
  const shown = recipient === undefined ? content : { ...content, ...mergeContent(content, recipient) };
  const choose = (address: string): void => {
    setRecipient(address);
    onTab(content.html === undefined ? "text" : "preview");
  };
  return (
    <article class="message" aria-labelledby="subject">
      <header class="head">
        <div class="row actions">
          <button type="button" class="icon back" aria-label="Back to the list" onClick={props.onBack}>
            <Icon name="back" />
          </button>
          <h2 id="subject">{shown.subject || "(no subject)"}</h2>
          <button
            type="button"
            class="icon"
            aria-label={props.isRead ? "Mark as unread" : "Mark as read"}
            title={props.isRead ? "Mark as unread" : "Mark as read"}
            onClick={props.onToggleRead}
          >
            <Icon name="mark" />
          </button>
          <a
            class="icon"
            href={`messages/${message.id}/source.eml`}
            aria-label="Download as .eml"
            title="Download as .eml"
          >
            <Icon name="download" />
          </a>
          <button type="button" class="icon" aria-label="Delete" title="Delete" onClick={props.onDelete}>
            <Icon name="trash" />
          </button>
        </div>
        <dl class="meta">
          <People name="From" list={content.from} />
          <People name="To" list={content.to} />
          <People name="Cc" list={content.cc} />
          <People name="Bcc" list={content.bcc} />
          <People name="Reply-To" list={content.replyTo} />
          <Row name="Received">
            <time dateTime={message.receivedAt}>{new Date(message.receivedAt).toLocaleString()}</time>
            {message.via === "smtp" && <span class="tag">SMTP</span>}
            {content.tags?.map((tag) => (
              <span class="tag" key={tag}>
                {tag}
              </span>
            ))}
          </Row>
          {content.sendAt && <Row name="Send at">{new Date(content.sendAt).toLocaleString()}</Row>}
          {content.templateId !== undefined && (
            <Row name="Template">{String(content.templateId)}: the text is at the provider</Row>
          )}
        </dl>
        {content.attachments.length > 0 && (
          <ul class="attachments" aria-label="Attachments">
            {content.attachments.map((file, index) => (
              <li key={`${index}-${file.filename}`}>
                <a href={`messages/${message.id}/attachments/${index}`} download>
                  <Icon name="clip" />
                  <span>{file.filename ?? "(no name)"}</span>
                  <small>
                    {formatSize(file.size)}
                    {file.inline ? ", inline" : ""}
                  </small>
                </a>
              </li>
            ))}
          </ul>
        )}
      </header>
      <Tabs selected={tab} onSelect={onTab} />
      <div
        class={`panel p-${tab}`}
        role="tabpanel"
        id="panel"
        aria-labelledby={`tab-${tab}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a panel that scrolls must be reached by the keyboard
        tabIndex={0}
      >
        {recipient !== undefined && (tab === "preview" || tab === "text") && (
          <p class="note">
            As <strong>{recipient}</strong> gets it.{" "}
            <button type="button" class="link" onClick={() => setRecipient(undefined)}>
              Show the variables
            </button>
          </p>
        )}
        {tab === "preview" && <Preview message={message} recipient={recipient} />}
        {tab === "text" && <Text text={shown.text} hasHtml={content.html !== undefined} />}
        {tab === "source" && <Source id={message.id} html={content.html} />}
        {tab === "headers" && <Headers message={message} />}
        {tab === "recipients" && (
          <Recipients message={message} isBatch={isBatch(content)} onChoose={choose} />
        )}
        {tab === "request" && <Requests id={message.id} providers={info.providers} />}
        {tab === "checks" && <Checks content={content} />}
        {tab === "events" && <Events message={message} events={info.events} onPosted={props.onChanged} />}
      </div>
    </article>
  );
}

function People({ name, list }: { readonly name: string; readonly list: readonly StoredAddress[] }) {
  if (list.length === 0) return null;
  return (
    <Row name={name}>
      {list.map((address, index) => (
        <span class="person" key={`${index}-${address.email}`}>
          {address.name && <b>{address.name}</b>} <span class="email">{address.email}</span>
        </span>
      ))}
    </Row>
  );
}

function Row({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Tabs({
  selected,
  onSelect,
}: {
  readonly selected: TabName;
  readonly onSelect: (tab: TabName) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current
      ?.querySelector("[aria-selected=true]")
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [selected]);
  const onKey = (event: KeyboardEvent): void => {
    const at = TABS.indexOf(selected);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 }[event.key];
    const next = to === undefined ? undefined : TABS[(to + TABS.length) % TABS.length];
    if (!next) return;
    event.preventDefault();
    onSelect(next);
    requestAnimationFrame(() => document.getElementById(`tab-${next}`)?.focus());
  };
  return (
    <div class="tabs" role="tablist" aria-label="Message" ref={list} onKeyDown={onKey}>
      {TABS.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-selected={name === selected}
          aria-controls={name === selected ? "panel" : undefined}
          tabIndex={name === selected ? 0 : -1}
          onClick={() => onSelect(name)}
        >
          {name[0]?.toUpperCase()}
          {name.slice(1)}
        </button>
      ))}
    </div>
  );
}

const WIDTHS = ["Phone", "Tablet", "Full"] as const;

/** The HTML in a frame that runs nothing and loads nothing. Its headers say the same again. */
function Preview({
  message,
  recipient,
}: {
  readonly message: ShownMessage;
  readonly recipient: string | undefined;
}) {
  const [width, setWidth] = useState<(typeof WIDTHS)[number]>("Full");
  const [scheme, setScheme] = useState(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const [invert, setInvert] = useState(false);
  const [remote, setRemote] = useState(false);
  if (message.message.html === undefined) return <p class="nothing">This message has no HTML.</p>;
  const search = new URLSearchParams({
    scheme,
    ...(invert ? { invert: "1" } : {}),
    ...(remote ? { remote: "1" } : {}),
    ...(recipient === undefined ? {} : { recipient }),
  });
  return (
    <>
      <div class="tools">
        <Segments label="Width" choices={WIDTHS} value={width} onChange={setWidth} />
        <Switch
          label="Dark styles"
          hint="The message's own, for prefers-color-scheme: dark"
          isOn={scheme === "dark"}
          onChange={(isOn) => setScheme(isOn ? "dark" : "light")}
        />
        <Switch
          label="Inverted"
          hint="As some mail apps show messages without dark styles"
          isOn={invert}
          onChange={setInvert}
        />
        <Switch
          label="Remote images"
          hint="Also styles and fonts, for this view alone: senders see it"
          isOn={remote}
          onChange={setRemote}
        />
      </div>
      <div class={`stage w-${width.toLowerCase()}`}>
        <iframe
          title="Message"
          sandbox="allow-popups allow-popups-to-escape-sandbox"
          referrerpolicy="no-referrer"
          src={`messages/${message.id}/html?${search}`}
        />
      </div>
    </>
  );
}

function Switch(props: {
  readonly label: string;
  readonly hint: string;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}) {
  return (
    <label class="switch" title={props.hint}>
      <input
        type="checkbox"
        role="switch"
        checked={props.isOn}
        aria-checked={props.isOn}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}

function Text({ text, hasHtml }: { readonly text: string | undefined; readonly hasHtml: boolean }) {
  if (text === undefined) {
    return (
      <p class="nothing">
        {hasHtml
          ? "This message has HTML alone. Some readers, and spam filters, want a text as well."
          : "No text."}
      </p>
    );
  }
  return <pre class="text">{text}</pre>;
}
