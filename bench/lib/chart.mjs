const [LEFT, WIDTH, RIGHT, BAR, GAP, TOP] = [130, 420, 90, 14, 12, 56];
/** Told apart by people who see red and green alike, and readable on light and dark. */
const COLORS = ["#3b82f6", "#9ca3af", "#d97706", "#0d9488"];

/**
 * Groups of horizontal bars as SVG. Its words take their colour from the reader's light or dark setting.
 *
 * @param {{ title: string, series: string[], groups: { name: string, values: (number | undefined)[] }[], unit: string }} chart
 */
export function barChart({ title, series, groups, unit }) {
  const largest = Math.max(...groups.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const groupHeight = series.length * BAR + GAP;
  const height = TOP + groups.length * groupHeight;
  const bars = groups.flatMap(({ name, values }, group) => {
    const top = TOP + group * groupHeight;
    const label = `<text x="${LEFT - 8}" y="${top + (series.length * BAR) / 2 + 4}" text-anchor="end">${escapeXml(name)}</text>`;
    return [label, ...values.flatMap((value, index) => bar(value, index, top + index * BAR, largest, unit))];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + RIGHT} ${height}" role="img" aria-label="${escapeXml(title)}">`,
    "<style>text{font:12px system-ui,sans-serif;fill:#374151}.title{font-weight:600}",
    "@media (prefers-color-scheme:dark){text{fill:#d1d5db}}</style>",
    `<text class="title" x="8" y="18">${escapeXml(title)}</text>`,
    ...series.map(legend),
    ...bars,
    "</svg>\n",
  ].join("\n");
}

function bar(value, index, y, largest, unit) {
  if (value === undefined) return [];
  const width = Math.max(1, (value / largest) * WIDTH);
  const shown = value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
  return [
    `<rect x="${LEFT}" y="${y + 1}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${COLORS[index % COLORS.length]}"/>`,
    `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + BAR - 3}">${shown} ${escapeXml(unit)}</text>`,
  ];
}

function legend(name, index) {
  const x = LEFT + index * 110;
  return `<rect x="${x}" y="30" width="10" height="10" fill="${COLORS[index % COLORS.length]}"/><text x="${x + 16}" y="39">${escapeXml(name)}</text>`;
}

function escapeXml(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
