import type { ComponentChildren } from "preact";

/** A choice of one among few. */
export function Segments<T extends string>(props: {
  readonly label: string;
  readonly choices: readonly T[];
  readonly value: T | undefined;
  readonly onChange: (value: T) => void;
}) {
  const { label, choices, value, onChange } = props;
  return (
    <fieldset class="segments">
      <legend class="hidden">{label}</legend>
      {choices.map((name) => (
        <label key={name}>
          <input type="radio" name={label} checked={name === value} onChange={() => onChange(name)} />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** A table whose columns have names. */
export function Table(props: { readonly columns: readonly string[]; readonly children: ComponentChildren }) {
  return (
    <table class="table">
      <thead>
        <tr>
          {props.columns.map((name) => (
            <th scope="col" key={name}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{props.children}</tbody>
    </table>
  );
}
