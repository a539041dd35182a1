import { plainText, type StoredContent } from "../stored-message.js";
import { appsWithout, RULES } from "./compatibility.js";

/** A thing to look at, found without asking any server. */
export interface Finding {
  readonly level: "error" | "warning" | "ok";
  readonly title: string;
  readonly detail: string;
  /** A page that says more. */
  readonly more?: string;
}

/** A link of a message. */
export interface FoundLink {
  readonly href: string;
  readonly text: string;
  readonly problem: string | undefined;
}

/** Bytes of HTML beyond which Gmail cuts a message and its tracking pixel off. */
const GMAIL_CUT = 102 * 1024;
const TOTAL_SIZE = 10_000_000;

/**
 * An inert document: nothing in it runs or loads. Styles are under other names, since the page's own policy reports each
 * one that it blocks; `xmp` holds raw text, as `style` does.
 */
function documentOf(html: string): Document {
  const renamed = html
    .replace(/<(\/?)style\b/gi, "<$1xmp")
    .replace(/(<[a-z][^>]*?\s)style(\s*=)/gi, "$1data-style$2");
  return new DOMParser().parseFromString(renamed, "text/html");
}

/** Checks a message, worst first. */
export function checkMessage(message: StoredContent): readonly Finding[] {
  const findings: Finding[] = [];
  const add = (level: Finding["level"], title: string, detail: string, more?: string): void =>
    void findings.push({ level, title, detail, ...(more ? { more } : {}) });
  checkFields(message, add);
  if (message.html !== undefined) checkHtml(message.html, message, add);
  const order = { error: 0, warning: 1, ok: 2 };
  return findings.sort((a, b) => order[a.level] - order[b.level]);
}

type Add = (level: Finding["level"], title: string, detail: string, more?: string) => void;

function checkFields(message: StoredContent, add: Add): void {
  const subject = message.subject ?? "";
  if (subject === "" && message.templateId === undefined)
    add("error", "No subject", "Most mail apps show “(no subject)”.");
  if (subject.length > 70)
    add("warning", "Long subject", `${subject.length} characters; phones show 30 to 50.`);
  if (message.html !== undefined && !message.text?.trim())
    add("warning", "No plain text", "Spam filters and some readers want it beside the HTML.");
  for (const [name, value] of Object.entries({ subject, text: message.text ?? "" })) {
    const left = leftover(value);
    if (left) add("warning", `Placeholder in the ${name}`, `“${left}” is not filled in.`);
  }
  const size = message.attachments.reduce((sum, file) => sum + file.size, 0);
  if (size > TOTAL_SIZE)
    add("warning", "Large attachments", `${formatSize(size)}; many servers refuse more than 10 to 25 MB.`);
  const isList = message.tags?.some((tag) => /newsletter|marketing|digest|campaign/i.test(tag));
  const names = Object.keys(message.headers ?? {}).map((name) => name.toLowerCase());
  if (isList && !names.includes("list-unsubscribe"))
    add("warning", "No List-Unsubscribe", "Gmail and Yahoo require it of bulk senders (RFC 8058).");
}

function checkHtml(html: string, message: StoredContent, add: Add): void {
  const parsed = documentOf(html);
  const size = new TextEncoder().encode(html).length;
  const styles = [...parsed.querySelectorAll("xmp")].map((style) => style.textContent ?? "").join("\n");
  const share = size > 0 ? Math.round((styles.length / size) * 100) : 0;
  const detail = `${formatSize(size)} of 102 KB${share > 20 ? `, ${share} % of it in <style>` : ""}.`;
  if (size > GMAIL_CUT) add("error", "Gmail cuts this message off", detail);
  else if (size > GMAIL_CUT * 0.8) add("warning", "Close to Gmail’s limit", detail);
  else add("ok", "Size", detail);

  if (!parsed.documentElement.lang) add("warning", "No language", "Set lang on <html>, for screen readers.");
  const images = [...parsed.images];
  const noAlt = images.filter((image) => !image.hasAttribute("alt")).length;
  if (noAlt > 0)
    add("warning", "Images without alt", `${noAlt} of ${images.length}: many apps block images at first.`);
  else if (images.length > 0) add("ok", "Alternatives", `All ${images.length} images have alt.`);
  const tables = [...parsed.querySelectorAll("table:not([role])")].filter(
    (table) => !table.querySelector("th"),
  );
  if (tables.length > 0)
    add(
      "warning",
      "Tables without role",
      `${tables.length} layout tables need role="presentation" for screen readers.`,
    );
  const text = plainText({ html }).trim();
  if (text === "" && images.length > 0)
    add("warning", "Only images", "Without text, spam filters and screen readers see nothing.");
  const ids = new Set(message.attachments.map(({ contentId }) => contentId));
  for (const image of images) {
    const id = /^cid:(.+)$/i.exec(image.getAttribute("src") ?? "")?.[1];
    if (id !== undefined && !ids.has(id))
      add("error", "Missing inline image", `No attachment has the contentId “${id}”.`);
  }
  const left = leftover(parsed.body.textContent ?? "");
  if (left) add("warning", "Placeholder in the HTML", `“${left}” is not filled in.`);

  const active = parsed.querySelectorAll("script, iframe, object, embed").length;
  if (active > 0)
    add("warning", "Scripts or frames", `${active}; no mail app runs them, and filters reject them.`);

  const links = linksOf(html);
  const broken = links.filter(({ problem }) => problem !== undefined);
  if (broken.length > 0) add("warning", "Links", `${broken.length} of ${links.length} need a look, below.`);
  else if (links.length > 0) add("ok", "Links", `${links.length}, none of them empty or local.`);

  const attributes = [...parsed.querySelectorAll("[data-style]")].map(
    (element) => `{ ${element.getAttribute("data-style")} }`,
  );
  const css = [styles, ...attributes].join("\n");
  for (const rule of RULES) {
    const { feature, slug, selector, css: pattern } = rule;
    const isUsed = selector ? parsed.querySelector(selector) !== null : (pattern?.test(css) ?? false);
    const apps = appsWithout(rule);
    if (isUsed && apps.length > 0)
      add("warning", feature, `Not in ${listOf(apps)}.`, `https://www.caniemail.com/features/${slug}/`);
  }
}

function listOf(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The links of a message, and what is wrong with them as far as it can be told without opening them. */
export function linksOf(html: string): readonly FoundLink[] {
  const parsed = documentOf(html);
  return [...parsed.querySelectorAll("a, area")].map((link) => {
    const href = link.getAttribute("href") ?? "";
    return { href, text: (link.textContent ?? "").replace(/\s+/g, " ").trim(), problem: problemOf(href) };
  });
}

function problemOf(href: string): string | undefined {
  const trimmed = href.trim();
  if (trimmed === "") return "empty";
  if (trimmed === "#") return "goes nowhere";
  if (/undefined|\[object |\bnull\b|NaN/.test(trimmed)) return "a value is missing";
  if (leftover(trimmed)) return "a placeholder is not filled in";
  if (/^(?:javascript|vbscript|data|file):/i.test(trimmed)) return "mail apps remove it";
  if (/^(?:mailto|tel|sms):/i.test(trimmed) || trimmed.startsWith("#")) return undefined;
  if (!URL.canParse(trimmed)) return "not a whole URL";
  const { hostname, protocol } = new URL(trimmed);
  if (/^(?:localhost|127\.|\[::1\]|0\.0\.0\.0)|\.(?:local|localhost|test|internal)$/.test(hostname))
    return "only on this machine";
  return protocol === "http:" ? "not encrypted: use https" : undefined;
}

function leftover(text: string): string | undefined {
  return /\{\{[^{}]{1,60}\}\}|<%[^%]{1,60}%>|\*\|[\w:]{1,60}\|\*|\$\{[^{}]{1,60}\}|\[object \w+\]/.exec(
    text,
  )?.[0];
}

export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
