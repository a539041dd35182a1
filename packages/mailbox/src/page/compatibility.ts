import caniemail from "./caniemail.json";

/** A CSS or HTML feature that not all mail apps have, and how it is found. */
export interface Rule {
  readonly feature: string;
  /** caniemail.com's name of it. */
  readonly slug: string;
  /** Finds it among the elements. */
  readonly selector?: string;
  /** Finds it in style sheets and style attributes. */
  readonly css?: RegExp;
}

/** CSS properties, found as declarations. */
const PROPERTIES =
  "animation aspect-ratio border-radius box-shadow filter gap max-width object-fit opacity transform".split(
    " ",
  );

/** Elements, found as such. */
const ELEMENTS = "audio dialog form picture svg video".split(" ");

/** All that is looked for: what shows, and leaves no trace where it is not supported. */
export const RULES: readonly Rule[] = [
  ...PROPERTIES.map((name) => ({
    feature: name,
    slug: `css-${name}`,
    css: RegExp(`[;{"'\\s](?:row-|column-)?${name}(?:-name)?\\s*:`, "i"),
  })),
  ...ELEMENTS.map((name) => ({ feature: `<${name}>`, slug: `html-${name}`, selector: name })),
  // Checks rename styles: see `documentOf` there.
  { feature: "<style>", slug: "html-style", selector: "xmp" },
  { feature: "Linked style sheets", slug: "html-link", selector: "link[rel~=stylesheet]" },
  { feature: "srcset", slug: "html-srcset", selector: "[srcset]" },
  {
    feature: "Links within the message",
    slug: "html-anchor-links",
    selector: "a[href^='#']:not([href='#'])",
  },
  { feature: "SVG images", slug: "image-svg", selector: "img[src$='.svg' i],img[src^='data:image/svg' i]" },
  { feature: "WebP images", slug: "image-webp", selector: "img[src$='.webp' i]" },
  { feature: "AVIF images", slug: "image-avif", selector: "img[src$='.avif' i]" },
  { feature: "data: images", slug: "image-base64", selector: "img[src^='data:' i]" },
  { feature: "@font-face", slug: "css-at-font-face", css: /@font-face/i },
  { feature: "@import", slug: "css-at-import", css: /@import\b/i },
  { feature: "@supports", slug: "css-at-supports", css: /@supports\b/i },
  { feature: "display: flex", slug: "css-display-flex", css: /display\s*:\s*(?:inline-)?flex/i },
  { feature: "display: grid", slug: "css-display-grid", css: /display\s*:\s*(?:inline-)?grid/i },
  {
    feature: "position",
    slug: "css-position",
    css: /[;{"'\s]position\s*:\s*(?:absolute|fixed|sticky|relative)/i,
  },
  { feature: "CSS variables", slug: "css-variables", css: /var\(\s*--/i },
  { feature: "calc()", slug: "css-unit-calc", css: /\bcalc\(/i },
  { feature: "clamp()", slug: "css-function-clamp", css: /\bclamp\(/i },
  { feature: "rem", slug: "css-unit-rem", css: /\d\s*rem\b/i },
  {
    feature: "Background images",
    slug: "css-background-image",
    css: /background(?:-image)?\s*:[^;}"']*url\(/i,
  },
  { feature: "Gradients", slug: "css-linear-gradient", css: /(?:linear|radial|conic)-gradient\(/i },
  { feature: ":hover", slug: "css-pseudo-class-hover", css: /:hover\b/i },
  { feature: ":has()", slug: "css-pseudo-class-has", css: /:has\(/i },
  { feature: "::before, ::after", slug: "css-pseudo-element-before", css: /::?(?:before|after)\b/i },
  { feature: "CSS nesting", slug: "css-nesting", css: /[{;]\s*&[\s.:>[]/ },
  { feature: "Modern colours", slug: "css-modern-color", css: /\b(?:ok)?l(?:ab|ch)\(/i },
];

/** Mail apps without a feature, by caniemail.com (MIT): made by `scripts/caniemail.mjs`. */
export function appsWithout({ slug }: Rule): readonly string[] {
  const missing: string = (caniemail.missing as Readonly<Record<string, string>>)[slug] ?? "";
  return Array.from(missing, (index) => caniemail.apps[Number(index)] ?? "");
}
