import type { StoredAttachment } from "./stored-message.js";

/** How a message's HTML is shown. */
export interface PreviewOptions {
  /** Which of the message's own styles apply: those for light or for dark. @default "light" */
  readonly scheme?: "light" | "dark" | undefined;
  /** Inverts colours, as some mail apps do in dark mode. @default false */
  readonly invert?: boolean | undefined;
  /** Whether images, styles and fonts may come from the network. @default false */
  readonly remote?: boolean | undefined;
}

/**
 * A message's HTML as a document of its own. What it may do is decided by {@link previewHeaders}, not by what is taken
 * out here: the markup stays as it was sent.
 */
export function previewDocument(
  html: string,
  attachments: readonly StoredAttachment[],
  { scheme = "light", invert = false, remote = false }: PreviewOptions = {},
): string {
  // Links open a tab of their own. Styles are first, since markup that is not closed would swallow what follows it.
  const start = `<base target="_blank">${invert ? INVERSION : ""}`;
  const doctype = /^\s*(?:<!--[\s\S]*?-->\s*)*<!doctype[^>]*>/i.exec(html)?.[0] ?? "";
  const rest = html.slice(doctype.length);
  const quiet = withoutFrames(remote ? rest : withoutLinks(rest));
  const shown = withScheme(withInlineImages(quiet, attachments), scheme);
  return `${doctype}${start}${shown}`;
}

const INVERSION =
  "<style>html{filter:invert(1) hue-rotate(180deg)!important;background:#fff!important;min-height:100%}" +
  "img,video,svg{filter:invert(1) hue-rotate(180deg)!important}</style>";

/**
 * Headers of a message's document.
 *
 * `sandbox` without `allow-scripts` and without `allow-same-origin`: nothing runs, no form is sent, the document has an
 * origin of its own even when it is opened outside the page's frame. `default-src 'none'`: nothing is loaded but what
 * stands in it.
 */
export function previewHeaders({ remote = false }: PreviewOptions = {}): Record<string, string> {
  const from = remote ? " http: https:" : "";
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": [
      "sandbox allow-popups allow-popups-to-escape-sandbox",
      "default-src 'none'",
      `style-src 'unsafe-inline'${from}`,
      `img-src data:${from}`,
      `font-src data:${from}`,
      "form-action 'none'",
      "base-uri 'none'",
      "frame-ancestors 'self'",
    ].join("; "),
    "x-dns-prefetch-control": "off",
  };
}

/**
 * `<link>` as an element without effect: `rel="preconnect"` and `rel="dns-prefetch"` reach other servers in spite of any
 * policy (seen in Chromium 156). `basefont`, like `link`, is empty and may stand in the head, so that nothing moves.
 */
function withoutLinks(html: string): string {
  return html.replace(/<link(?=[\s/>])/gi, "<basefont");
}

/**
 * Frames as text that is not shown: Chromium 156 connects to a frame's server before the policy stops the frame. No mail
 * app shows frames.
 */
function withoutFrames(html: string): string {
  return html.replace(/<(\/?)iframe(?=[\s/>])/gi, "<$1noframes").replace(/<frame(?=[\s/>])/gi, "<basefont");
}

/**
 * Images that the HTML shows by `cid:` as `data:` URLs: its document has no origin, so that it could not load them from
 * here without weaker headers.
 */
function withInlineImages(html: string, attachments: readonly StoredAttachment[]): string {
  const images = new Map(
    attachments
      .filter(({ contentId, contentType }) => contentId && /^image\/[\w.+-]+/i.test(contentType))
      .map((file) => [file.contentId, file]),
  );
  if (images.size === 0) return html;
  return html.replace(/(["'(=]\s*)cid:([^"'\s)>]+)/gi, (whole, before: string, id: string) => {
    const file = images.get(decoded(id)) ?? images.get(id);
    if (!file?.content) return whole;
    const type = /^image\/[\w.+-]+/i.exec(file.contentType)?.[0] ?? "image/png";
    return `${before}data:${type};base64,${file.content}`;
  });
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

/**
 * Media conditions on the colour scheme as ones that always or never hold. Frames do not take `color-scheme` over into
 * `prefers-color-scheme` (seen in Chromium 156), and the system's own setting must not leak into "light".
 */
function withScheme(html: string, scheme: "light" | "dark"): string {
  return html.replace(/\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)/gi, (_, asked: string) =>
    asked.toLowerCase() === scheme ? "(min-width: 0)" : "(max-width: 0)",
  );
}
