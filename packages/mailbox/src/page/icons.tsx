const PATHS = {
  logo: "M3 6h18v12H3zm0 0 9 7 9-7",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm5 12 4 4",
  trash: "M4 7h16M9 7V4h6v3m-8 0 1 13h8l1-13m-7 4v6m4-6v6",
  help: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm-2.5 6.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1 1-1.1 1.8m0 3.2v.1",
  back: "M15 5l-7 7 7 7",
  download: "M12 4v11m-5-5 5 5 5-5M5 20h14",
  clip: "M19 11l-7.5 7.5a4.5 4.5 0 0 1-6.4-6.4L13 4.200a3 3 0 0 1 4.3 4.300l-7.8 7.800a1.5 1.5 0 0 1-2.1-2.100L14 7.5",
  open: "M3 10l9-6 9 6v10H3zm0 0 9 6 9-6",
  mark: "M3 6h11M3 6v12h18v-8M3 6l9 7 4-3m3-7a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  ok: "M5 12.500l4.5 4.500L19 7.5",
  warning: "M12 4 2.5 20h19zm0 6v4.500m0 2.800v.1",
  error: "M6 6l12 12M18 6 6 18",
} as const;

/** A line icon. It says nothing to screen readers: its button or text does. */
export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  return (
    <svg class="i" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
